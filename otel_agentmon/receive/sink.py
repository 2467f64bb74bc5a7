"""Where the receiver hands what it has validated."""

from __future__ import annotations

from typing import Protocol

from otel_agentmon.signals import Signal


class Sink(Protocol):
    """Takes one validated request.

    `payload` is the protobuf body of an `Export…ServiceRequest` with nothing in it that the
    landing schema cannot hold; the sink owns it from here. Returning means the bytes are
    durable: the sender may be told so. Raises a `RetryableError` when the sender should come
    back later; never drops.
    """

    async def accept(self, signal: Signal, payload: bytes) -> None: ...

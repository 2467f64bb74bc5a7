"""Sinks for tests: one that keeps what it gets, one that refuses."""

from __future__ import annotations

from otel_agentmon.signals import Signal


class RecordingSink:
    """Keeps every payload."""

    def __init__(self) -> None:
        self.taken: list[tuple[Signal, bytes]] = []

    async def accept(self, signal: Signal, payload: bytes) -> None:
        self.taken.append((signal, payload))


class RefusingSink:
    """Raises `errors` one after the other, then takes."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.taken: list[tuple[Signal, bytes]] = []

    async def accept(self, signal: Signal, payload: bytes) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append((signal, payload))

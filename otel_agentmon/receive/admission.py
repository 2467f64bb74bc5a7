"""Who may send, and how much may be in the house at once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from types import TracebackType

import psutil
from prometheus_client import Gauge

from otel_agentmon.clock import Clock
from otel_agentmon.errors import OverloadedError, ShuttingDownError, UnauthenticatedError


class Admission:
    """The doorkeeper of both doors.

    `token_digests` are SHA-256 digests of the accepted bearer tokens; none means everybody may
    send (the configuration allows that on loopback or behind mTLS only).
    """

    def __init__(
        self,
        token_digests: Sequence[bytes],
        max_in_flight: int,
        memory_is_full: Callable[[], bool],
        in_flight_bytes: Gauge,
    ) -> None:
        self._token_digests = tuple(token_digests)
        self._max_in_flight = max_in_flight
        self._memory_is_full = memory_is_full
        self._gauge = in_flight_bytes
        self._in_flight = 0
        self._is_shutting_down = False

    def admit(self, authorization: str | None) -> Reservation:
        """Lets one request in, before its body is read.

        Raises UnauthenticatedError, ShuttingDownError, or OverloadedError (`memory`).
        """
        self._authenticate(authorization)
        if self._is_shutting_down:
            raise ShuttingDownError("the monitor is shutting down")
        if self._memory_is_full():
            raise OverloadedError("the monitor's memory is above its limit", reason="memory")
        return Reservation(self)

    def shut_down(self) -> None:
        """From now on every request is asked to come back."""
        self._is_shutting_down = True

    def _authenticate(self, authorization: str | None) -> None:
        if not self._token_digests:
            return
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UnauthenticatedError("send a bearer token in the authorization header")
        digest = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).digest()
        # Every digest is compared, so the time says nothing about which one came close.
        matches = [hmac.compare_digest(digest, known) for known in self._token_digests]
        if not any(matches):
            raise UnauthenticatedError("the bearer token is not one of the configured tokens")

    def take(self, byte_count: int) -> None:
        """For `Reservation` only: adds to what is in flight, or refuses."""
        if self._in_flight + byte_count > self._max_in_flight:
            raise OverloadedError(
                "the monitor holds as many unfinished requests as it may", reason="in_flight_bytes"
            )
        self._in_flight += byte_count
        self._gauge.set(self._in_flight)

    def release(self, byte_count: int) -> None:
        """For `Reservation` only: gives back what was taken."""
        self._in_flight -= byte_count
        self._gauge.set(self._in_flight)


class Reservation:
    """The bytes one request holds; grows as they arrive or inflate, all given back at exit."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._held = 0

    def grow(self, byte_count: int) -> None:
        """Takes more. Raises OverloadedError (`in_flight_bytes`), holding what it held before."""
        self._admission.take(byte_count)
        self._held += byte_count

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._admission.release(self._held)
        self._held = 0


class ResidentMemory:
    """Says whether the process is above `limit_bytes`; measures at most ten times a second."""

    def __init__(
        self,
        limit_bytes: int,
        clock: Clock,
        read_bytes: Callable[[], int] = lambda: int(psutil.Process().memory_info().rss),
    ) -> None:
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._read_bytes = read_bytes
        self._measured_at = float("-inf")
        self._is_full = False

    def __call__(self) -> bool:
        now = self._clock.monotonic()
        if self._limit_bytes and now - self._measured_at >= 0.1:
            self._measured_at = now
            self._is_full = self._read_bytes() > self._limit_bytes
        return self._is_full

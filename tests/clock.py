"""A clock that stands still until a test moves it."""

from __future__ import annotations


class ManualClock:
    """Both kinds of time of `otel_agentmon.clock.Clock`, moved by hand and always together."""

    def __init__(self, unix_nano: int = 1_800_000_000_000_000_000, monotonic: float = 1000.0):
        self._unix_nano = unix_nano
        self._monotonic = monotonic

    def unix_nano(self) -> int:
        return self._unix_nano

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move both kinds of time forward; a negative step is a mistake in the test."""
        if seconds < 0:
            raise ValueError(f"time moves forward only, not by {seconds} s")
        self._unix_nano += round(seconds * 1e9)
        self._monotonic += seconds

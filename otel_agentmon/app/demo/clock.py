"""The time that sample agents live in: a run of a minute takes no time at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class VirtualClock:
    """Wall time that moves only when the simulated world does something."""

    def __init__(self, unix_nano: int) -> None:
        self._now = unix_nano

    def now(self) -> int:
        """Nanoseconds since the Unix epoch, as spans and log records want them."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += round(seconds * 1e9)

    def parallel(self, *steps: Callable[[], T]) -> list[T]:
        """Take the steps as if all began now; afterwards it is as late as the last one's end."""
        start = end = self._now
        results = []
        try:
            for step in steps:
                self._now = start
                results.append(step())
                end = max(end, self._now)
        finally:
            self._now = max(end, self._now)
        return results

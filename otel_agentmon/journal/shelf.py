"""Closed segments: those that wait for a loader and those in a loader's hands."""

from __future__ import annotations

import heapq

from otel_agentmon.journal.segment import Segment
from otel_agentmon.signals import Signal


class Shelf:
    """Hands out segments by rising number; the caller holds a lock around every call."""

    def __init__(self) -> None:
        self._waiting: dict[Signal, list[tuple[int, Segment]]] = {signal: [] for signal in Signal}
        self._since: dict[int, int] = {}
        self._taken: set[int] = set()
        self.bytes = 0
        """Size of all segments here, taken ones included."""

    def __len__(self) -> int:
        return len(self._since)

    @property
    def taken(self) -> int:
        """How many segments are in a loader's hands."""
        return len(self._taken)

    @property
    def oldest_unix_nano(self) -> int | None:
        """Wall time of the oldest record here."""
        return min(self._since.values(), default=None)

    def add(self, segment: Segment, since_unix_nano: int) -> None:
        """Take in a segment whose first record was written at `since_unix_nano`."""
        self._since[segment.number] = since_unix_nano
        self.bytes += segment.size_bytes
        heapq.heappush(self._waiting[segment.signal], (segment.number, segment))

    def has(self, signal: Signal | None) -> bool:
        """Whether `take` would find one."""
        return any(self._queues(signal))

    def take(self, signal: Signal | None) -> Segment | None:
        """The waiting segment with the lowest number; `signal` None stands for any."""
        queues = [queue for queue in self._queues(signal) if queue]
        if not queues:
            return None
        number, segment = heapq.heappop(min(queues, key=lambda queue: queue[0][0]))
        self._taken.add(number)
        return segment

    def put_back(self, segment: Segment) -> None:
        """Let a taken segment wait again. Raises ValueError if it is not taken."""
        self._return(segment)
        heapq.heappush(self._waiting[segment.signal], (segment.number, segment))

    def remove(self, segment: Segment) -> None:
        """Forget a taken segment. Raises ValueError if it is not taken."""
        self._return(segment)
        del self._since[segment.number]
        self.bytes -= segment.size_bytes

    def _return(self, segment: Segment) -> None:
        if segment.number not in self._taken:
            raise ValueError(f"{segment.token} is not in a loader's hands")
        self._taken.remove(segment.number)

    def _queues(self, signal: Signal | None) -> list[list[tuple[int, Segment]]]:
        return list(self._waiting.values()) if signal is None else [self._waiting[signal]]

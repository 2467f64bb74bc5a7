"""Open segments: appending requests to them, and closing them.

Nothing here waits, starts a thread or knows who asked; `journal` drives it from its one thread and
tests drive it by hand. When an append fails, the rule is the same for every cause: the segment is
cut back to what is known to be good, closed and never written again (after a failed sync its tail
cannot be trusted, see `disk.Disk`), and the next request opens a new one.

Closing needs no sync with `sync: always`: the records are safe already, and `recovery` needs
neither the header nor the name of a closed segment to find them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from otel_agentmon.clock import Clock
from otel_agentmon.journal.config import JournalConfig, SyncPolicy
from otel_agentmon.journal.disk import Disk
from otel_agentmon.journal.numbers import SegmentNumbers
from otel_agentmon.journal.segment import (
    EMPTY_HEADER,
    FRAME_BYTES,
    HEADER_BYTES,
    Segment,
    encode_frame,
    encode_header,
    frame_seed,
    segment_name,
)
from otel_agentmon.journal.telemetry import JournalTelemetry
from otel_agentmon.signals import Signal

RETRY_SECONDS = 1.0
"""How long a disk that failed is left alone."""

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _OpenSegment:
    path: Path
    signal: Signal
    number: int
    handle: int
    since: float
    since_unix_nano: int
    size: int = HEADER_BYTES
    """Up to the end of the last acknowledged record."""
    records: int = 0
    unsynced_since: float | None = None
    has_torn_tail: bool = False


class SegmentWriter:
    """Owns the open segments, at most one a signal; used by one thread.

    A closed segment goes to `shelve`, with the wall time of its first record.
    """

    def __init__(
        self,
        directory: Path,
        config: JournalConfig,
        telemetry: JournalTelemetry,
        clock: Clock,
        disk: Disk,
        shelve: Callable[[Segment, int], None],
    ) -> None:
        self._directory = directory
        self._config = config
        self._telemetry = telemetry
        self._clock = clock
        self._disk = disk
        self._shelve = shelve
        self._numbers = SegmentNumbers(directory, disk, clock)
        self._open: dict[Signal, _OpenSegment] = {}
        self._unclosed: list[_OpenSegment] = []
        self._retry_at = 0.0
        self.held_bytes = 0
        """Size of all segments that are not closed; other threads may read it."""

    def start(self, highest_on_disk: int) -> None:
        """Give out numbers above every earlier one. Raises OSError."""
        self._numbers.load(highest_on_disk)

    @property
    def held_segments(self) -> int:
        """How many segments are not closed; other threads may read it."""
        return len(self._open) + len(self._unclosed)

    @property
    def oldest_unix_nano(self) -> int | None:
        """When the first record of all that is not closed was written; any thread may read it."""
        held = (*self._open.values(), *self._unclosed)
        return min((segment.since_unix_nano for segment in held), default=None)

    def write_batch(self, records: Sequence[tuple[Signal, bytes]]) -> list[OSError | None]:
        """Write each record, in order for each signal, and say for each whether it is durable.

        An entry is None once the record is as safe as the sync policy asks for, and otherwise the
        error; such a record will not be handed out by this process.
        """
        outcomes: list[OSError | None] = [None] * len(records)
        by_signal: dict[Signal, list[int]] = {}
        for index, (signal, _) in enumerate(records):
            by_signal.setdefault(signal, []).append(index)
        for signal, indexes in by_signal.items():
            done = 0
            try:
                while done < len(indexes):
                    segment = self._open.get(signal) or self._create(signal)
                    payloads = [records[index][1] for index in indexes[done:]]
                    done += self._append(segment, payloads)
            except OSError as error:
                for index in indexes[done:]:
                    outcomes[index] = error
        return outcomes

    def next_due(self, wanted: Sequence[Signal | None]) -> float | None:
        """When `tick` has something to do, in the clock's seconds; None if it has not."""
        roll_age = self._config.roll_age.total_seconds()
        times = [segment.since + roll_age for segment in self._match(wanted)]
        syncs = map(self._sync_due, self._open.values())
        times += [due for due in syncs if due is not None]
        if self._unclosed:
            times.append(self._retry_at)
        return min(times, default=None)

    def tick(self, wanted: Sequence[Signal | None]) -> None:
        """Do what time asks for; `wanted` has an entry for each loader that waits for a segment.

        None in it stands for any signal.
        """
        now = self._clock.monotonic()
        for segment in list(self._open.values()):
            due = self._sync_due(segment)
            if due is not None and now >= due and not self._sync(segment):
                self._close(segment)
        for segment in self._match(wanted):
            if now >= segment.since + self._config.roll_age.total_seconds():
                self._close(segment)
        if self._unclosed and now >= self._retry_at:
            self._retry()

    def close_all(self) -> None:
        """Close every segment; one that cannot be closed is left to the recovery at next start."""
        for segment in list(self._open.values()):
            self._close(segment)
        if self._unclosed:
            self._retry()
        for segment in self._unclosed:
            self._close_handle(segment)
        self._unclosed.clear()
        self._count()

    def _create(self, signal: Signal) -> _OpenSegment:
        number = self._numbers.take()
        path = self._directory / segment_name(signal, number, is_open=True)
        segment = _OpenSegment(
            path=path,
            signal=signal,
            number=number,
            handle=self._disk.create(path),
            since=self._clock.monotonic(),
            since_unix_nano=self._clock.unix_nano(),
        )
        self._open[signal] = segment
        try:
            self._disk.write(segment.handle, (EMPTY_HEADER,), 0)
            if self._config.sync is not SyncPolicy.NEVER:
                self._disk.sync_directory(self._directory)
        except OSError:
            self._close(segment)
            raise
        return segment

    def _append(self, segment: _OpenSegment, payloads: Sequence[bytes]) -> int:
        """Write as many of the payloads as fit in the segment, at least one, and say how many."""
        buffers: list[bytes] = []
        size, sequence, seed = segment.size, segment.records, frame_seed(segment.number)
        for payload in payloads:
            buffers += (encode_frame(seed, sequence, segment.records, payload), payload)
            size += FRAME_BYTES + len(payload)
            sequence += 1
            if size >= self._config.segment_size:
                break
        started = self._clock.monotonic()
        try:
            self._disk.write(segment.handle, buffers, segment.size)
            if self._config.sync is SyncPolicy.ALWAYS:
                self._disk.sync_data(segment.handle)
        except OSError:
            self._telemetry.commit_failures.inc()
            segment.has_torn_tail = True
            self._close(segment)
            raise
        count = sequence - segment.records
        self._committed(segment, count, size - segment.size, started)
        segment.size, segment.records = size, sequence
        if size >= self._config.segment_size:
            self._close(segment)
        self._count()
        return count

    def _committed(self, segment: _OpenSegment, count: int, size: int, started: float) -> None:
        now = self._clock.monotonic()
        if self._config.sync is SyncPolicy.INTERVAL and segment.unsynced_since is None:
            segment.unsynced_since = now
        self._telemetry.commits.inc()
        self._telemetry.commit_seconds.observe(now - started)
        self._telemetry.written_records.labels(segment.signal).inc(count)
        self._telemetry.written_bytes.labels(segment.signal).inc(size - count * FRAME_BYTES)

    def _match(self, wanted: Sequence[Signal | None]) -> list[_OpenSegment]:
        """The open segments that loaders wait for: the oldest first, one a loader."""
        left = list(wanted)
        matched = []
        for segment in sorted(self._open.values(), key=lambda segment: segment.number):
            for signal in (segment.signal, None):
                if signal in left and segment.records:
                    left.remove(signal)
                    matched.append(segment)
                    break
        return matched

    def _sync_due(self, segment: _OpenSegment) -> float | None:
        if segment.unsynced_since is None:
            return None
        return segment.unsynced_since + self._config.sync_interval.total_seconds()

    def _sync(self, segment: _OpenSegment) -> bool:
        """Sync what was written without (`sync: interval`, or a cut tail); say if it worked.

        A segment that cannot be synced is kept all the same: the kernel may still have its data,
        and that is where the database reads it from.
        """
        segment.unsynced_since = None
        try:
            self._disk.sync_data(segment.handle)
        except OSError as error:
            self._telemetry.commit_failures.inc()
            _LOG.error(
                "a segment could not be synced; it may not survive a power cut as it is now",
                extra={"segment": segment.path.name, "error": str(error)},
            )
            return False
        return True

    def _close(self, segment: _OpenSegment) -> None:
        """Close the segment and hand it on; try again later if the disk refuses."""
        if self._open.get(segment.signal) is segment:
            del self._open[segment.signal]
        try:
            self._finish(segment)
        except FileNotFoundError:
            _LOG.error("a segment vanished from the disk", extra={"segment": segment.path.name})
            self._close_handle(segment)
        except OSError as error:
            _LOG.warning(
                "a segment could not be closed; trying again",
                extra={"segment": segment.path.name, "error": str(error)},
            )
            self._unclosed.append(segment)
            self._retry_at = self._clock.monotonic() + RETRY_SECONDS
        self._count()

    def _retry(self) -> None:
        unclosed, self._unclosed = self._unclosed, []
        for segment in unclosed:
            self._close(segment)

    def _finish(self, segment: _OpenSegment) -> None:
        if segment.records == 0:
            self._disk.unlink(segment.path)
            self._close_handle(segment)
            return
        if segment.has_torn_tail:
            # What was refused will be sent again; it must not be loaded from here as well.
            self._disk.truncate(segment.handle, segment.size)
        if segment.has_torn_tail or segment.unsynced_since is not None:
            self._sync(segment)
        self._disk.write(segment.handle, (encode_header(segment.size - HEADER_BYTES),), 0)
        path = self._directory / segment_name(segment.signal, segment.number, is_open=False)
        self._disk.rename(segment.path, path)
        self._close_handle(segment)
        closed = Segment(path, segment.signal, segment.number, segment.size, segment.records, False)
        self._shelve(closed, segment.since_unix_nano)

    def _close_handle(self, segment: _OpenSegment) -> None:
        try:
            self._disk.close(segment.handle)
        except OSError as error:
            # Linux frees the handle even then; nothing written depends on it any more.
            _LOG.warning(
                "closing a segment file failed",
                extra={"segment": segment.path.name, "error": str(error)},
            )

    def _count(self) -> None:
        held = (*self._open.values(), *self._unclosed)
        self.held_bytes = sum(segment.size for segment in held)

"""Segment numbers that are never given out twice, whatever happens to the process or the disk."""

from __future__ import annotations

import zlib
from pathlib import Path

from otel_agentmon.clock import Clock
from otel_agentmon.journal.disk import Disk

_FILE = "numbers"
_RESERVED_AT_ONCE = 1024


class SegmentNumbers:
    """Rising numbers, reserved on disk in blocks before the first of a block is used.

    Where no reservation can be read (a new directory, a lost or damaged file), numbers go on from
    the wall clock in microseconds: above anything given out before, because segments are made far
    more slowly than one a microsecond. So a new directory does not repeat the numbers of one that
    was deleted, whose tokens the database still remembers. Microseconds fit in 53 bits until 2255.
    """

    def __init__(self, directory: Path, disk: Disk, clock: Clock) -> None:
        self._directory = directory
        self._disk = disk
        self._clock = clock
        self._next = 0
        self._limit = 0

    def load(self, highest_on_disk: int) -> None:
        """Go on above the reservation and `highest_on_disk` (-1 if there is no segment).

        Raises OSError if the reservation exists and cannot be read.
        """
        start = self._read_limit()
        if start is None:
            start = self._clock.unix_nano() // 1000
        self._next = self._limit = max(start, highest_on_disk + 1)

    def take(self) -> int:
        """The next number. Raises OSError if a new block cannot be reserved."""
        if self._next >= self._limit:
            self._reserve(self._next + _RESERVED_AT_ONCE)
        self._next += 1
        return self._next - 1

    def _read_limit(self) -> int | None:
        try:
            limit, _, crc = self._disk.read(self._directory / _FILE).partition(b" ")
        except FileNotFoundError:
            return None
        if not limit.isdigit() or crc != b"%08x\n" % zlib.crc32(limit):
            return None
        return int(limit)

    def _reserve(self, limit: int) -> None:
        text = b"%d" % limit
        scratch = self._directory / f"{_FILE}.tmp"
        handle = self._disk.create(scratch, replace=True)
        try:
            self._disk.write(handle, (b"%b %08x\n" % (text, zlib.crc32(text)),), 0)
            self._disk.sync_data(handle)
        finally:
            self._disk.close(handle)
        self._disk.rename(scratch, self._directory / _FILE)
        self._disk.sync_directory(self._directory)
        self._limit = limit

"""What happens to the segments found on disk at start.

Every segment file is read and checked, open or closed, whatever its header says. Intact records
are kept and the file becomes a closed segment again; damage is handled by what it can mean:

- the tail of an open segment is a write cut short, never acknowledged: cut off;
- damage elsewhere hit acknowledged records: they are left out, counted, logged as errors, and the
  damaged bytes kept in `quarantine/<segment>.torn` for a human;
- a file that cannot be read at all goes to `quarantine/` whole.

Nothing here needs to be durable itself: after a crash in the middle the same is done again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from otel_agentmon.journal.disk import Disk
from otel_agentmon.journal.segment import (
    HEADER_BYTES,
    Scan,
    Segment,
    encode_header,
    parse_segment_name,
    scan_segment,
    segment_name,
)
from otel_agentmon.journal.telemetry import JournalTelemetry
from otel_agentmon.signals import Signal

QUARANTINE = "quarantine"
"""The folder for what a human has to look at; nothing in it is deleted by us."""

_SCRATCH_SUFFIX = ".tmp"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found: the segments by rising number, and the highest number of all (or -1)."""

    segments: tuple[tuple[Segment, int], ...]
    """With the wall time of each one's last write, in nanoseconds since the Unix epoch."""
    highest_number: int


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    signal: Signal
    number: int
    is_open: bool


def recover(directory: Path, disk: Disk, telemetry: JournalTelemetry) -> Recovered:
    """Make every segment file in `directory` a closed, intact segment.

    Raises OSError if the disk does not let us; then nothing is lost and it can be tried again.
    """
    found = []
    for name in disk.names(directory):
        parsed = parse_segment_name(name)
        if parsed is not None:
            found.append(_Found(name, *parsed))
        elif name.endswith(_SCRATCH_SUFFIX):
            disk.unlink(directory / name)
    segments = []
    for one in sorted(found, key=lambda one: one.number):
        modified = disk.state(directory / one.name).modified_unix_nano
        segment = _recover_segment(directory, one, disk, telemetry)
        if segment is not None:
            telemetry.recovered_segments.inc()
            segments.append((segment, modified))
    highest = max((one.number for one in found), default=-1)
    return Recovered(tuple(segments), highest)


def _recover_segment(
    directory: Path, found: _Found, disk: Disk, telemetry: JournalTelemetry
) -> Segment | None:
    path = directory / found.name
    try:
        data = disk.read(path)
    except OSError as error:
        _LOG.error(
            "a segment cannot be read and was moved to quarantine",
            extra={"segment": found.name, "error": str(error)},
        )
        disk.rename(path, directory / QUARANTINE / found.name)
        telemetry.quarantined_segments.inc()
        return None
    scan = scan_segment(data, found.number, is_open=found.is_open)
    _report_gaps(directory, found, data, scan, disk, telemetry)
    if not scan.kept:
        disk.unlink(path)
        return None
    size = _keep_intact(path, data, scan, disk)
    closed = directory / segment_name(found.signal, found.number, is_open=False)
    if found.is_open:
        disk.rename(path, closed)
    return Segment(closed, found.signal, found.number, size, scan.records, recovered=True)


def _report_gaps(
    directory: Path,
    found: _Found,
    data: bytes,
    scan: Scan,
    disk: Disk,
    telemetry: JournalTelemetry,
) -> None:
    torn = sum(gap.end - gap.start for gap in scan.gaps if not gap.lost_records)
    if torn:
        telemetry.torn_bytes.inc(torn)
        _LOG.warning(
            "a write cut short was removed; it had not been acknowledged",
            extra={"segment": found.name, "bytes": torn},
        )
    lost = sum(gap.lost_records for gap in scan.gaps)
    if lost:
        _save(directory / QUARANTINE / f"{found.name}.torn", data, scan, disk)
        telemetry.corrupt_records.inc(lost)
        _LOG.error(
            "acknowledged requests are damaged on the disk and lost; the bytes are in quarantine",
            extra={"segment": found.name, "records": lost},
        )


def _save(path: Path, data: bytes, scan: Scan, disk: Disk) -> None:
    damaged = [data[gap.start : gap.end] for gap in scan.gaps if gap.lost_records]
    handle = disk.create(path, replace=True)
    try:
        disk.write(handle, damaged, 0)
        disk.sync_data(handle)
    finally:
        disk.close(handle)
    disk.sync_directory(path.parent)


def _keep_intact(path: Path, data: bytes, scan: Scan, disk: Disk) -> int:
    """Make the file at `path` a header and the intact records, and return its size.

    A file with damage in the middle is replaced by a new one, so that a crash leaves either.
    """
    size = HEADER_BYTES + sum(end - start for start, end in scan.kept)
    header = encode_header(size - HEADER_BYTES)
    if scan.kept[0] == (HEADER_BYTES, size):
        if len(data) == size and data.startswith(header):
            return size
        handle = disk.open(path)
        try:
            disk.truncate(handle, size)
            disk.write(handle, (header,), 0)
            # A tail that was written and not synced is ours now: were it torn by a later power
            # cut, it would look like damage to a closed segment.
            disk.sync_data(handle)
        finally:
            disk.close(handle)
        return size
    scratch = path.with_name(path.name + _SCRATCH_SUFFIX)
    handle = disk.create(scratch, replace=True)
    try:
        disk.write(handle, (header, *(data[start:end] for start, end in scan.kept)), 0)
        disk.sync_data(handle)
    finally:
        disk.close(handle)
    disk.rename(scratch, path)
    return size

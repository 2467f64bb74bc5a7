"""The segment file: how its bytes are made and what can be read back from damaged ones.

A segment holds requests of one signal and is read by ClickHouse as `ProtobufList` as it lies on
the disk (https://clickhouse.com/docs/interfaces/formats/ProtobufList):

    header   varint padded to 5 bytes: the length of all that follows; 0 until the segment is closed
    record   frame (28 bytes) and payload, any number of times

A payload is the protobuf body of an `Export…ServiceRequest`, so the bytes after the header are one
larger request. So that this stays true, the frame is an element of the same list: an empty
`ResourceSpans` (`ResourceMetrics`, `ResourceLogs`) with one field that no schema knows:

    0a 1a                the element: field 1, 26 bytes
    ea ee cb b3 0d 14    field 0x1ACE5EED, 20 bytes; five bytes of tag nobody else writes, which
                         is also what a reader looks for after damaged bytes. OpenTelemetry counts
                         its fields from 1; the number is below 2^29 and not in 19000-19999, which
                         protobuf keeps for itself.
    u32  sequence        of the record in this segment, from 0
    u32  batch_start     sequence of the first record of the same write; all before that one were
                         acknowledged when this record was written
    u32  payload length
    u32  crc32 of the payload
    u32  crc32 of the 24 bytes above and the segment's number, so that the frame of another
         segment, left behind in a reused disk block, is not taken for one of ours

Integers are little-endian. What is not here: files; see `writer` and `recovery`.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from otel_agentmon.signals import Signal

HEADER_BYTES = 5
FRAME_BYTES = 28
EMPTY_HEADER = b"\x80\x80\x80\x80\x00"
OPEN_SUFFIX = ".open"
CLOSED_SUFFIX = ".segment"

_PREFIX = bytes.fromhex("0a1a eaeecbb30d 14")
_FIELDS = struct.Struct("<8sIIII")
_FRAME = struct.Struct("<8sIIIII")
_CRC = struct.Struct("<I")
_NAME = re.compile(
    rf"({'|'.join(Signal)})-(\d{{16}})({OPEN_SUFFIX}|{CLOSED_SUFFIX})".replace(".", r"\.")
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A closed segment file, ready for the database."""

    path: Path
    """Absolute."""
    signal: Signal
    number: int
    """Unique and rising over the life of the data directory; fits in 53 bits."""
    size_bytes: int
    """Of the file, header included."""
    records: int
    recovered: bool
    """It was found on disk at start, so it may have been loaded in part before."""

    @property
    def token(self) -> str:
        """What the store deduplicates by; the same for this data after any restart."""
        return f"{self.signal}-{self.number:016d}"


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes from `start` to `end` of a segment file that hold no intact record."""

    start: int
    end: int
    lost_records: int
    """How many acknowledged records stood there (at least); 0 for a write cut short."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a segment file holds, in file order; `kept` are the byte ranges of intact records."""

    records: int
    kept: tuple[tuple[int, int], ...]
    gaps: tuple[Gap, ...]


def segment_name(signal: Signal, number: int, *, is_open: bool) -> str:
    """The file name of a segment, which says all that must be known before it is read."""
    return f"{signal}-{number:016d}{OPEN_SUFFIX if is_open else CLOSED_SUFFIX}"


def parse_segment_name(name: str) -> tuple[Signal, int, bool] | None:
    """Signal, number and whether it is open; None if the name is not a segment's."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return Signal(match[1]), int(match[2]), match[3] == OPEN_SUFFIX


def encode_header(length: int) -> bytes:
    """`length` as a varint of exactly 5 bytes. Raises ValueError above 2^35 - 1."""
    if not 0 <= length < 2**35:
        raise ValueError(f"a segment of {length} bytes does not fit its header")
    return bytes((length >> shift & 0x7F) | 0x80 for shift in (0, 7, 14, 21)) + bytes(
        (length >> 28,)
    )


def frame_seed(number: int) -> int:
    """What the frame checksums of segment `number` start from."""
    return zlib.crc32(number.to_bytes(8, "little"))


def encode_frame(seed: int, sequence: int, batch_start: int, payload: bytes) -> bytes:
    """The frame that goes before `payload`."""
    fields = _FIELDS.pack(_PREFIX, sequence, batch_start, len(payload), zlib.crc32(payload))
    return fields + _CRC.pack(zlib.crc32(fields, seed))


def scan_segment(data: bytes, number: int, *, is_open: bool) -> Scan:
    """Find every intact record of segment `number`, whatever happened to the others.

    A record whose payload is damaged is skipped by its frame's length; after a damaged frame the
    next intact one is looked for. In a closed segment everything was acknowledged; in an open one
    everything before the last write was.
    """
    view = memoryview(data)
    seed = frame_seed(number)
    kept: list[tuple[int, int]] = []
    holes: list[tuple[int, int, int, int]] = []
    records = sequence = batch_start = 0
    offset = HEADER_BYTES
    while offset < len(data):
        frame = _frame_at(data, offset, seed, sequence)
        if frame is None:
            end, following = _next_frame(data, offset + 1, seed, sequence)
            holes.append((offset, end, sequence, following))
            sequence = following
        else:
            end = offset + FRAME_BYTES + frame.payload_bytes
            if end <= len(data) and zlib.crc32(view[offset + FRAME_BYTES : end]) == frame.crc:
                _extend(kept, offset, end)
                records += 1
                batch_start = frame.batch_start
            else:
                end = min(end, len(data))
                holes.append((offset, end, frame.sequence, frame.sequence + 1))
            sequence = frame.sequence + 1
        offset = end
    acknowledged = batch_start if is_open else sequence
    gaps = tuple(
        Gap(start, end, max(0, min(following, acknowledged) - first))
        for start, end, first, following in holes
    )
    return Scan(records, tuple(kept), gaps)


@dataclass(frozen=True, slots=True)
class _Frame:
    sequence: int
    batch_start: int
    payload_bytes: int
    crc: int


def _frame_at(data: bytes, offset: int, seed: int, least_sequence: int) -> _Frame | None:
    if offset + FRAME_BYTES > len(data) or not data.startswith(_PREFIX, offset):
        return None
    _, sequence, batch_start, payload_bytes, crc, frame_crc = _FRAME.unpack_from(data, offset)
    if zlib.crc32(data[offset : offset + _FIELDS.size], seed) != frame_crc:
        return None
    if sequence < least_sequence:
        return None
    return _Frame(sequence, batch_start, payload_bytes, crc)


def _next_frame(data: bytes, offset: int, seed: int, least_sequence: int) -> tuple[int, int]:
    """Where the next intact frame starts and its sequence; the end of the data if there is none.

    There the sequence is one more than the last: at least one record stood in the gap.
    """
    while (offset := data.find(_PREFIX, offset)) >= 0:
        frame = _frame_at(data, offset, seed, least_sequence)
        if frame is not None:
            return offset, frame.sequence
        offset += 1
    return len(data), least_sequence + 1


def _extend(ranges: list[tuple[int, int]], start: int, end: int) -> None:
    if ranges and ranges[-1][1] == start:
        ranges[-1] = (ranges[-1][0], end)
    else:
        ranges.append((start, end))

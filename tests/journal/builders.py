"""What the journal's tests are built from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from otel_agentmon.journal.config import JournalConfig
from otel_agentmon.journal.disk import Disk, OsDisk
from otel_agentmon.journal.segment import (
    EMPTY_HEADER,
    HEADER_BYTES,
    Segment,
    encode_frame,
    encode_header,
    frame_seed,
    segment_name,
)
from otel_agentmon.journal.telemetry import JournalTelemetry
from otel_agentmon.journal.writer import SegmentWriter
from otel_agentmon.signals import Signal
from tests.clock import ManualClock

FRAME_TAG = bytes.fromhex("eaeecbb30d")


def make_telemetry() -> JournalTelemetry:
    """Instruments in a registry of their own."""
    return JournalTelemetry.build(CollectorRegistry())


def make_config(**settings: Any) -> JournalConfig:
    """The default configuration with some settings changed."""
    return JournalConfig(**settings)


def make_payload(text: str | bytes) -> bytes:
    """A valid trace, metrics or logs request: one resource whose `schema_url` is the text."""
    raw = text.encode() if isinstance(text, str) else text
    element = b"\x1a" + make_varint(len(raw)) + raw
    return b"\x0a" + make_varint(len(element)) + element


def make_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def make_segment_bytes(
    payloads: list[bytes], number: int = 1, *, is_open: bool = False, batch: int = 1
) -> bytes:
    """A segment file written in batches of `batch` records."""
    seed = frame_seed(number)
    body = b"".join(
        encode_frame(seed, sequence, sequence - sequence % batch, payload) + payload
        for sequence, payload in enumerate(payloads)
    )
    return (EMPTY_HEADER if is_open else encode_header(len(body))) + body


def write_segment(
    directory: Path, payloads: list[bytes], number: int = 1, *, is_open: bool = False
) -> Path:
    """A trace segment in `directory`."""
    path = directory / segment_name(Signal.TRACES, number, is_open=is_open)
    path.write_bytes(make_segment_bytes(payloads, number, is_open=is_open))
    return path


def make_writer(
    directory: Path,
    *,
    disk: Disk | None = None,
    clock: ManualClock | None = None,
    telemetry: JournalTelemetry | None = None,
    **settings: Any,
) -> tuple[SegmentWriter, list[Segment]]:
    """A writer that is ready, and the list its closed segments go to."""
    closed: list[Segment] = []
    writer = SegmentWriter(
        directory,
        make_config(**settings),
        telemetry or make_telemetry(),
        clock or ManualClock(),
        disk or OsDisk(),
        lambda segment, _since: closed.append(segment),
    )
    writer.start(-1)
    return writer, closed


def read_texts(data: bytes) -> list[bytes]:
    """The `make_payload` texts in a closed segment file, read by walking the protobuf alone.

    Shares no code with the journal: fails on anything the database would not read.
    """
    length, offset = _read_varint(data, 0)
    assert offset == HEADER_BYTES
    assert length == len(data) - HEADER_BYTES
    texts = []
    while offset < len(data):
        assert data[offset] == 0x0A
        size, offset = _read_varint(data, offset + 1)
        element = data[offset : offset + size]
        assert len(element) == size
        offset += size
        if element.startswith(FRAME_TAG):
            continue
        assert element[0] == 0x1A
        text_size, start = _read_varint(element, 1)
        assert start + text_size == size
        texts.append(element[start:])
    return texts


def _read_varint(data: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[offset]
        value |= (byte & 0x7F) << shift
        shift += 7
        offset += 1
        if byte < 0x80:
            return value, offset

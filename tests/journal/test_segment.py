"""The bytes of a segment file, and what is left of damaged ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_agentmon.journal.segment import (
    FRAME_BYTES,
    HEADER_BYTES,
    Segment,
    encode_header,
    parse_segment_name,
    scan_segment,
    segment_name,
)
from otel_agentmon.signals import Signal
from tests.journal.builders import make_payload, make_segment_bytes, read_texts, write_segment

PAYLOADS = [make_payload(text) for text in ("one", "two", "three", "four")]
STARTS = [
    HEADER_BYTES + sum(FRAME_BYTES + len(payload) for payload in PAYLOADS[:index])
    for index in range(len(PAYLOADS) + 1)
]


def flip(data: bytes, offset: int) -> bytes:
    return data[:offset] + bytes([data[offset] ^ 0x10]) + data[offset + 1 :]


def kept_texts(data: bytes, *, is_open: bool = False) -> list[bytes]:
    scan = scan_segment(data, 1, is_open=is_open)
    body = b"".join(data[start:end] for start, end in scan.kept)
    return read_texts(encode_header(len(body)) + body)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 2**21, 2**28, 2**35 - 1])
def test_a_header_is_a_varint_of_five_bytes(length: int) -> None:
    """Its place can be kept before the length is known."""
    header = encode_header(length)

    assert len(header) == HEADER_BYTES
    assert all(byte & 0x80 for byte in header[:4])
    assert sum((byte & 0x7F) << 7 * index for index, byte in enumerate(header)) == length


def test_a_length_that_does_not_fit_is_an_error() -> None:
    """A cut length would hide records from the database."""
    with pytest.raises(ValueError, match="does not fit"):
        encode_header(2**35)


@pytest.mark.parametrize(
    ("request_type", "field"),
    [
        (ExportTraceServiceRequest, "resource_spans"),
        (ExportMetricsServiceRequest, "resource_metrics"),
        (ExportLogsServiceRequest, "resource_logs"),
    ],
)
def test_a_segment_is_one_larger_request(request_type: type, field: str) -> None:
    """After the header the frames are empty elements and the payloads are what was sent."""
    request = request_type.FromString(make_segment_bytes(PAYLOADS)[HEADER_BYTES:])

    urls = [element.schema_url for element in getattr(request, field)]
    assert urls == ["", "one", "", "two", "", "three", "", "four"]


def test_the_database_reads_a_segment_as_it_lies(tmp_path: Path) -> None:
    """ClickHouse skips the field of the frames and sees every payload."""
    path = write_segment(tmp_path, PAYLOADS)
    program = """
import chdb, sys
connection = chdb.connect(":memory:")
connection.query("CREATE TABLE landed (schema_url String) ENGINE = Memory")
connection.query(f'''
    INSERT INTO landed FROM INFILE '{sys.argv[1]}'
    SETTINGS format_schema_source='string', format_schema_message_name='ResourceSpans',
        format_schema='syntax = "proto3"; message ResourceSpans {{ string schema_url = 3; }}'
    FORMAT ProtobufList
''')
print(connection.query("SELECT schema_url FROM landed WHERE schema_url != ''", "CSV"), end="")
"""
    # A process of its own, because one process has one engine.
    done = subprocess.run(
        [sys.executable, "-c", program, path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.split() == ['"one"', '"two"', '"three"', '"four"'], done.stderr


@pytest.mark.parametrize("is_open", [True, False])
def test_a_file_name_says_signal_number_and_state(is_open: bool) -> None:
    """A segment can be sorted before it is read."""
    name = segment_name(Signal.LOGS, 42, is_open=is_open)

    assert parse_segment_name(name) == (Signal.LOGS, 42, is_open)


@pytest.mark.parametrize(
    "name",
    ["lock", "numbers", "spans-0000000000000001.open", "logs-1.open", "logs-00000000000000010open"],
)
def test_other_names_are_not_segments(name: str) -> None:
    """What we did not write is left alone."""
    assert parse_segment_name(name) is None


def test_a_token_names_signal_and_number() -> None:
    """The store deduplicates by it, so it is fixed for ever."""
    segment = Segment(Path("/x"), Signal.TRACES, 42, 5, 0, recovered=False)

    assert segment.token == "traces-0000000000000042"  # noqa: S105 (a name, not a secret)


def test_an_intact_segment_is_kept_whole() -> None:
    """One range, no gap."""
    data = make_segment_bytes(PAYLOADS)
    scan = scan_segment(data, 1, is_open=False)

    assert (scan.records, scan.kept, scan.gaps) == (4, ((HEADER_BYTES, len(data)),), ())


@pytest.mark.parametrize("cut", range(1, FRAME_BYTES + len(PAYLOADS[-1])))
def test_a_write_cut_short_loses_only_itself(cut: int) -> None:
    """Wherever it was cut, the gap is the rest and no acknowledged record is missed."""
    data = make_segment_bytes(PAYLOADS, is_open=True)[:-cut]
    scan = scan_segment(data, 1, is_open=True)

    assert scan.records == 3
    assert [(gap.start, gap.end, gap.lost_records) for gap in scan.gaps] == [
        (STARTS[3], len(data), 0)
    ]


@pytest.mark.parametrize("offset", range(STARTS[1], STARTS[2]))
def test_damage_to_one_record_loses_only_that_record(offset: int) -> None:
    """Whichever byte is hit, of its frame or its payload."""
    data = flip(make_segment_bytes(PAYLOADS), offset)
    scan = scan_segment(data, 1, is_open=False)

    assert kept_texts(data) == [b"one", b"three", b"four"]
    assert [(gap.start, gap.end, gap.lost_records) for gap in scan.gaps] == [
        (STARTS[1], STARTS[2], 1)
    ]


def test_a_hole_in_the_last_write_of_an_open_segment_was_never_acknowledged() -> None:
    """Pages of one write reach the disk in any order; what a later write follows was durable."""
    one_write = flip(make_segment_bytes(PAYLOADS, is_open=True, batch=4), STARTS[1])
    four_writes = flip(make_segment_bytes(PAYLOADS, is_open=True, batch=1), STARTS[1])

    assert [gap.lost_records for gap in scan_segment(one_write, 1, is_open=True).gaps] == [0]
    assert [gap.lost_records for gap in scan_segment(four_writes, 1, is_open=True).gaps] == [1]


def test_records_of_another_segment_are_not_taken() -> None:
    """A reused disk block may hold frames that are intact and not ours."""
    data = make_segment_bytes(PAYLOADS[:1], 1) + make_segment_bytes(PAYLOADS, 2)[HEADER_BYTES:]

    assert kept_texts(data, is_open=True) == [b"one"]


def test_a_record_that_stands_twice_is_taken_once() -> None:
    """The sequence in the frames only rises."""
    data = make_segment_bytes(PAYLOADS)

    assert kept_texts(data + data[STARTS[3] :]) == [b"one", b"two", b"three", b"four"]


@pytest.mark.parametrize("data", [b"", b"\x80\x80", b"\x80\x80\x80\x80\x00", b"\x00" * 500])
def test_a_file_without_records_is_no_error(data: bytes) -> None:
    """A crash may leave a segment before its first record."""
    assert scan_segment(data, 1, is_open=True).records == 0

"""A segment in the form every protobuf reader takes.

The engine is stricter than the protobuf library the receiver checks with: a known field with
another wire type, a group, or an enum beyond 32 bits ends its INSERT, and with it that of every
neighbour in the segment. Parsed, stripped of what the schema does not know and written again,
such a request is one that the engine takes.
"""

from __future__ import annotations

from pathlib import Path

from google.protobuf.message import DecodeError as ProtobufDecodeError
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_agentmon.errors import StoreError
from otel_agentmon.journal.segment import HEADER_BYTES, encode_header
from otel_agentmon.signals import Signal

UNKNOWN_PROTOBUF_FORMAT = 444
"""The engine's own code for bytes that are no protobuf of the schema."""

_REQUESTS: dict[Signal, type[Message]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
}


def parse_segment(signal: Signal, path: Path) -> Message:
    """All requests of the segment file as one. Raises `StoreError` if they are not OTLP."""
    body = path.read_bytes()[HEADER_BYTES:]
    try:
        return _REQUESTS[signal].FromString(body)
    except ProtobufDecodeError as error:
        message = f"the segment {path.name} is not OTLP: {error}"
        raise StoreError(message, UNKNOWN_PROTOBUF_FORMAT) from error


def write_canonical(signal: Signal, path: Path, target: Path) -> None:
    """Writes what the segment at `path` means to `target`, as a segment of the plainest form."""
    request = parse_segment(signal, path)
    request.DiscardUnknownFields()
    body = request.SerializeToString()
    target.write_bytes(encode_header(len(body)) + body)

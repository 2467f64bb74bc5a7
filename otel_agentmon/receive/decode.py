"""Bytes to an OTLP message: the parser decides whether they are OTLP."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError as ProtobufDecodeError
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from otel_agentmon.errors import DecodeError, UnsupportedError
from otel_agentmon.receive.otlp_json import read_json
from otel_agentmon.receive.repair import repair
from otel_agentmon.signals import Signal

REQUESTS: Mapping[Signal, Any] = {
    Signal.TRACES: trace_service_pb2.ExportTraceServiceRequest,
    Signal.METRICS: metrics_service_pb2.ExportMetricsServiceRequest,
    Signal.LOGS: logs_service_pb2.ExportLogsServiceRequest,
}
"""The message each signal's requests are."""


class Content(enum.StrEnum):
    """The two forms a request comes in; the value is its media type."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


def parse_content_type(header: str) -> Content:
    """The header's value to a Content; parameters are ignored. Raises UnsupportedError."""
    try:
        return Content(header.partition(";")[0].strip().lower())
    except ValueError:
        raise UnsupportedError(
            f"content type {header[:64]!r} is not supported; use {' or '.join(Content)}"
        ) from None


def decode(signal: Signal, body: bytes, content: Content, repairs: Counter[str]) -> Message:
    """Parses a request.

    Strings that are not UTF-8 and values nested too deep for the parser are repaired, so that
    their neighbours are kept, and counted in `repairs`. Raises DecodeError for anything else that
    is not OTLP.
    """
    request = REQUESTS[signal]
    if content is Content.JSON:
        return read_json(request, body, repairs)
    try:
        message: Message = request.FromString(body)
    except ProtobufDecodeError as error:
        mended = repair(request.DESCRIPTOR, body, repairs)
        if mended is None:
            raise DecodeError(f"the body is not an {request.DESCRIPTOR.name}") from error
        try:
            message = request.FromString(mended)
        except ProtobufDecodeError as second:
            raise DecodeError(f"the body is not an {request.DESCRIPTOR.name}") from second
    return message

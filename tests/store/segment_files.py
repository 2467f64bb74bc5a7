"""Segment files and request bodies for the tests of the store."""

from __future__ import annotations

import itertools
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from otel_agentmon.journal.segment import Segment
from otel_agentmon.signals import Signal

_span_ids = itertools.count(1)


def attribute(key: str, value: str | int | float | bool) -> KeyValue:
    match value:
        case bool():
            return KeyValue(key=key, value=AnyValue(bool_value=value))
        case int():
            return KeyValue(key=key, value=AnyValue(int_value=value))
        case float():
            return KeyValue(key=key, value=AnyValue(double_value=value))
        case _:
            return KeyValue(key=key, value=AnyValue(string_value=value))


def trace_body(
    spans: int,
    start_unix_nano: int,
    service: str = "tests",
    attributes: dict[str, str | int | float | bool] | None = None,
) -> bytes:
    """One request of so many spans, all starting at once and lasting a second."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.append(attribute("service.name", service))
    scope = resource.scope_spans.add()
    for _ in range(spans):
        scope.spans.add(
            trace_id=b"t" * 16,
            span_id=next(_span_ids).to_bytes(8, "big"),
            name="work",
            start_time_unix_nano=start_unix_nano,
            end_time_unix_nano=min(start_unix_nano + 10**9, 2**64 - 1),
            attributes=[attribute(k, v) for k, v in (attributes or {}).items()],
        )
    return request.SerializeToString()


def write_segment(
    folder: Path, signal: Signal, number: int, bodies: list[bytes], recovered: bool = False
) -> Segment:
    """A closed segment as the database reads it: the length in five bytes, then the requests."""
    content = b"".join(bodies)
    length = bytes(((len(content) >> shift) & 0x7F) | 0x80 for shift in (0, 7, 14, 21))
    path = folder / f"{signal}-{number}.segment"
    path.write_bytes(length + bytes([len(content) >> 28]) + content)
    return Segment(path, signal, number, path.stat().st_size, len(bodies), recovered)

"""Builders of OTLP requests."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_agentmon.signals import Signal

TRACE_ID = bytes(range(1, 17))
SPAN_ID = bytes(range(1, 9))


def any_value(value: Any) -> AnyValue:  # noqa: PLR0911 - one return a kind of value
    """A Python value as AnyValue: dict is a map, list a list, None an empty value."""
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value={"values": [any_value(item) for item in value]})
        case dict():
            return AnyValue(kvlist_value={"values": attributes(value)})
    raise TypeError(type(value))


def attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    """KeyValues, as keyword arguments of their message."""
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def span(**fields: Any) -> dict[str, Any]:
    """A valid span; `fields` replace parts of it."""
    return {"trace_id": TRACE_ID, "span_id": SPAN_ID, "name": "chat gpt-5"} | fields


def traces(*spans: dict[str, Any], **resource: Any) -> ExportTraceServiceRequest:
    """A request with these spans in one scope."""
    return ExportTraceServiceRequest(
        resource_spans=[
            {
                "resource": {"attributes": attributes(resource)},
                "scope_spans": [{"scope": {"name": "tests"}, "spans": spans}],
            }
        ]
    )


def logs(*records: dict[str, Any]) -> ExportLogsServiceRequest:
    """A request with these log records in one scope."""
    return ExportLogsServiceRequest(resource_logs=[{"scope_logs": [{"log_records": records}]}])


def metrics(*of_metrics: dict[str, Any]) -> ExportMetricsServiceRequest:
    """A request with these metrics in one scope."""
    return ExportMetricsServiceRequest(
        resource_metrics=[{"scope_metrics": [{"metrics": of_metrics}]}]
    )


def spans_of(payload: bytes) -> list[Any]:
    """All spans in a request."""
    request = ExportTraceServiceRequest.FromString(payload)
    return [s for rs in request.resource_spans for ss in rs.scope_spans for s in ss.spans]


def records_of(payload: bytes) -> list[Any]:
    """All log records in a request."""
    request = ExportLogsServiceRequest.FromString(payload)
    return [r for rl in request.resource_logs for sl in rl.scope_logs for r in sl.log_records]


def deep(levels: int, *, of_maps: bool = True) -> AnyValue:
    """A value of so many nested maps or lists, "bottom" inside; built without recursion."""
    value = AnyValue(string_value="bottom")
    for _ in range(levels):
        outer = AnyValue()
        if of_maps:
            outer.kvlist_value.values.add(key="k").value.ParseFromString(value.SerializeToString())
        else:
            outer.array_value.values.add().ParseFromString(value.SerializeToString())
        value = outer
    return value


def wire_field(number: int, content: bytes) -> bytes:
    """A length-delimited field as it stands on the wire."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    """The number as protobuf writes it, in as few bytes as it takes."""
    output = bytearray()
    while number > 127:
        output.append(number & 127 | 128)
        number >>= 7
    return bytes([*output, number])


def deep_on_the_wire(levels: int) -> bytes:
    """An AnyValue of nested maps deeper than any protobuf library would write."""
    value = wire_field(1, b"bottom")
    for _ in range(levels):
        value = wire_field(6, wire_field(1, wire_field(1, b"k") + wire_field(2, value)))
    return value


def wire_trace_request(*spans: bytes) -> bytes:
    """A trace request around spans that are already on the wire."""
    scope = b"".join(wire_field(2, item) for item in spans)
    return wire_field(1, wire_field(2, scope))


def wire_span(*attribute_values: bytes, name: bytes = b"chat") -> bytes:
    """A valid span with attributes `a`, whose values are AnyValues on the wire."""
    ids = wire_field(1, TRACE_ID) + wire_field(2, SPAN_ID) + wire_field(5, name)
    return ids + b"".join(
        wire_field(9, wire_field(1, b"a") + wire_field(2, value)) for value in attribute_values
    )


ONE_OF_EACH = {
    Signal.TRACES: traces(span(), service="a"),
    Signal.METRICS: metrics({"name": "m", "gauge": {"data_points": [{"as_int": 1}]}}),
    Signal.LOGS: logs({"body": any_value("hello")}),
}
"""A small valid request of each signal, of one item."""

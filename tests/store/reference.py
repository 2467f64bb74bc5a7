"""What the rows of a request are, worked out span by span: the slow road the database replaces.

Values are rendered as the Collector's ClickHouse exporter renders them (`pcommon.Value.AsString`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
STATUS = ("Unset", "Ok", "Error")
Row = dict[str, Any]


def text(value: Any) -> Any:
    """An AnyValue as its column holds it; a float stays one, to be compared as a number."""
    match value.WhichOneof("value"):
        case None:
            return ""
        case "bool_value":
            return "true" if value.bool_value else "false"
        case "array_value":
            return [_plain(v) for v in value.array_value.values]
        case field:
            found = getattr(value, field)
            return found if isinstance(found, float) else str(found)


def _plain(value: Any) -> Any:
    field = value.WhichOneof("value")
    return None if field is None else getattr(value, field)


def same(stored: str, expected: Any) -> bool:
    """Whether a stored text says what `text` expects."""
    if isinstance(expected, float):
        return float(stored) == expected
    if isinstance(expected, list):
        found = json.loads(stored) if stored.startswith("[") else []
        return len(found) == len(expected) and all(
            float(f) == e if isinstance(e, float) else f == e
            for f, e in zip(found, expected, strict=True)
        )
    return bool(stored == expected)


def mapping(attributes: Any) -> dict[str, Any]:
    return {a.key: text(a.value) for a in attributes}


def span_rows(request: ExportTraceServiceRequest) -> Iterator[Row]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                start, end = span.start_time_unix_nano, span.end_time_unix_nano
                yield {
                    "toUnixTimestamp64Nano(Timestamp)": start,
                    "TraceId": span.trace_id.hex(),
                    "SpanId": span.span_id.hex(),
                    "ParentSpanId": span.parent_span_id.hex(),
                    "TraceState": span.trace_state,
                    "SpanName": span.name,
                    "SpanKind": KINDS[span.kind],
                    "ServiceName": _service(resource),
                    "ResourceAttributes": mapping(resource.resource.attributes),
                    "ResourceSchemaUrl": resource.schema_url,
                    "ScopeName": scope.scope.name,
                    "ScopeVersion": scope.scope.version,
                    "ScopeAttributes": mapping(scope.scope.attributes),
                    "ScopeSchemaUrl": scope.schema_url,
                    "SpanAttributes": mapping(span.attributes),
                    "Duration": max(end - start, 0),
                    "StatusCode": STATUS[span.status.code],
                    "StatusMessage": span.status.message,
                    "arrayMap(t -> toUnixTimestamp64Nano(t), Events.Timestamp)": [
                        e.time_unix_nano for e in span.events
                    ],
                    "Events.Name": [e.name for e in span.events],
                    "Events.Attributes": [mapping(e.attributes) for e in span.events],
                    "Links.TraceId": [i.trace_id.hex() for i in span.links],
                    "Links.SpanId": [i.span_id.hex() for i in span.links],
                    "Links.TraceState": [i.trace_state for i in span.links],
                    "Links.Attributes": [mapping(i.attributes) for i in span.links],
                    "SpanFlags": span.flags,
                    "DroppedAttributesCount": span.dropped_attributes_count,
                    "DroppedEventsCount": span.dropped_events_count,
                    "DroppedLinksCount": span.dropped_links_count,
                    "ReportedTimeUnixNano": None,
                }


def log_rows(request: ExportLogsServiceRequest) -> Iterator[Row]:
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield {
                    "toUnixTimestamp64Nano(Timestamp)": record.time_unix_nano
                    or record.observed_time_unix_nano,
                    "toUnixTimestamp64Nano(ObservedTimestamp)": record.observed_time_unix_nano,
                    "TraceId": record.trace_id.hex(),
                    "SpanId": record.span_id.hex(),
                    "TraceFlags": record.flags & 255,
                    "SeverityText": record.severity_text,
                    "SeverityNumber": record.severity_number,
                    "ServiceName": _service(resource),
                    "Body": text(record.body),
                    "ResourceSchemaUrl": resource.schema_url,
                    "ResourceAttributes": mapping(resource.resource.attributes),
                    "ScopeSchemaUrl": scope.schema_url,
                    "ScopeName": scope.scope.name,
                    "ScopeVersion": scope.scope.version,
                    "ScopeAttributes": mapping(scope.scope.attributes),
                    "LogAttributes": mapping(record.attributes),
                    "EventName": record.event_name,
                    "DroppedAttributesCount": record.dropped_attributes_count,
                }


def metric_rows(request: ExportMetricsServiceRequest) -> Iterator[tuple[str, Row]]:
    """Pairs of table and row."""
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                data = getattr(metric, kind)
                for point in data.data_points:
                    row = {
                        "ServiceName": _service(resource),
                        "ResourceAttributes": mapping(resource.resource.attributes),
                        "ResourceSchemaUrl": resource.schema_url,
                        "ScopeName": scope.scope.name,
                        "ScopeVersion": scope.scope.version,
                        "ScopeAttributes": mapping(scope.scope.attributes),
                        "ScopeDroppedAttrCount": scope.scope.dropped_attributes_count,
                        "ScopeSchemaUrl": scope.schema_url,
                        "MetricName": metric.name,
                        "MetricDescription": metric.description,
                        "MetricUnit": metric.unit,
                        "Attributes": mapping(point.attributes),
                        "toUnixTimestamp(StartTimeUnix)": point.start_time_unix_nano // 10**9,
                        "toUnixTimestamp(TimeUnix)": point.time_unix_nano // 10**9,
                        "StartTimeUnixNano": point.start_time_unix_nano,
                        "TimeUnixNano": point.time_unix_nano,
                        "Flags": point.flags,
                        **_POINTS[kind](point),
                    }
                    if kind in ("sum", "histogram", "exponential_histogram"):
                        row["AggregationTemporality"] = data.aggregation_temporality
                    if kind == "sum":
                        row["IsMonotonic"] = data.is_monotonic
                    if kind != "summary":
                        row |= _exemplars(point)
                    yield f"otel_metrics_{kind}", row


def _service(resource: Any) -> Any:
    return mapping(resource.resource.attributes).get("service.name", "")


def _value(point: Any) -> float:
    return float(point.as_double or point.as_int)


def _number(point: Any) -> Row:
    return {"Value": _value(point)}


def _spread(point: Any) -> Row:
    row: Row = {"Count": point.count}
    for column in ("Sum", "Min", "Max"):
        row[column] = getattr(point, column.lower())
        row[f"Has{column}"] = point.HasField(column.lower())
    return row


def _histogram(point: Any) -> Row:
    return {
        **_spread(point),
        "BucketCounts": list(point.bucket_counts),
        "ExplicitBounds": list(point.explicit_bounds),
    }


def _exponential(point: Any) -> Row:
    return {
        **_spread(point),
        "Scale": point.scale,
        "ZeroCount": point.zero_count,
        "ZeroThreshold": point.zero_threshold,
        "PositiveOffset": point.positive.offset,
        "PositiveBucketCounts": list(point.positive.bucket_counts),
        "NegativeOffset": point.negative.offset,
        "NegativeBucketCounts": list(point.negative.bucket_counts),
    }


def _summary(point: Any) -> Row:
    return {
        "Count": point.count,
        "Sum": point.sum,
        "ValueAtQuantiles.Quantile": [v.quantile for v in point.quantile_values],
        "ValueAtQuantiles.Value": [v.value for v in point.quantile_values],
    }


_POINTS = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
    "summary": _summary,
}


def _exemplars(point: Any) -> Row:
    found = point.exemplars
    return {
        "Exemplars.FilteredAttributes": [mapping(e.filtered_attributes) for e in found],
        "arrayMap(t -> toUnixTimestamp(t), Exemplars.TimeUnix)": [
            e.time_unix_nano // 10**9 for e in found
        ],
        "Exemplars.Value": [_value(e) for e in found],
        "Exemplars.SpanId": [e.span_id.hex() for e in found],
        "Exemplars.TraceId": [e.trace_id.hex() for e in found],
    }

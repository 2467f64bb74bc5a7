"""Random OTLP requests of each signal, as a sender could make them and the receiver passes on."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

SECOND = 1_000_000_000

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
floats = st.floats(allow_nan=False, allow_infinity=False, width=32)
int64s = st.integers(-(2**63), 2**63 - 1)
counts = st.integers(0, 2**32 - 1)
trace_ids = st.binary(min_size=16, max_size=16)
span_ids = st.binary(min_size=8, max_size=8)

scalars = st.one_of(
    st.builds(AnyValue, string_value=texts),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=int64s),
    st.builds(AnyValue, double_value=floats),
    st.just(AnyValue()),
)
list_items = st.one_of(st.builds(AnyValue, string_value=texts), st.just(AnyValue()))
lists = st.lists(list_items, min_size=1, max_size=3).map(
    lambda v: AnyValue(array_value=ArrayValue(values=v))
)
values = st.one_of(scalars, lists)


@st.composite
def attributes(draw: st.DrawFn, extra: tuple[str, ...] = ()) -> list[KeyValue]:
    keys = draw(st.lists(st.one_of(st.sampled_from(["a", "b.c", *extra]), texts), max_size=4))
    return [KeyValue(key=key, value=draw(values)) for key in dict.fromkeys(keys)]


def times(now: int) -> st.SearchStrategy[int]:
    """Times within a few days, so that a table gets few partitions."""
    return st.integers(now - 3 * 86_400 * SECOND, now)


def _scope(draw: st.DrawFn) -> dict[str, Any]:
    return {"name": draw(texts), "version": draw(texts), "attributes": draw(attributes())}


def _resource(draw: st.DrawFn) -> dict[str, Any]:
    return {"attributes": draw(attributes(extra=("service.name",)))}


@st.composite
def spans(draw: st.DrawFn, now: int) -> trace_pb2.Span:
    start = draw(times(now))
    return trace_pb2.Span(
        trace_id=draw(trace_ids),
        span_id=draw(span_ids),
        parent_span_id=draw(st.one_of(st.just(b""), span_ids)),
        trace_state=draw(texts),
        flags=draw(counts),
        name=draw(texts),
        kind=draw(st.integers(0, 5)),
        start_time_unix_nano=start,
        end_time_unix_nano=draw(st.one_of(st.just(0), st.integers(start, start + 60 * SECOND))),
        attributes=draw(attributes(extra=("gen_ai.request.model", "gen_ai.usage.input_tokens"))),
        dropped_attributes_count=draw(counts),
        dropped_events_count=draw(counts),
        dropped_links_count=draw(counts),
        events=[
            trace_pb2.Span.Event(
                time_unix_nano=draw(times(now)), name=draw(texts), attributes=draw(attributes())
            )
            for _ in range(draw(st.integers(0, 2)))
        ],
        links=[
            trace_pb2.Span.Link(
                trace_id=draw(trace_ids),
                span_id=draw(span_ids),
                trace_state=draw(texts),
                attributes=draw(attributes()),
            )
            for _ in range(draw(st.integers(0, 2)))
        ],
        status=trace_pb2.Status(code=draw(st.sampled_from([0, 1, 2])), message=draw(texts)),
    )


@st.composite
def trace_requests(draw: st.DrawFn, now: int) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for _ in range(draw(st.integers(0, 2))):
        resource = request.resource_spans.add(resource=_resource(draw), schema_url=draw(texts))
        for _ in range(draw(st.integers(0, 2))):
            resource.scope_spans.add(
                scope=_scope(draw),
                schema_url=draw(texts),
                spans=draw(st.lists(spans(now), max_size=3)),
            )
    return request


@st.composite
def log_requests(draw: st.DrawFn, now: int) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    for _ in range(draw(st.integers(0, 2))):
        resource = request.resource_logs.add(resource=_resource(draw), schema_url=draw(texts))
        scope = resource.scope_logs.add(scope=_scope(draw), schema_url=draw(texts))
        for _ in range(draw(st.integers(0, 3))):
            scope.log_records.append(
                logs_pb2.LogRecord(
                    time_unix_nano=draw(st.one_of(st.just(0), times(now))),
                    observed_time_unix_nano=draw(times(now)),
                    severity_number=draw(st.integers(0, 24)),
                    severity_text=draw(texts),
                    body=draw(values),
                    attributes=draw(attributes()),
                    dropped_attributes_count=draw(counts),
                    flags=draw(counts),
                    trace_id=draw(st.one_of(st.just(b""), trace_ids)),
                    span_id=draw(st.one_of(st.just(b""), span_ids)),
                    event_name=draw(texts),
                )
            )
    return request


@st.composite
def _exemplars(draw: st.DrawFn, now: int) -> list[metrics_pb2.Exemplar]:
    found = []
    for _ in range(draw(st.integers(0, 2))):
        value = draw(st.sampled_from([{"as_double": 1.5}, {"as_int": -7}, {}]))
        found.append(
            metrics_pb2.Exemplar(
                filtered_attributes=draw(attributes()),
                time_unix_nano=draw(times(now)),
                trace_id=draw(trace_ids),
                span_id=draw(span_ids),
                **value,
            )
        )
    return found


def _point(draw: st.DrawFn, now: int, exemplars: bool = True) -> dict[str, Any]:
    fields = {
        "attributes": draw(attributes()),
        "start_time_unix_nano": draw(st.one_of(st.just(0), times(now))),
        "time_unix_nano": draw(times(now)),
        "flags": draw(st.integers(0, 1)),
    }
    return {**fields, "exemplars": draw(_exemplars(now))} if exemplars else fields


@st.composite
def _number(draw: st.DrawFn, now: int) -> metrics_pb2.NumberDataPoint:
    value = draw(
        st.one_of(st.builds(dict, as_double=floats), st.builds(dict, as_int=int64s), st.just({}))
    )
    return metrics_pb2.NumberDataPoint(**_point(draw, now), **value)


def _spread(draw: st.DrawFn) -> dict[str, Any]:
    """Count, and those of sum, min and max that happen to be present."""
    fields = draw(st.sets(st.sampled_from(["sum", "min", "max"])))
    return {"count": draw(counts), **{name: draw(floats) for name in sorted(fields)}}


@st.composite
def _histogram(draw: st.DrawFn, now: int) -> metrics_pb2.HistogramDataPoint:
    bounds = draw(st.lists(floats, max_size=3))
    return metrics_pb2.HistogramDataPoint(
        **_point(draw, now),
        **_spread(draw),
        explicit_bounds=bounds,
        bucket_counts=[draw(counts) for _ in range(len(bounds) + 1)],
    )


@st.composite
def _exponential(draw: st.DrawFn, now: int) -> metrics_pb2.ExponentialHistogramDataPoint:
    buckets = [
        metrics_pb2.ExponentialHistogramDataPoint.Buckets(
            offset=draw(st.integers(-1000, 1000)), bucket_counts=draw(st.lists(counts, max_size=3))
        )
        for _ in range(2)
    ]
    return metrics_pb2.ExponentialHistogramDataPoint(
        **_point(draw, now),
        **_spread(draw),
        scale=draw(st.integers(-10, 20)),
        zero_count=draw(counts),
        zero_threshold=draw(floats),
        positive=buckets[0],
        negative=buckets[1],
    )


@st.composite
def _summary(draw: st.DrawFn, now: int) -> metrics_pb2.SummaryDataPoint:
    return metrics_pb2.SummaryDataPoint(
        **_point(draw, now, exemplars=False),
        count=draw(counts),
        sum=draw(floats),
        quantile_values=[
            metrics_pb2.SummaryDataPoint.ValueAtQuantile(quantile=q, value=draw(floats))
            for q in draw(st.lists(st.sampled_from([0.5, 0.9, 0.99]), unique=True))
        ],
    )


@st.composite
def metrics(draw: st.DrawFn, now: int) -> metrics_pb2.Metric:
    kind = draw(st.sampled_from(["gauge", "sum", "histogram", "exponential_histogram", "summary"]))
    point = {
        "gauge": _number,
        "sum": _number,
        "histogram": _histogram,
        "exponential_histogram": _exponential,
        "summary": _summary,
    }[kind]
    data: dict[str, Any] = {"data_points": draw(st.lists(point(now), max_size=2))}
    if kind not in ("gauge", "summary"):
        data["aggregation_temporality"] = draw(st.integers(0, 2))
    if kind == "sum":
        data["is_monotonic"] = draw(st.booleans())
    return metrics_pb2.Metric(
        name=draw(texts), description=draw(texts), unit=draw(texts), **{kind: data}
    )


@st.composite
def metric_requests(draw: st.DrawFn, now: int) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    for _ in range(draw(st.integers(0, 2))):
        resource = request.resource_metrics.add(resource=_resource(draw), schema_url=draw(texts))
        scope = {**_scope(draw), "dropped_attributes_count": draw(counts)}
        resource.scope_metrics.add(
            scope=scope,
            schema_url=draw(texts),
            metrics=draw(st.lists(metrics(now), max_size=3)),
        )
    return request

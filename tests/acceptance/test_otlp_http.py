"""The HTTP door stores what the gRPC door would, in each of its content types and encodings."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from tests.acceptance.questions import ask_sql, eventually
from tests.house.running import RunningMonitor
from tests.receive.payloads import attributes, span, traces

pytestmark = pytest.mark.acceptance

TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"
COLUMNS = {
    "otel_traces": "TraceId, SpanId, SpanName, SpanKind, StatusCode, Duration, SpanAttributes",
    "otel_metrics_sum": "MetricName, Value, IsMonotonic, AggregationTemporality, Attributes",
    "otel_logs": "TraceId, SpanId, Body, SeverityNumber, EventName, LogAttributes",
}


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMonitor]:
    """One monitor for all; each request is a service of its own."""
    with RunningMonitor(tmp_path_factory.mktemp("monitor")) as running:
        yield running


def resource(service: str) -> dict[str, Any]:
    """A resource as OTLP/JSON writes it."""
    return {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}


def trace_as_json(service: str, now: int) -> dict[str, Any]:
    """One model call: ids in hex, 64-bit numbers as text."""
    own = {
        "traceId": TRACE_ID,
        "spanId": SPAN_ID.upper(),
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": str(now),
        "endTimeUnixNano": str(now + 5),
        "attributes": [
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}},
            {"key": "why", "value": {"kvlistValue": {"values": [{"key": "a"}]}}},
        ],
        "status": {"code": 1},
    }
    return {"resourceSpans": [{"resource": resource(service), "scopeSpans": [{"spans": [own]}]}]}


def trace_as_protobuf(service: str, now: int) -> bytes:
    """The same in protobuf."""
    own = span(
        trace_id=bytes.fromhex(TRACE_ID),
        span_id=bytes.fromhex(SPAN_ID),
        name="chat",
        kind=3,
        start_time_unix_nano=now,
        end_time_unix_nano=now + 5,
        attributes=attributes({"gen_ai.usage.input_tokens": 12, "why": {"a": None}}),
        status={"code": 1},
    )
    return traces(own, **{"service.name": service}).SerializeToString()


def metric_as_json(service: str, now: int) -> dict[str, Any]:
    """One point of a counter."""
    point = {"timeUnixNano": str(now), "asInt": "7", "attributes": []}
    counter = {"dataPoints": [point], "isMonotonic": True, "aggregationTemporality": 2}
    of_scope = {"metrics": [{"name": "calls", "sum": counter}]}
    return {"resourceMetrics": [{"resource": resource(service), "scopeMetrics": [of_scope]}]}


def log_as_json(service: str, now: int) -> dict[str, Any]:
    """One event whose body is a map."""
    record = {
        "timeUnixNano": str(now),
        "severityNumber": 9,
        "eventName": "spoke",
        "traceId": TRACE_ID,
        "spanId": SPAN_ID,
        "body": {"kvlistValue": {"values": [{"key": "said", "value": {"stringValue": "hi"}}]}},
        "attributes": [{"key": "ok", "value": {"boolValue": True}}],
    }
    return {
        "resourceLogs": [{"resource": resource(service), "scopeLogs": [{"logRecords": [record]}]}]
    }


def post(monitor: RunningMonitor, path: str, body: bytes, **headers: str) -> httpx.Response:
    """Send to the OTLP/HTTP door, compressed if the headers say so."""
    content = gzip.compress(body) if headers.get("content_encoding") == "gzip" else body
    return httpx.post(
        f"http://{monitor.ready['otlp_http']}{path}",
        content=content,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        timeout=30,
    )


def row_of(monitor: RunningMonitor, table: str, service: str) -> dict[str, Any]:
    """The only row of a service, once it is there."""
    query = f"SELECT {COLUMNS[table]} FROM {table} WHERE ServiceName = '{service}'"  # noqa: S608
    (row,) = eventually(lambda: ask_sql(monitor, query), bool)
    return row


def test_spans_are_the_same_in_every_form(monitor: RunningMonitor) -> None:
    """Protobuf and JSON, plain and gzip: four requests, one row each, all alike."""
    now = time.time_ns()
    forms = {
        f"{kind}-{encoding}": (kind, encoding)
        for kind in ("json", "x-protobuf")
        for encoding in ("identity", "gzip")
    }
    for service, (kind, encoding) in forms.items():
        is_json = kind == "json"
        body = (
            orjson.dumps(trace_as_json(service, now))
            if is_json
            else trace_as_protobuf(service, now)
        )
        answer = post(
            monitor,
            "/v1/traces",
            body,
            content_type=f"application/{kind}",
            content_encoding=encoding,
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == f"application/{kind}"
        assert answer.content == (b"{}" if is_json else b"")
    rows = [row_of(monitor, "otel_traces", service) for service in forms]

    assert rows == [
        {
            "TraceId": TRACE_ID,
            "SpanId": SPAN_ID,
            "SpanName": "chat",
            "SpanKind": "Client",
            "StatusCode": "Ok",
            "Duration": 5,
            "SpanAttributes": {"gen_ai.usage.input_tokens": "12", "why": '{"a":null}'},
        }
    ] * len(forms)


def test_metrics_and_logs_arrive_as_json(monitor: RunningMonitor) -> None:
    """A counter and an event, written as a browser or a shell script would."""
    now = time.time_ns()
    for path, body in (
        ("/v1/metrics", metric_as_json("json", now)),
        ("/v1/logs", log_as_json("json", now)),
    ):
        answer = post(
            monitor,
            path,
            orjson.dumps(body),
            content_type="application/json",
            content_encoding="gzip",
        )
        assert answer.status_code == 200, answer.text

    assert row_of(monitor, "otel_metrics_sum", "json") == {
        "MetricName": "calls",
        "Value": 7,
        "IsMonotonic": True,
        "AggregationTemporality": 2,
        "Attributes": {},
    }
    assert row_of(monitor, "otel_logs", "json") == {
        "TraceId": TRACE_ID,
        "SpanId": SPAN_ID,
        "Body": '{"said":"hi"}',
        "SeverityNumber": 9,
        "EventName": "spoke",
        "LogAttributes": {"ok": "true"},
    }


def test_a_bad_request_is_refused_and_its_neighbours_kept(monitor: RunningMonitor) -> None:
    """A span with a wrong id is rejected by name and count; what is no OTLP gets a 400."""
    good = span(start_time_unix_nano=time.time_ns())
    bad = span(start_time_unix_nano=time.time_ns(), trace_id=b"short")
    mixed = traces(good, bad, **{"service.name": "mixed"}).SerializeToString()
    answer = post(monitor, "/v1/traces", mixed, content_type="application/x-protobuf")
    broken = post(monitor, "/v1/traces", b"{", content_type="application/json")

    assert (answer.status_code, broken.status_code) == (200, 400)
    assert b"id" in answer.content
    assert broken.headers["content-type"] == "application/json"
    assert broken.json()["message"]
    assert row_of(monitor, "otel_traces", "mixed")["SpanName"] == "chat gpt-5"

"""OTLP's JSON form."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import pytest

from otel_agentmon.errors import DecodeError
from otel_agentmon.receive import repair
from otel_agentmon.receive.decode import Content, decode
from otel_agentmon.receive.repair import NESTED_TOO_DEEP
from otel_agentmon.signals import Signal
from tests.receive.payloads import SPAN_ID, TRACE_ID

IDS = {"traceId": TRACE_ID.hex(), "spanId": SPAN_ID.hex().upper()}


def read(body: bytes | str, signal: Signal = Signal.TRACES) -> tuple[Any, Counter[str]]:
    """The message and the repairs."""
    repairs: Counter[str] = Counter()
    data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    return decode(signal, data, Content.JSON, repairs), repairs


def trace_json(**fields: Any) -> str:
    """A request around one span."""
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [IDS | fields]}]}]})


def span_of(body: bytes | str) -> Any:
    return read(body)[0].resource_spans[0].scope_spans[0].spans[0]


def value_of(value: Any) -> Any:
    """The AnyValue that an attribute with this JSON value becomes."""
    return span_of(trace_json(attributes=[{"key": "a", "value": value}])).attributes[0].value


def test_ids_are_hex_of_any_case_and_other_bytes_are_base64() -> None:
    """The one place where OTLP leaves the proto3 mapping."""
    span = span_of(trace_json(parentSpanId=SPAN_ID.hex(), links=[IDS]))

    assert (span.trace_id, span.span_id, span.parent_span_id) == (TRACE_ID, SPAN_ID, SPAN_ID)
    assert span.links[0].trace_id == TRACE_ID


@pytest.mark.parametrize("wrong", ["xyz", "0", "", "é"])
def test_an_id_that_is_not_hex_has_a_wrong_length(wrong: str) -> None:
    """So the rule for wrong lengths rejects this span only, not its neighbours."""
    assert len(span_of(trace_json(spanId=wrong)).span_id) != 8


@pytest.mark.parametrize(
    ("value", "field", "expected"),
    [
        ({"stringValue": "x"}, "string_value", "x"),
        ({"boolValue": True}, "bool_value", True),
        ({"intValue": "-9223372036854775808"}, "int_value", -(2**63)),
        ({"intValue": 7}, "int_value", 7),
        ({"intValue": 7.0}, "int_value", 7),
        ({"doubleValue": 1}, "double_value", 1.0),
        ({"doubleValue": "1e3"}, "double_value", 1000.0),
        ({"doubleValue": "-Infinity"}, "double_value", -math.inf),
        ({"bytesValue": "+/8="}, "bytes_value", b"\xfb\xff"),
        ({"bytesValue": "-_8"}, "bytes_value", b"\xfb\xff"),
    ],
)
def test_every_scalar_has_its_json_forms(
    value: dict[str, Any], field: str, expected: object
) -> None:
    """64-bit integers as strings or numbers, special doubles as strings, both base64 alphabets."""
    read_value = value_of(value)

    assert read_value.WhichOneof("value") == field
    assert getattr(read_value, field) == expected


def test_not_a_number_is_a_string() -> None:
    """As proto3 JSON writes it."""
    assert math.isnan(value_of({"doubleValue": "NaN"}).double_value)


def test_lists_and_maps_and_empty_values_are_read() -> None:
    """A null is an absent field."""
    value = value_of(
        {"kvlistValue": {"values": [{"key": "k", "value": {"arrayValue": {"values": [{}]}}}]}}
    )

    inner = value.kvlist_value.values[0].value.array_value
    assert len(inner.values) == 1
    assert value_of(None).WhichOneof("value") is None


def test_times_enums_and_unknown_names() -> None:
    """Enums are integers (names are let pass); unknown names are ignored; proto names are not."""
    span = span_of(
        trace_json(
            kind=3,
            startTimeUnixNano="1763700000000000001",
            endTimeUnixNano=1763700000000000002,
            status={"code": "STATUS_CODE_ERROR", "later": {"a": [1]}},
            newThing=[[]],
        )
    )

    assert (span.kind, span.status.code) == (3, 2)
    assert span.start_time_unix_nano == 1763700000000000001
    assert span.end_time_unix_nano == 1763700000000000002


def test_metrics_and_logs_are_read_by_the_same_tables() -> None:
    """Packed lists of 64-bit numbers, booleans, bodies."""
    body = {
        "resourceMetrics": [
            {
                "scopeMetrics": [
                    {
                        "metrics": [
                            {
                                "name": "d",
                                "histogram": {
                                    "aggregationTemporality": 1,
                                    "dataPoints": [
                                        {
                                            "bucketCounts": ["1", 2],
                                            "explicitBounds": [0.5],
                                            "count": "3",
                                            "exemplars": [{"spanId": SPAN_ID.hex()}],
                                        }
                                    ],
                                },
                            }
                        ]
                    }
                ]
            }
        ]
    }
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hi"}}]}]}]}

    message, _ = read(json.dumps(body), Signal.METRICS)
    point = message.resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0]
    assert (list(point.bucket_counts), point.count) == ([1, 2], 3)
    assert point.exemplars[0].span_id == SPAN_ID
    message, _ = read(json.dumps(logs), Signal.LOGS)
    assert message.resource_logs[0].scope_logs[0].log_records[0].body.string_value == "hi"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "not JSON"),
        ("[]", "not an object"),
        ('{"resourceSpans": {}}', "ExportTraceServiceRequest.resourceSpans: not a list"),
        ('{"resourceSpans": [3]}', "ResourceSpans is not a JSON object"),
        (trace_json(name=3), "Span.name: not a string"),
        (trace_json(kind=True), "Span.kind: not an integer"),
        (trace_json(kind=2**40), "fit"),
        (trace_json(startTimeUnixNano=-1), "fit"),
        (trace_json(startTimeUnixNano="9" * 5000), "not a 64-bit integer"),
        (trace_json(startTimeUnixNano=1.5), "not an integer"),
        (trace_json(droppedLinksCount=[]), "not an integer"),
        (trace_json(attributes=[{"key": "a", "value": {"boolValue": 1}}]), "AnyValue.boolValue"),
        (trace_json(attributes=[{"value": {"bytesValue": "?"}}]), "not base64"),
        (trace_json(attributes=[{"value": {"doubleValue": "x"}}]), "AnyValue.doubleValue"),
        (trace_json().replace('"traceId"', '"flags": 1e999, "traceId"'), "not JSON"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(body: str, told: str) -> None:
    """The message says which field, not what stood in it."""
    with pytest.raises(DecodeError, match=told):
        read(body)


def nested_json(levels: int) -> str:
    value = '{"stringValue":"bottom"}'
    for _ in range(levels):
        value = '{"kvlistValue":{"values":[{"key":"[","value":' + value + "}]}}"
    return trace_json(attributes=[{"key": "deep", "value": {}}], name='a"]}').replace(
        '"value": {}', '"value": ' + value
    )


@pytest.mark.parametrize("levels", [25, 100, 1000, 20_000])
def test_deep_nesting_is_cut_and_counted(levels: int) -> None:
    """Whatever the depth; what stands beside it is kept."""
    body = nested_json(levels)
    message, repairs = read(body)

    assert NESTED_TOO_DEEP in str(message)
    assert span_of(body).name == 'a"]}'
    assert repairs[repair.NESTING_CUT] >= 1


def test_nesting_up_to_the_limit_is_kept() -> None:
    """The same number of levels as in protobuf."""
    message, repairs = read(nested_json(repair.MAX_NESTING))

    assert "bottom" in str(message)
    assert repairs == {}


@pytest.mark.parametrize(
    ("raw", "text", "replaced"),
    [
        (b'"a\xffb"', "a\ufffdb", 1),
        (b'"cut \\ud83d"', "cut \ufffd", 1),
        (b'"\\udc00\\ud83d"', "\ufffd\ufffd", 2),
        (b'"\\\\ud83d \\ud83d\\ude00 \\ud83d"', "\\ud83d 🙂 \ufffd".replace("🙂", "😀"), 1),
    ],
)
def test_strings_that_are_not_unicode_are_repaired(raw: bytes, text: str, replaced: int) -> None:
    """Bad bytes and half surrogate pairs, which browsers send when they cut a string."""
    body = trace_json(name="NAME").encode().replace(b'"NAME"', raw)

    assert span_of(body).name == text
    assert read(body)[1] == {repair.UTF8_REPLACED: replaced}

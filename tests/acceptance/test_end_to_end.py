"""What a program hands to the OpenTelemetry SDK is what the monitor answers with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage, calc_price
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from tests.acceptance.program import SCHEMA_URL, SCOPE, SCOPE_VERSION, WIDE, Program
from tests.acceptance.questions import ask, ask_sql, eventually
from tests.house.running import RunningMonitor

pytestmark = pytest.mark.acceptance

ATTRIBUTES: dict[str, Any] = {
    "text": 'Grüße, "Welt"\n',
    "yes": True,
    "count": -3,
    "ratio": 0.5,
    "names": ["a", 'b"'],
    "numbers": [1, 2],
    "nested": {"b": {"c": [1, {"d": False}]}, "a": "x"},
    "mixed": [{"k": 1}, "t", [2.5]],
    "empty": "",
}
STORED = {
    "text": 'Grüße, "Welt"\n',
    "yes": "true",
    "count": "-3",
    "ratio": "0.5",
    "names": '["a","b\\""]',
    "numbers": "[1,2]",
    "nested": '{"a":"x","b":{"c":[1,{"d":false}]}}',
    "mixed": '[{"k":1},"t",[2.5]]',
    "empty": "",
}
LABELS: dict[str, Any] = {"model": "gpt-4o", "n": 2}
BODIES: dict[str, tuple[Any, str]] = {
    "text": ("it is Grüße", "it is Grüße"),
    "yes": (True, "true"),
    "count": (42, "42"),
    "ratio": (2.5, "2.5"),
    "list": (["a", 1], '["a",1]'),
    "map": ({"k": {"deep": [1]}}, '{"k":{"deep":[1]}}'),
}


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMonitor]:
    """One monitor for all; each test is a service of its own."""
    with RunningMonitor(tmp_path_factory.mktemp("monitor")) as running:
        yield running


def run_agent(program: Program) -> None:
    """An agent with a tool that fails and a step that names another trace."""
    with program.tracer.start_as_current_span("elsewhere") as elsewhere:
        other = elsewhere.get_span_context()
    with program.tracer.start_as_current_span(
        "invoke_agent scout", kind=SpanKind.SERVER, attributes=ATTRIBUTES
    ) as root:
        root.set_attribute("gen_ai.operation.name", "invoke_agent")
        root.set_attribute("gen_ai.agent.name", "scout")
        root.add_event("plan", {"steps": 2, "nested": {"deep": [1, {"a": "b"}]}})
        root.add_event("done")
        with program.tracer.start_as_current_span(
            "execute_tool search", kind=SpanKind.CLIENT, links=[Link(other, {"why": "retry"})]
        ) as tool:
            tool.set_attribute("gen_ai.operation.name", "execute_tool")
            tool.set_attribute("gen_ai.tool.name", "search")
            tool.set_attribute("error.type", "timeout")
            tool.set_status(Status(StatusCode.ERROR, "no answer"))
    program.deliver()


def expected_row(span: ReadableSpan, program: Program) -> dict[str, Any]:
    """What must be in otel_traces about a span, but for its attributes, events and links."""
    assert span.context is not None
    assert span.start_time is not None
    assert span.end_time is not None
    return {
        "start": span.start_time,
        "TraceId": f"{span.context.trace_id:032x}",
        "SpanId": f"{span.context.span_id:016x}",
        "ParentSpanId": f"{span.parent.span_id:016x}" if span.parent else "",
        "TraceState": "",
        "SpanKind": span.kind.name.capitalize(),
        "ServiceName": program.service,
        "ResourceAttributes": program.resource,
        "ScopeName": SCOPE,
        "ScopeVersion": SCOPE_VERSION,
        "ScopeSchemaUrl": SCHEMA_URL,
        "ScopeAttributes": {"kind": "own"},
        "Duration": span.end_time - span.start_time,
        "StatusCode": span.status.status_code.name.capitalize(),
        "StatusMessage": span.status.description or "",
        "ReportedTimeUnixNano": None,
    }


def rows_of(
    monitor: RunningMonitor, table: str, columns: str, service: str, rows: int
) -> list[dict[str, Any]]:
    """All rows of a service, once there are so many."""
    query = f"SELECT {columns} FROM {table} WHERE ServiceName = '{service}'"  # noqa: S608 - ours
    return eventually(lambda: ask_sql(monitor, query), lambda found: len(found) >= rows)


def test_spans_arrive_field_by_field(monitor: RunningMonitor) -> None:
    """Every field of every span is in the stock table as it was sent, nested values as JSON."""
    with Program(monitor, "fields") as program:
        run_agent(program)
        sent = program.sent_spans()
        expected = {name: expected_row(span, program) for name, span in sent.items()}
        events = {name: [event.timestamp for event in span.events] for name, span in sent.items()}
    columns = (
        "SpanName, SpanAttributes, toUnixTimestamp64Nano(Timestamp) AS start, "
        "arrayMap(t -> toUnixTimestamp64Nano(t), `Events.Timestamp`) AS event_times, "
        "`Events.Name` AS event_names, `Events.Attributes` AS event_attributes, "
        "`Links.TraceId` AS linked_traces, `Links.SpanId` AS linked_spans, "
        "`Links.Attributes` AS link_attributes, "
    ) + ", ".join(name for name in expected["elsewhere"] if name != "start")
    found = {row["SpanName"]: row for row in rows_of(monitor, "otel_traces", columns, "fields", 3)}
    root, tool = found["invoke_agent scout"], found["execute_tool search"]

    assert found.keys() == sent.keys()
    for name, row in found.items():
        assert expected[name].items() <= row.items()
        assert row["event_times"] == events[name]
    assert STORED.items() <= root["SpanAttributes"].items()
    assert root["SpanAttributes"].keys() - STORED.keys() == {
        "gen_ai.operation.name",
        "gen_ai.agent.name",
    }
    assert root["event_names"] == ["plan", "done"]
    assert root["event_attributes"] == [{"steps": "2", "nested": '{"deep":[1,{"a":"b"}]}'}, {}]
    assert tool["linked_traces"] == [found["elsewhere"]["TraceId"]]
    assert tool["linked_spans"] == [found["elsewhere"]["SpanId"]]
    assert tool["link_attributes"] == [{"why": "retry"}]
    assert root["linked_traces"] == []


def test_a_trace_is_answered_as_a_tree(monitor: RunningMonitor) -> None:
    """The API says the same as the table, with the parent before its child."""
    with Program(monitor, "tree") as program:
        run_agent(program)
        root = program.sent_spans()["invoke_agent scout"]
        assert root.context is not None
        trace_id = f"{root.context.trace_id:032x}"
    found = eventually(
        lambda: ask(monitor, "/api/v1/traces", service="tree", agent="scout")["traces"], bool
    )
    answer = ask(monitor, f"/api/v1/traces/{trace_id}")
    top, below = answer["spans"]

    assert [one["trace_id"] for one in found] == [trace_id]
    assert answer["summary"] == found[0]
    assert (top["name"], top["depth"], top["agent"]) == ("invoke_agent scout", 0, "scout")
    assert (below["name"], below["depth"], below["tool"]) == ("execute_tool search", 1, "search")
    assert below["parent_span_id"] == top["span_id"]
    assert (top["start_unix_nano"], top["duration_nano"]) == (
        root.start_time,
        (root.end_time or 0) - (root.start_time or 0),
    )
    assert (below["status"], below["status_message"]) == ("Error", "no answer")
    assert below["error_type"] == "timeout"
    assert STORED.items() <= top["attributes"].items()
    assert [event["name"] for event in top["events"]] == ["plan", "done"]
    assert [link["attributes"] for link in below["links"]] == [{"why": "retry"}]
    assert answer["resources"][top["resource"]] == program.resource
    assert (found[0]["spans"], found[0]["errors"], found[0]["tool_calls"]) == (2, 1, 1)


def test_tokens_and_cost_are_those_of_the_price_book(monitor: RunningMonitor) -> None:
    """A known model costs what the genai-prices package says; an unknown one has no cost."""
    usage: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.agent.name": "spender",
        "gen_ai.conversation.id": "talk-1",
        "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.output_tokens": 350,
        "gen_ai.usage.cache_read.input_tokens": 200,
        "gen_ai.response.finish_reasons": ["stop"],
    }
    with Program(monitor, "cost") as program:
        for model in ("gpt-4o", "no-such-model-1"):
            with program.tracer.start_as_current_span(
                f"chat {model}", attributes={**usage, "gen_ai.request.model": model}
            ):
                pass
        program.deliver()
    price = calc_price(
        Usage(input_tokens=1200, output_tokens=350, cache_read_tokens=200),
        "gpt-4o",
        provider_id="openai",
        genai_request_timestamp=datetime.now(UTC),
    ).total_price
    columns = (
        "GenAIRequestModel AS model, GenAIInputTokens, GenAIOutputTokens, GenAICacheReadTokens, "
        "GenAIFinishReason, GenAIConversationId, toString(CostUSD) AS cost, CostUnknownReason"
    )
    rows = {row["model"]: row for row in rows_of(monitor, "otel_traces", columns, "cost", 2)}
    known, unknown = rows["gpt-4o"], rows["no-such-model-1"]
    agents = ask(monitor, "/api/v1/agents")["agents"]
    (agent,) = [one for one in agents if one["agent"] == "spender"]
    (talk,) = ask(monitor, "/api/v1/conversations", agent="spender")["conversations"]

    assert Decimal(known["cost"]) == price
    assert known["CostUnknownReason"] == ""
    assert (unknown["cost"], unknown["CostUnknownReason"]) == (None, "no_price")
    for row in (known, unknown):
        assert (row["GenAIInputTokens"], row["GenAIOutputTokens"]) == (1200, 350)
        assert row["GenAICacheReadTokens"] == 200
        assert (row["GenAIFinishReason"], row["GenAIConversationId"]) == ("stop", "talk-1")
    for summary in (agent, talk):
        assert (summary["model_calls"], summary["cost_unknown_calls"]) == (2, 1)
        assert (summary["input_tokens"], summary["output_tokens"]) == (2400, 700)
        assert summary["cost_usd"] == pytest.approx(float(price))
    assert (talk["conversation"], talk["turns"]) == ("talk-1", 2)


def test_log_records_arrive_field_by_field(monitor: RunningMonitor) -> None:
    """Bodies of every type, event names, severities, and the span they were written in."""
    with Program(monitor, "logs") as program:
        with program.tracer.start_as_current_span("speaking") as span:
            context = trace.set_span_in_context(span)
            for name, (body, _) in BODIES.items():
                program.logger.emit(
                    LogRecord(
                        timestamp=1_000_000_007 + (span.start_time or 0),  # type: ignore[attr-defined]
                        context=context,
                        severity_text="NOTICE",
                        severity_number=SeverityNumber.INFO2,
                        body=body,
                        attributes=ATTRIBUTES,
                        event_name=f"test.{name}",
                    )
                )
        program.deliver()
        sent = {record.event_name: record for record in program.sent_logs()}
    columns = (
        "EventName, Body, toUnixTimestamp64Nano(Timestamp) AS time, "
        "toUnixTimestamp64Nano(ObservedTimestamp) AS observed, TraceId, SpanId, TraceFlags, "
        "SeverityText, SeverityNumber, ResourceAttributes, ScopeName, ScopeVersion, "
        "ScopeSchemaUrl, LogAttributes"
    )
    rows = rows_of(monitor, "otel_logs", columns, "logs", len(BODIES))
    own = span.get_span_context()

    assert {row["EventName"]: row["Body"] for row in rows} == {
        f"test.{name}": stored for name, (_, stored) in BODIES.items()
    }
    for row in rows:
        record = sent[row["EventName"]]
        assert (row["time"], row["observed"]) == (record.timestamp, record.observed_timestamp)
        assert (row["TraceId"], row["SpanId"]) == (f"{own.trace_id:032x}", f"{own.span_id:016x}")
        assert (row["SeverityText"], row["SeverityNumber"]) == ("NOTICE", 10)
        assert (row["TraceFlags"], row["ResourceAttributes"]) == (
            own.trace_flags,
            program.resource,
        )
        assert (row["ScopeName"], row["ScopeVersion"]) == (SCOPE, SCOPE_VERSION)
        assert (row["ScopeSchemaUrl"], row["LogAttributes"]) == (SCHEMA_URL, STORED)
    answer = ask(monitor, f"/api/v1/traces/{own.trace_id:032x}")
    assert sorted(one["body"] for one in answer["logs"]) == sorted(b for _, b in BODIES.values())


def measure(program: Program) -> tuple[dict[str, Any], str]:
    """One point of each kind, recorded in a span: what was sent by name, and the trace's id."""
    with program.tracer.start_as_current_span("measured") as span:
        program.meter.create_counter("calls", "{call}", "How often").add(3, LABELS)
        program.meter.create_up_down_counter("running").add(-2, LABELS)
        program.meter.create_gauge("heat", "Cel").set(21.5, LABELS)
        narrow = program.meter.create_histogram("narrow", "s")
        wide = program.meter.create_histogram(WIDE, "s")
        for value in (0.3, 40.0, 7.0):
            narrow.record(value, LABELS)
            wide.record(value, LABELS)
        wide.record(0.0, LABELS)
    return program.deliver_metrics(), f"{span.get_span_context().trace_id:032x}"


def test_every_kind_of_metric_arrives(monitor: RunningMonitor) -> None:
    """Counters, gauges and both kinds of histogram, with temporality, exemplars and units."""
    with Program(monitor, "metrics") as program:
        sent, trace_id = measure(program)
    times = "StartTimeUnixNano, TimeUnixNano, Attributes, MetricName, MetricUnit"
    sums = rows_of(
        monitor,
        "otel_metrics_sum",
        f"{times}, MetricDescription, Value, IsMonotonic, AggregationTemporality",
        "metrics",
        2,
    )
    by_name = {row["MetricName"]: row for row in sums}
    (gauge,) = rows_of(monitor, "otel_metrics_gauge", f"{times}, Value", "metrics", 1)
    distribution = "Count, Sum, Min, Max, AggregationTemporality"
    (narrow_row,) = rows_of(
        monitor,
        "otel_metrics_histogram",
        f"{times}, {distribution}, BucketCounts, ExplicitBounds, `Exemplars.TraceId` AS traces, "
        "`Exemplars.Value` AS exemplars",
        "metrics",
        1,
    )
    (wide_row,) = rows_of(
        monitor,
        "otel_metrics_exponential_histogram",
        f"{times}, {distribution}, Scale, ZeroCount, PositiveOffset, PositiveBucketCounts, "
        "NegativeBucketCounts",
        "metrics",
        1,
    )

    for row in (*sums, gauge, narrow_row, wide_row):
        point = sent[row["MetricName"]]
        assert row["TimeUnixNano"] == point.time_unix_nano
        assert row["StartTimeUnixNano"] == (point.start_time_unix_nano or 0)
        assert row["Attributes"] == {"model": "gpt-4o", "n": "2"}
    assert (by_name["calls"]["Value"], by_name["running"]["Value"]) == (3, -2)
    assert (by_name["calls"]["IsMonotonic"], by_name["running"]["IsMonotonic"]) == (True, False)
    assert {row["AggregationTemporality"] for row in (*sums, narrow_row, wide_row)} == {2}
    assert by_name["calls"]["MetricUnit"] == "{call}"
    assert by_name["calls"]["MetricDescription"] == "How often"
    assert (gauge["Value"], gauge["MetricUnit"]) == (21.5, "Cel")
    for row, zeros in ((narrow_row, 0), (wide_row, 1)):
        assert (row["Count"], row["Min"], row["Max"]) == (3 + zeros, 0 if zeros else 0.3, 40)
        assert row["Sum"] == pytest.approx(47.3)
    assert narrow_row["BucketCounts"] == list(sent["narrow"].bucket_counts)
    assert narrow_row["ExplicitBounds"] == list(sent["narrow"].explicit_bounds)
    assert set(narrow_row["exemplars"]) <= {0.3, 40.0, 7.0}
    assert set(narrow_row["traces"]) == {trace_id}
    assert (wide_row["Scale"], wide_row["ZeroCount"]) == (sent[WIDE].scale, 1)
    assert wide_row["PositiveOffset"] == sent[WIDE].positive.offset
    assert wide_row["PositiveBucketCounts"] == list(sent[WIDE].positive.bucket_counts)

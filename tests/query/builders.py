"""Spans and log records as rows of the stock tables, with defaults for all that does not matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from otel_agentmon.query.answer import Window
from otel_agentmon.store.connect import Database

SECOND = 1_000_000_000
BASE = 1_790_000_000 * SECOND
"""A moment in September 2026, where the tests take place."""
ALL = Window(BASE - 86_400 * SECOND, BASE + 86_400 * SECOND)

_COLUMNS = (
    "Timestamp", "TraceId", "SpanId", "ParentSpanId", "SpanName", "SpanKind", "ServiceName",
    "ResourceAttributes", "SpanAttributes", "Duration", "StatusCode", "StatusMessage",
    "Events.Timestamp", "Events.Name", "Events.Attributes", "Links.TraceId", "Links.SpanId",
    "Links.TraceState", "Links.Attributes", "SegmentNumber",
)  # fmt: skip


def trace_id(number: int) -> str:
    """A valid trace id."""
    return f"{number:032x}"


def span_id(number: int) -> str:
    """A valid span id."""
    return f"{number:016x}"


@dataclass(frozen=True)
class SpanRow:
    """One span; `start` and `duration` in nanoseconds, `start` counted from BASE."""

    trace: int = 1
    span: int = 1
    parent: int = 0
    name: str = "work"
    start: int = 0
    duration: int = SECOND
    service: str = "svc"
    attributes: Mapping[str, str] = field(default_factory=dict)
    status: str = "Unset"
    message: str = ""
    resource: Mapping[str, str] = field(default_factory=dict)
    events: tuple[tuple[int, str, Mapping[str, str]], ...] = ()
    links: tuple[tuple[str, str, Mapping[str, str]], ...] = ()
    segment: int = 0
    cost: str | None = None
    """Stored as it is; None leaves it to the price book, which is empty here."""


def run(agent: str, **fields: Any) -> SpanRow:
    """An invoke_agent span."""
    more = fields.pop("attributes", {})
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent, **more}
    return SpanRow(name=f"invoke_agent {agent}", attributes=attributes, **fields)


def chat(tokens_in: int = 100, tokens_out: int = 10, **fields: Any) -> SpanRow:
    """A call of a model that is in no price book."""
    more = fields.pop("attributes", {})
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "test-model",
        "gen_ai.usage.input_tokens": str(tokens_in),
        "gen_ai.usage.output_tokens": str(tokens_out),
        **more,
    }
    return SpanRow(name="chat test-model", attributes=attributes, **fields)


def tool(name: str, **fields: Any) -> SpanRow:
    """An execution of a tool."""
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
    return SpanRow(name=f"execute_tool {name}", attributes=attributes, **fields)


def insert_spans(database: Database, spans: Iterable[SpanRow]) -> None:
    """Writes the spans; the GenAI columns fill themselves."""
    rows = list(spans)
    for has_cost in (False, True):
        chosen = [row for row in rows if (row.cost is not None) is has_cost]
        columns = [*_COLUMNS, "CostUSD", "CostUnknownReason"] if has_cost else list(_COLUMNS)
        if chosen:
            database.insert("otel_traces", columns, [_values(r, columns) for r in chosen])


def _values(row: SpanRow, columns: list[str]) -> list[Any]:
    known = {
        "Timestamp": BASE + row.start,
        "TraceId": trace_id(row.trace),
        "SpanId": span_id(row.span),
        "ParentSpanId": span_id(row.parent) if row.parent else "",
        "SpanName": row.name,
        "SpanKind": "Internal",
        "ServiceName": row.service,
        "ResourceAttributes": {"service.name": row.service, **row.resource},
        "SpanAttributes": dict(row.attributes),
        "Duration": row.duration,
        "StatusCode": row.status,
        "StatusMessage": row.message,
        "Events.Timestamp": [BASE + event[0] for event in row.events],
        "Events.Name": [event[1] for event in row.events],
        "Events.Attributes": [dict(event[2]) for event in row.events],
        "Links.TraceId": [link[0] for link in row.links],
        "Links.SpanId": [link[1] for link in row.links],
        "Links.TraceState": ["" for _ in row.links],
        "Links.Attributes": [dict(link[2]) for link in row.links],
        "SegmentNumber": row.segment,
        "CostUSD": Decimal(row.cost) if row.cost is not None else None,
        "CostUnknownReason": "",
    }
    return [known[column] for column in columns]


def insert_log(
    database: Database, body: str, trace: int = 1, start: int = 0, **fields: Any
) -> None:
    """Writes one log record; `start` in nanoseconds from BASE."""
    known = {
        "Timestamp": BASE + start,
        "TraceId": trace_id(trace),
        "SpanId": span_id(1),
        "SeverityText": "INFO",
        "SeverityNumber": 9,
        "ServiceName": "svc",
        "Body": body,
        "LogAttributes": {"k": "v"},
        "EventName": "",
        **fields,
    }
    database.insert("otel_logs", list(known), [list(known.values())])

"""Finding traces, and reading one whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from otel_agentmon.errors import InvalidQueryError, NotFoundError
from otel_agentmon.query.answer import NANOSECONDS, Answer, Window, with_known_cost
from otel_agentmon.query.cursor import Cursor, read_cursor, write_cursor
from otel_agentmon.query.tree import LogRecord, Span, SpanTree, arrange_spans
from otel_agentmon.store.connect import Database
from otel_agentmon.store.statements import query_text

MOST_TRACES = 1000
MOST_SPANS = 20_000
MOST_LOGS = 5_000

_HEX_TRACE_ID = re.compile(r"[0-9a-f]{32}")
# Greater than any trace id, so that the first page begins with the newest trace.
_AFTER_EVERY_TRACE = "\x7f"
# Records about a trace may be written shortly before its first span starts or after it ends.
_LOG_MARGIN_NANO = 60 * NANOSECONDS


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Which traces; what is left empty or zero holds for all.

    Each of the names asks for at least one span of the trace that has it; different spans may
    satisfy different ones.
    """

    window: Window
    agent: str = ""
    model: str = ""
    tool: str = ""
    conversation: str = ""
    service: str = ""
    status: Literal["", "ok", "error"] = ""
    min_duration_nano: int = 0
    min_cost_usd: Decimal = Decimal(0)
    text: str = ""
    limit: int = 50
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class TraceSummary(Answer):
    """One trace in a line."""

    trace_id: str
    """32 hex digits."""
    name: str
    """Name of the root span, or of the earliest span where the root has not arrived."""
    service: str
    """Service of that span."""
    agents: list[str]
    """Every agent that takes part, by name."""
    start_time: str
    """When the earliest span started: ISO 8601, UTC, nanoseconds."""
    duration_nano: int
    """From the start of the earliest span to the end of the latest, in nanoseconds."""
    spans: int
    """Spans in the trace; one that was sent twice counts once."""
    errors: int
    """Spans with status Error."""
    model_calls: int
    """Spans that are calls of a language model."""
    tool_calls: int
    """Spans that are executions of a tool."""
    input_tokens: int
    """Input tokens of the model calls."""
    output_tokens: int
    """Output tokens of the model calls."""
    cost_usd: float | None
    """US dollars of the model calls whose cost is known; null where none is."""
    cost_unknown_calls: int
    """Model calls whose cost is not known, and is not in `cost_usd`."""
    conversation: str
    """The conversation named first, or empty."""


@dataclass(frozen=True, slots=True)
class TracePage(Answer):
    """Some traces, newest first."""

    traces: list[TraceSummary]
    """The traces of this page."""
    next_cursor: str | None
    """Where the next page begins; null on the last page."""


@dataclass(frozen=True, slots=True)
class Trace(Answer):
    """One trace with everything that belongs to it."""

    summary: TraceSummary
    """The same as in a list of traces."""
    spans: list[Span]
    """Every span, parents before their children, siblings by start; `depth` gives the tree."""
    duplicate_spans: int
    """Spans left out because one with the same id stands before them."""
    spans_truncated: bool
    """Whether the trace has more spans than are shown."""
    resources: list[dict[str, str]]
    """The attributes of each resource; `resource` of a span is an index into this list."""
    logs: list[LogRecord]
    """Log records that name this trace, in order of time."""
    logs_truncated: bool
    """Whether there are more log records than are shown."""


def search_traces(database: Database, question: TraceFilter) -> TracePage:
    """Traces with a span in the window and to which every filter applies, newest first.

    A filter sees the spans that start in the window; what is answered counts all of the trace.
    """
    if not 1 <= question.limit <= MOST_TRACES:
        raise InvalidQueryError(
            f"{question.limit} is too many or too few; from 1 to {MOST_TRACES}", field="limit"
        )
    cursor = read_cursor(question.cursor) if question.cursor else _first(database, question.window)
    found = database.query(
        query_text("search_traces"),
        {
            **cursor.window.as_parameters(),
            "newest_segment": cursor.newest_segment,
            "before_start": cursor.before_unix_nano,
            "before_trace": cursor.before_trace_id,
            "agent": question.agent,
            "model": question.model,
            "tool": question.tool,
            "conversation": question.conversation,
            "service": question.service,
            "status": question.status,
            "min_duration": question.min_duration_nano,
            "min_cost": question.min_cost_usd,
            "text": question.text,
            "limit": question.limit + 1,
        },
    ).rows
    page = found[: question.limit]
    summaries = _summarize(database, [row[0] for row in page])
    next_cursor = None
    if len(found) > question.limit:
        trace_id, start = page[-1]
        next_cursor = write_cursor(
            Cursor(
                cursor.start_unix_nano, cursor.end_unix_nano, cursor.newest_segment, start, trace_id
            )
        )
    # A trace may be gone again between the two questions: retention took it.
    return TracePage([summaries[row[0]] for row in page if row[0] in summaries], next_cursor)


def read_trace(database: Database, trace_id: str) -> Trace:
    """The whole trace. Raises NotFoundError; InvalidQueryError for what is no trace id."""
    trace_id = trace_id.lower()
    if not _HEX_TRACE_ID.fullmatch(trace_id):
        raise InvalidQueryError(
            f"{trace_id[:100]!r} is not a trace id; write 32 hex digits", field="trace_id"
        )
    window = _locate(database, [trace_id])
    if window is None:
        raise NotFoundError(f"there is no trace {trace_id}")
    tree, are_cut = _read_spans(database, trace_id, window)
    summary = _summarize_within(database, [trace_id], window).get(trace_id)
    if summary is None or not tree.spans:
        raise NotFoundError(f"there is no trace {trace_id}")
    logs = _read_logs(database, trace_id, tree.spans)
    return Trace(
        summary=summary,
        spans=tree.spans,
        duplicate_spans=tree.duplicates,
        spans_truncated=are_cut,
        resources=tree.resources,
        logs=logs[:MOST_LOGS],
        logs_truncated=len(logs) > MOST_LOGS,
    )


def _first(database: Database, window: Window) -> Cursor:
    """The cursor that stands before the first page."""
    newest = database.query(query_text("find_newest_segment"), window.as_parameters()).rows[0][0]
    return Cursor(
        window.start_unix_nano,
        window.end_unix_nano,
        newest,
        window.end_unix_nano,
        _AFTER_EVERY_TRACE,
    )


def _summarize(database: Database, trace_ids: Sequence[str]) -> dict[str, TraceSummary]:
    window = _locate(database, trace_ids) if trace_ids else None
    return _summarize_within(database, trace_ids, window) if window else {}


def _summarize_within(
    database: Database, trace_ids: Sequence[str], window: Window
) -> dict[str, TraceSummary]:
    rows = database.query(
        query_text("summarize_traces"), {"traces": list(trace_ids), **window.as_parameters()}
    ).dicts()
    return {row["trace_id"]: TraceSummary(**with_known_cost(row)) for row in rows}


def _locate(database: Database, trace_ids: Sequence[str]) -> Window | None:
    rows = database.query(query_text("locate_traces"), {"traces": list(trace_ids)}).rows
    return Window(*rows[0]) if rows else None


def _read_spans(database: Database, trace_id: str, window: Window) -> tuple[SpanTree, bool]:
    rows = database.query(
        query_text("read_spans"),
        {"trace": trace_id, **window.as_parameters(), "limit": MOST_SPANS + 1},
    ).rows
    return arrange_spans(rows[:MOST_SPANS]), len(rows) > MOST_SPANS


def _read_logs(database: Database, trace_id: str, spans: Sequence[Span]) -> list[LogRecord]:
    start = min(span.start_unix_nano for span in spans) - _LOG_MARGIN_NANO
    end = max(span.start_unix_nano + span.duration_nano for span in spans) + _LOG_MARGIN_NANO
    rows = database.query(
        query_text("read_trace_logs"),
        {
            "trace": trace_id,
            "start": max(start, 0),
            "end": min(end, 2**63 - 1),
            "limit": MOST_LOGS + 1,
        },
    ).rows
    return [LogRecord(*row) for row in rows]

"""Finding traces and reading one, on the real engine."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from otel_agentmon.errors import InvalidQueryError, NotFoundError
from otel_agentmon.query.answer import Window
from otel_agentmon.query.traces import TraceFilter, TracePage, read_trace, search_traces
from otel_agentmon.store.connect import Database
from tests.database import fresh_database
from tests.query.builders import (
    ALL,
    BASE,
    SECOND,
    SpanRow,
    chat,
    insert_log,
    insert_spans,
    run,
    span_id,
    tool,
    trace_id,
)

_TEXT = "100% _sure_ it's Größe"


@pytest.fixture(scope="module")
def database() -> Database:
    """Four traces that differ in everything that can be asked for."""
    database = fresh_database("query_traces")
    insert_spans(
        database,
        [
            run("planner", trace=1, span=1, duration=5 * SECOND, service="plan"),
            run("writer", trace=1, span=2, parent=1, start=SECOND, service="plan"),
            chat(trace=1, span=3, parent=2, start=SECOND, service="plan", cost="0.25"),
            chat(trace=1, span=4, parent=2, start=2 * SECOND, service="plan", cost="0.50"),
            run(
                "chatbot",
                trace=2,
                start=10 * SECOND,
                duration=SECOND // 2,
                attributes={"gen_ai.conversation.id": "talk-1", "note": _TEXT},
            ),
            chat(
                trace=2,
                span=2,
                parent=1,
                start=10 * SECOND,
                duration=1,
                attributes={"gen_ai.response.model": "answered-model"},
            ),
            run("failing", trace=3, start=20 * SECOND, status="Error", message="Quota EXCEEDED"),
            tool("search", trace=3, span=2, parent=1, start=20 * SECOND + 5),
            SpanRow(trace=4, name="GET /", start=30 * SECOND, service="web"),
        ],
    )
    insert_log(database, "the needle in a log", trace=4, start=30 * SECOND)
    return database


def search(database: Database, **fields: Any) -> TracePage:
    """A search over everything, unless the fields say otherwise."""
    return search_traces(database, replace(TraceFilter(ALL), **fields))


def numbers(page: TracePage) -> list[int]:
    """The numbers the traces were built with, in the order of the answer."""
    return [int(trace.trace_id, 16) for trace in page.traces]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [4, 3, 2, 1]),
        ({"agent": "writer"}, [1]),
        ({"agent": "Writer"}, []),
        ({"model": "test-model"}, [2, 1]),
        ({"model": "answered-model"}, [2]),
        ({"tool": "search"}, [3]),
        ({"conversation": "talk-1"}, [2]),
        ({"service": "web"}, [4]),
        ({"status": "error"}, [3]),
        ({"status": "ok"}, [4, 2, 1]),
        ({"min_duration_nano": SECOND}, [4, 3, 1]),
        ({"min_duration_nano": 5 * SECOND + 1}, []),
        ({"min_cost_usd": Decimal("0.75")}, [1]),
        ({"min_cost_usd": Decimal("0.750000000001")}, []),
        ({"agent": "writer", "service": "plan", "status": "ok"}, [1]),
        ({"agent": "writer", "service": "web"}, []),
        ({"window": Window(BASE + 10 * SECOND, BASE + 20 * SECOND)}, [2]),
        ({"window": Window(BASE + 20 * SECOND, BASE + 20 * SECOND)}, []),
        ({"limit": 2}, [4, 3]),
        ({"text": "100% _SURE_"}, [2]),
        ({"text": "it's"}, [2]),
        ({"text": "größe"}, [2]),
        ({"text": "%"}, [2]),
        ({"text": "quota exceeded"}, [3]),
        ({"text": "NEEDLE"}, [4]),
        ({"text": "\\"}, []),
        ({"text": "') OR 1=1 --"}, []),
        ({"agent": "' OR '1'='1"}, []),
    ],
)
def test_a_filter_finds_what_it_says(
    database: Database, fields: dict[str, Any], expected: list[int]
) -> None:
    """Filters are joined by and, are exact, and take no character for anything but itself."""
    assert numbers(search(database, **fields)) == expected


def test_a_summary_counts_the_whole_trace(database: Database) -> None:
    """Also where only its last span lies in the window."""
    window = Window(BASE + 2 * SECOND, BASE + 3 * SECOND)

    [trace] = search(database, window=window).traces

    assert (trace.name, trace.service, trace.agents) == (
        "invoke_agent planner",
        "plan",
        ["planner", "writer"],
    )
    assert (trace.start_time, trace.duration_nano) == ("2026-09-21T14:13:20.000000000Z", 5 * SECOND)
    assert (trace.spans, trace.errors, trace.model_calls, trace.tool_calls) == (4, 0, 2, 0)
    assert (trace.input_tokens, trace.output_tokens) == (200, 20)
    assert (trace.cost_usd, trace.cost_unknown_calls) == (0.75, 0)


def test_an_unknown_cost_is_not_zero(database: Database) -> None:
    """Nothing called costs nothing; what was called at an unknown price is unknown."""
    costs = {
        int(t.trace_id, 16): (t.cost_usd, t.cost_unknown_calls) for t in search(database).traces
    }

    assert costs[2] == (None, 1)
    assert costs[4] == (0.0, 0)


def test_a_parent_that_repeats_its_childrens_tokens_does_not_double_them() -> None:
    """Tokens are those of model calls, and a span that was sent twice counts once."""
    database = fresh_database("query_traces_tokens")
    usage = {"gen_ai.usage.input_tokens": "100", "gen_ai.usage.output_tokens": "10"}
    insert_spans(database, [run("a", attributes=usage), chat(span=2, parent=1)])
    insert_spans(database, [chat(span=2, parent=1)])

    [trace] = search(database).traces

    assert (trace.spans, trace.model_calls) == (2, 1)
    assert (trace.input_tokens, trace.output_tokens) == (100, 10)


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_pages_are_complete_while_rows_arrive(limit: int) -> None:
    """No trace is missing and none comes twice, although spans that start earlier arrive late."""
    database = fresh_database("query_traces_pages")
    # Every third trace shares its start with a neighbour.
    starts = {n: (n - n % 3) * SECOND for n in range(1, 21)}
    insert_spans(database, [SpanRow(trace=n, span=2, start=starts[n], segment=5) for n in starts])
    seen: list[int] = []
    cursor = ""
    arrived = 100
    while True:
        page = search(database, limit=limit, cursor=cursor)
        seen += numbers(page)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
        late_root = SpanRow(trace=seen[-1], span=1, start=-3600 * SECOND, segment=6)
        newer, older = arrived * SECOND, -arrived * SECOND
        insert_spans(
            database,
            [
                late_root,
                SpanRow(trace=arrived, start=newer, segment=6),
                SpanRow(trace=arrived + 1000, start=older, segment=6),
            ],
        )
        arrived += 1

    assert sorted(seen) == sorted(starts)
    assert [starts[n] for n in seen] == sorted(starts.values(), reverse=True)


def test_a_cursor_keeps_the_window_of_its_first_page(database: Database) -> None:
    """A relative window moves between two pages; the pages of one list do not."""
    first = search(database, limit=1)
    elsewhere = Window(BASE + 900 * SECOND, BASE + 901 * SECOND)

    second = search(database, limit=1, cursor=first.next_cursor, window=elsewhere)

    assert numbers(second) == [3]


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_out_of_range_is_refused(database: Database, limit: int) -> None:
    """A page has a size that was thought about."""
    with pytest.raises(InvalidQueryError, match="from 1 to 1000"):
        search(database, limit=limit)


def test_a_trace_is_read_whole() -> None:
    """Spans in the order of the tree with their GenAI fields, events, links, resource and logs."""
    database = fresh_database("query_traces_read")
    insert_spans(
        database,
        [
            run(
                "a",
                trace=0xABC,
                start=123_456_789,
                duration=7 * 60 * SECOND,
                resource={"service.version": "2"},
                events=((5, "exception", {"exception.type": "X"}),),
                links=((trace_id(9), span_id(3), {"agentmon.link.reason": "retry"}),),
            ),
            chat(trace=0xABC, span=3, parent=2, start=SECOND, cost="0.000000000001"),
            tool("t", trace=0xABC, span=2, parent=1, start=SECOND),
            SpanRow(trace=0xABD, span=1),
        ],
    )
    insert_log(database, "late", trace=0xABC, start=6 * 60 * SECOND, EventName="an.event")
    insert_log(database, "other", trace=0xABD)

    trace = read_trace(database, trace_id(0xABC).upper())

    assert [(s.name, s.depth) for s in trace.spans] == [
        ("invoke_agent a", 0),
        ("execute_tool t", 1),
        ("chat test-model", 2),
    ]
    root, _, call = trace.spans
    assert root.start_time == "2026-09-21T14:13:20.123456789Z"
    assert root.start_unix_nano == BASE + 123_456_789
    assert (root.operation, root.agent, root.cost_usd) == ("invoke_agent", "a", None)
    assert [(e.time, e.name) for e in root.events] == [
        ("2026-09-21T14:13:20.000000005Z", "exception")
    ]
    assert root.links[0].attributes == {"agentmon.link.reason": "retry"}
    assert trace.resources[root.resource] == {"service.name": "svc", "service.version": "2"}
    assert (call.input_tokens, call.cache_read_tokens, call.cost_usd) == (100, None, 1e-12)
    assert [(log.body, log.event_name) for log in trace.logs] == [("late", "an.event")]
    assert trace.summary.spans == 3
    assert not trace.spans_truncated


def test_an_odd_trace_is_read_like_any_other() -> None:
    """Circles, missing parents, two roots and spans that were sent twice hide nothing."""
    database = fresh_database("query_traces_odd")
    insert_spans(
        database,
        [
            SpanRow(span=1),
            SpanRow(span=2),
            SpanRow(span=3, parent=99),
            SpanRow(span=4, parent=5),
            SpanRow(span=5, parent=4),
            SpanRow(span=6, parent=6),
            SpanRow(span=1),
        ],
    )

    trace = read_trace(database, trace_id(1))

    assert sorted(int(s.span_id, 16) for s in trace.spans) == [1, 2, 3, 4, 5, 6]
    assert {int(s.span_id, 16) for s in trace.spans if s.is_detached} == {3, 4, 6}
    assert trace.duplicate_spans == 1
    assert trace.summary.spans == 6


def test_a_trace_of_ten_thousand_spans_is_read() -> None:
    """The whole chain comes in order."""
    database = fresh_database("query_traces_long")
    insert_spans(
        database, [SpanRow(span=n, parent=n - 1, start=n, name="step") for n in range(1, 10_001)]
    )

    trace = read_trace(database, trace_id(1))

    assert [s.depth for s in trace.spans] == list(range(10_000))


@pytest.mark.parametrize("text", ["", "xyz", "1" * 31, "1" * 33, "g" * 32, "1" * 31 + "'"])
def test_what_is_no_trace_id_is_refused(database: Database, text: str) -> None:
    """An id is 32 hex digits, in upper or lower case."""
    with pytest.raises(InvalidQueryError, match="32 hex digits"):
        read_trace(database, text)


def test_a_trace_that_does_not_exist_is_not_found(database: Database) -> None:
    """It is told from an id that cannot exist."""
    with pytest.raises(NotFoundError, match="there is no trace"):
        read_trace(database, "f" * 32)

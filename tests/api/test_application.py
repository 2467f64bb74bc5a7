"""What the API answers, through the real application and the real engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.application import Api, serve
from tests.database import fresh_database
from tests.query.builders import SECOND, SpanRow, chat, insert_log, insert_spans, run, trace_id


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """Three traces, the last of them two days before the others."""
    database = fresh_database("api_application")
    insert_spans(
        database,
        [
            run("bot", trace=1, attributes={"gen_ai.conversation.id": "talk"}),
            chat(trace=1, span=2, parent=1, start=5, cost="0.25"),
            chat(trace=1, span=3, parent=1, start=6),
            SpanRow(trace=2, start=SECOND, name="GET /", status="Error"),
            SpanRow(trace=3, start=-2 * 86_400 * SECOND),
        ],
    )
    insert_log(database, "hello", trace=1)
    with serve(database) as api:
        yield api


def test_traces_are_listed(api: Api) -> None:
    """Newest first, of the last day, with numbers as numbers and unknown cost told apart."""
    answer = api.client.get("/api/v1/traces")

    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert [trace["trace_id"] for trace in body["traces"]] == [trace_id(2), trace_id(1)]
    assert body["next_cursor"] is None
    assert body["traces"][1] == {
        "trace_id": trace_id(1),
        "name": "invoke_agent bot",
        "service": "svc",
        "agents": ["bot"],
        "start_time": "2026-09-21T14:13:20.000000000Z",
        "duration_nano": SECOND + 6,
        "spans": 3,
        "errors": 0,
        "model_calls": 2,
        "tool_calls": 0,
        "input_tokens": 200,
        "output_tokens": 20,
        "cost_usd": 0.25,
        "cost_unknown_calls": 1,
        "conversation": "talk",
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("agent=bot&model=test-model&conversation=talk&service=svc&status=ok", [1]),
        ("min_duration=1s", [2, 1]),
        ("min_duration=1001ms", []),
        ("min_cost=0.25", [1]),
        ("text=HELLO", [1]),
        ("start=-3d", [2, 1, 3]),
        ("start=-30m", []),
        ("start=2026-09-21T14:13:21Z", [2]),
        ("start=2026-09-21T16:13:21.000000000%2B02:00", [2]),
        ("start=2026-09-21T16:13:21+02:00", [2]),
        ("start=2026-09-21T14:13:20.000000001", [2, 1]),
        ("start=2026-09-21T14:13:20.000000007", [2]),
        ("end=1790000000.000000001", [1]),
        ("end=1790000000", []),
        ("start=now&end=-1h", []),
    ],
)
def test_each_parameter_reaches_the_question(api: Api, query: str, expected: list[int]) -> None:
    """Times are ISO 8601, Unix seconds or relative, to the nanosecond."""
    answer = api.client.get(f"/api/v1/traces?{query}")

    assert answer.status_code == 200, answer.text
    assert [int(t["trace_id"], 16) for t in answer.json()["traces"]] == expected


def test_pages_follow_each_other(api: Api) -> None:
    """The cursor of a page leads to the next, and the last has none."""
    first = api.client.get("/api/v1/traces", params={"limit": 1}).json()
    second = api.client.get(
        "/api/v1/traces", params={"limit": 1, "cursor": first["next_cursor"]}
    ).json()

    assert [t["trace_id"] for t in first["traces"] + second["traces"]] == [trace_id(2), trace_id(1)]
    assert second["next_cursor"] is None


def test_a_trace_is_shown_whole(api: Api) -> None:
    """Its summary, its tree and its logs, under its id in upper or lower case."""
    answer = api.client.get(f"/api/v1/traces/{trace_id(1)}").json()

    assert answer["summary"]["spans"] == 3
    assert [(s["depth"], s["cost_usd"], s["cost_unknown_reason"]) for s in answer["spans"]] == [
        (0, None, ""),
        (1, 0.25, ""),
        (1, None, "no_price"),
    ]
    assert [log["body"] for log in answer["logs"]] == ["hello"]


def test_agents_and_conversations_are_listed(api: Api) -> None:
    """Both in the window that is asked for, which is the last day."""
    [agent] = api.client.get("/api/v1/agents").json()["agents"]
    [talk] = api.client.get("/api/v1/conversations?agent=bot&limit=1").json()["conversations"]

    assert (agent["agent"], agent["runs"], agent["cost_usd"]) == ("bot", 1, 0.25)
    assert (talk["conversation"], talk["turns"], talk["cost_unknown_calls"]) == ("talk", 1, 1)
    assert api.client.get("/api/v1/agents?end=-2h").json() == {"agents": []}
    assert api.client.get("/api/v1/conversations?agent=x").json() == {"conversations": []}


def test_sql_is_answered_in_the_format_asked_for(api: Api) -> None:
    """JSONCompactEachRow unless another is named, and never as a page."""
    plain = api.client.post("/api/v1/sql", json={"query": "select 1, '<b>'"})
    csv = api.client.post("/api/v1/sql", json={"query": "select 1 as a", "format": "CSVWithNames"})

    assert (plain.content, plain.headers["content-type"]) == (
        b'[1, "<b>"]\n',
        "application/x-ndjson",
    )
    assert plain.headers["x-content-type-options"] == "nosniff"
    assert (csv.text, csv.headers["content-type"]) == ('"a"\n1\n', "text/csv; charset=utf-8")


def test_health_and_readiness_are_told_apart(api: Api) -> None:
    """A process that is not ready is alive, and says what is in the way."""
    api.problems.append("the journal is full")
    healthy, waiting = api.client.get("/-/healthy"), api.client.get("/-/ready")
    api.problems.clear()
    ready = api.client.get("/-/ready")

    assert healthy.status_code == 200
    assert (waiting.status_code, waiting.json()["detail"]) == (503, "the journal is full")
    assert waiting.headers["retry-after"] == "1"
    assert ready.status_code == 200


def test_metrics_are_shown_in_both_text_formats(api: Api) -> None:
    """Prometheus asks for OpenMetrics and gets it; anything else gets the older format."""
    older = api.client.get("/metrics")
    newer = api.client.get("/metrics", headers={"accept": "application/openmetrics-text"})

    assert "agentmon_api_requests_total" in older.text
    assert older.headers["content-type"].startswith("text/plain; version=")
    assert newer.text.endswith("# EOF\n")


def test_requests_are_counted_by_the_template_of_their_route(api: Api) -> None:
    """Ids and unknown paths make no series, and every series is shown before its first request."""
    labels = {"method": "GET", "route": "/api/v1/traces/{trace_id}"}
    name = "agentmon_api_requests_total"
    before = api.count(name, status="4xx", **labels)
    unmatched = api.count(name, method="GET", route="unmatched", status="4xx")

    api.client.get(f"/api/v1/traces/{'e' * 32}")
    api.client.get("/no/such/path")

    assert api.count(name, status="4xx", **labels) == before + 1
    assert api.count(name, method="GET", route="unmatched", status="4xx") == unmatched + 1
    assert api.count(name, method="POST", route="/api/v1/sql", status="5xx") == 0


def test_the_description_is_complete_and_needs_no_other_host(api: Api) -> None:
    """Every field of every answer and every parameter is explained; no page loads scripts."""
    document = api.client.get("/openapi.json").json()

    mute = [
        f"{name}.{key}"
        for name, schema in document["components"]["schemas"].items()
        for key, value in schema.get("properties", {}).items()
        if not value.get("description")
    ]
    mute += [
        f"{path} {parameter['name']}"
        for path, item in document["paths"].items()
        for operation in item.values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query" and not parameter.get("description")
    ]
    assert not mute
    assert set(document["paths"]) == {
        "/api/v1/traces",
        "/api/v1/traces/{trace_id}",
        "/api/v1/agents",
        "/api/v1/conversations",
        "/api/v1/sql",
        "/-/healthy",
        "/-/ready",
        "/metrics",
    }
    summary = document["components"]["schemas"]["TraceSummary"]["properties"]
    assert summary["cost_usd"]["anyOf"] == [{"type": "number"}, {"type": "null"}]
    assert api.client.get("/docs").status_code == 404
    assert api.client.get("/redoc").status_code == 404

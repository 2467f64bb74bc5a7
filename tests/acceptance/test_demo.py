"""What `agentmon up --demo` shows to somebody who has nothing to send yet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.questions import ask, ask_sql, eventually, read_metric
from tests.house.running import RunningMonitor

pytestmark = pytest.mark.acceptance

RUNS = 20
"""Of each agent; the history that is sent first holds several times as many."""
AGENTS = {
    "planner",
    "researcher",
    "writer",
    "support-chatbot",
    "invoice-extractor",
    "data-janitor",
    "code-reviewer",
}


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMonitor]:
    """A monitor whose sample agents have sent their history."""
    command = (sys.executable, "-m", "otel_agentmon.app.cli", "up", "--demo")
    with RunningMonitor(tmp_path_factory.mktemp("monitor"), command) as running:
        eventually(
            lambda: agents_of(running),
            lambda agents: (
                agents.keys() >= AGENTS and all(agents[name]["runs"] >= RUNS for name in AGENTS)
            ),
            seconds=60,
        )
        yield running


def agents_of(monitor: RunningMonitor) -> dict[str, dict[str, Any]]:
    """What the API says about each agent, by name."""
    return {one["agent"]: one for one in ask(monitor, "/api/v1/agents")["agents"]}


def test_every_sample_agent_is_there(monitor: RunningMonitor) -> None:
    """Each with a version, a duration, tokens and a cost, and none that nobody wrote."""
    agents = agents_of(monitor)

    assert agents.keys() == AGENTS
    for agent in agents.values():
        assert agent["is_named"]
        assert len(agent["versions"]) == 1
        assert 0 < agent["duration_p50_nano"] <= agent["duration_p95_nano"]
        assert agent["model_calls"] > 0
        assert agent["input_tokens"] > agent["output_tokens"] > 0
        assert agent["cost_usd"] > 0


def test_cost_is_known_or_says_that_it_is_not(monitor: RunningMonitor) -> None:
    """The one model without a price is counted as unknown, for its agent only."""
    unknown = {name: one["cost_unknown_calls"] for name, one in agents_of(monitor).items()}
    reasons = ask_sql(
        monitor,
        "SELECT GenAIRequestModel AS model, CostUnknownReason AS reason, "
        "countIf(CostUSD IS NOT NULL) AS priced FROM otel_traces "
        "WHERE IsModelCall AND GenAIRequestModel LIKE 'acme/%' GROUP BY model, reason",
    )

    assert unknown.pop("code-reviewer") >= RUNS
    assert reasons == [{"model": "acme/private-llm-7b", "reason": "no_price", "priced": 0}]
    # A call that failed has no usage; every other call of these agents has a price.
    assert {name for name, calls in unknown.items() if calls} <= {"invoice-extractor"}


def test_the_one_that_costs_too_much_stands_out(monitor: RunningMonitor) -> None:
    """The overspending agent costs more a run than all the others together."""
    a_run = {name: one["cost_usd"] / one["runs"] for name, one in agents_of(monitor).items()}

    assert a_run.pop("code-reviewer") > sum(a_run.values())


def test_the_failing_agent_fails(monitor: RunningMonitor) -> None:
    """Its runs have errors, its traces are found by status, and a span says what happened."""
    agents = agents_of(monitor)
    failed = ask(monitor, "/api/v1/traces", agent="invoice-extractor", status="error", limit=5)
    *_, oldest = failed["traces"]  # the newest may not have arrived in full
    spans = ask(monitor, f"/api/v1/traces/{oldest['trace_id']}")["spans"]

    assert 0.2 < agents["invoice-extractor"]["error_rate"] < 1
    assert agents["support-chatbot"]["errors"] == 0
    assert len(failed["traces"]) == 5
    assert {span["error_type"] for span in spans} & {"429", "timeout", "LedgerConnectionError"}


def test_conversations_have_turns(monitor: RunningMonitor) -> None:
    """Several, of the chatbot, and one is found again through its traces."""
    found = ask(monitor, "/api/v1/conversations")["conversations"]
    ended = found[1:]  # the one that spoke last goes on
    longest = max(ended, key=lambda one: one["turns"])
    traces = ask(monitor, "/api/v1/traces", conversation=longest["conversation"])["traces"]

    assert len(found) >= 5
    assert {tuple(one["agents"]) for one in found} == {("support-chatbot",)}
    assert longest["turns"] == len(traces) >= 3
    assert all(one["cost_usd"] > 0 for one in found)


def test_agents_stand_below_the_agent_that_called_them(monitor: RunningMonitor) -> None:
    """A planner's trace is a tree: its researcher and writer below it, their tools below them."""
    *_, found = ask(monitor, "/api/v1/traces", agent="writer", limit=10)["traces"]
    spans = ask(monitor, f"/api/v1/traces/{found['trace_id']}")["spans"]
    by_id = {span["span_id"]: span for span in spans}
    invocations = [span for span in spans if span["operation"] == "invoke_agent"]
    callers = {
        span["agent"]: by_id[span["parent_span_id"]]["agent"]
        for span in invocations
        if span["parent_span_id"]
    }
    (tool,) = [span for span in spans if span["tool"] == "save_document"]

    assert found["agents"] == ["planner", "researcher", "writer"]
    assert [span["depth"] for span in invocations if span["agent"] == "planner"] == [0]
    assert callers == {"researcher": "planner", "writer": "planner"}
    assert tool["depth"] == 2
    assert by_id[tool["parent_span_id"]]["agent"] == "writer"
    assert found["tool_calls"] == len([s for s in spans if s["operation"] == "execute_tool"])


def test_logs_and_metrics_come_along(monitor: RunningMonitor) -> None:
    """The agents' log records, their evaluations as events, and live metrics, none refused."""
    events = ask_sql(
        monitor,
        "SELECT EventName AS event, count() AS records FROM otel_logs "
        "WHERE TraceId != '' GROUP BY event",
    )
    by_event = {row["event"]: row["records"] for row in events}
    points = eventually(
        lambda: ask_sql(
            monitor,
            "SELECT DISTINCT MetricName AS name FROM otel_metrics_histogram "
            "WHERE MetricName LIKE 'gen_ai.%'",
        ),
        bool,
        seconds=60,
    )

    assert by_event["gen_ai.evaluation.result"] > 0
    assert by_event[""] > 0
    assert {"name": "gen_ai.client.token.usage"} in points
    for items in ("spans", "metric_points", "log_records"):
        assert read_metric(monitor, f"agentmon_receiver_accepted_{items}_total") > 0
        assert read_metric(monitor, f"agentmon_receiver_refused_{items}_total") == 0

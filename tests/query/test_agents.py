"""What each agent did, on the real engine."""

from __future__ import annotations

from otel_agentmon.query.agents import AgentSummary, list_agents
from otel_agentmon.query.answer import Window
from otel_agentmon.store.connect import Database
from tests.database import fresh_database
from tests.query.builders import (
    ALL,
    BASE,
    SECOND,
    SpanRow,
    chat,
    insert_spans,
    run,
    tool,
)


def by_name(database: Database, window: Window = ALL) -> dict[str, AgentSummary]:
    """The agents of the window by name."""
    return {agent.agent: agent for agent in list_agents(database, window)}


def test_an_agent_is_the_sum_of_its_runs() -> None:
    """Runs, errors, durations, versions and services are those of its invoke_agent spans."""
    database = fresh_database("query_agents_runs")
    version = "gen_ai.agent.version"
    insert_spans(
        database,
        [
            run("a", trace=1, duration=SECOND, attributes={version: "1"}),
            run("a", trace=2, start=SECOND, duration=3 * SECOND, service="other", status="Error"),
            run("a", trace=3, start=2 * SECOND, duration=2 * SECOND, attributes={version: "2"}),
            run("a", trace=4, start=3 * SECOND, duration=2 * SECOND),
            run("b", trace=5),
        ],
    )

    agents = list_agents(database, ALL)

    assert [agent.agent for agent in agents] == ["a", "b"]
    a = agents[0]
    assert (a.versions, a.services, a.is_named) == (["1", "2"], ["other", "svc"], True)
    assert (a.runs, a.errors, a.error_rate) == (4, 1, 0.25)
    assert (a.duration_p50_nano, a.last_seen_unix_nano) == (2 * SECOND, BASE + 3 * SECOND)
    assert a.duration_p95_nano is not None
    assert 2 * SECOND < a.duration_p95_nano <= 3 * SECOND
    assert (a.model_calls, a.cost_usd, a.cost_unknown_calls) == (0, 0.0, 0)


def test_calls_belong_to_the_nearest_agent() -> None:
    """A sub-agent's calls are its own, through spans that name no agent, and nobody else's."""
    database = fresh_database("query_agents_nested")
    insert_spans(
        database,
        [
            run("planner", span=1),
            chat(span=2, parent=1, tokens_in=1, cost="1"),
            SpanRow(span=3, parent=1, name="workflow"),
            tool("delegate", span=4, parent=3),
            run("researcher", span=5, parent=4),
            SpanRow(span=6, parent=5, name="chain"),
            SpanRow(span=7, parent=6, name="chain"),
            chat(span=8, parent=7, tokens_in=10),
            tool("search", span=9, parent=8),
            chat(span=10, parent=5, tokens_in=100, attributes={"gen_ai.agent.name": "critic"}),
            chat(span=11, parent=99, tokens_in=1000),
        ],
    )

    agents = by_name(database)

    assert {name: a.input_tokens for name, a in agents.items()} == {
        "planner": 1001,
        "researcher": 10,
        "critic": 100,
    }
    assert {name: a.tool_calls for name, a in agents.items()} == {
        "planner": 1,
        "researcher": 1,
        "critic": 0,
    }
    assert (agents["planner"].cost_usd, agents["planner"].cost_unknown_calls) == (1.0, 1)
    assert (agents["researcher"].cost_usd, agents["researcher"].cost_unknown_calls) == (None, 1)
    assert (agents["critic"].runs, agents["critic"].error_rate) == (0, None)


def test_a_chain_of_sixty_levels_is_followed() -> None:
    """The nearest agent is found far above, and not taken for the first agent of the trace."""
    database = fresh_database("query_agents_deep")
    chain = [SpanRow(span=n, parent=n - 1, start=n) for n in range(3, 62)]
    insert_spans(database, [run("root", span=1), run("sub", span=2, parent=1), *chain])
    insert_spans(database, [chat(span=62, parent=61, start=99)])

    assert {n: a.model_calls for n, a in by_name(database).items()} == {"root": 0, "sub": 1}


def test_parents_in_a_circle_end() -> None:
    """Calls whose ancestors lead nowhere fall to the first agent of the trace."""
    database = fresh_database("query_agents_circle")
    insert_spans(
        database,
        [run("root", span=1), chat(span=2, parent=3), SpanRow(span=3, parent=2, name="loop")],
    )

    assert by_name(database)["root"].model_calls == 1


def test_a_service_stands_in_where_no_agent_is_named() -> None:
    """Its calls are not lost, it is marked, and it is not mixed with an agent of the same name."""
    database = fresh_database("query_agents_service")
    insert_spans(
        database,
        [
            SpanRow(trace=1, span=1, name="GET /", service="web"),
            chat(trace=1, span=2, parent=1, service="web", cost="0.5"),
            run("web", trace=2),
        ],
    )

    agents = list_agents(database, ALL)

    assert [(a.agent, a.is_named, a.runs, a.model_calls, a.cost_usd) for a in agents] == [
        ("web", True, 1, 0, 0.0),
        ("web", False, 0, 1, 0.5),
    ]
    assert (agents[1].services, agents[1].error_rate) == (["web"], None)


def test_tokens_that_a_run_repeats_are_not_doubled() -> None:
    """Usage on the invoke_agent span is its children's, told again."""
    database = fresh_database("query_agents_tokens")
    usage = {"gen_ai.usage.input_tokens": "100", "gen_ai.usage.output_tokens": "10"}
    insert_spans(database, [run("a", attributes=usage), chat(span=2, parent=1)])

    agent = by_name(database)["a"]

    assert (agent.input_tokens, agent.output_tokens, agent.model_calls) == (100, 10, 1)


def test_only_the_window_counts() -> None:
    """The first moment belongs to it, the last does not, and an empty one has no agents."""
    database = fresh_database("query_agents_window")
    insert_spans(database, [run("a", trace=1), run("b", trace=2, start=SECOND)])

    assert list(by_name(database, Window(BASE, BASE + SECOND))) == ["a"]
    assert list(by_name(database, Window(BASE - SECOND, BASE))) == []

"""Conversations in numbers, on the real engine."""

from __future__ import annotations

import pytest

from otel_agentmon.query.conversations import list_conversations
from otel_agentmon.store.connect import Database
from tests.database import fresh_database
from tests.query.builders import ALL, SECOND, SpanRow, chat, insert_spans, run


def talk(name: str) -> dict[str, str]:
    """The attribute that names a conversation."""
    return {"gen_ai.conversation.id": name}


@pytest.fixture(scope="module")
def database() -> Database:
    """Two conversations, the first of two turns, and a trace that belongs to none."""
    database = fresh_database("query_conversations")
    insert_spans(
        database,
        [
            run("bot", trace=1, attributes=talk("one")),
            chat(trace=1, span=2, parent=1, cost="0.5"),
            run("bot", trace=2, start=10 * SECOND, attributes=talk("one"), status="Error"),
            run("helper", trace=2, span=2, parent=1, start=11 * SECOND),
            chat(trace=2, span=3, parent=2, start=12 * SECOND),
            run("bot", trace=3, start=20 * SECOND, attributes=talk("two")),
            chat(trace=3, span=2, parent=1, start=20 * SECOND, attributes=talk("two b")),
            chat(trace=4, start=30 * SECOND),
            SpanRow(trace=5, start=40 * SECOND),
        ],
    )
    return database


def test_a_conversation_is_the_sum_of_its_turns(database: Database) -> None:
    """Spans that name no conversation belong to the one that their trace names."""
    one = {c.conversation: c for c in list_conversations(database, ALL)}["one"]

    assert (one.turns, one.agents, one.errors, one.model_calls) == (2, ["bot", "helper"], 1, 2)
    assert (one.input_tokens, one.output_tokens) == (200, 20)
    assert (one.cost_usd, one.cost_unknown_calls) == (0.5, 1)
    assert one.first_time == "2026-09-21T14:13:20.000000000Z"
    assert one.last_time == "2026-09-21T14:13:32.000000000Z"


def test_a_span_that_names_a_conversation_belongs_to_it(database: Database) -> None:
    """Also where its trace names another one first."""
    found = {c.conversation: c for c in list_conversations(database, ALL)}

    assert found["two"].cost_usd == 0.0
    assert (found["two b"].cost_usd, found["two b"].cost_unknown_calls) == (None, 1)


def test_the_last_to_speak_comes_first(database: Database) -> None:
    """And no more than were asked for."""
    names = [c.conversation for c in list_conversations(database, ALL)]

    assert names == ["two", "two b", "one"]
    assert len(list_conversations(database, ALL, limit=1)) == 1


def test_conversations_of_one_agent(database: Database) -> None:
    """An agent that took part in one turn took part in the conversation."""
    found = list_conversations(database, ALL, agent="helper")

    assert [(c.conversation, c.agents) for c in found] == [("one", ["bot", "helper"])]

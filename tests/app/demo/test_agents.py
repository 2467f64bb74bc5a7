"""Tests of what the sample agents send: the shape of their traces and the conventions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from otel_agentmon import semconv
from otel_agentmon.app.demo.runner import AGENTS, DemoSettings
from tests.app.demo.runs import Outcome, run_in_memory

_CONTENT = {
    semconv.GEN_AI_INPUT_MESSAGES,
    semconv.GEN_AI_OUTPUT_MESSAGES,
    semconv.GEN_AI_TOOL_CALL_ARGUMENTS,
    semconv.GEN_AI_TOOL_CALL_RESULT,
}
_MODEL = {semconv.GEN_AI_PROVIDER_NAME, semconv.GEN_AI_REQUEST_MODEL, semconv.SERVER_ADDRESS}
_TOOL = {semconv.GEN_AI_TOOL_NAME, semconv.GEN_AI_TOOL_TYPE, semconv.GEN_AI_TOOL_CALL_ID}
_REPLY = {
    semconv.GEN_AI_RESPONSE_ID,
    semconv.GEN_AI_RESPONSE_MODEL,
    semconv.GEN_AI_RESPONSE_FINISH_REASONS,
    semconv.GEN_AI_USAGE_INPUT_TOKENS,
    semconv.GEN_AI_USAGE_OUTPUT_TOKENS,
}
# Operation: the attribute that follows it in the name, the kinds, what must be there.
_CONVENTIONS: dict[str, tuple[str, set[SpanKind], set[str]]] = {
    "chat": (semconv.GEN_AI_REQUEST_MODEL, {SpanKind.CLIENT}, _MODEL),
    "embeddings": (
        semconv.GEN_AI_REQUEST_MODEL,
        {SpanKind.CLIENT},
        _MODEL | {semconv.GEN_AI_USAGE_INPUT_TOKENS, semconv.GEN_AI_RESPONSE_MODEL},
    ),
    "retrieval": (semconv.GEN_AI_DATA_SOURCE_ID, {SpanKind.CLIENT}, set()),
    "invoke_agent": (
        semconv.GEN_AI_AGENT_NAME,
        {SpanKind.INTERNAL, SpanKind.CLIENT},
        {semconv.GEN_AI_AGENT_VERSION},
    ),
    "execute_tool": (semconv.GEN_AI_TOOL_NAME, {SpanKind.INTERNAL}, _TOOL),
}


@pytest.fixture(scope="module")
def everyone() -> Outcome:
    """Twenty runs of each agent."""
    return run_in_memory(DemoSettings(seed=3, rate=1, backfill=timedelta(minutes=20), runs=0))


@cache
def alone(name: str) -> Outcome:
    """Twenty runs of one agent, with content."""
    return run_in_memory(
        DemoSettings(
            seed=3, rate=1, backfill=timedelta(minutes=20), runs=0, agents=(name,), content=True
        )
    )


def attribute(span: ReadableSpan, name: str) -> Any:
    return (span.attributes or {}).get(name)


def operation(span: ReadableSpan) -> str:
    return str(attribute(span, semconv.GEN_AI_OPERATION_NAME))


def only(spans: Sequence[ReadableSpan], wanted: str) -> list[ReadableSpan]:
    return [span for span in spans if operation(span) == wanted]


def roots(spans: Sequence[ReadableSpan]) -> list[ReadableSpan]:
    return [span for span in spans if span.parent is None]


def test_every_span_keeps_the_conventions(everyone: Outcome) -> None:
    """Name, kind and attributes are what the conventions ask of each operation."""
    for span in everyone.spans:
        target, kinds, required = _CONVENTIONS[operation(span)]
        if operation(span) == "chat" and span.status.status_code is not StatusCode.ERROR:
            required = required | _REPLY

        assert span.name == f"{operation(span)} {attribute(span, target)}"
        assert span.kind in kinds
        assert required <= set(span.attributes or {})
        assert span.instrumentation_scope is not None
        assert span.instrumentation_scope.schema_url == semconv.SCHEMA_URL
    assert {operation(span) for span in everyone.spans} == set(_CONVENTIONS)


def test_every_trace_is_one_tree_in_time(everyone: Outcome) -> None:
    """A trace has one root, which is an agent's run; children lie within their parents."""
    for spans in everyone.traces.values():
        by_id = {span.context.span_id: span for span in spans if span.context}
        (root,) = roots(spans)

        assert operation(root) == "invoke_agent"
        for span in spans:
            assert span.start_time is not None
            assert span.end_time is not None
            assert span.start_time <= span.end_time
            if span.parent is not None:
                parent = by_id[span.parent.span_id]
                assert (parent.start_time or 0) <= span.start_time
                assert span.end_time <= (parent.end_time or 0)


def test_each_agent_is_a_service_of_its_own(everyone: Outcome) -> None:
    """Five programs, each with a name, a version and an instance, on the demo's host."""
    resources = {span.resource for span in everyone.spans}

    assert len({r.attributes["service.name"] for r in resources}) == len(AGENTS)
    assert len({r.attributes["service.instance.id"] for r in resources}) == len(AGENTS)
    for resource in resources:
        assert resource.attributes["service.version"]
        assert resource.attributes["host.name"] == "demo-host"
        assert resource.attributes["deployment.environment.name"] == "demo"


def test_tokens_are_counted_as_the_conventions_say(everyone: Outcome) -> None:
    """Input includes what was cached, output includes the reasoning; all kinds occur."""
    seen: Counter[str] = Counter()
    for span in only(everyone.spans, "chat"):
        cached = [
            attribute(span, semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS) or 0,
            attribute(span, semconv.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS) or 0,
        ]
        reasoning = attribute(span, semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS) or 0
        seen += Counter(read=cached[0] > 0, created=cached[1] > 0, reasoning=reasoning > 0)
        if span.status.status_code is not StatusCode.ERROR:
            assert sum(cached) <= attribute(span, semconv.GEN_AI_USAGE_INPUT_TOKENS)
            assert reasoning < attribute(span, semconv.GEN_AI_USAGE_OUTPUT_TOKENS)

    assert set(seen) == {"read", "created", "reasoning"}


def test_content_is_off_unless_asked_for(everyone: Outcome) -> None:
    """Without `content` no message leaves the process; with it messages are structured."""
    assert not any(_CONTENT & set(span.attributes or {}) for span in everyone.spans)

    (chat, *_) = only(alone("chatbot").spans, "chat")
    (message,) = attribute(chat, semconv.GEN_AI_OUTPUT_MESSAGES)
    assert message["role"] == "assistant"
    assert message["parts"][0]["type"] == "text"


def test_the_planner_works_through_sub_agents_and_parallel_tools() -> None:
    """Researcher and writer run below the planner; a researcher's tools begin together."""
    planner = alone("planner")
    for spans in planner.traces.values():
        agents = only(spans, "invoke_agent")
        (root,) = roots(spans)
        names = Counter(attribute(agent, semconv.GEN_AI_AGENT_NAME) for agent in agents)
        assert names["planner"] == names["writer"] == 1
        assert names["researcher"] >= 1
        for agent in agents:
            assert agent is root or agent.parent == root.context
            if attribute(agent, semconv.GEN_AI_AGENT_NAME) == "researcher":
                tools = [t for t in only(spans, "execute_tool") if t.parent == agent.context]
                assert len(tools) >= 2
                assert len({tool.start_time for tool in tools}) == 1
                assert len({tool.end_time for tool in tools}) == len(tools)


def test_a_follow_up_links_to_the_run_before() -> None:
    """The link leads to the root of another trace, and says why it is there."""
    planner_roots = roots(alone("planner").spans)
    links = [(root, link) for root in planner_roots for link in root.links]

    assert links
    for root, link in links:
        assert link.context in [other.context for other in planner_roots if other is not root]
        assert dict(link.attributes or {}) == {semconv.AGENTMON_LINK_REASON: "follow_up"}


def test_the_chatbot_holds_conversations() -> None:
    """Turns of a conversation share its id and its user; from the second on, input is cached."""
    chats = only(alone("chatbot").spans, "chat")
    conversations: dict[str, list[ReadableSpan]] = {}
    for chat in chats:
        conversations.setdefault(attribute(chat, semconv.GEN_AI_CONVERSATION_ID), []).append(chat)

    assert 20 / 6 <= len(conversations) <= 10
    for turns in conversations.values():
        cached = [attribute(t, semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS) for t in turns]
        assert len({attribute(turn, semconv.USER_ID) for turn in turns}) == 1
        assert cached[0] is None
        assert all(cached[1:])


def test_the_failing_agent_says_what_failed() -> None:
    """An error has a status, a type, an exception event and a log record in the same trace."""
    failing = alone("failing")
    errors = [s for s in failing.spans if s.status.status_code is StatusCode.ERROR]
    types = {attribute(error, semconv.ERROR_TYPE) for error in errors}

    assert types == {"429", "timeout", "LedgerConnectionError"}
    for error in errors:
        (event,) = error.events
        assert event.name == "exception"
        assert event.timestamp == error.end_time
    logged = {
        record.log_record.trace_id
        for record in failing.log_records
        if semconv.EXCEPTION_TYPE in (record.log_record.attributes or {})
    }
    assert {error.context.trace_id for error in errors if error.context} == logged


def test_a_timeout_takes_as_long_as_it_says() -> None:
    """The ten seconds are spent inside the call that failed."""
    timeouts = [
        span
        for span in only(alone("failing").spans, "chat")
        if attribute(span, semconv.ERROR_TYPE) == "timeout"
    ]

    assert timeouts
    assert all((s.end_time or 0) - (s.start_time or 0) >= 10 * 10**9 for s in timeouts)


def test_the_looping_agent_repeats_itself() -> None:
    """At the step limit it has called one tool twelve times with the same arguments."""
    stopped = [
        spans
        for spans in alone("looping").traces.values()
        if attribute(roots(spans)[0], semconv.ERROR_TYPE) == "step_limit"
    ]

    assert len(stopped) > 10
    for spans in stopped:
        calls = Counter(
            (
                attribute(s, semconv.GEN_AI_TOOL_NAME),
                str(attribute(s, "gen_ai.tool.call.arguments")),
            )
            for s in only(spans, "execute_tool")
        )
        assert list(calls.values()) == [12]


def test_the_overspending_agent_grows_its_context() -> None:
    """Every call of the costly model sends more than the one before; one model has no price."""
    for spans in alone("overspending").traces.values():
        chats = only(spans, "chat")
        sent = [
            attribute(chat, semconv.GEN_AI_USAGE_INPUT_TOKENS)
            for chat in chats
            if attribute(chat, semconv.GEN_AI_REQUEST_MODEL) == "claude-opus-4-1"
        ]
        models = {attribute(chat, semconv.GEN_AI_REQUEST_MODEL) for chat in chats}

        assert sent == sorted(set(sent))
        assert sent[-1] > 2 * sent[0]
        assert "acme/private-llm-7b" in models


def test_evaluations_are_events_about_a_response(everyone: Outcome) -> None:
    """An evaluation names the response it is about, in that response's own trace."""
    responses = {
        attribute(chat, semconv.GEN_AI_RESPONSE_ID): chat.context.trace_id
        for chat in only(everyone.spans, "chat")
        if chat.context
    }
    events = [
        record.log_record
        for record in everyone.log_records
        if record.log_record.event_name == semconv.GEN_AI_EVALUATION_RESULT
    ]

    assert len(events) > 40
    for event in events:
        attributes = event.attributes or {}
        assert responses[attributes[semconv.GEN_AI_RESPONSE_ID]] == event.trace_id
        assert attributes[semconv.GEN_AI_EVALUATION_NAME]
        assert 0 <= attributes[semconv.GEN_AI_EVALUATION_SCORE_VALUE] <= 1  # type: ignore[operator]

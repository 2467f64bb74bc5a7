"""What each agent did in a window of time.

A run is an invoke_agent span. A model or tool call belongs to the agent it names, else to the
agent of its nearest ancestor that names one (64 levels are searched), else to the first agent of
its trace, else to its service, which then stands in the list as an agent without a name. So the
calls of a sub-agent are its own, and not also those of the agent that called it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from otel_agentmon.query.answer import Answer, Window, known_cost
from otel_agentmon.store.connect import Database
from otel_agentmon.store.statements import query_text


@dataclass(frozen=True, slots=True)
class AgentSummary(Answer):
    """One agent in a window of time."""

    agent: str
    """`gen_ai.agent.name`, or the service's name where its spans name no agent."""
    is_named: bool
    """Whether `agent` is an agent's name; false where it is a service's."""
    versions: list[str]
    """`gen_ai.agent.version` of its runs."""
    services: list[str]
    """Services its runs or calls happened in."""
    runs: int
    """invoke_agent spans."""
    errors: int
    """Runs with status Error."""
    error_rate: float | None
    """Errors by runs, from 0 to 1; null without runs."""
    duration_p50_nano: float | None
    """Median duration of a run in nanoseconds; null without runs."""
    duration_p95_nano: float | None
    """95th percentile of the duration of a run in nanoseconds; null without runs."""
    model_calls: int
    """Calls of a language model that are its own, not its sub-agents'."""
    tool_calls: int
    """Executions of a tool."""
    input_tokens: int
    """Input tokens of its model calls."""
    output_tokens: int
    """Output tokens of its model calls."""
    cost_usd: float | None
    """US dollars of its model calls whose cost is known; null where none is."""
    cost_unknown_calls: int
    """Model calls whose cost is not known, and is not in `cost_usd`."""
    last_seen_unix_nano: int
    """When its last run or call started, in nanoseconds since the Unix epoch."""


_NO_RUNS: dict[str, Any] = {
    "versions": [],
    "services": [],
    "runs": 0,
    "errors": 0,
    "durations": (None, None),
    "last_seen": 0,
}
_NO_CALLS: dict[str, Any] = {
    "model_calls": 0,
    "tool_calls": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "cost_usd": None,
    "cost_unknown_calls": 0,
    "last_seen": 0,
}


def list_agents(database: Database, window: Window) -> list[AgentSummary]:
    """Every agent with a run or a call in the window, those with the most runs first."""
    parameters = window.as_parameters()
    runs = {r["agent"]: r for r in database.query(query_text("summarize_runs"), parameters).dicts()}
    named, unnamed = {}, {}
    for row in database.query(query_text("summarize_calls"), parameters).dicts():
        if row["agent"]:
            named[row["agent"]] = row
        else:
            unnamed[row["service"]] = row
    agents = [
        *(_summarize(name, runs.get(name), named.get(name)) for name in {**runs, **named}),
        *(_summarize_service(service, calls) for service, calls in unnamed.items()),
    ]
    return sorted(agents, key=lambda a: (-a.runs, -a.model_calls, a.agent, not a.is_named))


def _summarize(
    name: str, runs: dict[str, Any] | None, calls: dict[str, Any] | None
) -> AgentSummary:
    return _join(name, runs or _NO_RUNS, calls or _NO_CALLS, is_named=True)


def _summarize_service(service: str, calls: dict[str, Any]) -> AgentSummary:
    return _join(service, _NO_RUNS | {"services": [service]}, calls, is_named=False)


def _join(
    name: str, runs: dict[str, Any], calls: dict[str, Any], *, is_named: bool
) -> AgentSummary:
    p50, p95 = runs["durations"]
    return AgentSummary(
        agent=name,
        is_named=is_named,
        versions=runs["versions"],
        services=runs["services"],
        runs=runs["runs"],
        errors=runs["errors"],
        error_rate=runs["errors"] / runs["runs"] if runs["runs"] else None,
        duration_p50_nano=p50,
        duration_p95_nano=p95,
        model_calls=calls["model_calls"],
        tool_calls=calls["tool_calls"],
        input_tokens=calls["input_tokens"],
        output_tokens=calls["output_tokens"],
        cost_usd=known_cost(calls["cost_usd"], calls["model_calls"]),
        cost_unknown_calls=calls["cost_unknown_calls"],
        last_seen_unix_nano=max(runs["last_seen"], calls["last_seen"]),
    )

"""The commands that ask a running process: `agentmon sql|traces|trace|agents|top`."""

from __future__ import annotations

from typing import Annotated

import typer

Url = Annotated[
    str, typer.Option("--url", envvar="AGENTMON_URL", help="Address of the running process.")
]
AsJson = Annotated[bool, typer.Option("--json", help="The API's answer as JSON.")]
Since = Annotated[str, typer.Option(help="How far to look back, such as 30m, 1h or 7d.")]
DEFAULT_URL = "http://127.0.0.1:8000"


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    for command in (sql, traces, trace, agents, top):
        app.command()(command)


def sql(
    query: Annotated[str, typer.Argument(help="One SELECT, SHOW TABLES or DESCRIBE TABLE.")],
    output_format: Annotated[
        str,
        typer.Option("--format", help="table, json, jsonl, csv, tsv, or a format of ClickHouse."),
    ] = "table",
    url: Url = DEFAULT_URL,
) -> None:
    """Ask the database in SQL, read-only."""
    # Imported late, here and below: the other commands need neither an HTTP client nor tables.
    from otel_agentmon.app import client_output

    client_output.write_sql(url, query, output_format)


def traces(
    *,
    agent: Annotated[str, typer.Option(help="An agent that takes part.")] = "",
    model: Annotated[str, typer.Option(help="A model that was asked for or that answered.")] = "",
    tool: Annotated[str, typer.Option(help="A tool that was used.")] = "",
    conversation: Annotated[str, typer.Option(help="A conversation it belongs to.")] = "",
    service: Annotated[str, typer.Option(help="A service that takes part.")] = "",
    status: Annotated[str, typer.Option(help="ok or error.")] = "",
    min_duration: Annotated[str, typer.Option(help="Shortest duration, such as 500ms.")] = "",
    min_cost: Annotated[str, typer.Option(help="Smallest known cost in US dollars.")] = "",
    text: Annotated[str, typer.Option(help="Text in names, attributes, messages or logs.")] = "",
    start: Annotated[str, typer.Option(help="From this time: -1h, Unix seconds, ISO.")] = "-24h",
    end: Annotated[str, typer.Option(help="Until this time.")] = "now",
    limit: Annotated[int, typer.Option(help="How many, up to 1000.")] = 20,
    cursor: Annotated[str, typer.Option(help="Go on after a page: its next_cursor.")] = "",
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """List traces, newest first; every filter that is given must apply."""
    from otel_agentmon.app import client_output

    filters = {
        "agent": agent,
        "model": model,
        "tool": tool,
        "conversation": conversation,
        "service": service,
        "status": status,
        "min_duration": min_duration,
        "min_cost": min_cost,
        "text": text,
        "start": start,
        "end": end,
        "limit": limit,
        "cursor": cursor,
    }
    client_output.write_traces(url, filters, as_json=as_json)


def trace(
    trace_id: Annotated[str, typer.Argument(help="32 hex digits.")],
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Show one trace as a tree, with durations, tokens, cost and errors."""
    from otel_agentmon.app import client_output

    if not trace_id.isalnum():
        raise typer.BadParameter(f"{trace_id!r} is not a trace id; write 32 hex digits")
    client_output.write_trace(url, trace_id, as_json=as_json)


def agents(since: Since = "1h", as_json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """List agents with their runs, errors, durations, tokens and cost."""
    from otel_agentmon.app import client_output

    client_output.write_agents(url, since, as_json=as_json)


def top(
    since: Since = "1h",
    refresh: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Watch the agents live, until Ctrl-C."""
    from otel_agentmon.app import client_output

    client_output.watch_agents(url, since, None if once else refresh)

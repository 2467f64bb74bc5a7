"""What each client command writes: the API's answer as a table, a tree or JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import typer
from rich.console import Group
from rich.live import Live

from otel_agentmon.app.client import ApiClient, ClientError
from otel_agentmon.app.client_tables import (
    agents_table,
    build_console,
    rows_table,
    totals_line,
    trace_tree,
    traces_table,
)
from otel_agentmon.app.client_text import clean, show_json

_SHORT_FORMATS = {
    "json": "JSON",
    "jsonl": "JSONEachRow",
    "csv": "CSVWithNames",
    "tsv": "TSVWithNames",
}
_BINARY_FORMATS = ("Parquet", "ArrowStream")


def write_sql(url: str, query: str, output_format: str) -> None:
    """The answer to a statement; on a terminal without what a terminal obeys."""
    name = _SHORT_FORMATS.get(output_format, output_format)
    if name in _BINARY_FORMATS and sys.stdout.isatty():
        raise ClientError(f"{name} is not for reading; redirect it into a file")
    with ApiClient(url) as client:
        answer = client.ask_sql(query, "JSONCompact" if name == "table" else name)
    if name == "table":
        build_console().print(rows_table(json.loads(answer)))
    elif sys.stdout.isatty():
        for line in answer.decode(errors="replace").splitlines():
            typer.echo("\t".join(clean(cell) for cell in line.split("\t")))
    else:
        sys.stdout.buffer.write(answer)


def write_traces(url: str, filters: Mapping[str, Any], *, as_json: bool) -> None:
    """A page of traces, and on standard error how to get the next."""
    with ApiClient(url) as client:
        page = client.read("/api/v1/traces", filters)
    if as_json:
        typer.echo(show_json(page))
        return
    build_console().print(traces_table(page["traces"]))
    if page["next_cursor"]:
        typer.echo(f"There are more: --cursor {clean(page['next_cursor'])}", err=True)


def write_trace(url: str, trace_id: str, *, as_json: bool) -> None:
    """One trace as a tree."""
    with ApiClient(url) as client:
        answer = client.read(f"/api/v1/traces/{trace_id}")
    if as_json:
        typer.echo(show_json(answer))
    else:
        build_console().print(trace_tree(answer))


def write_agents(url: str, since: str, *, as_json: bool) -> None:
    """The agents that were seen since."""
    with ApiClient(url) as client:
        answer = client.read("/api/v1/agents", {"start": f"-{since}"})
    if as_json:
        typer.echo(show_json(answer))
    else:
        build_console().print(agents_table(answer["agents"]))


def watch_agents(url: str, since: str, refresh_seconds: float | None) -> None:
    """The agents that were seen since, again and again until Ctrl-C; once if None."""
    console = build_console()
    with ApiClient(url) as client:

        def look() -> Group:
            seen = client.read("/api/v1/agents", {"start": f"-{since}"})["agents"]
            return Group(totals_line(seen, since), agents_table(seen))

        if refresh_seconds is None:
            console.print(look())
            return
        live = Live(look(), console=console, auto_refresh=False, screen=True)
        try:
            live.start(refresh=True)
            while True:
                time.sleep(refresh_seconds)
                live.update(look(), refresh=True)
        except KeyboardInterrupt:
            return
        finally:  # not `with`, which forgets to end what is interrupted while it begins
            live.stop()

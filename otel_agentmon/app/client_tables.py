"""The tables and trees that the client's commands show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from otel_agentmon.app.client_text import (
    UNKNOWN,
    clean,
    plain,
    show_cost,
    show_count,
    show_duration,
    show_time,
)

_WIDE = 240


def build_console() -> Console:
    """As wide as the terminal; where there is none, wide enough to cut nothing."""
    console = Console(highlight=False, markup=False, emoji=False)
    return (
        console
        if console.is_terminal
        else Console(width=_WIDE, highlight=False, markup=False, emoji=False)
    )


def traces_table(traces: Sequence[dict[str, Any]]) -> RenderableType:
    """One line a trace."""
    if not traces:
        return Text("No traces match.")
    table = _table("trace", "start", "name", "agents")
    for name in ("duration", "spans", "errors", "tokens in", "out", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for trace in traces:
        table.add_row(
            plain(trace["trace_id"]),
            plain(show_time(trace["start_time"])),
            plain(trace["name"]),
            plain(", ".join(trace["agents"])),
            show_duration(trace["duration_nano"]),
            show_count(trace["spans"]),
            _errors(trace["errors"]),
            show_count(trace["input_tokens"]),
            show_count(trace["output_tokens"]),
            show_cost(trace["cost_usd"], trace["cost_unknown_calls"]),
        )
    return table


def agents_table(agents: Sequence[dict[str, Any]]) -> RenderableType:
    """One line an agent; a service without an agent's name stands in brackets."""
    if not agents:
        return Text("No agents were seen.")
    table = _table("agent", "version")
    columns = (
        "runs", "errors", "error rate", "p50", "p95", "model calls", "tool calls", "tokens in",
        "out", "cost", "last seen",
    )  # fmt: skip
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for agent in agents:
        name = clean(agent["agent"])
        rate = agent["error_rate"]
        table.add_row(
            plain(name) if agent["is_named"] else Text(f"({name})", "dim"),
            plain(", ".join(agent["versions"])),
            show_count(agent["runs"]),
            _errors(agent["errors"]),
            "-" if rate is None else f"{rate:.1%}",
            show_duration(agent["duration_p50_nano"]),
            show_duration(agent["duration_p95_nano"]),
            show_count(agent["model_calls"]),
            show_count(agent["tool_calls"]),
            show_count(agent["input_tokens"]),
            show_count(agent["output_tokens"]),
            show_cost(agent["cost_usd"], agent["cost_unknown_calls"]),
            _clock_time(agent["last_seen_unix_nano"]),
        )
    return table


def totals_line(agents: Sequence[dict[str, Any]], since: str) -> Text:
    """All agents together, in one line."""
    known = [agent["cost_usd"] for agent in agents if agent["cost_usd"] is not None]
    unknown = sum(agent["cost_unknown_calls"] for agent in agents)
    parts = (
        f"last {clean(since)}",
        f"{sum(agent['runs'] for agent in agents):,} runs",
        f"{sum(agent['errors'] for agent in agents):,} errors",
        f"{sum(agent['input_tokens'] for agent in agents):,} tokens in",
        f"{sum(agent['output_tokens'] for agent in agents):,} out",
        f"cost {show_cost(sum(known), unknown)}",
    )
    return Text(" · ".join(parts), "bold")


def rows_table(answer: dict[str, Any]) -> RenderableType:
    """The answer to a statement, from ClickHouse's JSONCompact."""
    table = _table(*(clean(column["name"]) for column in answer["meta"]))
    for row in answer["data"]:
        table.add_row(*(plain("NULL", "dim") if v is None else plain(v) for v in row))
    return Group(table, Text(f"{answer['rows']:,} rows", "dim"))


def trace_tree(trace: dict[str, Any]) -> RenderableType:
    """The spans of one trace below each other, as their parents have it."""
    summary = trace["summary"]
    head = Text.assemble(
        (clean(summary["trace_id"]), "bold"),
        f"  {show_time(summary['start_time'])}  {show_duration(summary['duration_nano'])}"
        f"  {summary['spans']:,} spans  ",
        _errors(summary["errors"], word=" errors"),
        f"  {summary['input_tokens']:,} in / {summary['output_tokens']:,} out"
        f"  {show_cost(summary['cost_usd'], summary['cost_unknown_calls'])}",
    )
    root = Tree(head)
    path: list[Tree] = [root]
    for span in trace["spans"]:
        # A chain of thousands would leave no room; what is deeper stands at the last indent.
        depth = min(span["depth"], _DEEPEST)
        del path[depth + 1 :]
        path.append(path[depth].add(_span_line(span)))
    notes = []
    if trace["spans_truncated"]:
        notes.append("the trace has more spans than are shown")
    if trace["duplicate_spans"]:
        notes.append(f"{trace['duplicate_spans']:,} spans were sent twice and are shown once")
    return Group(root, *(Text(note, "yellow") for note in notes), *_log_lines(trace["logs"]))


_DEEPEST = 40


def _span_line(span: dict[str, Any]) -> Text:
    line = Text(clean(span["name"]), "red" if span["status"] == "Error" else "")
    line.append(f"  {show_duration(span['duration_nano'])}", "cyan")
    if span["is_model_call"]:
        cost = UNKNOWN if span["cost_usd"] is None else show_cost(span["cost_usd"], 0)
        tokens = f"{show_count(span['input_tokens'])} in / {show_count(span['output_tokens'])} out"
        line.append(f"  {tokens}  {cost}", "green")
    if span["status"] == "Error":
        reason = " ".join(clean(span[k]) for k in ("error_type", "status_message") if span[k])
        line.append(f"  ✗ {reason}".rstrip(), "red")
    if span["is_detached"]:
        line.append("  (its parent is not here)", "yellow")
    return line


def _log_lines(logs: Sequence[dict[str, Any]]) -> list[Text]:
    return [
        Text(
            f"{show_time(log['time'])}  {clean(log['severity']) or '-'}  "
            f"{clean(log['event_name'] or '')} {clean(log['body'])}".rstrip(),
            "dim",
        )
        for log in logs
    ]


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(Text(name), overflow="fold")
    return table


def _errors(count: int, word: str = "") -> Text:
    return Text(f"{count:,}{word}", "red" if count else "")


def _clock_time(unix_nano: int) -> str:
    moment = datetime.fromtimestamp(unix_nano // 1_000_000_000, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S")

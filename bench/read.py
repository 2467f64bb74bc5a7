"""Answers on a large database through the HTTP API, and how soon the process is ready on it.

The anchor of an answer is the same question as SQL on the stock columns alone, as any tool for the
Collector's tables would ask it, in the same process. The anchor of the start is a bare engine
that opens the same database.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench.fill import LARGE_TRACE, LARGE_TRACE_SPANS, trace_id
from bench.monitor import Monitor
from bench.options import Options
from bench.payload import SPANS_PER_TRACE
from bench.process import wait_until_quiet
from bench.report import percentile, ratio, report, spread

_QUESTIONS: Final = 20  # of each kind in each round, about different things
_SEARCH_SQL: Final = (
    "SELECT TraceId, max(Timestamp) AS t FROM otel.otel_traces "
    "WHERE SpanAttributes['gen_ai.agent.name'] = 'planner' "
    "AND Timestamp > now() - INTERVAL 1 DAY GROUP BY TraceId ORDER BY t DESC LIMIT 50"
)
_AGENTS_SQL: Final = (
    "SELECT SpanAttributes['gen_ai.agent.name'] AS agent, count(), "
    "sum(toUInt64OrZero(SpanAttributes['gen_ai.usage.output_tokens'])) "
    "FROM otel.otel_traces WHERE Timestamp > now() - INTERVAL 1 DAY GROUP BY agent"
)
_BARE_START: Final = (
    "import sys, clickhouse_connect as c;"
    "d = c.get_client(interface='chdb', path=sys.argv[1], database='otel');"
    "d.query('SELECT count() FROM otel_traces'); d.close()"
)

Ask = Callable[[Monitor, int], Any]


def run(options: Options, directory: Path) -> None:
    """Fills, starts several times, asks in turns."""
    spans = int(options.millions * 1e6)
    folder = directory / "agentmon"
    subprocess.run(
        [sys.executable, "-m", "bench.fill", str(folder / "data/store"), "--spans", str(spans)],
        check=True,
    )
    starts, bare = [], []
    for _ in range(options.repeats):
        bare.append(_bare_start(folder / "data/store"))
        monitor = Monitor(folder, options.agentmon)
        starts.append(monitor.start_seconds * 1e3)
        monitor.stop()
    rows = [_row("ready after start", starts, bare)]
    monitor = Monitor(folder, options.agentmon)
    try:
        wait_until_quiet(monitor)
        traces = spans // SPANS_PER_TRACE
        assert len(monitor.sql(_trace_sql(trace_id(traces - 1)))) == SPANS_PER_TRACE
        assert len(monitor.sql(_trace_sql(LARGE_TRACE))) == LARGE_TRACE_SPANS
        for name, (ours, anchor) in questions().items():
            taken, anchored = _ask_in_turns(monitor, ours, anchor, traces, options.repeats)
            rows.append(_row(name, taken, anchored))
    finally:
        monitor.stop()
    report("read", rows, {"spans": spans})


def questions() -> dict[str, tuple[Ask, Ask]]:
    """Each question as the API's and as plain SQL; the number picks what it is about."""
    return {
        f"trace of {SPANS_PER_TRACE} spans": (
            lambda m, n: _get(m, f"/api/v1/traces/{trace_id(n)}"),
            lambda m, n: m.sql(_trace_sql(trace_id(n))),
        ),
        f"trace of {LARGE_TRACE_SPANS:,} spans": (
            lambda m, _: _get(m, f"/api/v1/traces/{LARGE_TRACE}"),
            lambda m, _: m.sql(_trace_sql(LARGE_TRACE)),
        ),
        "search: an agent's latest traces, last day": (
            lambda m, _: _get(m, "/api/v1/traces?agent=planner"),
            lambda m, _: m.sql(_SEARCH_SQL),
        ),
        "agents, last day": (
            lambda m, _: _get(m, "/api/v1/agents"),
            lambda m, _: m.sql(_AGENTS_SQL),
        ),
    }


def _trace_sql(wanted: str) -> str:
    """As Grafana's ClickHouse plugin does: the time from the small table, then the spans."""
    times = f"FROM otel.otel_traces_trace_id_ts WHERE TraceId = '{wanted}'"
    return (
        f"SELECT * FROM otel.otel_traces WHERE TraceId = '{wanted}' "  # noqa: S608 - our own ids
        f"AND Timestamp >= (SELECT min(Start) {times}) "
        f"AND Timestamp <= (SELECT max(End) + 1 {times})"
    )


def _get(monitor: Monitor, path: str) -> Any:
    answer = monitor.http.get(path)
    assert answer.status_code == 200, f"{path}: {answer.text[:500]}"
    return answer.json()


def _ask_in_turns(
    monitor: Monitor, ours: Ask, anchor: Ask, traces: int, repeats: int
) -> tuple[list[float], list[float]]:
    rng = random.Random(1)
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(_QUESTIONS * repeats + 1):
        about = rng.randrange(traces)
        for ask, milliseconds in zip((ours, anchor), taken, strict=True):
            began = time.perf_counter()
            ask(monitor, about)
            if number:  # the first one warms up
                milliseconds.append((time.perf_counter() - began) * 1e3)
    return taken


def _bare_start(database: Path) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _BARE_START, str(database)], check=True)
    return (time.perf_counter() - began) * 1e3


def _row(name: str, ours: list[float], anchor: list[float]) -> dict[str, Any]:
    return {
        "question": name,
        "asked": len(ours),
        "ms, median (least to greatest)": spread(ours).text(),
        "p99 ms": f"{percentile(ours, 99):,.1f}",
        "anchor ms, median (least to greatest)": spread(anchor).text(),
        "time over anchor": ratio(ours, anchor).text("x"),
    }

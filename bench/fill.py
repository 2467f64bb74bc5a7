"""Fills a monitor's database with spans by SQL, before the monitor is started on it.

Eight spans a trace: a run of an agent, with model and tool calls below it, in the order of time
over the last seven days; and one trace of 10,000 spans. The GenAI columns fill themselves from
the attributes.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from bench.payload import AGENTS, SPANS_PER_TRACE
from otel_agentmon.store.config import StoreConfig
from otel_agentmon.store.connect import Database
from otel_agentmon.store.migrate import migrate
from otel_agentmon.store.prices import refresh_prices

LARGE_TRACE: Final = "f" * 32
LARGE_TRACE_SPANS: Final = 10_000
DAYS: Final = 7
_BLOCK: Final = 500_000

_INSERT: Final = Path(__file__).with_name("fill.sql")


def trace_id(trace: int) -> str:
    """The id of the trace with this number, as the SQL makes it."""
    return f"{trace + 1:032x}"


def fill(folder: Path, spans: int) -> None:
    """Creates the database in `folder` and puts the spans in."""
    folder.mkdir(parents=True, exist_ok=True)
    database = Database(StoreConfig(), folder)
    try:
        migrate(database)
        refresh_prices(database)
        many = {
            "trace": f"intDiv(number, {SPANS_PER_TRACE})",
            "per_trace": SPANS_PER_TRACE,
            "days": DAYS,
            "traces": spans // SPANS_PER_TRACE,
            "trace_id": "leftPad(lower(hex(trace + 1)), 32, '0')",
        }
        for first in range(0, spans, _BLOCK):
            _insert(database, first, min(_BLOCK, spans - first), many)
        one = {
            "trace": "0",
            "per_trace": LARGE_TRACE_SPANS,
            "days": 1,
            "traces": 1,
            "trace_id": f"'{LARGE_TRACE}'",
        }
        _insert(database, 0, LARGE_TRACE_SPANS, one)
        database.sync()
    finally:
        database.close()


def _insert(database: Database, first: int, count: int, shape: dict[str, str | int]) -> None:
    statement = _INSERT.read_text(encoding="utf-8").format(
        agents=list(AGENTS), agent_count=len(AGENTS), first=first, count=count, **shape
    )
    database.command(statement, {"max_threads": 2, "max_partitions_per_insert_block": 0})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.fill", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--spans", type=int, required=True)
    found = parser.parse_args()
    fill(found.folder, found.spans)

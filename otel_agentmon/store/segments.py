"""One journal segment into the tables, exactly once.

Loading is idempotent by deduplication token: the engine drops blocks whose token it has seen, in
the table and in every view behind it. After a crash that is not enough: the engine notes a token
before it makes the part visible, and neither is synced, so a segment may be noted and absent, or
present and not noted. Rows therefore carry their segment's number, and a segment that may have
been loaded before is counted; where the count is wrong its rows are erased and loaded anew.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_agentmon.errors import StoreError
from otel_agentmon.journal.segment import Segment
from otel_agentmon.signals import Signal
from otel_agentmon.store.canonical import UNKNOWN_PROTOBUF_FORMAT, parse_segment, write_canonical
from otel_agentmon.store.connect import Database
from otel_agentmon.store.statements import landing_schema, query_text

# https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
_UNDECODABLE_CODES: Final = frozenset({6, 26, 27, 32, 33, 117, 436, UNKNOWN_PROTOBUF_FORMAT})
_LATE_INDEXES: Final = ", ".join(
    f"idx_{owner}attr_{part}"
    for owner in ("res_", "scope_", "span_", "log_", "")
    for part in ("key", "value")
)
_METRIC_KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
TABLES = {
    Signal.TRACES: ("otel_traces",),
    Signal.METRICS: tuple(f"otel_metrics_{kind}" for kind in _METRIC_KINDS),
    Signal.LOGS: ("otel_logs",),
}


@dataclass(frozen=True, slots=True)
class LoadLimits:
    """What loading one segment may take."""

    threads: int
    seconds: float


class Outcome(enum.Enum):
    """How a segment came into the tables."""

    LOADED = enum.auto()
    REPAIRED = enum.auto()
    """Half of it was there, or all of it twice, and was erased first."""
    REWRITTEN = enum.auto()
    """The engine refused its bytes as they were."""


def load_segment(
    database: Database,
    segment: Segment,
    limits: LoadLimits,
    attempt: str,
    *,
    tried_before: bool = False,
) -> Outcome:
    """Puts the segment's rows into the tables.

    `attempt` is unlike that of any earlier call for this segment. What was tried before, by this
    process or by one that is gone (`segment.recovered`), may be there in part. Raises
    `StoreUnavailableError` (try again), or `StoreError` (see `is_undecodable`).
    """
    try:
        _insert(database, segment, segment.path, segment.token, limits)
    except StoreError as error:
        if not is_undecodable(error):
            raise
        return _load_rewritten(database, segment, limits, attempt)
    may_be_there = segment.recovered or tried_before
    if not may_be_there or _is_whole(database, segment):
        return Outcome.LOADED
    _erase(database, segment)
    # Under its own token the engine would take the rows just erased for duplicates.
    _insert(database, segment, segment.path, f"{segment.token}-{attempt}", limits)
    return Outcome.REPAIRED


def is_undecodable(error: StoreError) -> bool:
    """Whether the bytes do not fit the landing schema, so that no later attempt ends better."""
    return error.code in _UNDECODABLE_CODES


def _load_rewritten(
    database: Database, segment: Segment, limits: LoadLimits, attempt: str
) -> Outcome:
    _erase(database, segment)
    with TemporaryDirectory(prefix="agentmon-") as folder:
        path = Path(folder) / segment.path.name
        write_canonical(segment.signal, segment.path, path)
        _insert(database, segment, path, f"{segment.token}-{attempt}", limits)
    return Outcome.REWRITTEN


def _is_whole(database: Database, segment: Segment) -> bool:
    return stored_rows(database, segment) == count_rows(segment.signal, segment.path)


def _erase(database: Database, segment: Segment) -> None:
    for table in TABLES[segment.signal]:
        database.command(
            query_text("erase_segment").replace("${TABLE}", table),
            settings={"mutations_sync": 2},
            parameters={"number": segment.number},
        )


def stored_rows(database: Database, segment: Segment) -> dict[str, int]:
    """Rows of the segment in each table of its signal; tables without any are left out."""
    counts = {}
    for table in TABLES[segment.signal]:
        text = query_text("count_segment_rows").replace("${TABLE}", table)
        rows = database.query(text, {"number": segment.number}).rows
        if rows[0][0]:
            counts[table] = int(rows[0][0])
    return counts


def count_rows(signal: Signal, path: Path) -> dict[str, int]:
    """Rows the segment file makes in each table; tables without any are left out."""
    request = parse_segment(signal, path)
    if isinstance(request, ExportTraceServiceRequest):
        spans = sum(len(s.spans) for r in request.resource_spans for s in r.scope_spans)
        counts = Counter({"otel_traces": spans})
    elif isinstance(request, ExportLogsServiceRequest):
        records = sum(len(s.log_records) for r in request.resource_logs for s in r.scope_logs)
        counts = Counter({"otel_logs": records})
    else:
        counts = _count_points(request)
    return {table: rows for table, rows in counts.items() if rows}


def _count_points(request: Any) -> Counter[str]:
    counts: Counter[str] = Counter()
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                if kind is not None:
                    counts[f"otel_metrics_{kind}"] += len(getattr(metric, kind).data_points)
    return counts


def _insert(
    database: Database, segment: Segment, path: Path, token: str, limits: LoadLimits
) -> None:
    database.insert_file(
        f"otlp_{segment.signal}",
        path,
        landing_schema(segment.signal),
        {
            "insert_deduplication_token": token,
            "deduplicate_blocks_in_dependent_materialized_views": 1,
            # The views read the segment's number from here; it is the one setting of free text.
            "log_comment": segment.number,
            "async_insert": 0,
            "max_threads": limits.threads,
            "max_insert_threads": limits.threads,
            # One day is one partition; accepted times span 401 of them.
            "max_partitions_per_insert_block": 0,
            "max_execution_time": limits.seconds,
            # Lists are stored as JSON, as the Collector writes it.
            "output_format_json_escape_forward_slashes": 0,
            # The statement is ours and has nothing to optimize; trying takes 15 ms each time.
            "query_plan_enable_optimizations": 0,
            # These are built when parts are merged, which is soon; until then a part is small.
            "exclude_materialize_skip_indexes_on_insert": _LATE_INDEXES,
        },
    )

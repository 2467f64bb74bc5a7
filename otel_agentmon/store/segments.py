"""One journal segment into the tables, exactly once.

Loading is idempotent by deduplication token: the engine drops blocks whose token it has seen, in
the table and in every view behind it. After a crash that is not enough: the engine notes a token
before it makes the part visible, and neither is synced, so a segment may be noted and absent, or
present and not noted. Rows therefore carry their segment's number, and a segment that may have
been loaded before is counted; where the count is wrong its rows are erased and loaded anew.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from google.protobuf.message import DecodeError as ProtobufDecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_agentmon.errors import StoreError
from otel_agentmon.journal.segment import HEADER_BYTES, Segment
from otel_agentmon.signals import Signal
from otel_agentmon.store.connect import Database
from otel_agentmon.store.statements import landing_schema, query_text

_METRIC_KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
TABLES = {
    Signal.TRACES: ("otel_traces",),
    Signal.METRICS: tuple(f"otel_metrics_{kind}" for kind in _METRIC_KINDS),
    Signal.LOGS: ("otel_logs",),
}


def load_segment(
    database: Database, segment: Segment, threads: int, seconds: float, attempt: str
) -> bool:
    """Puts the segment's rows into the tables; True if a half-loaded one had to be repaired.

    `attempt` is unlike that of any earlier call for this segment. Raises `StoreUnavailableError`
    (try again), or `StoreError` (its code says whether it can be decoded).
    """
    _insert(database, segment, segment.token, threads, seconds)
    if not segment.recovered:
        return False
    expected = count_rows(segment.signal, segment.path)
    if stored_rows(database, segment) == expected:
        return False
    for table in TABLES[segment.signal]:
        database.command(
            query_text("erase_segment").replace("${TABLE}", table),
            settings={"mutations_sync": 2},
            parameters={"number": segment.number},
        )
    # Under its own token the engine would take the rows just erased for duplicates.
    _insert(database, segment, f"{segment.token}-{attempt}", threads, seconds)
    return True


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
    body = path.read_bytes()[HEADER_BYTES:]
    try:
        if signal is Signal.TRACES:
            traces = ExportTraceServiceRequest.FromString(body)
            spans = sum(len(s.spans) for r in traces.resource_spans for s in r.scope_spans)
            counts = Counter({"otel_traces": spans})
        elif signal is Signal.LOGS:
            logs = ExportLogsServiceRequest.FromString(body)
            records = sum(len(s.log_records) for r in logs.resource_logs for s in r.scope_logs)
            counts = Counter({"otel_logs": records})
        else:
            counts = _count_points(ExportMetricsServiceRequest.FromString(body))
    except ProtobufDecodeError as error:
        raise StoreError(f"the segment {path.name} is not OTLP: {error}") from error
    return {table: rows for table, rows in counts.items() if rows}


def _count_points(request: ExportMetricsServiceRequest) -> Counter[str]:
    counts: Counter[str] = Counter()
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                if kind is not None:
                    counts[f"otel_metrics_{kind}"] += len(getattr(metric, kind).data_points)
    return counts


def _insert(database: Database, segment: Segment, token: str, threads: int, seconds: float) -> None:
    database.insert_file(
        f"otlp_{segment.signal}",
        segment.path,
        landing_schema(segment.signal),
        {
            "insert_deduplication_token": token,
            "deduplicate_blocks_in_dependent_materialized_views": 1,
            # The views read the segment's number from here; it is the one setting of free text.
            "log_comment": segment.number,
            "async_insert": 0,
            "max_threads": threads,
            "max_insert_threads": threads,
            # One day is one partition; accepted times span 401 of them.
            "max_partitions_per_insert_block": 0,
            "max_execution_time": seconds,
            # The loader does not hurry the merges up; it waits for them where they are behind.
            "min_insert_block_size_rows": 1_048_576,
            "min_insert_block_size_bytes": 268_435_456,
        },
    )

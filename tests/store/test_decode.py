"""The database decodes OTLP: what it stores equals what the slow road works out."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from otel_agentmon.journal.segment import Segment
from otel_agentmon.signals import Signal
from otel_agentmon.store.connect import Database
from otel_agentmon.store.segments import TABLES, LoadLimits, count_rows, load_segment
from tests.database import fresh_database
from tests.store.reference import log_rows, metric_rows, same, span_rows
from tests.store.requests import log_requests, metric_requests, trace_requests
from tests.store.segment_files import trace_body, write_segment

NOW = time.time_ns()
EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    # An example is an insert into the real engine; shrinking would take minutes.
    phases=(Phase.explicit, Phase.generate),
)


@pytest.fixture(scope="module")
def database() -> Database:
    return fresh_database("decode")


@pytest.fixture(scope="module")
def numbers() -> Iterable[int]:
    return iter(range(1, 10**6))


def load(database: Database, signal: Signal, body: bytes, number: int, folder: Path) -> Segment:
    segment = write_segment(folder, signal, number, [body])
    load_segment(database, segment, LoadLimits(1, 60), attempt="test")
    return segment


def stored(database: Database, table: str, columns: list[str], number: int) -> list[dict[str, Any]]:
    names = ", ".join(f"{c} AS c{i}" for i, c in enumerate(columns))
    rows = database.query(
        f"SELECT {names} FROM {table} WHERE SegmentNumber = {{n:UInt64}}",  # noqa: S608 - our names
        {"n": number},
    ).rows
    return [dict(zip(columns, row, strict=True)) for row in rows]


def equal(found: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[k], expected[k]) for k in found)
    if isinstance(expected, list) and expected and isinstance(expected[0], dict):
        return len(found) == len(expected) and all(
            equal(f, e) for f, e in zip(found, expected, strict=True)
        )
    if isinstance(found, str):
        return same(found, expected)
    return bool(list(found) == expected if isinstance(expected, list) else found == expected)


def assert_stored(database: Database, table: str, expected: list[dict[str, Any]], n: int) -> None:
    """Every expected row is there once, whatever the order."""
    found = stored(database, table, list(expected[0]), n) if expected else []
    assert len(found) == len(expected)
    for row in expected:
        match = next((f for f in found if all(equal(f[c], row[c]) for c in row)), None)
        assert match is not None, f"{row}\nis none of\n" + "\n".join(map(str, found))
        found.remove(match)


@EXAMPLES
@given(request=trace_requests(NOW))
def test_spans_are_stored_as_sent(
    database: Database, numbers: Any, tmp_path_factory: pytest.TempPathFactory, request: Any
) -> None:
    """Every field of a span, its events and its links has a column that holds it."""
    number = next(numbers)
    folder = tmp_path_factory.mktemp("segments")

    segment = load(database, Signal.TRACES, request.SerializeToString(), number, folder)

    expected = list(span_rows(request))
    assert_stored(database, "otel_traces", expected, number)
    assert count_rows(Signal.TRACES, segment.path).get("otel_traces", 0) == len(expected)


@EXAMPLES
@given(request=log_requests(NOW))
def test_log_records_are_stored_as_sent(
    database: Database, numbers: Any, tmp_path_factory: pytest.TempPathFactory, request: Any
) -> None:
    """A record without a time of its own is stored at the time it was observed."""
    number = next(numbers)
    folder = tmp_path_factory.mktemp("segments")

    segment = load(database, Signal.LOGS, request.SerializeToString(), number, folder)

    expected = list(log_rows(request))
    assert_stored(database, "otel_logs", expected, number)
    assert count_rows(Signal.LOGS, segment.path).get("otel_logs", 0) == len(expected)


@EXAMPLES
@given(request=metric_requests(NOW))
def test_metric_points_are_stored_as_sent(
    database: Database, numbers: Any, tmp_path_factory: pytest.TempPathFactory, request: Any
) -> None:
    """All five kinds are told apart, and an absent sum from a sum of zero."""
    number = next(numbers)
    folder = tmp_path_factory.mktemp("segments")

    segment = load(database, Signal.METRICS, request.SerializeToString(), number, folder)

    rows = list(metric_rows(request))
    counts = {}
    for table in TABLES[Signal.METRICS]:
        expected = [row for where, row in rows if where == table]
        assert_stored(database, table, expected, number)
        if expected:
            counts[table] = len(expected)
    assert count_rows(Signal.METRICS, segment.path) == counts


@pytest.mark.parametrize(
    "start", [0, 1, 2**63, 2**64 - 1, NOW + 30 * 86_400 * 10**9, NOW - 900 * 86_400 * 10**9]
)
def test_an_absurd_time_is_replaced_by_the_time_of_receipt(
    database: Database, numbers: Any, tmp_path: Path, start: int
) -> None:
    """The span is kept, what it said is kept beside it, and the correction is counted."""
    number = next(numbers)
    load(
        database,
        Signal.TRACES,
        trace_body(spans=2, start_unix_nano=start, service=f"absurd-{start}"),
        number,
        tmp_path,
    )

    rows = database.query(
        "SELECT abs(dateDiff('second', Timestamp, now())) < 60, ReportedTimeUnixNano "
        "FROM otel_traces WHERE SegmentNumber = {n:UInt64}",
        {"n": number},
    ).rows
    assert [tuple(r) for r in rows] == [(1, start), (1, start)]
    counted = database.query(
        "SELECT sum(Count) FROM ingest_corrections WHERE ServiceName = {s:String}",
        {"s": f"absurd-{start}"},
    ).rows
    assert counted[0][0] == 2


@settings(parent=EXAMPLES, max_examples=5)
@given(day=st.integers(1, 399))
def test_any_accepted_day_is_stored_on_that_day(
    database: Database, numbers: Any, tmp_path_factory: pytest.TempPathFactory, day: int
) -> None:
    """History can be sent from 400 days back."""
    number = next(numbers)
    start = NOW - day * 86_400 * 10**9

    body = trace_body(spans=1, start_unix_nano=start)
    load(database, Signal.TRACES, body, number, tmp_path_factory.mktemp("segments"))

    rows = stored(database, "otel_traces", ["toUnixTimestamp64Nano(Timestamp)"], number)
    assert list(rows[0].values()) == [start]

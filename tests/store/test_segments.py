"""A segment's rows are in the tables exactly once, whatever happened before."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from otel_agentmon.errors import StoreError
from otel_agentmon.journal.segment import Segment
from otel_agentmon.signals import Signal
from otel_agentmon.store.connect import Database
from otel_agentmon.store.segments import LoadLimits, Outcome, load_segment, stored_rows
from tests.database import fresh_database
from tests.store.segment_files import trace_body, write_segment

NOW = time.time_ns()


@pytest.fixture(scope="module")
def database() -> Database:
    return fresh_database("segments")


def segment(folder: Path, number: int, *, days: int = 1, recovered: bool = False) -> Segment:
    """Five spans on each of so many days, which makes so many parts."""
    bodies = [
        trace_body(spans=5, start_unix_nano=NOW - day * 86_400 * 10**9, service=f"s{number}")
        for day in range(days)
    ]
    return write_segment(folder, Signal.TRACES, number, bodies, recovered)


def load(database: Database, loaded: Segment, attempt: str = "first") -> Outcome:
    return load_segment(database, loaded, LoadLimits(1, 60), attempt=attempt)


def trace_ids_seen(database: Database, number: int) -> int:
    """Rows that the view behind the table made of the segment's one trace, day by day."""
    rows = database.query(
        "SELECT count() FROM otel_traces_trace_id_ts WHERE TraceId = {id:String}",
        {"id": (b"t" * 16).hex()},
    ).rows
    return int(rows[0][0]) - number


@pytest.mark.parametrize("days", [1, 3])
def test_loading_twice_is_loading_once(database: Database, tmp_path: Path, days: int) -> None:
    """The table, and the views behind it, take a segment's token once."""
    once = segment(tmp_path, 100 + days, days=days)
    before = trace_ids_seen(database, 0)

    for _ in range(3):
        assert load(database, once) is Outcome.LOADED

    assert stored_rows(database, once) == {"otel_traces": 5 * days}
    assert trace_ids_seen(database, before) == 1


def test_rows_lost_after_their_token_was_noted_are_loaded_again(
    database: Database, tmp_path: Path
) -> None:
    """The engine notes a token before the part is visible; a kill in between must lose nothing."""
    noted = segment(tmp_path, 201)
    load(database, noted)
    database.command(
        "ALTER TABLE otel_traces DELETE WHERE SegmentNumber = 201", settings={"mutations_sync": 2}
    )

    assert load(database, noted) is Outcome.LOADED
    assert stored_rows(database, noted) == {}
    assert load(database, dataclasses.replace(noted, recovered=True)) is Outcome.REPAIRED
    assert stored_rows(database, noted) == {"otel_traces": 5}


def test_rows_whose_token_was_lost_are_not_doubled(database: Database, tmp_path: Path) -> None:
    """The engine does not sync its log of tokens; after a power cut it may have forgotten one."""
    kept = segment(tmp_path, 301, days=2)
    load(database, kept)
    forgotten = dataclasses.replace(kept, recovered=True)
    _load_under_another_token(database, kept)
    assert stored_rows(database, kept) == {"otel_traces": 20}

    assert load(database, forgotten) is Outcome.REPAIRED
    assert stored_rows(database, kept) == {"otel_traces": 10}


def test_a_segment_half_there_is_made_whole(database: Database, tmp_path: Path) -> None:
    """A segment of several days makes several parts; a kill may leave any number of them."""
    half = segment(tmp_path, 401, days=4)
    load(database, half)
    database.command(
        "ALTER TABLE otel_traces DELETE WHERE SegmentNumber = 401 AND Timestamp < now() - 86400",
        settings={"mutations_sync": 2},
    )

    assert load(database, dataclasses.replace(half, recovered=True)) is Outcome.REPAIRED
    assert stored_rows(database, half) == {"otel_traces": 20}


def test_repairing_twice_is_repairing_once(database: Database, tmp_path: Path) -> None:
    """A kill during the repair ends in the same rows."""
    torn = dataclasses.replace(segment(tmp_path, 501), recovered=True)
    load(database, torn)
    for attempt in ("second", "third"):
        _load_under_another_token(database, torn)
        assert load(database, torn, attempt) is Outcome.REPAIRED

    assert load(database, torn, "fourth") is Outcome.LOADED
    assert stored_rows(database, torn) == {"otel_traces": 5}


def test_bytes_that_are_not_otlp_are_refused_with_a_code(
    database: Database, tmp_path: Path
) -> None:
    """Such a segment cannot come from our journal, and never ends the process."""
    bad = write_segment(tmp_path, Signal.TRACES, 601, [b"\x0a\xff\xff\xff\xff\x01not otlp"])

    with pytest.raises(StoreError) as caught:
        load(database, bad)

    assert caught.value.code == 444
    assert stored_rows(database, bad) == {}


ODD = {
    "a known field with another wire type": b"\x0a\x02\x10\x05",
    "a truth value of 2": trace_body(
        spans=1, start_unix_nano=NOW, attributes={"yes": True}
    ).replace(b"\x12\x02\x10\x01", b"\x12\x02\x10\x02"),
    "an unknown field of the request": b"\x7a\x01\x00",
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_bytes_that_only_the_engine_refuses_are_rewritten(
    database: Database, tmp_path: Path, body: bytes
) -> None:
    """Protobuf libraries take them, so they were acknowledged; neighbours are kept with them."""
    number = 700 + list(ODD.values()).index(body)
    neighbour = trace_body(spans=3, start_unix_nano=NOW)
    odd = write_segment(tmp_path, Signal.TRACES, number, [neighbour, body, neighbour])

    assert load(database, odd) is Outcome.REWRITTEN
    own = 1 if b"work" in body else 0  # the odd request's own span, where it holds one
    assert stored_rows(database, odd) == {"otel_traces": 6 + own}


def _load_under_another_token(database: Database, segment_: Segment) -> None:
    """What the engine does when it has forgotten the token: the rows are there twice."""
    path = segment_.path.with_name(f"again-{time.monotonic_ns()}.segment")
    path.write_bytes(segment_.path.read_bytes())

    class Renamed(Segment):
        @property
        def token(self) -> str:
            return path.name

    fields = {f.name: getattr(segment_, f.name) for f in dataclasses.fields(segment_)}
    load(database, Renamed(**{**fields, "path": path, "recovered": False}))

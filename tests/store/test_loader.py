"""The loader empties the journal into the database and gives nothing up."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from otel_agentmon.errors import StoreUnavailableError
from otel_agentmon.journal.config import JournalConfig
from otel_agentmon.journal.journal import Journal
from otel_agentmon.journal.telemetry import JournalTelemetry
from otel_agentmon.signals import Signal
from otel_agentmon.store.config import StoreConfig
from otel_agentmon.store.connect import Database
from otel_agentmon.store.loader import Loader
from otel_agentmon.store.telemetry import StoreTelemetry
from tests.database import fresh_database, shared_directory
from tests.store.segment_files import trace_body

NOW = time.time_ns()


class NoJitter(random.Random):
    """Retries at once, so that tests do not wait."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


class FailingDatabase(Database):
    """The real one, which does not answer so many times, and whose disk may fail."""

    failures = 0
    disk_fails = False

    def insert_file(self, *args: object, **kwargs: object) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailableError("the database did not answer")
        super().insert_file(*args, **kwargs)  # type: ignore[arg-type]

    def sync(self) -> None:
        if self.disk_fails:
            raise OSError(5, "Input/output error")
        super().sync()


@pytest.fixture(scope="module")
def database() -> Iterable[FailingDatabase]:
    fresh_database("loader")
    found = FailingDatabase(StoreConfig(database="loader"), shared_directory())
    yield found
    found.close()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def journal(tmp_path: Path, registry: CollectorRegistry) -> Iterable[Journal]:
    config = JournalConfig(roll_age="0s")  # type: ignore[arg-type]
    found = Journal(tmp_path / "journal", config, JournalTelemetry.build(registry))
    found.start()
    yield found
    found.stop()


@pytest.fixture
def loader(database: FailingDatabase, journal: Journal, registry: CollectorRegistry) -> Loader:
    telemetry = StoreTelemetry.build(registry)
    return Loader(database, journal, StoreConfig(), telemetry, jitter=NoJitter())


def spans(database: Database, service: str) -> int:
    rows = database.query(
        "SELECT count() FROM otel_traces WHERE ServiceName = {s:String}", {"s": service}
    ).rows
    return int(rows[0][0])


def accept(journal: Journal, body: bytes) -> None:
    asyncio.run(journal.accept(Signal.TRACES, body))


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    found = registry.get_sample_value(name, labels)
    assert found is not None, name
    return found


def test_what_was_accepted_can_be_queried_and_leaves_the_journal(
    database: FailingDatabase, journal: Journal, loader: Loader, registry: CollectorRegistry
) -> None:
    """One pass loads a segment; the next finds none, syncs, and lets the journal delete it."""
    accept(journal, trace_body(3, NOW, service="loaded"))

    assert loader.load_one(5.0) is True
    assert spans(database, "loaded") == 3
    assert loader.load_one(0.01) is False
    assert journal.segments == 0
    assert value(registry, "agentmon_store_loaded_segments_total", signal="traces") == 1


def test_a_database_that_does_not_answer_is_asked_again(
    database: FailingDatabase, journal: Journal, loader: Loader, registry: CollectorRegistry
) -> None:
    """The segment stays in the journal until it is loaded."""
    accept(journal, trace_body(4, NOW, service="retried"))
    database.failures = 2

    for _ in range(2):
        loader.load_one(5.0)
        assert journal.segments == 1
    loader.load_one(5.0)

    assert spans(database, "retried") == 4
    assert value(registry, "agentmon_store_write_failures_total", reason="unavailable") == 2


def test_a_load_that_takes_too_long_is_tried_again(
    database: FailingDatabase, journal: Journal, registry: CollectorRegistry
) -> None:
    """It is no defect, and neither is a database without memory."""
    telemetry = StoreTelemetry.build(registry)
    hasty = StoreConfig(load_timeout="1ms")  # type: ignore[arg-type]
    accept(journal, b"".join(trace_body(1, NOW - i * 86_400 * 10**9, "late") for i in range(60)))

    Loader(database, journal, hasty, telemetry, jitter=NoJitter()).load_one(5.0)
    assert value(registry, "agentmon_store_write_failures_total", reason="unavailable") == 1
    patient = StoreTelemetry.build(CollectorRegistry())
    Loader(database, journal, StoreConfig(), patient, jitter=NoJitter()).load_one(5.0)

    assert spans(database, "late") == 60


def test_a_segment_stays_while_its_rows_are_not_on_the_disk(
    database: FailingDatabase, journal: Journal, loader: Loader
) -> None:
    """A failed sync deletes nothing; the next one that succeeds does."""
    accept(journal, trace_body(1, NOW, service="unsynced"))
    database.disk_fails = True
    loader.load_one(5.0)
    loader.load_one(0.01)
    assert spans(database, "unsynced") == 1
    assert journal.segments == 1

    database.disk_fails = False
    loader.load_one(0.01)

    assert journal.segments == 0


def test_what_can_never_be_decoded_is_set_aside(
    database: FailingDatabase,
    journal: Journal,
    loader: Loader,
    registry: CollectorRegistry,
    tmp_path: Path,
) -> None:
    """The segment is kept for a human, counted, and does not stop those behind it."""
    accept(journal, b"\x0a\xff\xff\xff\xff\x01no otlp at all")
    loader.load_one(5.0)
    accept(journal, trace_body(2, NOW, service="behind"))
    loader.load_one(5.0)

    assert spans(database, "behind") == 2
    assert value(registry, "agentmon_store_write_failures_total", reason="undecodable") == 1
    assert len(list((tmp_path / "journal" / "quarantine").iterdir())) == 1


def test_stopping_is_safe_twice_and_without_a_start(
    database: FailingDatabase, journal: Journal, loader: Loader
) -> None:
    """The life cycle stops a part whatever became of its start; a stopped one takes no more."""
    loader.stop()
    accept(journal, trace_body(1, NOW, service="stopped"))
    loader.start()
    loader.stop()
    loader.stop()

    assert spans(database, "stopped") == 0
    assert journal.segments == 1

"""The journal with its thread: many senders, several loaders, real files."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from otel_agentmon.errors import ConfigError, OverloadedError, ShuttingDownError
from otel_agentmon.journal.disk import OsDisk
from otel_agentmon.journal.journal import Journal
from otel_agentmon.journal.recovery import QUARANTINE
from otel_agentmon.journal.segment import FRAME_BYTES, HEADER_BYTES, Segment
from otel_agentmon.journal.telemetry import JournalTelemetry
from otel_agentmon.signals import Signal
from tests.clock import ManualClock
from tests.journal.builders import make_config, make_payload, make_telemetry, read_texts
from tests.journal.running import SOON, GatedDisk, Open, accept, take, texts_of


def refusal(send: Coroutine[Any, Any, None]) -> OverloadedError:
    with pytest.raises(OverloadedError) as caught:
        asyncio.run(send)
    return caught.value


def test_what_is_accepted_is_handed_out_until_it_is_released(opened: Open, tmp_path: Path) -> None:
    """Then its file is gone and the journal empty."""
    with opened() as journal:
        accept(journal, "one", "two")
        segment = take(journal)
        assert texts_of(segment) == [b"one", b"two"]
        assert segment.path.is_absolute()
        assert not segment.recovered
        assert journal.depth_bytes == segment.size_bytes
        journal.release(segment)

        assert (journal.depth_bytes, journal.segments) == (0, 0)
        assert {path.name for path in tmp_path.iterdir()} == {"lock", "numbers", QUARANTINE}


def test_an_empty_request_is_not_written(opened: Open) -> None:
    """There is nothing to keep."""
    with opened() as journal:
        asyncio.run(journal.accept(Signal.TRACES, b""))

        assert journal.segments == 0


def test_a_full_journal_refuses_until_a_segment_is_released(opened: Open) -> None:
    """The sender is told to come back, and that it was not the disk."""
    telemetry = make_telemetry()
    record = FRAME_BYTES + len(make_payload("one"))
    limits = {"segment_size": record, "max_size": HEADER_BYTES + 2 * record - 1}
    with opened(None, telemetry, **limits) as journal:
        accept(journal, "one")
        error = refusal(journal.accept(Signal.TRACES, make_payload("one")))
        assert error.reason == "journal_full"
        assert error.retry_after_seconds > 0
        assert telemetry.refused_bytes.labels("journal_full")._value.get() == record - FRAME_BYTES
        journal.release(take(journal))

        accept(journal, "one")


def test_a_failing_disk_refuses_and_the_journal_goes_on(tmp_path: Path) -> None:
    """It is left alone for a second, and then the next request is written."""
    disk, clock = GatedDisk(), ManualClock()
    disk.gate.set()
    disk.error = OSError(errno.ENOSPC, "no space")
    journal = Journal(tmp_path, make_config(roll_age=0), make_telemetry(), clock, disk)
    journal.start()
    assert refusal(journal.accept(Signal.TRACES, make_payload("one"))).reason == "journal_error"
    disk.error = None
    assert refusal(journal.accept(Signal.TRACES, make_payload("two"))).reason == "journal_error"
    clock.advance(1)
    accept(journal, "three")
    segment = take(journal)
    journal.stop()

    assert texts_of(segment) == [b"three"]


def test_a_loader_gets_only_its_signal(opened: Open) -> None:
    """Another signal's segment stays for others."""
    with opened() as journal:
        accept(journal, "one", signal=Signal.LOGS)

        assert journal.take(Signal.TRACES, 0) is None
        assert take(journal, Signal.LOGS).signal is Signal.LOGS


def test_a_waiting_loader_gets_the_next_segment(opened: Open) -> None:
    """It need not ask again."""
    taken: list[Segment | None] = []
    with opened() as journal:
        loader = threading.Thread(target=lambda: taken.append(journal.take(None, SOON)))
        loader.start()
        accept(journal, "one")
        loader.join()

    [segment] = taken
    assert segment is not None
    assert texts_of(segment) == [b"one"]


def test_stop_sends_waiting_loaders_home(opened: Open) -> None:
    """They do not sit out their timeout."""
    taken: list[Segment | None] = []
    with opened() as journal:
        loader = threading.Thread(target=lambda: taken.append(journal.take(None, SOON)))
        loader.start()
    loader.join(SOON)

    assert taken == [None]


def test_a_segment_put_back_is_handed_out_again(opened: Open) -> None:
    """Before the newer ones."""
    with opened(segment_size=1) as journal:
        accept(journal, "one", "two")
        first = take(journal)
        journal.put_back(first)

        assert take(journal) == first


def test_a_quarantined_segment_is_kept_and_counted(opened: Open, tmp_path: Path) -> None:
    """It uses up the disk budget until a human removes it."""
    telemetry = make_telemetry()
    with opened(None, telemetry) as journal:
        accept(journal, "one")
        segment = take(journal)
        journal.quarantine(segment, "unknown type")

        kept = tmp_path / QUARANTINE / segment.path.name
        assert read_texts(kept.read_bytes()) == [b"one"]
        assert (journal.segments, journal.depth_bytes) == (0, segment.size_bytes)
        assert telemetry.quarantined_segments._value.get() == 1
    with opened() as journal:
        assert journal.depth_bytes == segment.size_bytes
        assert journal.take(None, 0) is None


@pytest.mark.parametrize("give_back", [Journal.release, Journal.put_back])
def test_giving_back_twice_is_an_error(
    opened: Open, give_back: Callable[[Journal, Segment], None]
) -> None:
    """And deletes nothing that another loader has."""
    with opened() as journal:
        accept(journal, "one")
        segment = take(journal)
        journal.put_back(segment)

        with pytest.raises(ValueError, match="not in a loader's hands"):
            give_back(journal, segment)
        assert segment.path.exists()


def test_what_is_not_released_comes_back_after_a_restart(opened: Open) -> None:
    """Under the same token, so that the database can tell that it has it."""
    with opened(segment_size=1) as journal:
        accept(journal, "one", "two")
        segment = take(journal)
        journal.put_back(segment)
    with opened() as journal:
        again, other = take(journal), take(journal)
        accept(journal, "three")

        assert (again.token, again.recovered, texts_of(again)) == (
            segment.token,
            True,
            [b"one"],
        )
        assert texts_of(other) == [b"two"]
        assert take(journal).number > other.number


def test_a_second_process_is_refused(opened: Open) -> None:
    """Until the first has stopped and its loaders have given back what they had."""
    with opened() as journal:
        accept(journal, "one")
        segment = take(journal)
        with pytest.raises(ConfigError, match="another process"), opened():
            pass
    with pytest.raises(ConfigError, match="another process"), opened():
        pass
    journal.release(segment)

    with opened() as journal:
        assert journal.segments == 0


def test_an_unusable_directory_is_refused(tmp_path: Path) -> None:
    """The message names it."""
    (tmp_path / "file").write_text("in the way")
    journal = Journal(tmp_path / "file" / "journal", make_config(), make_telemetry())

    with pytest.raises(ConfigError, match=r"cannot use .*file.journal"):
        journal.start()
    journal.stop()


def test_stop_writes_what_was_queued(opened: Open) -> None:
    """And tells its senders; whoever comes later is sent away."""
    disk = GatedDisk()

    async def send() -> None:
        tasks = [
            asyncio.create_task(journal.accept(Signal.TRACES, make_payload(text)))
            for text in ("one", "two")
        ]
        await asyncio.to_thread(disk.reached.wait, SOON)
        stopping = asyncio.create_task(asyncio.to_thread(journal.stop))
        disk.gate.set()
        await asyncio.gather(stopping, *tasks)
        with pytest.raises(ShuttingDownError):
            await journal.accept(Signal.TRACES, make_payload("three"))

    with opened(disk) as journal:
        asyncio.run(send())
        journal.stop()
    with opened() as journal:
        assert texts_of(take(journal)) == [b"one", b"two"]


def test_stop_without_start_does_nothing(tmp_path: Path) -> None:
    """Not even make the directory."""
    Journal(tmp_path / "journal", make_config(), make_telemetry()).stop()

    assert not (tmp_path / "journal").exists()


def test_a_segment_that_cannot_be_deleted_is_counted(opened: Open) -> None:
    """Its rows are safe, its bytes still on the disk."""

    class StickyDisk(OsDisk):
        def unlink(self, path: Path) -> None:
            raise OSError(errno.EIO, "cannot")

    with opened(StickyDisk()) as journal:
        accept(journal, "one")
        segment = take(journal)
        journal.release(segment)

        assert (journal.segments, journal.depth_bytes) == (0, segment.size_bytes)


def test_the_gauges_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    """Depth, count and the age of the oldest request."""
    registry, clock = CollectorRegistry(), ManualClock()
    telemetry = JournalTelemetry.build(registry)
    journal = Journal(tmp_path, make_config(roll_age=60), telemetry, clock)
    journal.start()
    accept(journal, "one")
    clock.advance(2.5)
    values = [
        registry.get_sample_value(f"agentmon_journal_{name}")
        for name in ("bytes", "segments", "oldest_age_seconds")
    ]
    journal.stop()

    assert values == [HEADER_BYTES + FRAME_BYTES + len(make_payload("one")), 1, 2.5]

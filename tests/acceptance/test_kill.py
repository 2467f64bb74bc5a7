"""Acknowledged means durable, and nothing twice, whatever happens to the process."""

from __future__ import annotations

import asyncio
import enum
import time
from pathlib import Path

import pytest

from otel_agentmon.signals import Signal
from tests.acceptance.load import Ledger, find_faults, send_until
from tests.acceptance.questions import read_metric, wait_until_loaded
from tests.house.running import RunningMonitor

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

SENDERS = 6
STOPS = 3
OPEN = "the journal is open"


class Moment(enum.Enum):
    """When the process is killed."""

    STARTING = enum.auto()
    """While it comes up, or reads what the one before it has left."""
    UNDER_LOAD = enum.auto()
    """At any time."""
    LOADING = enum.auto()
    """While the database writes rows of a segment."""


KILLS = (*[Moment.STARTING] * 8, *[Moment.UNDER_LOAD] * 9, *[Moment.LOADING] * 9)


def is_writing_rows(folder: Path) -> bool:
    """Whether the database has a part in hand; it makes it under this name and renames it."""
    return any(folder.glob("data/store/store/*/*/tmp_insert_*"))


def wait_until_writing(folder: Path) -> None:
    """Return in the middle of a load, or after some seconds in any case."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not is_writing_rows(folder):
        time.sleep(0.0005)


async def kill_while_starting(monitor: RunningMonitor, seconds: float) -> None:
    """Launch, and kill so long after the journal has been opened."""
    starts = monitor.output.count(OPEN)
    monitor.launch()
    while monitor.output.count(OPEN) == starts:
        assert monitor.is_running, monitor.output
        await asyncio.sleep(0.02)
    await asyncio.sleep(seconds)
    monitor.kill()


async def send_to(monitor: RunningMonitor, ledger: Ledger, stop: asyncio.Event) -> None:
    """All senders; returns when each has been told to stop, or has nobody to send to."""
    async with asyncio.TaskGroup() as senders:
        for _ in range(SENDERS):
            senders.create_task(send_until(monitor, ledger, stop))


async def kill_under_load(
    monitor: RunningMonitor, ledger: Ledger, folder: Path, moment: Moment
) -> bool:
    """Launch, send for a while, and kill; whether a part was left half written."""
    monitor.launch()
    await asyncio.to_thread(monitor.wait_until_ready)
    stop = asyncio.Event()
    sending = asyncio.create_task(send_to(monitor, ledger, stop))
    await asyncio.sleep(ledger.moments.uniform(0.05, 1.2))
    if moment is Moment.LOADING:
        await asyncio.to_thread(wait_until_writing, folder)
        await asyncio.sleep(ledger.moments.uniform(0, 0.01))
    monitor.kill()
    stop.set()
    await sending
    return is_writing_rows(folder)


async def kill_again_and_again(monitor: RunningMonitor, ledger: Ledger, folder: Path) -> int:
    """Every moment of `KILLS` in a random order; how many of them have cut a load in two."""
    moments = list(KILLS)
    cut = 0
    ledger.moments.shuffle(moments)
    for moment in (Moment.UNDER_LOAD, *moments):  # something to be replayed before all else
        if moment is Moment.STARTING:
            await kill_while_starting(monitor, ledger.moments.uniform(0, 1))
        else:
            cut += await kill_under_load(monitor, ledger, folder, moment)
        ledger.life += 1
    return cut


def check_nothing_is_lost_or_twice(monitor: RunningMonitor, ledger: Ledger, folder: Path) -> None:
    """With everything loaded, the tables hold what was acknowledged, and the rest at most once."""
    wait_until_loaded(monitor)
    faults = find_faults(monitor, ledger)
    acknowledged = ledger.acknowledged()
    quarantined = [path.name for path in (folder / "data/journal/quarantine").iterdir()]

    assert not faults, f"{len(faults)} of {len(ledger.requests)} requests:\n" + "\n".join(
        [*faults[:20], monitor.output[-5000:]]
    )
    assert {one.signal for one in acknowledged if one.days > 1} == set(Signal)
    assert quarantined == []
    assert read_metric(monitor, "agentmon_journal_corrupt_records_total") == 0
    assert "Traceback" not in monitor.output


def test_sigkill_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    """Every acknowledged item is found once after many kills, and none is ever found twice."""
    ledger = Ledger(seed=20)
    monitor = RunningMonitor(tmp_path)
    try:
        cut = asyncio.run(kill_again_and_again(monitor, ledger, tmp_path))
    finally:
        monitor.kill()

    assert cut >= 2, "the kills miss the moments that matter"
    with monitor:
        check_nothing_is_lost_or_twice(monitor, ledger, tmp_path)


async def stop_under_load(monitor: RunningMonitor, ledger: Ledger) -> None:
    """Launch, send for a while, and ask it to stop in the middle of it."""
    monitor.launch()
    await asyncio.to_thread(monitor.wait_until_ready)
    stop = asyncio.Event()
    sending = asyncio.create_task(send_to(monitor, ledger, stop))
    await asyncio.sleep(ledger.moments.uniform(0.2, 2))
    await asyncio.to_thread(monitor.stop)
    stop.set()
    await sending
    ledger.life += 1


def test_sigterm_under_load_is_an_orderly_stop(tmp_path: Path) -> None:
    """It ends with 0 while senders are at it, and what it acknowledged is there after."""
    ledger = Ledger(seed=21)
    monitor = RunningMonitor(tmp_path)
    try:
        for _ in range(STOPS):
            asyncio.run(stop_under_load(monitor, ledger))
    finally:
        monitor.kill()

    with monitor:
        check_nothing_is_lost_or_twice(monitor, ledger, tmp_path)

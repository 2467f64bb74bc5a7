"""A full journal sends senders away, loses nothing, and empties itself."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import httpx
import pytest

from tests.acceptance.load import Fate, Ledger, find_faults, send_until
from tests.acceptance.questions import read_metric, wait_until_loaded
from tests.house.running import RunningMonitor
from tests.receive.payloads import span, traces

pytestmark = pytest.mark.acceptance

SENDERS = 6
LOAD_SECONDS = 6.0
MAX_SIZE = 300_000
CONFIG = f"""
journal:
  max_size: {MAX_SIZE}
  segment_size: 100000
store:
  loaders: 1
"""


def held_bytes(folder: Path) -> int:
    """What the segments take on the disk; only their names have a dash."""
    held = 0
    for path in folder.glob("data/journal/*-*"):
        with contextlib.suppress(FileNotFoundError):  # loaded and gone in this moment
            held += path.stat().st_size
    return held


async def read_depths(folder: Path, stop: asyncio.Event) -> list[int]:
    """How much the journal holds, again and again."""
    depths = []
    while not stop.is_set():
        depths.append(await asyncio.to_thread(held_bytes, folder))
        await asyncio.sleep(0.01)
    return depths


async def wait_for_503(monitor: RunningMonitor, stop: asyncio.Event) -> httpx.Response | None:
    """The first refusal of the HTTP door, if there is one in time."""
    body = traces(*[span(attributes=[{"key": "x" * 50_000}])]).SerializeToString()
    url = f"http://{monitor.ready['otlp_http']}/v1/traces"
    async with httpx.AsyncClient(headers={"content-type": "application/x-protobuf"}) as client:
        while not stop.is_set():
            answer = await client.post(url, content=body)
            if answer.status_code != 200:
                return answer
    return None


async def overload(
    monitor: RunningMonitor, ledger: Ledger, folder: Path
) -> tuple[list[int], httpx.Response | None]:
    """More than the loader can take, for a while; the journal's depths and a refusal."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(SENDERS):
            tasks.create_task(send_until(monitor, ledger, stop))
        depths = tasks.create_task(read_depths(folder, stop))
        refusal = tasks.create_task(wait_for_503(monitor, stop))
        await asyncio.sleep(LOAD_SECONDS)
        stop.set()
    return depths.result(), refusal.result()


async def send_one(monitor: RunningMonitor, ledger: Ledger) -> None:
    """One request more, by one sender."""
    stop = asyncio.Event()
    stop_soon = asyncio.get_running_loop().call_later(0.5, stop.set)
    await send_until(monitor, ledger, stop)
    stop_soon.cancel()


def test_a_full_journal_refuses_and_recovers(tmp_path: Path) -> None:
    """Refused requests are told when to come back and are not stored; the others all are."""
    config = tmp_path / "agentmon.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    command = (sys.executable, "-m", "otel_agentmon.app.cli", "up", "--config", str(config))
    ledger = Ledger(seed=22)
    with RunningMonitor(tmp_path, command) as monitor:
        depths, refusal = asyncio.run(overload(monitor, ledger, tmp_path))
        refused = [one for one in ledger.requests if one.fate is Fate.REFUSED]
        counted = read_metric(
            monitor, "agentmon_journal_refused_bytes_total", reason="journal_full"
        )
        wait_until_loaded(monitor)
        before = len(ledger.requests)
        asyncio.run(send_one(monitor, ledger))
        wait_until_loaded(monitor)
        faults = find_faults(monitor, ledger)

    assert len(refused) > 10
    assert counted > 0
    assert refusal is not None
    assert refusal.status_code == 503
    assert int(refusal.headers["retry-after"]) >= 1
    assert MAX_SIZE / 2 < max(depths) <= MAX_SIZE
    assert len(ledger.acknowledged()) > 10
    assert ledger.requests[before].fate is Fate.ACKNOWLEDGED
    assert faults == []

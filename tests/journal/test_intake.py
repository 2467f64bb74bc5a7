"""Senders that share the way to the disk."""

from __future__ import annotations

import asyncio
import threading

import pytest

from otel_agentmon.errors import OverloadedError
from otel_agentmon.signals import Signal
from tests.journal.builders import make_payload, make_telemetry
from tests.journal.running import SOON, GatedDisk, Open, take, texts_of


def test_many_senders_on_several_loops_are_all_told(opened: Open) -> None:
    """Each request is found once, whatever batch it travelled in."""

    async def send(loop_number: int) -> None:
        texts = [f"{loop_number}-{number}" for number in range(200)]
        await asyncio.gather(*(journal.accept(Signal.LOGS, make_payload(text)) for text in texts))

    with opened(segment_size=2000) as journal:
        threads = [
            threading.Thread(target=lambda n=n: asyncio.run(send(n)), name=f"loop-{n}")
            for n in range(3)
        ]
        for thread in threads:
            thread.start()
        found: list[bytes] = []
        while len(found) < 600:
            segment = take(journal)
            found += texts_of(segment)
            journal.release(segment)
        for thread in threads:
            thread.join()

    assert sorted(found) == sorted(f"{n}-{i}".encode() for n in range(3) for i in range(200))


def test_requests_that_wait_for_the_disk_share_one_commit(opened: Open) -> None:
    """One slow sync costs all of them once."""
    disk, telemetry = GatedDisk(), make_telemetry()

    async def send() -> None:
        first = asyncio.create_task(journal.accept(Signal.TRACES, make_payload("first")))
        await asyncio.to_thread(disk.reached.wait, SOON)
        others = [journal.accept(Signal.TRACES, make_payload("x")) for _ in range(50)]
        gathered = asyncio.gather(*others)
        await asyncio.sleep(0)
        disk.gate.set()
        await asyncio.gather(first, gathered)

    with opened(disk, telemetry) as journal:
        asyncio.run(send())

    assert telemetry.commits._value.get() == 2
    assert telemetry.written_records.labels(Signal.TRACES)._value.get() == 51


@pytest.mark.parametrize("limit", [{"queue_size": 1}, {"queue_requests": 1}])
def test_a_full_queue_refuses(opened: Open, limit: dict[str, int]) -> None:
    """By bytes or by count; what is being written counts, and a lone request always fits."""
    disk = GatedDisk()

    async def send() -> None:
        first = asyncio.create_task(journal.accept(Signal.TRACES, make_payload("one")))
        await asyncio.to_thread(disk.reached.wait, SOON)
        with pytest.raises(OverloadedError) as caught:
            await journal.accept(Signal.TRACES, make_payload("two"))
        assert caught.value.reason == "journal_queue"
        disk.gate.set()
        await first

    with opened(disk, **limit) as journal:
        asyncio.run(send())


def test_a_sender_that_goes_away_harms_nobody(opened: Open) -> None:
    """Its request may be written; the others are told as ever."""
    disk = GatedDisk()

    async def send() -> None:
        first = asyncio.create_task(journal.accept(Signal.TRACES, make_payload("one")))
        second = asyncio.create_task(journal.accept(Signal.TRACES, make_payload("two")))
        await asyncio.to_thread(disk.reached.wait, SOON)
        first.cancel()
        disk.gate.set()
        await second

    with opened(disk) as journal:
        asyncio.run(send())
        assert texts_of(take(journal)) == [b"one", b"two"]

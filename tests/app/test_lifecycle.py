"""The order of starting and stopping, and what happens when a part does not play along."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from otel_agentmon.app.lifecycle import Lifecycle, StopError
from otel_agentmon.errors import ShuttingDownError
from tests.clock import ManualClock


class Part:
    """Writes down what is done to it; fails or takes time as told."""

    def __init__(self, name: str, diary: list[str], clock: ManualClock) -> None:
        self.name = name
        self.diary = diary
        self.clock = clock
        self.start_error: Exception | None = None
        self.stop_error: Exception | None = None
        self.stop_seconds = 0.0
        self.waits_for: asyncio.Event | None = None

    async def start(self) -> Part:
        if self.start_error:
            raise self.start_error
        self.diary.append(f"start {self.name}")
        return self

    async def stop(self, started: Part) -> None:
        assert started is self
        self.diary.append(f"stop {self.name}")
        if self.waits_for:
            await self.waits_for.wait()
        self.clock.advance(self.stop_seconds)
        if self.stop_error:
            raise self.stop_error


class House:
    """Three parts and the life cycle that they live in."""

    def __init__(self, stop_timeout: float = 10) -> None:
        self.clock = ManualClock()
        self.diary: list[str] = []
        self.parts = [Part(name, self.diary, self.clock) for name in ("store", "journal", "door")]
        self.store, self.journal, self.door = self.parts
        self.lifecycle = Lifecycle(timedelta(seconds=stop_timeout), self.clock)

    async def start(self) -> None:
        for part in self.parts:
            assert await self.lifecycle.start(part.name, part.start, part.stop) is part


def in_a_house(story: Callable[[House], Awaitable[None]], stop_timeout: float = 10) -> House:
    """Run a story on a loop of its own and return the house it has left."""

    async def tell() -> House:
        house = House(stop_timeout)
        await story(house)
        return house

    return asyncio.run(tell())


def test_what_started_last_stops_first() -> None:
    """The receivers go before the journal, and the journal before the database."""

    async def story(house: House) -> None:
        async with house.lifecycle:
            await house.start()

    assert in_a_house(story).diary == [
        *("start store", "start journal", "start door"),
        *("stop door", "stop journal", "stop store"),
    ]


def test_a_cleanup_without_a_start_has_its_place_in_the_order() -> None:
    """What is added between two parts is done between them."""

    async def story(house: House) -> None:
        async def sweep() -> None:
            house.diary.append("sweep")

        async with house.lifecycle:
            await house.lifecycle.start("store", house.store.start, house.store.stop)
            house.lifecycle.add_cleanup("sweep", sweep)
            await house.lifecycle.start("door", house.door.start, house.door.stop)

    assert in_a_house(story).diary[2:] == ["stop door", "sweep", "stop store"]


def test_a_failed_start_stops_what_was_started() -> None:
    """The part's own error reaches the caller, and nothing is left running."""

    async def story(house: House) -> None:
        house.door.start_error = OSError("address in use")
        with pytest.raises(OSError, match="address in use"):
            async with house.lifecycle:
                await house.start()

    assert in_a_house(story).diary == [
        *("start store", "start journal"),
        *("stop journal", "stop store"),
    ]


def test_stopping_twice_or_without_a_start_does_nothing() -> None:
    """Each part is stopped exactly once, however often the whole is."""

    async def story(house: House) -> None:
        await house.lifecycle.stop()
        await house.start()
        await house.lifecycle.stop()
        await house.lifecycle.stop()

    assert in_a_house(story).diary[3:] == ["stop door", "stop journal", "stop store"]


def test_a_part_that_fails_to_stop_does_not_keep_the_others_up() -> None:
    """Every part is stopped, and every failure is named."""

    async def story(house: House) -> None:
        house.door.stop_error = OSError("socket")
        house.store.stop_error = ValueError("disk")
        with pytest.raises(StopError) as caught:
            async with house.lifecycle:
                await house.start()
        assert str(caught.value) == (
            "door did not stop: OSError: socket; store did not stop: ValueError: disk"
        )

    assert in_a_house(story).diary[3:] == ["stop door", "stop journal", "stop store"]


def test_one_deadline_holds_for_all_parts_together() -> None:
    """A part whose turn comes after the deadline is asked to stop but not waited for."""

    async def story(house: House) -> None:
        house.door.stop_seconds = 11
        house.journal.waits_for = asyncio.Event()
        with pytest.raises(StopError) as caught:
            async with house.lifecycle:
                await house.start()
        assert str(caught.value) == "journal did not stop: not in time"

    assert in_a_house(story).diary[3:] == ["stop door", "stop journal", "stop store"]


def test_a_timeout_inside_a_part_is_that_parts_error() -> None:
    """Only the deadline itself is reported as the deadline."""

    async def story(house: House) -> None:
        house.door.stop_error = TimeoutError("peer")
        with pytest.raises(StopError, match="door did not stop: TimeoutError: peer"):
            async with house.lifecycle:
                await house.start()

    in_a_house(story)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_and_a_second_one_finds_the_default(number: signal.Signals) -> None:
    """The first signal stops in order; whoever sends another one wants it at once."""
    before = signal.getsignal(signal.SIGTERM)

    async def story(house: House) -> None:
        async with house.lifecycle:
            await house.start()
            os.kill(os.getpid(), number)
            await house.lifecycle.wait()
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    assert in_a_house(story).diary[3:] == ["stop door", "stop journal", "stop store"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_nothing_more_is_started_after_the_process_was_asked_to_stop() -> None:
    """A signal during a long start takes effect before the next part."""

    async def story(house: House) -> None:
        async with house.lifecycle:
            await house.lifecycle.start("store", house.store.start, house.store.stop)
            os.kill(os.getpid(), signal.SIGTERM)
            await house.lifecycle.wait()
            with pytest.raises(ShuttingDownError, match="before journal was started"):
                await house.lifecycle.start("journal", house.journal.start, house.journal.stop)

    assert in_a_house(story).diary == ["start store", "stop store"]


def test_the_reason_for_stopping_is_kept_when_stopping_fails_too() -> None:
    """The error that began it is noted on the one that is raised."""

    async def work_and_fail(house: House) -> None:
        async with house.lifecycle:
            await house.start()
            raise KeyError("first")

    async def story(house: House) -> None:
        house.store.stop_error = ValueError("disk")
        with pytest.raises(StopError) as caught:
            await work_and_fail(house)
        assert caught.value.__notes__ == ["stopping because of KeyError: 'first'"]

    in_a_house(story)

"""Who may send, and how much at once."""

from __future__ import annotations

import hashlib

import pytest
from prometheus_client import CollectorRegistry, Gauge

from otel_agentmon.errors import OverloadedError, ShuttingDownError, UnauthenticatedError
from otel_agentmon.receive.admission import Admission, ResidentMemory
from tests.clock import ManualClock


def admission(*tokens: str, max_in_flight: int = 100, memory_is_full: bool = False) -> Admission:
    """An admission with its own gauge."""
    gauge = Gauge("in_flight", "Test.", registry=CollectorRegistry())
    digests = [hashlib.sha256(token.encode()).digest() for token in tokens]
    return Admission(digests, max_in_flight, lambda: memory_is_full, gauge)


@pytest.mark.parametrize("header", ["Bearer one", "bearer two", "BEARER  two "])
def test_any_configured_token_is_let_in(header: str) -> None:
    """The scheme is read without regard to case (RFC 9110, 11.1)."""
    admission("one", "two").admit(header)


@pytest.mark.parametrize(
    "header", [None, "", "one", "Bearer", "Bearer ", "Basic one", "Bearer onE", "Bearer \udcff"]
)
def test_anything_else_is_unauthenticated(header: str | None) -> None:
    """The message never repeats what was sent."""
    with pytest.raises(UnauthenticatedError) as caught:
        admission("one", "two").admit(header)

    assert "onE" not in str(caught.value)


def test_without_tokens_everybody_is_let_in() -> None:
    """A token that nobody asked for does no harm."""
    admission().admit(None)
    admission().admit("Bearer whatever")


def test_a_stranger_learns_nothing_about_the_state() -> None:
    """Credentials are asked for first, also by a process that is full or leaving."""
    full = admission("one", memory_is_full=True)
    full.shut_down()

    with pytest.raises(UnauthenticatedError):
        full.admit(None)
    with pytest.raises(ShuttingDownError):
        full.admit("Bearer one")


def test_bytes_in_flight_are_bounded_and_given_back() -> None:
    """A refused growth takes nothing; leaving gives back all."""
    house = admission(max_in_flight=100)

    with house.admit(None) as first, house.admit(None) as second:
        first.grow(60)
        second.grow(40)
        with pytest.raises(OverloadedError) as caught:
            second.grow(1)
    assert caught.value.reason == "in_flight_bytes"
    with house.admit(None) as third:
        third.grow(100)


def test_memory_above_its_limit_refuses() -> None:
    """With a reason of its own."""
    with pytest.raises(OverloadedError) as caught:
        admission(memory_is_full=True).admit(None)

    assert caught.value.reason == "memory"


def test_memory_is_measured_at_most_ten_times_a_second() -> None:
    """In between the last answer stands; no limit means nothing is measured."""
    clock = ManualClock()
    readings = iter([99, 101])
    memory = ResidentMemory(100, clock, lambda: next(readings))

    assert [memory(), memory()] == [False, False]
    clock.advance(0.2)
    assert [memory(), memory()] == [True, True]
    assert not ResidentMemory(0, clock, lambda: next(readings))()
    assert ResidentMemory(1, clock)()

"""Tests of the time that sample agents live in."""

from __future__ import annotations

from functools import partial

import pytest

from otel_agentmon.app.demo.clock import VirtualClock


def test_time_passes_only_by_advancing() -> None:
    """A second of the simulated world is 10^9 of the clock's units."""
    clock = VirtualClock(5)
    clock.advance(1.5)

    assert clock.now() == 1_500_000_005


def test_parallel_steps_begin_together_and_end_with_the_slowest() -> None:
    """Afterwards it is as late as the last end, in whatever order the steps were given."""
    clock = VirtualClock(0)

    def step(seconds: float) -> int:
        began = clock.now()
        clock.advance(seconds)
        return began

    assert clock.parallel(partial(step, 1), partial(step, 3), partial(step, 2)) == [0, 0, 0]
    assert clock.now() == 3_000_000_000


def test_a_step_that_fails_does_not_turn_time_back() -> None:
    """What ended before the failure has still happened."""
    clock = VirtualClock(0)

    with pytest.raises(ZeroDivisionError):
        clock.parallel(lambda: clock.advance(3), lambda: 1 // 0)

    assert clock.now() == 3_000_000_000

"""Tests of when the sample agents run."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import timedelta

import pytest

from otel_agentmon.app.demo.schedule import schedule_backfill, schedule_live

_DAY = 86_400 * 10**9
_START = 1_800_000_000 * 10**9


def randoms() -> dict[str, random.Random]:
    return {name: random.Random(name) for name in ("planner", "chatbot")}


def test_a_week_of_backfill_is_spread_evenly() -> None:
    """Each day has as many runs of each agent as the next, to one or two."""
    runs = list(schedule_backfill(randoms(), _START, timedelta(days=7), rate=6))
    days = Counter((name, (end - _START) // _DAY) for end, name in runs)

    assert runs == sorted(runs)
    assert set(days) == set(itertools.product(("planner", "chatbot"), range(-7, 0)))
    assert all(70 <= count <= 73 for count in days.values())
    assert len(runs) == 1000


@pytest.mark.parametrize(
    ("minutes", "rate", "runs"),
    [(10, 6, 60), (10, 0.5, 5), (600, 6, 500), (0, 6, 0), (0.1, 6, 0)],
)
def test_a_backfill_is_as_dense_as_live_but_bounded(minutes: float, rate: float, runs: int) -> None:
    """A short history has the live rate, a long one 500 runs of each agent, no history none."""
    scheduled = schedule_backfill(randoms(), _START, timedelta(minutes=minutes), rate)

    assert Counter(name for _, name in scheduled) == Counter(planner=runs, chatbot=runs)


def test_live_runs_go_on_at_the_rate() -> None:
    """Each agent has one run at a random moment of each interval, without an end."""
    runs = list(itertools.islice(schedule_live(randoms(), _START, rate=6), 2000))

    slots = Counter((name, (end - _START) // 10**10) for end, name in runs)
    assert runs == sorted(runs)
    assert set(slots.values()) == {1}
    assert len(slots) == 2000

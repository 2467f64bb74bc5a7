"""When which sample agent ends a run."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

_MOST_BACKFILLED_RUNS: Final = 500
"""Runs of one agent in the whole of a backfill: a week is then about 30,000 spans."""


def schedule_backfill(
    randoms: Mapping[str, random.Random], start: int, period: timedelta, rate: float
) -> Iterator[tuple[int, str]]:
    """Runs spread evenly over the `period` before `start`, as dense as `rate` or thinner.

    `start` and the times yielded are nanoseconds since the Unix epoch, in ascending order; `rate`
    is runs a minute of each agent.
    """
    runs = min(_MOST_BACKFILLED_RUNS, math.floor(period / timedelta(minutes=1) * rate))
    period_nano = period // timedelta(microseconds=1) * 1000
    return heapq.merge(
        *(
            _spread(name, rng, start - period_nano, period_nano / max(runs, 1), range(runs))
            for name, rng in randoms.items()
        )
    )


def schedule_live(
    randoms: Mapping[str, random.Random], start: int, rate: float
) -> Iterator[tuple[int, str]]:
    """Runs from `start` on, without an end; the units are those of `schedule_backfill`."""
    interval_nano = 60e9 / rate
    return heapq.merge(
        *(
            _spread(name, rng, start, interval_nano, itertools.count())
            for name, rng in randoms.items()
        )
    )


def _spread(
    name: str,
    rng: random.Random,
    first: int,
    interval_nano: float,
    slots: range | itertools.count[int],
) -> Iterator[tuple[int, str]]:
    """One run at a random moment of each slot."""
    for slot in slots:
        yield first + math.floor((slot + rng.random()) * interval_nano), name

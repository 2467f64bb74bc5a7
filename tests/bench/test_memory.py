"""The slope that tells flat memory from a leak."""

from __future__ import annotations

import pytest

from bench.memory import slope_per_minute


def test_growth_at_the_start_is_not_a_slope() -> None:
    """Only the second half counts: caches fill, and then memory has to be flat."""
    assert slope_per_minute([(0, 100), (1, 500), (2, 700), (3, 700), (4, 700)]) == 0


def test_a_leak_is_bytes_a_minute() -> None:
    """Two bytes a second are 120 a minute."""
    series = [(float(second), 1000 + 2 * second) for second in range(20)]

    assert slope_per_minute(series) == pytest.approx(120)

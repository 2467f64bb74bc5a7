"""Medians, ratios, percentiles and the table."""

from __future__ import annotations

import pytest

from bench.report import Spread, percentile, ratio, spread, table


def test_a_ratio_is_made_pair_by_pair() -> None:
    """A machine that slows down between two pairs changes both sides of a pair alike."""
    assert ratio([200, 100, 300], [100, 50, 100]) == Spread(median=2, low=2, high=3)


def test_a_ratio_needs_as_many_anchors_as_measurements() -> None:
    """A measurement without its anchor is no ratio."""
    with pytest.raises(ValueError, match="shorter"):
        ratio([1, 2], [1])


def test_a_spread_is_the_median_between_the_least_and_the_greatest() -> None:
    """An even number of values has the mean of the middle two."""
    assert spread([4, 1, 3, 2]) == Spread(median=2.5, low=1, high=4)


def test_a_spread_is_written_with_three_digits() -> None:
    """Small numbers as they are, large ones whole with separators."""
    assert Spread(2.0987, 1.9, 2.34567).text("x") == "2.1x (1.9 to 2.35)"
    assert Spread(98031.4, 1000, 123456).text() == "98,031 (1,000 to 123,456)"


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (99.5, 100), (100, 100)])
def test_a_percentile_is_one_of_the_values(percent: float, expected: int) -> None:
    """Of the numbers 1 to 100, p99 is 99."""
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_one_value_is_every_percentile() -> None:
    """The least and the greatest at once."""
    assert percentile([7], 1) == percentile([7], 99) == 7


def test_a_table_is_markdown_with_equal_widths() -> None:
    """Each cell is as wide as the widest of its column."""
    assert table([{"a": 1, "long name": "x"}, {"a": "four", "long name": 2}]).splitlines() == [
        "| a    | long name |",
        "|------|-----------|",
        "| 1    | x         |",
        "| four | 2         |",
    ]

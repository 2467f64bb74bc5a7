"""The value types that every room shares."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_agentmon.config.room import parse_duration, parse_size, write_duration, write_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("1", 1), ("64MiB", 64 * 2**20), ("2GB", 2 * 10**9), ("1.5 kib", 1536), (7, 7)],
)
def test_sizes_are_read(text: Any, size: int) -> None:
    """Decimal and binary units are different numbers, and letter case does not matter."""
    assert parse_size(text) == size


@pytest.mark.parametrize("value", ["", "-1", "1 parsec", "MiB", "1e3", -1, True])
def test_what_is_no_size_is_refused(value: Any) -> None:
    """Negative numbers and truth values are no sizes."""
    with pytest.raises(ValueError, match="is not a size; write it like"):
        parse_size(value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("1h30m", 5400), ("1 m 30 s", 90), ("7d", 604800), (2, 2), (0.25, 0.25)],
)
def test_durations_are_read(text: Any, seconds: float) -> None:
    """Parts with units add up; plain numbers are seconds."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", ["", "5", "-5s", "1y", "s", -1, True, float("inf"), float("nan"), 1e300]
)
def test_what_is_no_duration_is_refused(value: Any) -> None:
    """A text without unit, a negative or an endless time is no duration."""
    with pytest.raises(ValueError, match="is not a duration; write it like"):
        parse_duration(value)


@given(st.integers(0, 2**60))
def test_a_written_size_reads_as_itself(size: int) -> None:
    """The reference page shows sizes that can be copied into a file."""
    assert parse_size(write_size(size)) == size


@given(st.integers(0, 10**9))
def test_a_written_duration_reads_as_itself(milliseconds: int) -> None:
    """The reference page shows durations that can be copied into a file."""
    duration = timedelta(milliseconds=milliseconds)

    assert abs(parse_duration(write_duration(duration)) - duration) <= timedelta(microseconds=1)

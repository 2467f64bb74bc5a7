"""Segment numbers over restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_agentmon.journal.disk import OsDisk
from otel_agentmon.journal.numbers import SegmentNumbers
from tests.clock import ManualClock


def load(directory: Path, highest_on_disk: int = -1, *, unix_seconds: int = 2) -> SegmentNumbers:
    clock = ManualClock(unix_nano=unix_seconds * 10**9)
    numbers = SegmentNumbers(directory, OsDisk(), clock)
    numbers.load(highest_on_disk)
    return numbers


def test_numbers_rise_over_restarts_although_the_clock_goes_back(tmp_path: Path) -> None:
    """Nothing on disk but the reservation is needed."""
    numbers = load(tmp_path)
    first = [numbers.take() for _ in range(3000)]
    second = load(tmp_path, unix_seconds=1).take()

    assert first == list(range(first[0], first[0] + 3000))
    assert second > first[-1]


@pytest.mark.parametrize("damage", [b"", b"12", b"12 00000000\n", b"\xff\xff"])
def test_without_a_readable_reservation_numbers_go_on_from_the_clock(
    tmp_path: Path, damage: bytes
) -> None:
    """Microseconds of the wall clock are above anything given out before."""
    load(tmp_path).take()
    (tmp_path / "numbers").write_bytes(damage)

    assert load(tmp_path, unix_seconds=9).take() == 9_000_000


def test_a_number_found_on_disk_is_never_given_out_again(tmp_path: Path) -> None:
    """Whatever the clock and the reservation say."""
    assert load(tmp_path, 5_000_000).take() == 5_000_001

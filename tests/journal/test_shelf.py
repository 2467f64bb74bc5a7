"""Closed segments and who has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_agentmon.journal.segment import Segment
from otel_agentmon.journal.shelf import Shelf
from otel_agentmon.signals import Signal


def make_segment(number: int, signal: Signal = Signal.TRACES) -> Segment:
    return Segment(Path("/x"), signal, number, 100, 1, recovered=False)


def make_shelf(*segments: Segment) -> Shelf:
    shelf = Shelf()
    for segment in segments:
        shelf.add(segment, since_unix_nano=segment.number)
    return shelf


def test_segments_are_taken_by_number() -> None:
    """Of one signal, or of all."""
    shelf = make_shelf(make_segment(3), make_segment(1, Signal.LOGS), make_segment(2))

    assert shelf.take(Signal.TRACES) == make_segment(2)
    assert shelf.take(None) == make_segment(1, Signal.LOGS)
    assert shelf.take(Signal.LOGS) is None


def test_a_segment_put_back_keeps_its_place() -> None:
    """The oldest comes first, however often it failed."""
    shelf = make_shelf(make_segment(1), make_segment(2))
    first = shelf.take(None)
    assert first is not None
    shelf.put_back(first)

    assert shelf.take(None) == first


def test_what_is_taken_still_counts() -> None:
    """Its bytes are on the disk and its rows not yet safe."""
    shelf = make_shelf(make_segment(7), make_segment(8))
    segment = shelf.take(None)
    assert segment is not None

    assert (len(shelf), shelf.bytes, shelf.taken, shelf.oldest_unix_nano) == (2, 200, 1, 7)
    shelf.remove(segment)
    assert (len(shelf), shelf.bytes, shelf.taken, shelf.oldest_unix_nano) == (1, 100, 0, 8)


def test_only_what_is_taken_can_be_given_back() -> None:
    """A loader that gives back twice has a defect and hears of it."""
    shelf = make_shelf(make_segment(1))

    with pytest.raises(ValueError, match="not in a loader's hands"):
        shelf.put_back(make_segment(1))
    with pytest.raises(ValueError, match="not in a loader's hands"):
        shelf.remove(make_segment(1))

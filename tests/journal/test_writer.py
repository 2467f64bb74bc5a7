"""Appending to segments and closing them, without a thread and without time."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from otel_agentmon.journal.recovery import recover
from otel_agentmon.journal.segment import FRAME_BYTES, HEADER_BYTES, Segment
from otel_agentmon.journal.writer import SegmentWriter
from otel_agentmon.signals import Signal
from tests.clock import ManualClock
from tests.journal.builders import make_payload, make_telemetry, make_writer, read_texts
from tests.journal.simulated_disk import Fault, SimulatedDisk

DIRECTORY = Path("/journal")
ONE = make_payload("one")
RECORD_BYTES = FRAME_BYTES + len(ONE)


class Bench:
    """A writer on a simulated disk, its clock and what it closed."""

    def __init__(self, **settings: Any) -> None:
        self.disk = SimulatedDisk()
        self.clock = ManualClock()
        self.writer: SegmentWriter
        self.closed: list[Segment]
        self.writer, self.closed = make_writer(
            DIRECTORY, disk=self.disk, clock=self.clock, **settings
        )

    def write(self, *texts: str, signal: Signal = Signal.TRACES) -> list[OSError | None]:
        return self.writer.write_batch([(signal, make_payload(text)) for text in texts])

    def fail(self, error: int, operation: str, *, stays: bool = False) -> None:
        self.disk.fault = Fault(error, frozenset((operation,)), stays=stays)

    def texts(self) -> list[list[bytes]]:
        return [read_texts(self.disk.read(segment.path)) for segment in self.closed]

    def survives_power_cut(self, path: Path) -> bytes:
        self.disk.end_process(with_power=False)
        return self.disk.read(path)


def test_a_segment_is_closed_by_the_record_that_fills_it() -> None:
    """It is larger than `segment_size` by less than that record, and the rest goes to the next."""
    bench = Bench(segment_size=HEADER_BYTES + 2 * RECORD_BYTES)
    bench.write(*["one"] * 5)

    assert bench.texts() == [[b"one", b"one"], [b"one", b"one"]]
    assert [segment.size_bytes for segment in bench.closed] == [HEADER_BYTES + 2 * RECORD_BYTES] * 2
    assert bench.closed[0].number < bench.closed[1].number
    assert bench.writer.held_bytes == HEADER_BYTES + RECORD_BYTES


def test_each_signal_has_a_segment_of_its_own() -> None:
    """The database reads one message type from a file."""
    bench = Bench()
    bench.writer.write_batch([(signal, make_payload(signal)) for signal in Signal for _ in "12"])
    bench.writer.close_all()

    assert [segment.signal for segment in bench.closed] == list(Signal)
    assert bench.texts() == [[signal.encode()] * 2 for signal in Signal]


def test_a_segment_is_closed_when_it_is_old_enough_and_a_loader_waits() -> None:
    """While no loader waits it grows, so that a busy database gets larger inserts."""
    bench = Bench(roll_age="300ms")
    bench.write("one")
    bench.clock.advance(0.2)
    bench.writer.tick([None])
    bench.clock.advance(10)
    bench.writer.tick([])
    bench.writer.tick([Signal.LOGS])
    assert not bench.closed

    bench.writer.tick([Signal.TRACES])
    assert bench.texts() == [[b"one"]]


def test_the_oldest_segment_is_closed_first_and_one_for_each_loader() -> None:
    """A loader that takes any signal does not close what another takes."""
    bench = Bench(roll_age=0)
    for signal in (Signal.LOGS, Signal.TRACES, Signal.METRICS):
        bench.write("one", signal=signal)
    bench.writer.tick([None, Signal.LOGS])

    assert [segment.signal for segment in bench.closed] == [Signal.LOGS, Signal.TRACES]


def test_it_says_when_the_next_segment_is_due() -> None:
    """The thread sleeps until then."""
    bench = Bench(roll_age="300ms")
    assert bench.writer.next_due([None]) is None
    bench.write("one")

    assert bench.writer.next_due([]) is None
    assert bench.writer.next_due([None]) == pytest.approx(bench.clock.monotonic() + 0.3)


def test_always_means_durable_when_write_batch_returns() -> None:
    """The name as well as the record."""
    bench = Bench(sync="always")
    bench.write("one")
    [path] = [path for path in bench.disk.paths if path.suffix == ".open"]

    assert bench.survives_power_cut(path).endswith(ONE)


def test_interval_syncs_when_it_is_due() -> None:
    """A power cut loses no more than the interval."""
    bench = Bench(sync="interval", sync_interval="1s")
    bench.write("one")
    bench.fail(errno.EIO, "sync_data", stays=True)  # shows that nothing is synced before
    assert bench.write("two") == [None]
    assert bench.writer.next_due([]) == bench.clock.monotonic() + 1
    bench.disk.fault = None
    bench.clock.advance(1)
    bench.writer.tick([])
    [path] = [path for path in bench.disk.paths if path.suffix == ".open"]

    assert bench.writer.next_due([]) is None
    assert bench.survives_power_cut(path).endswith(make_payload("two"))


def test_interval_keeps_what_could_not_be_synced() -> None:
    """It was acknowledged, and the kernel still has it."""
    bench = Bench(sync="interval", sync_interval="1s")
    bench.write("one")
    bench.fail(errno.EIO, "sync_data")
    bench.clock.advance(1)
    bench.writer.tick([])

    assert bench.texts() == [[b"one"]]


def test_never_syncs_nothing() -> None:
    """Not even when a segment is closed."""
    bench = Bench(sync="never")
    bench.write("one")  # the first segment number is reserved with a sync
    bench.fail(errno.EIO, "sync_data", stays=True)

    assert bench.write("two") == [None]
    bench.writer.close_all()
    assert bench.texts() == [[b"one", b"two"]]


@pytest.mark.parametrize(
    ("error", "operation"),
    [(errno.ENOSPC, "write"), (errno.EIO, "write"), (errno.EIO, "sync_data")],
)
def test_a_refused_write_leaves_no_trace(error: int, operation: str) -> None:
    """The segment is closed with what was acknowledged, and the next write opens another."""
    bench = Bench()
    bench.write("one")
    bench.fail(error, operation)
    [first, second] = bench.write("two", "three")
    assert first is not None
    assert second is first

    assert first.errno == error
    assert bench.write("four") == [None]
    bench.writer.close_all()
    assert bench.texts() == [[b"one"], [b"four"]]


def test_a_full_disk_leaves_no_empty_segments() -> None:
    """A failing attempt every second must not fill the directory."""
    bench = Bench()
    bench.write("one", signal=Signal.LOGS)
    before = bench.disk.paths
    bench.fail(errno.ENOSPC, "write", stays=True)
    assert bench.write("two") != [None]

    assert bench.disk.paths == before


def test_one_failing_signal_does_not_refuse_the_others() -> None:
    """Each has its own file."""
    bench = Bench()
    bench.fail(errno.EIO, "sync_data")
    [traces, logs] = bench.writer.write_batch([(Signal.TRACES, ONE), (Signal.LOGS, ONE)])

    assert traces is not None
    assert logs is None


def test_a_segment_that_cannot_be_closed_at_the_end_is_left_to_the_next_start() -> None:
    """Its records are durable under its open name."""
    bench = Bench()
    bench.write("one")
    bench.fail(errno.EIO, "rename", stays=True)
    bench.writer.close_all()
    bench.disk.end_process(with_power=True)
    [(segment, _)] = recover(DIRECTORY, bench.disk, make_telemetry()).segments

    assert bench.closed == []
    assert read_texts(bench.disk.read(segment.path)) == [b"one"]


def test_closing_is_tried_again_after_a_while() -> None:
    """A disk that failed is left alone for a second."""
    bench = Bench(roll_age=0)
    bench.write("one")
    bench.fail(errno.EIO, "rename")
    bench.writer.tick([None])
    bench.writer.tick([None])
    assert (bench.closed, bench.writer.held_segments) == ([], 1)
    assert bench.writer.held_bytes == HEADER_BYTES + RECORD_BYTES

    bench.clock.advance(1)
    bench.writer.tick([None])
    assert bench.texts() == [[b"one"]]
    assert bench.writer.held_bytes == 0

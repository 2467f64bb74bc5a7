"""The journal against a model of it, on a disk that fails in every way a disk can."""

from __future__ import annotations

import errno
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from otel_agentmon.journal.recovery import recover
from otel_agentmon.journal.segment import Segment, parse_segment_name
from otel_agentmon.journal.shelf import Shelf
from otel_agentmon.journal.writer import SegmentWriter
from otel_agentmon.signals import Signal
from tests.clock import ManualClock
from tests.journal.builders import (
    FRAME_TAG,
    make_config,
    make_payload,
    make_telemetry,
    read_texts,
)
from tests.journal.simulated_disk import Fault, ProcessDiedError, SimulatedDisk

DIRECTORY = Path("/journal")
CHANGES = frozenset(
    ("create", "write", "truncate", "sync_data", "sync_directory", "rename", "unlink", "close")
)

faults = st.none() | st.builds(
    Fault,
    error=st.sampled_from((None, errno.EIO, errno.ENOSPC)),
    operations=st.just(CHANGES)
    | st.sampled_from(sorted(CHANGES)).map(lambda one: frozenset((one,))),
    skip=st.integers(0, 12),
    stays=st.booleans(),
)
clock_steps = st.sampled_from((0, 1, -3600))
batches = st.lists(
    st.tuples(st.sampled_from(Signal), st.integers(0, 90), st.booleans()), min_size=1, max_size=8
)


class JournalModel(RuleBasedStateMachine):
    """Appends, rolls, loads and restarts, with a fault in any of them.

    Every request carries a number that rises; so for each signal the requests found, segment after
    segment, must rise strictly (order kept, none twice), contain every acknowledged one and none
    that was not sent.
    """

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.disk = SimulatedDisk(seed)
        self.clock = ManualClock()
        self.sent: dict[Signal, list[bytes]] = {signal: [] for signal in Signal}
        self.acknowledged: dict[Signal, set[bytes]] = {signal: set() for signal in Signal}
        self.damaged: set[bytes] = set()
        self.database: dict[str, tuple[Signal, int, list[bytes]]] = {}
        self.open_journal()

    def open_journal(self) -> None:
        self.telemetry = make_telemetry()
        self.refused: set[bytes] = set()
        recovered = recover(DIRECTORY, self.disk, self.telemetry)
        self.shelf = Shelf()
        for segment, since in recovered.segments:
            self.shelf.add(segment, since)
        config = make_config(segment_size=400, roll_age="1s")
        self.writer = SegmentWriter(
            DIRECTORY, config, self.telemetry, self.clock, self.disk, self.shelf.add
        )
        self.writer.start(recovered.highest_number)

    @rule(batch=batches, fault=faults, with_power=st.booleans())
    def append(
        self, batch: list[tuple[Signal, int, bool]], fault: Fault | None, with_power: bool
    ) -> None:
        records = []
        for signal, size, looks_like_frames in batch:
            filling = (FRAME_TAG * size)[:size] if looks_like_frames else b"x" * size
            text = b"%s:%d:%s" % (signal.encode(), len(self.sent[signal]), filling)
            self.sent[signal].append(text)
            records.append((signal, text))
        self.set_fault(fault)
        try:
            outcomes = self.writer.write_batch(
                [(signal, make_payload(text)) for signal, text in records]
            )
        except ProcessDiedError:
            self.restart(with_power=with_power)
            return
        for (signal, text), error in zip(records, outcomes, strict=True):
            (self.refused if error else self.acknowledged[signal]).add(text)
        self.disk.fault = None

    @rule(
        seconds=st.sampled_from((0.4, 1.0)), wanted=st.sampled_from((None, *Signal)), fault=faults
    )
    def wait_for_a_segment(
        self, seconds: float, wanted: Signal | None, fault: Fault | None
    ) -> None:
        self.clock.advance(seconds)
        self.set_fault(fault)
        try:
            self.writer.tick([wanted])
        except ProcessDiedError:
            self.restart(with_power=False)
        self.disk.fault = None

    @rule(signal=st.sampled_from((None, *Signal)), fault=faults, fails=st.booleans())
    def load(self, signal: Signal | None, fault: Fault | None, fails: bool) -> None:
        segment = self.shelf.take(signal)
        if segment is None:
            return
        if fails:
            self.shelf.put_back(segment)
            return
        if segment.token not in self.database:
            texts = read_texts(self.disk.read(segment.path))
            self.database[segment.token] = (segment.signal, segment.number, texts)
        self.shelf.remove(segment)
        self.set_fault(fault)
        try:
            self.disk.unlink(segment.path)
        except ProcessDiedError:
            self.restart(with_power=False)
        except OSError:
            pass  # the file stays and is found at the next start
        self.disk.fault = None

    @rule(with_power=st.booleans(), is_stopped=st.booleans(), clock_step=clock_steps, fault=faults)
    def end(self, with_power: bool, is_stopped: bool, clock_step: int, fault: Fault | None) -> None:
        """The process is stopped, killed or loses power, and the next start meets the fault."""
        if is_stopped:
            self.writer.close_all()
        self.clock = ManualClock(self.clock.unix_nano() + clock_step * 10**9)
        self.disk.end_process(with_power=with_power)
        self.set_fault(fault)
        try:
            self.open_journal()
        except ProcessDiedError:
            self.disk.end_process(with_power=with_power)
        except OSError:
            pass  # the start was refused
        self.restart(with_power=True)

    @precondition(lambda self: any(parse_segment_name(path.name) for path in self.disk.paths))
    @rule(data=st.data())
    def flip_a_bit(self, data: st.DataObject) -> None:
        self.writer.close_all()
        segments = [path for path in self.disk.paths if parse_segment_name(path.name)]
        if not segments:
            return
        path = data.draw(st.sampled_from(segments))
        content = self.disk.read(path)
        bit = data.draw(st.integers(0, len(content) * 8 - 1))
        self.damaged |= self.record_at(content, bit // 8)
        self.disk.flip_bit(path, bit)
        self.restart(with_power=True)

    @invariant()
    def what_is_handed_out_is_whole_and_was_not_refused(self) -> None:
        for segment in self.waiting_segments():
            texts = read_texts(self.disk.read(segment.path))
            assert len(texts) == segment.records
            assert segment.recovered or not self.refused & set(texts)
            assert segment.number < 2**53

    def teardown(self) -> None:
        self.restart(with_power=False)

    def set_fault(self, fault: Fault | None) -> None:
        # Hypothesis shares one instance among examples, and a fault counts down.
        self.disk.fault = fault and Fault(fault.error, fault.operations, fault.skip, fault.stays)

    def restart(self, *, with_power: bool) -> None:
        self.disk.end_process(with_power=with_power)
        self.open_journal()
        if not self.disk.errors and not self.damaged:
            assert self.telemetry.corrupt_records._value.get() == 0
        self.check()

    def check(self) -> None:
        found = list(self.database.values())
        for segment in self.waiting_segments():
            if segment.token not in self.database:
                texts = read_texts(self.disk.read(segment.path))
                found.append((segment.signal, segment.number, texts))
        for signal in Signal:
            mine = sorted((number, texts) for one, number, texts in found if one is signal)
            texts = [text for _, texts in mine for text in texts]
            order = {text: index for index, text in enumerate(self.sent[signal])}
            indexes = [order[text] for text in texts]  # a KeyError is a request nobody sent
            assert indexes == sorted(set(indexes))
            assert self.acknowledged[signal] - self.damaged <= set(texts)

    def waiting_segments(self) -> list[Segment]:
        taken = []
        while (segment := self.shelf.take(None)) is not None:
            taken.append(segment)
        for segment in taken:
            self.shelf.put_back(segment)
        return taken

    def record_at(self, content: bytes, offset: int) -> set[bytes]:
        """The text of the record that covers `offset` in an intact segment; none for the header."""
        start = 5
        for text in read_texts(content):
            end = start + 28 + len(make_payload(text))
            if start <= offset < end:
                return {text}
            start = end
        return set()


class TestJournalModel(JournalModel.TestCase):  # type: ignore[misc,name-defined]  # made at run time
    """What was acknowledged is found exactly once and in order, after any crash or error."""

    settings = settings(
        max_examples=300,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )

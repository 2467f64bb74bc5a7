"""The lines of the ingest table, and which loads are measured."""

from __future__ import annotations

from bench.drive import Measurement
from bench.ingest import loads, row
from bench.load import Sent
from bench.options import parse
from otel_agentmon.signals import Signal

NAMES = ["ingest", "disk"]


def measured(seconds: float, cpu_seconds: float, settled: float) -> Measurement:
    return Measurement(1000, seconds, cpu_seconds, settled, Sent())


def test_a_row_has_both_medians_and_their_ratio() -> None:
    """Twice as many a second on as much CPU, and 1.5 times as many for a CPU-second in all."""
    load = loads(parse([], NAMES))[0]
    line = row(load, [measured(1, 2, 2)] * 3, [measured(2, 2, 3)] * 3)

    assert line["/s"] == "1,000 : 500"
    assert line["ratio /s"] == "2x (2 to 2)"
    assert line["ratio /CPU-s"] == "1x (1 to 1)"
    assert line["ratio /CPU-s with merges"] == "1.5x (1.5 to 1.5)"


def test_traces_are_measured_in_every_size_with_every_number_of_senders() -> None:
    """Logs and metrics once each; nobody sends less than one request."""
    found = loads(parse(["--items", "100000"], NAMES))
    traces = [load for load in found if load.signal is Signal.TRACES]

    assert {(load.items, load.senders) for load in traces} == {
        (items, senders) for items in (50, 512, 8192) for senders in (1, 8, 32)
    }
    assert [load.signal for load in found if load not in traces] == [Signal.LOGS, Signal.METRICS]
    assert all(load.requests >= load.senders for load in found)


def test_a_lone_sender_sends_a_thousand_requests_at_most() -> None:
    """It waits for each answer; more of them only take longer."""
    found = loads(parse(["--items", "1000000", "--sizes", "50", "--senders", "1,8"], NAMES))

    assert [load.requests for load in found[:2]] == [1000, 8000]

"""The command line of the benchmarks."""

from __future__ import annotations

import pytest

from bench.options import parse
from otel_agentmon.signals import Signal


def test_without_a_name_every_benchmark_is_run() -> None:
    """In the order in which they are listed."""
    assert parse([], ["ingest", "disk"]).names == ("ingest", "disk")


def test_lists_are_written_with_commas() -> None:
    """Numbers of senders, sizes, signals."""
    found = parse(["ingest", "--senders", "1,4", "--signals", "logs,traces"], ["ingest"])

    assert found.senders == (1, 4)
    assert found.signals == (Signal.LOGS, Signal.TRACES)


def test_an_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the ones there are."""
    with pytest.raises(SystemExit):
        parse(["ingets"], ["ingest", "disk"])

    assert "'ingets' is no benchmark; there are ingest, disk" in capsys.readouterr().err

"""Sending to a system and waiting until a query sees all of it: one measurement."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.load import Sent
from bench.payload import SPANS_PER_TRACE, build_requests, write_requests
from bench.process import System, count_items, wait_until_quiet
from otel_agentmon.signals import Signal

_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: `requests` of `items` each from so many connections at once."""

    signal: Signal
    items: int
    requests: int
    senders: int

    @property
    def total_items(self) -> int:
        return self.items * self.requests


@dataclass(frozen=True, slots=True)
class Measurement:
    """Seconds from the first request until all of it could be queried, and the CPU it took.

    `settled_cpu_seconds` goes on until merges have ended.
    """

    items: int
    seconds: float
    cpu_seconds: float
    settled_cpu_seconds: float
    sent: Sent

    def items_per_second(self) -> float:
        return self.items / self.seconds

    def items_per_cpu_second(self) -> float:
        return self.items / self.cpu_seconds

    def items_per_settled_cpu_second(self) -> float:
        return self.items / self.settled_cpu_seconds


def write_load(load: Load, directory: Path) -> Path:
    """The file for the load generator; the data's time ends now."""
    path = directory / f"{load.signal.value}-{load.items}-{load.requests}.otlp"
    if not path.exists():
        lasts = load.requests * max(load.items, SPANS_PER_TRACE) * 1_000_003
        start = time.time_ns() - lasts
        write_requests(path, build_requests(load.signal, load.items, load.requests, start))
    return path


@contextlib.contextmanager
def generator(
    system: System, load: Load, file: Path, options: list[str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A load generator that is connected and waits for its start."""
    with subprocess.Popen(
        [
            sys.executable, "-m", "bench.load", str(file),
            "--address", system.otlp_grpc,
            "--signal", load.signal.value,
            "--senders", str(load.senders),
            *(options or []),
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", "the load generator did not start"
            yield process
        finally:
            process.kill()


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def finish(process: subprocess.Popen[str]) -> Sent:
    """Waits for the end of the load."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the load generator has failed"
    return Sent(**json.loads(line))


def measure(system: System, load: Load, file: Path) -> Measurement:
    """Sends the file once. Raises AssertionError unless exactly what was sent is stored."""
    before = count_items(system, load.signal)
    with generator(system, load, file) as process:
        cpu, began = system.cpu_seconds(), time.perf_counter()
        start(process)
        sent = finish(process)
        wanted = before + load.total_items
        wait_for_count(system, load.signal, wanted)
        seconds = time.perf_counter() - began
        cpu_seconds = system.cpu_seconds() - cpu
    wait_until_quiet(system)
    stored = count_items(system, load.signal)
    assert stored == wanted, f"{system.name} stored {stored - before:,} of {load.total_items:,}"
    return Measurement(load.total_items, seconds, cpu_seconds, system.cpu_seconds() - cpu, sent)


def wait_for_count(system: System, signal: Signal, wanted: int, limit: float = 120.0) -> None:
    """Polls until a query sees them all. Raises AssertionError when they do not come."""
    end = time.monotonic() + limit
    while (found := count_items(system, signal)) < wanted:
        assert time.monotonic() < end, f"{system.name} has {found:,} of {wanted:,}"
        time.sleep(_POLL_SECONDS)

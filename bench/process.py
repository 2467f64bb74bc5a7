"""A measured process: started, watched through /proc, and always ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Final, Protocol

from otel_agentmon.signals import Signal

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_QUIET_SHARE: Final = 0.05  # of one CPU
_QUIET_SAMPLE_SECONDS: Final = 0.5


class System(Protocol):
    """One side of a comparison: takes OTLP, stores it, and can be asked what it has."""

    name: str
    otlp_grpc: str

    def sql(self, query: str) -> list[list[Any]]:
        """The rows of a SELECT."""

    def cpu_seconds(self) -> float:
        """User and system time of all its processes since they were started."""

    def resident_bytes(self) -> int:
        """Resident memory of all its processes."""

    def stop(self) -> None:
        """Ends all its processes and waits for them."""


class Process:
    """One child process whose output goes to a file."""

    def __init__(self, command: list[str], log: Path, environ: dict[str, str] | None = None):
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environ or {})},
            )
        self.pid = self._process.pid

    def wait_for_file(self, path: Path, seconds: float = 60.0) -> dict[str, Any]:
        """The JSON the process writes when it is ready. Raises RuntimeError if it does not."""
        end = time.monotonic() + seconds
        while not path.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"it did not become ready:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.005)
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content

    def cpu_seconds(self) -> float:
        # After the name in brackets, which may hold anything: see proc_pid_stat(5).
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> None:
        """Asks it to end, and ends it where it has not within 30 seconds."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


_COUNTED: Final = {
    Signal.TRACES: ("otel_traces",),
    Signal.LOGS: ("otel_logs",),
    Signal.METRICS: ("otel_metrics_gauge", "otel_metrics_sum", "otel_metrics_histogram"),
}


def count_items(system: System, wanted: Signal) -> int:
    """How many spans, log records or metric points a query finds."""
    answers = (system.sql(f"SELECT count() FROM otel.{table}") for table in _COUNTED[wanted])  # noqa: S608 - our own names
    return sum(int(answer[0][0]) for answer in answers)


def wait_until_quiet(system: System, limit_seconds: float = 30.0) -> None:
    """Returns when merges and other afterwork have ended, seen by the CPU they take."""
    end = time.monotonic() + limit_seconds
    quiet = 0
    while quiet < 2 and time.monotonic() < end:
        before = system.cpu_seconds()
        time.sleep(_QUIET_SAMPLE_SECONDS)
        busy = (system.cpu_seconds() - before) / _QUIET_SAMPLE_SECONDS > _QUIET_SHARE
        quiet = 0 if busy else quiet + 1

"""Resident memory at full load and after it, ours and the anchor's."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from bench.drive import Load, finish, generator, start, write_load
from bench.options import Options
from bench.process import System, wait_until_quiet
from bench.report import report
from bench.sides import both_sides
from otel_agentmon.signals import Signal

_SAMPLE_SECONDS = 1.0
_MIB = 2**20


def run(options: Options, directory: Path) -> None:
    """One after the other, each at its own full speed for `--minutes`."""
    load = Load(Signal.TRACES, 512, max(8, options.items // 512), 8)
    file = write_load(load, directory)
    rows, detail = [], {}
    with both_sides(options, directory) as sides:
        for system in sides:
            wait_until_quiet(system)
            idle = system.resident_bytes()
            series, sent = sample(system, load, file, options.minutes * 60)
            wait_until_quiet(system, 120)
            after = system.resident_bytes()
            rows.append(_row(system.name, idle, series, after, sent * load.items))
            detail[system.name] = series
    report("memory", rows, detail)


def sample(
    system: System, load: Load, file: Path, seconds: float
) -> tuple[list[tuple[float, int]], int]:
    """(seconds, bytes) once a second under load, and how many requests were taken."""
    series = []
    with generator(system, load, file, ["--seconds", str(seconds)]) as process:
        start(process)
        began = time.perf_counter()
        while (at := time.perf_counter() - began) < seconds:
            series.append((round(at, 1), system.resident_bytes()))
            time.sleep(_SAMPLE_SECONDS)
        sent = finish(process)
    return series, sent.requests


def slope_per_minute(series: list[tuple[float, int]]) -> float:
    """Bytes a minute by least squares over the second half; about 0 where memory is flat."""
    half = series[len(series) // 2 :]
    at, resident = zip(*half, strict=True)
    return statistics.linear_regression(at, resident).slope * 60


def _row(
    name: str, idle: int, series: list[tuple[float, int]], after: int, items: int
) -> dict[str, Any]:
    half = [resident for _, resident in series[len(series) // 2 :]]
    return {
        "side": name,
        "idle at start MiB": f"{idle / _MIB:,.0f}",
        "loaded, median of 2nd half MiB": f"{statistics.median(half) / _MIB:,.0f}",
        "peak MiB": f"{max(resident for _, resident in series) / _MIB:,.0f}",
        "slope of 2nd half MiB/min": f"{slope_per_minute(series) / _MIB:+,.1f}",
        "idle after MiB": f"{after / _MIB:,.0f}",
        "spans taken": f"{items:,}",
    }

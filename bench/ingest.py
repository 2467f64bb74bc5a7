"""How much is taken in, durable and queryable: items a second and items a CPU-second."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.drive import Load, Measurement, measure, write_load
from bench.options import Options
from bench.process import System
from bench.report import ratio, report, spread
from bench.sides import both_sides
from otel_agentmon.signals import Signal


def run(options: Options, directory: Path) -> None:
    """Monitor and anchor take the same load in turns, on databases that grow as they go."""
    rows: list[dict[str, Any]] = []
    detail: dict[str, Any] = {}
    with both_sides(options, directory) as sides:
        warm_up = Load(Signal.TRACES, 512, 20, 4)
        for system in sides:
            measure(system, warm_up, write_load(warm_up, directory))
        for load in loads(options):
            file = write_load(load, directory)
            taken = compare(sides, load, file, options.repeats)
            file.unlink()
            rows.append(row(load, *taken))
            name = f"{load.signal.value} {load.senders}x{load.items}"
            detail[name] = [[_numbers(m) for m in side] for side in taken]
            print(rows[-1], flush=True)
    report("ingest", rows, detail)


def loads(options: Options) -> list[Load]:
    """Traces in every size and number of senders; logs and metrics once."""
    wanted = [
        (Signal.TRACES, size, senders) for size in options.sizes for senders in options.senders
    ]
    if Signal.LOGS in options.signals:
        wanted.append((Signal.LOGS, 512, 8))
    if Signal.METRICS in options.signals:
        wanted.append((Signal.METRICS, 512, 8))
    # One sender waits for each answer; a thousand answers are enough to measure that.
    return [
        Load(signal, size, max(senders, min(options.items // size, 1000 * senders)), senders)
        for signal, size, senders in wanted
    ]


def compare(
    sides: tuple[System, System], load: Load, file: Path, repeats: int
) -> tuple[list[Measurement], list[Measurement]]:
    """The measurements of ours and of the anchor's, taken in turns."""
    taken: tuple[list[Measurement], list[Measurement]] = ([], [])
    for _ in range(repeats):
        for system, measurements in zip(sides, taken, strict=True):
            measurements.append(measure(system, load, file))
    return taken


def row(load: Load, ours: list[Measurement], anchor: list[Measurement]) -> dict[str, Any]:
    """One line of the table; each ratio stands behind the two medians it is made of."""
    line: dict[str, Any] = {
        "signal": load.signal.value,
        "senders": load.senders,
        "a request": load.items,
    }
    for title, speed in (
        ("/s", Measurement.items_per_second),
        ("/CPU-s", Measurement.items_per_cpu_second),
        ("/CPU-s with merges", Measurement.items_per_settled_cpu_second),
    ):
        mine = [speed(measurement) for measurement in ours]
        theirs = [speed(measurement) for measurement in anchor]
        line[title] = f"{spread(mine).median:,.0f} : {spread(theirs).median:,.0f}"
        line[f"ratio {title}"] = ratio(mine, theirs).text("x")
    return line


def _numbers(measurement: Measurement) -> dict[str, Any]:
    numbers = asdict(measurement)
    numbers["sent"].pop("ack_ms")
    return numbers

"""Bytes on the disk for each span, ours and the anchor's, against the OTLP bytes received."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.drive import Load, measure, write_load
from bench.options import Options
from bench.report import report
from bench.sides import both_sides
from otel_agentmon.signals import Signal


def run(options: Options, directory: Path) -> None:
    """The same spans, all different, go to both once; then their tables are weighed."""
    load = Load(Signal.TRACES, 512, max(8, options.items // 512), 8)
    file = write_load(load, directory)
    with both_sides(options, directory) as sides:
        taken = [measure(system, load, file) for system in sides]
        folders = [system.database_dir for system in sides]
    rows, detail = [], {}
    for system, folder, measurement in zip(sides, folders, taken, strict=True):
        weights = weigh(folder)
        detail[system.name] = weights
        received = measurement.sent.request_bytes / measurement.items
        loaded, merged = (
            sum(table["bytes"] for table in weights[when].values()) / measurement.items
            for when in ("loaded", "merged")
        )
        rows.append(_row(system.name, received, loaded, merged))
    report("disk", rows, detail)


def weigh(folder: Path) -> dict[str, Any]:
    """What `bench.parts` says of a database that no process has open."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.parts", str(folder)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    weights: dict[str, Any] = json.loads(done.stdout)
    return weights


def _row(name: str, received: float, loaded: float, merged: float) -> dict[str, Any]:
    return {
        "side": name,
        "OTLP bytes a span": f"{received:.0f}",
        "on disk after load": f"{loaded:.1f}",
        "on disk after merges": f"{merged:.1f}",
        "of what was received": f"{merged / received:.1%}",
    }

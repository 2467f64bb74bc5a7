"""Ratios of repeated measurements, the table on the screen, and the file beside it."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

RESULTS: Final = Path("bench/results")


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of repeated measurements, with the least and the greatest."""

    median: float
    low: float
    high: float

    def text(self, unit: str = "") -> str:
        """`2.10x (1.90 to 2.31)`: three significant digits."""
        return f"{_short(self.median)}{unit} ({_short(self.low)} to {_short(self.high)})"


def spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


def ratio(ours: Sequence[float], anchor: Sequence[float]) -> Spread:
    """Ours over the anchor's, pair by pair: both of a pair were measured one after the other."""
    return spread([mine / theirs for mine, theirs in zip(ours, anchor, strict=True)])


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of them do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def report(name: str, rows: Sequence[dict[str, Any]], detail: dict[str, Any]) -> None:
    """Prints the rows as a table; keeps them with `detail` in `bench/results/<name>.json`."""
    print(f"\n{name}\n{table(rows)}\n", flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    content = {"name": name, "machine": machine(), "rows": list(rows), "detail": detail}
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A Markdown table, so that it can be pasted into the documentation."""
    columns = list(rows[0])
    cells = [columns, *([str(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """What a number depends on besides the code."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - wherever the user has git
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "chdb": version("chdb"),
    }


def _short(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"

"""Ours and the anchor, started for one benchmark and stopped after it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bench.monitor import Monitor
from bench.options import Options
from bench.rotel import Rotel, install


@contextlib.contextmanager
def both_sides(options: Options, directory: Path) -> Iterator[tuple[Monitor, Rotel]]:
    """Both run; the one that is not measured idles. Raises AnchorMissingError."""
    install()  # before anything is started
    with contextlib.ExitStack() as stack:
        monitor = Monitor(directory / "agentmon", options.agentmon)
        stack.callback(monitor.stop)
        anchor = Rotel(directory / "rotel", tuned=options.tuned)
        stack.callback(anchor.stop)
        yield monitor, anchor

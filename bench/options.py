"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.monitor import AGENTMON
from otel_agentmon.signals import Signal


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how often; the defaults are a first look, not the figures to publish."""

    names: tuple[str, ...]
    repeats: int = 3
    items: int = 400_000
    senders: tuple[int, ...] = (1, 8, 32)
    sizes: tuple[int, ...] = (50, 512, 8_192)
    signals: tuple[Signal, ...] = tuple(Signal)
    minutes: float = 1.0
    millions: float = 1.0
    agentmon: Path = AGENTMON
    tuned: bool = False


def parse(arguments: Sequence[str], known: Sequence[str]) -> Options:
    """Exits with a message on a wrong command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure the monitor beside its anchors."
    )
    default = Options(())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    add = parser.add_argument
    add("--repeats", type=int, default=default.repeats, help="pairs of measurements")
    add("--items", type=int, default=default.items, help="spans sent in one measurement")
    add("--senders", type=_numbers, default=default.senders, help="connections, as 1,8,32")
    add("--sizes", type=_numbers, default=default.sizes, help="spans in a request, as 50,512,8192")
    add("--signals", type=_signals, default=default.signals, help="as traces,metrics,logs")
    add("--minutes", type=float, default=default.minutes, help="length of `memory`")
    add("--millions", type=float, default=default.millions, help="spans that `read` reads from")
    add("--agentmon", type=Path, default=default.agentmon, help="the monitor to measure")
    add("--tuned", action="store_true", help="give the anchor its fastest settings")
    found = vars(parser.parse_args(arguments))
    for name in found["names"]:
        if name not in known:
            parser.error(f"{name!r} is no benchmark; there are {', '.join(known)}")
    found["names"] = tuple(found["names"]) or tuple(known)
    return Options(**found)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _signals(text: str) -> tuple[Signal, ...]:
    return tuple(Signal(part) for part in text.split(","))

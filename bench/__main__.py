"""`python -m bench [NAMES]`: run benchmarks, print their tables, keep their results."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench import disk, ingest, latency, memory, read
from bench.options import Options, parse
from bench.rotel import AnchorMissingError

_SCRATCH: Final = Path(".cache/bench")  # on a disk, where a sync costs what it costs

BENCHMARKS: Final[dict[str, Callable[[Options, Path], None]]] = {
    "ingest": ingest.run,
    "latency": latency.run,
    "memory": memory.run,
    "disk": disk.run,
    "read": read.run,
}


def main() -> None:
    """Runs the ones that were named, or all."""
    options = parse(sys.argv[1:], list(BENCHMARKS))
    _SCRATCH.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=_SCRATCH) as directory:
            try:
                BENCHMARKS[name](options, Path(directory))
            except AnchorMissingError as error:
                sys.exit(f"{name}: no figures without the anchor: {error}")


if __name__ == "__main__":
    main()

"""The files of this checkout: what git tracks, and what it would."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def files() -> tuple[Path, ...]:
    """Every file that is tracked, or new and not ignored, relative to the root, in order."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=30)
    names = done.stdout.decode().split("\0")
    return tuple(sorted(Path(name) for name in names if name and (ROOT / name).is_file()))


def sources(*suffixes: str) -> list[Path]:
    """The files with one of the endings."""
    return [path for path in files() if path.suffix in suffixes]


def text(path: Path) -> str:
    """What a file of the checkout says."""
    return (ROOT / path).read_text(encoding="utf-8")

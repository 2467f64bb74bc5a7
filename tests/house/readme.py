"""The command blocks of README.md, each with the comment above it that says how it is tested.

    <!-- test: run -->            run by bash, in a folder of its own, beside a started monitor
    <!-- test: starts -->         starts the monitor itself, in a folder of its own
    <!-- test: starts-in-checkout -->   the same, in the root of the checkout
    <!-- test: not-run NAME -->   not run; test_readme.py has the reason under that name

In a block that is run, the default addresses are replaced by those that the monitor listens on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.house.checkout import text

WAYS = ("run", "starts", "starts-in-checkout", "not-run")
_MARKER = re.compile(r"<!-- test: (?P<way>[a-z-]+)(?: (?P<name>[a-z-]+))? -->")


@dataclass(frozen=True)
class Block:
    """One fenced block of bash; `way` is empty where the comment is missing."""

    line: int
    commands: str
    way: str
    name: str


def read_blocks() -> list[Block]:
    """Every bash block of the README, in order."""
    return parse_blocks(text(Path("README.md")))


def parse_blocks(document: str) -> list[Block]:
    """The bash blocks of a Markdown text. Raises ValueError for a block that does not end."""
    blocks: list[Block] = []
    lines = document.splitlines()
    number = 0
    while number < len(lines):
        if lines[number].strip() != "```bash":
            number += 1
            continue
        end = lines.index("```", number)
        marker = _MARKER.fullmatch(lines[number - 1].strip()) if number else None
        blocks.append(
            Block(
                line=number + 1,
                commands="\n".join(lines[number + 1 : end]) + "\n",
                way=marker["way"] if marker else "",
                name=(marker["name"] or "") if marker else "",
            )
        )
        number = end + 1
    return blocks

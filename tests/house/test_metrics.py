"""The names of our own metrics, read from the code that makes them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.checkout import sources, text

INSTRUMENTS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
NAME = re.compile(r"agentmon_[a-z0-9_{}]+")
UNBOUNDED_LABELS = {"trace_id", "span_id", "conversation", "user", "prompt", "query", "path"}


def instruments() -> Iterator[tuple[Path, str, ast.Call]]:
    """Every call that makes an instrument, with its metric's name; `{}` stands for a variable."""
    for path in sources(".py"):
        if path.parts[0] != "otel_agentmon":
            continue
        tree = ast.parse(text(path))
        imported = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "prometheus_client"
            for alias in node.names
            if alias.name in INSTRUMENTS
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in imported:
                yield path, metric_name(node.args[0]), node


def metric_name(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
    raise AssertionError(f"a metric's name is written where it is made, line {node.lineno}")


def test_every_metric_of_ours_carries_our_prefix() -> None:
    """Nobody has to ask which program a series comes from."""
    names = [name for _, name, _ in instruments()]

    assert names
    assert [name for name in names if not NAME.fullmatch(name)] == []


def test_no_label_is_unbounded() -> None:
    """Ids, texts and users never become label values."""
    wrong = [
        f"{path}: {name}"
        for path, name, call in instruments()
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and node.value in UNBOUNDED_LABELS
    ]

    assert not wrong


def test_instruments_are_made_in_telemetry_files() -> None:
    """What a room says about itself is found in one place."""
    assert {path.name for path, _, _ in instruments()} <= {"telemetry.py"}

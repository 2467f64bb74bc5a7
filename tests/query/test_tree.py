"""Spans as a tree, whatever they say about their parents."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from otel_agentmon.query.tree import SpanTree, arrange_spans

# The columns of read_spans.sql between the span's name and its resource.
_PLAIN: tuple[Any, ...] = (
    *("Internal", "svc", "2026-01-01T00:00:00.000000000Z", 0, 1, "Unset", "", "", "", "", "", ""),
    *("", "", "", "", "", "", False, None, None, None, None, None, None, "", "", {}),
)


def row(span_id: str, parent: str = "", resource: str = "svc") -> tuple[Any, ...]:
    """One row as the database answers it."""
    return (span_id, parent, f"span {span_id}", *_PLAIN, {"service.name": resource}, [], [])


def shape(tree: SpanTree) -> list[tuple[str, int, bool]]:
    """Each span's id, depth and whether it is detached, in the order of the tree."""
    return [(span.span_id, span.depth, span.is_detached) for span in tree.spans]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        (
            [row("a"), row("b", "a"), row("c", "b"), row("d", "a")],
            [("a", 0, False), ("b", 1, False), ("c", 2, False), ("d", 1, False)],
        ),
        ([row("b", "a"), row("a")], [("a", 0, False), ("b", 1, False)]),
        ([row("a"), row("b"), row("c", "b")], [("a", 0, False), ("b", 0, False), ("c", 1, False)]),
        ([row("b", "gone"), row("c", "b")], [("b", 0, True), ("c", 1, False)]),
        ([row("a", "a")], [("a", 0, True)]),
        (
            [row("r"), row("a", "c"), row("b", "a"), row("c", "b"), row("d", "c")],
            [("r", 0, False), ("a", 0, True), ("b", 1, False), ("c", 2, False), ("d", 3, False)],
        ),
        ([row("d", "b"), row("a", "b"), row("b", "a")], None),
    ],
    ids=["none", "tree", "child-first", "two-roots", "missing", "self", "circle", "below-circle"],
)
def test_every_span_stands_in_the_tree_once(
    rows: list[tuple[Any, ...]], expected: list[tuple[str, int, bool]] | None
) -> None:
    """Parents come before their children, and odd parents make a detached root."""
    tree = arrange_spans(rows)

    assert sorted(span.span_id for span in tree.spans) == sorted(r[0] for r in rows)
    if expected is not None:
        assert shape(tree) == expected


def test_the_first_of_two_spans_with_one_id_is_kept() -> None:
    """What was sent twice is shown once, and that it was is said."""
    tree = arrange_spans([row("a"), row("b", "a"), row("b", "a"), row("a")])

    assert shape(tree) == [("a", 0, False), ("b", 1, False)]
    assert tree.duplicates == 2


def test_resources_are_told_once() -> None:
    """Spans of one resource share its attributes."""
    tree = arrange_spans([row("a"), row("b", "a", "other"), row("c", "a")])

    assert tree.resources == [{"service.name": "svc"}, {"service.name": "other"}]
    assert [span.resource for span in tree.spans] == [0, 1, 0]


def test_random_parents_lose_no_span() -> None:
    """Whatever graph the parents make, each span is there once, one deeper than its parent."""
    generator = random.Random(7)
    for _ in range(200):
        ids = [str(n) for n in range(generator.randint(1, 30))]
        rows = [row(i, generator.choice([*ids, "gone", ""])) for i in ids]
        generator.shuffle(rows)

        tree = arrange_spans(rows)

        depth = {span.span_id: span.depth for span in tree.spans}
        assert sorted(depth) == sorted(ids)
        for span in tree.spans:
            is_root = span.is_detached or not span.parent_span_id
            assert span.depth == (0 if is_root else depth[span.parent_span_id] + 1)


def test_a_chain_of_ten_thousand_is_arranged_without_recursion() -> None:
    """Depth costs nothing extra: a runaway agent's trace can still be looked at."""
    rows = [row(str(n), str(n - 1) if n else "") for n in range(10_000)]
    before = time.process_time()

    tree = arrange_spans(rows)

    assert tree.spans[-1].depth == 9_999
    assert time.process_time() - before < 2.0

"""Numbers and text as the client shows them."""

from __future__ import annotations

import json

import pytest

from otel_agentmon.app.client_text import clean, show_cost, show_count, show_duration, show_json


@pytest.mark.parametrize(
    ("nano", "expected"),
    [
        (None, "-"),
        (0, "0 ns"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (1_500_000.4, "1.5 ms"),
        (340_000_000, "340 ms"),
        (1_200_000_000, "1.2 s"),
        (59_400_000_000, "59 s"),
        (125_000_000_000, "2 m 05 s"),
    ],
)
def test_a_duration_has_the_unit_that_fits(nano: float | None, expected: str) -> None:
    """Two digits say enough."""
    assert show_duration(nano) == expected


@pytest.mark.parametrize(
    ("usd", "unknown", "expected"),
    [
        (None, 3, "?"),
        (None, 0, "?"),
        (0.0, 0, "$0.00"),
        (0.0, 1, "?"),
        (0.25, 0, "$0.2500"),
        (0.25, 1, "≥ $0.2500"),
        (1234.5, 0, "$1,234.50"),
        (0.00001, 0, "$1.0e-05"),
    ],
)
def test_a_cost_that_is_unknown_is_never_a_number(
    usd: float | None, unknown: int, expected: str
) -> None:
    """And one that is partly known is a lower bound."""
    assert show_cost(usd, unknown) == expected


def test_a_count_that_is_unknown_is_not_zero() -> None:
    """A span may not say how many tokens it used."""
    assert (show_count(None), show_count(0), show_count(1234)) == ("?", "0", "1,234")


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\n", "\r", "\x7f", "\x9b", "\u202e", "\u2066"]
)
def test_a_character_that_a_terminal_obeys_becomes_a_space(character: str) -> None:
    """Everything else stays."""
    assert clean(f"a{character}é[b]") == "a é[b]"


def test_json_keeps_every_character() -> None:
    """What a terminal would obey is escaped, which a reader of JSON undoes."""
    value = {"a": "é\x9b\x7f\u202e\x1b\n"}

    text = show_json(value)

    assert json.loads(text) == value
    assert not set(text) & {"\x9b", "\x7f", "\u202e", "\x1b"}
    assert "é" in text

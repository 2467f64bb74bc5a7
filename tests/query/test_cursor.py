"""Cursors: what is written is read again, and nothing else is."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_agentmon.errors import InvalidQueryError
from otel_agentmon.query.answer import LATEST_UNIX_NANO
from otel_agentmon.query.cursor import Cursor, read_cursor, write_cursor


def encoded(value: object) -> str:
    """Any JSON in the form of a cursor."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_cursor_survives_the_way_through_a_client() -> None:
    """It stands in an address as it is, and comes back the same."""
    cursor = Cursor(1, LATEST_UNIX_NANO, 2**64 - 1, 3, "ab" * 16)

    text = write_cursor(cursor)

    assert read_cursor(text) == cursor
    assert text.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "é",
        "=" * 600,
        encoded([]),
        encoded([2, 1, 2, 3, 4, "ab"]),
        encoded([1, 1, 2, 3, 4, 5]),
        encoded([1, 1.5, 2, 3, 4, "ab"]),
        encoded([1, True, 2, 3, 4, "ab"]),
        encoded([1, -1, 2, 3, 4, "ab"]),
        encoded([1, 1, 2, 2**64, 4, "ab"]),
        encoded([1, 1, 2, 3, 10**30, "ab"]),
        encoded([1, 1, 2, 3, 4, "a\nb"]),
        encoded({"a": 1}),
        encoded("x"),
    ],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    """A cursor that was cut, edited or made up is the client's error, not a crash."""
    with pytest.raises(InvalidQueryError) as caught:
        read_cursor(text)

    assert caught.value.field == "cursor"


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    """Any text is a cursor or an InvalidQueryError."""
    try:
        cursor = read_cursor(text)
    except InvalidQueryError:
        return
    assert read_cursor(write_cursor(cursor)) == cursor

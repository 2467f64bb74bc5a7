"""Times as people write them."""

from __future__ import annotations

import pytest

from otel_agentmon.api.moments import parse_moment

NOW = 1_790_003_600_000_000_000
BASE = 1_790_000_000_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("-1h", BASE),
        ("-1h0m0s", BASE),
        ("-500ms", NOW - 500_000_000),
        ("1790000000", BASE),
        ("1790000000.000000001", BASE + 1),
        ("0", 0),
        ("2026-09-21T14:13:20Z", BASE),
        ("2026-09-21 14:13:20", BASE),
        ("2026-09-21T14:13:20.123456789Z", BASE + 123_456_789),
        ("2026-09-21T14:13:20.1+00:00", BASE + 100_000_000),
        ("2026-09-21T16:13:20+02:00", BASE),
        ("2026-09-21T16:13:20 02:00", BASE),
        ("2026-09-21", BASE - 51_200_000_000_000),
        ("-9999w", 0),
    ],
)
def test_a_time_is_read_to_the_nanosecond(text: str, expected: int) -> None:
    """ISO 8601, Unix seconds, now, or counted back from now."""
    assert parse_moment(text).resolve(NOW) == expected


@pytest.mark.parametrize(
    "text",
    ["", "x", "-", "-x", "--1h", "tomorrow", "1e9", "2026-09-31", "9" * 30, "25:00", "+1h",
     "2026-09-21T14:13:20.1234567890Z", "2200-01-02", "1790000000000", "٣"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_the_remedy(text: str) -> None:
    """The message shows what was sent and how times are written."""
    with pytest.raises(ValueError, match="write it like"):
        parse_moment(text)

"""Times and durations as people write them in a question."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from otel_agentmon.config.room import parse_duration
from otel_agentmon.query.answer import (
    EARLIEST_UNIX_NANO,
    LATEST_UNIX_NANO,
    NANOSECONDS,
    Window,
)

_REMEDY = "write it like 2026-05-31T14:00:00Z, 1780236000 (Unix seconds), now or -1h30m"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"\d{1,19}(?:\.\d{1,9})?", re.ASCII)
_FRACTION = re.compile(r"(?<=:\d\d)[.,](\d+)", re.ASCII)
# In an address a plus sign means a space, and few people write %2B.
_LOST_PLUS = re.compile(r" (?=\d\d:?\d\d$)")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, or one counted from now; `unix_nano` is then the distance."""

    unix_nano: int
    is_relative: bool = False

    def resolve(self, now_unix_nano: int) -> int:
        """Nanoseconds since the Unix epoch, no earlier than it and no later than the year 2200."""
        nano = now_unix_nano + self.unix_nano if self.is_relative else self.unix_nano
        return min(max(nano, EARLIEST_UNIX_NANO), LATEST_UNIX_NANO)


def parse_moment(value: Any) -> Any:
    """ISO 8601 (UTC where it names no zone), Unix seconds, `now`, or `-1h`, to a Moment.

    Raises ValueError with the remedy.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text == "now":
        return Moment(0, is_relative=True)
    if text.startswith("-"):
        return Moment(-duration_to_nano(parse_duration(text[1:])), is_relative=True)
    nano = _seconds_to_nano(text) if _SECONDS.fullmatch(text) else _iso_to_nano(text, value)
    if not EARLIEST_UNIX_NANO <= nano <= LATEST_UNIX_NANO:
        raise ValueError(f"{value!r} is not between 1970 and 2200; {_REMEDY}")
    return Moment(nano)


def duration_to_nano(duration: timedelta) -> int:
    """A timedelta in nanoseconds, exactly."""
    return duration // timedelta(microseconds=1) * 1000


def _seconds_to_nano(text: str) -> int:
    return int(Decimal(text) * NANOSECONDS)


def _iso_to_nano(text: str, value: str) -> int:
    # datetime stops at microseconds, so the fraction is read by itself.
    fraction = _FRACTION.search(text)
    nano = int(fraction[1].ljust(9, "0")) if fraction else 0
    if nano >= NANOSECONDS:
        raise ValueError(f"{value!r} is finer than a nanosecond; {_REMEDY}")
    try:
        moment = datetime.fromisoformat(_LOST_PLUS.sub("+", _FRACTION.sub("", text)))
    except ValueError as error:
        raise ValueError(f"{value!r} is not a time; {_REMEDY}") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return duration_to_nano(moment - _EPOCH) + nano


MomentParameter = Annotated[
    Moment,
    BeforeValidator(parse_moment),
    WithJsonSchema({"type": "string", "examples": ["-1h", "now", "2026-05-31T14:00:00Z"]}),
]


def window_between(start: Moment, end: Moment, now_unix_nano: int) -> Window:
    """Both moments seen from one now. A window that ends before it starts is empty."""
    return Window(start.resolve(now_unix_nano), end.resolve(now_unix_nano))

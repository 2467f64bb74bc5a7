"""Where a list of traces goes on: an opaque text that carries what keeps its pages consistent."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import astuple, dataclass

from otel_agentmon.errors import InvalidQueryError
from otel_agentmon.query.answer import EARLIEST_UNIX_NANO, LATEST_UNIX_NANO, Window

_VERSION = 1
_FIELDS = 5
_LONGEST = 512
_TRACE_ID = re.compile(r"[^\x00-\x1f]{0,128}")
_LARGEST_SEGMENT = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """After which trace the next page begins, and what the first page saw.

    The window is fixed because a relative one moves between two pages. The newest segment is
    fixed because a trace starts with its earliest span, which often arrives last: without it, a
    trace that was shown could move behind the cursor and be shown again.
    """

    start_unix_nano: int
    end_unix_nano: int
    newest_segment: int
    before_unix_nano: int
    before_trace_id: str

    @property
    def window(self) -> Window:
        """The window of the first page."""
        return Window(self.start_unix_nano, self.end_unix_nano)


def write_cursor(cursor: Cursor) -> str:
    """The cursor as a text that may stand in an address."""
    text = json.dumps([_VERSION, *astuple(cursor)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str) -> Cursor:
    """The inverse. Raises InvalidQueryError for any text that `write_cursor` does not make."""
    try:
        if len(text) > _LONGEST:
            raise ValueError("too long")
        padded = text + "=" * (-len(text) % 4)
        values = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
        return _checked(values)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidQueryError(
            f"{text[:100]!r} is not a cursor of this version; pass `next_cursor` of the "
            "page before, unchanged",
            field="cursor",
        ) from error


def _checked(values: object) -> Cursor:
    if not isinstance(values, list) or len(values) != _FIELDS + 1 or values[0] != _VERSION:
        raise ValueError("another shape")
    *numbers, trace_id = values[1:]
    if not all(type(n) is int for n in numbers) or not isinstance(trace_id, str):
        raise ValueError("other types")
    start, end, segment, before = numbers
    times = (start, end, before)
    if not all(EARLIEST_UNIX_NANO <= time <= LATEST_UNIX_NANO for time in times):
        raise ValueError("a time out of range")
    if not 0 <= segment <= _LARGEST_SEGMENT or not _TRACE_ID.fullmatch(trace_id):
        raise ValueError("a value out of range")
    return Cursor(start, end, segment, before, trace_id)

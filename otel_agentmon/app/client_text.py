"""What the client's commands show, as text that a terminal can be trusted with.

Names and messages come from agents, so nothing in them may be taken for markup, move the cursor
or turn the direction of writing.
"""

from __future__ import annotations

import json
import re
from typing import Any

from rich.text import Text

# DEL with the C1 controls, line separators, and the marks that reorder text.
_BEYOND_C0 = r"\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_UNSAFE = re.compile(rf"[\x00-\x1f{_BEYOND_C0}]")
_UNSAFE_IN_JSON = re.compile(f"[{_BEYOND_C0}]")
_NANOSECONDS_IN = (("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000))
UNKNOWN = "?"


def clean(value: object) -> str:
    """The value's text with everything that a terminal might obey replaced by a space."""
    return _UNSAFE.sub(" ", str(value))


def plain(value: object, style: str = "") -> Text:
    """The value as text without markup."""
    return Text(clean(value), style=style)


def show_json(value: Any) -> str:
    """Indented JSON in which unsafe characters are escaped, which changes no value."""
    text = json.dumps(value, indent=2, ensure_ascii=False)  # escapes the C0 controls itself
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def show_duration(nano: float | None) -> str:
    """Nanoseconds as `1.2 s`, `340 ms` or `2 m 05 s`; `-` for none."""
    if nano is None:
        return "-"
    unit, size = next((entry for entry in _NANOSECONDS_IN if nano >= entry[1]), ("ns", 1))
    amount = nano / size
    if unit == "s" and amount >= 60:
        minutes, seconds = divmod(round(amount), 60)
        return f"{minutes} m {seconds:02} s"
    return f"{amount:.1f} {unit}" if amount < 10 and unit != "ns" else f"{amount:.0f} {unit}"


def show_cost(usd: float | None, unknown_calls: int) -> str:
    """US dollars: `$1.20`, `≥ $1.20` where some calls have no known cost, `?` where none has."""
    if usd is None or (usd == 0 and unknown_calls):
        return UNKNOWN
    digits = 2 if usd >= 1 or usd == 0 else 4
    amount = f"${usd:,.{digits}f}" if usd == 0 or usd >= 0.0001 else f"${usd:.1e}"
    return f"≥ {amount}" if unknown_calls else amount


def show_count(count: int | None) -> str:
    """A whole number with separators; `?` where it is not known."""
    return UNKNOWN if count is None else f"{count:,}"


def show_time(iso: str) -> str:
    """An ISO time up to its milliseconds."""
    return clean(iso)[:23].replace("T", " ")

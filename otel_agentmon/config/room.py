"""What every room's configuration model has in common, and the value types they share."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, model_validator


class RoomConfig(BaseModel):
    """A room's part of the configuration: frozen, unknown keys refused, docstrings are the docs."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, validate_default=True
    )

    @model_validator(mode="before")
    @classmethod
    def _read_nothing_as_defaults(cls, data: Any) -> Any:
        """`receive:` with nothing below it (all commented out, say) asks for the defaults."""
        return {} if data is None else data


_UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_size(value: Any) -> Any:
    """`"64MiB"` to bytes; whole numbers are bytes already. Raises ValueError with the remedy."""
    if isinstance(value, int) and (isinstance(value, bool) or value < 0):
        raise ValueError(f"{value!r} is not a size; write it like 64MiB, 2GB or 1048576")
    if not isinstance(value, str):
        return value
    match = _SIZE.match(value)
    if match is None or match[2].upper() not in _UNITS:
        raise ValueError(f"{value!r} is not a size; write it like 64MiB, 2GB or 1048576")
    return int(Decimal(match[1]) * _UNITS[match[2].upper()])


def parse_duration(value: Any) -> Any:
    """`"1h30m"` to a timedelta; numbers are seconds. Raises ValueError with the remedy."""
    refusal = f"{value!r} is not a duration; write it like 500ms, 30s, 1h30m or 7d"
    if isinstance(value, bool):
        raise ValueError(refusal)
    if not isinstance(value, int | float | str):
        return value
    if isinstance(value, str):
        text = value.replace(" ", "")
        if not text or _DURATION_PART.sub("", text):
            raise ValueError(refusal)
        value = sum(float(n) * _SECONDS[unit] for n, unit in _DURATION_PART.findall(text))
    try:
        duration = timedelta(seconds=value)
    except (OverflowError, ValueError) as error:
        raise ValueError(refusal) from error
    if duration < timedelta(0):
        raise ValueError(refusal)
    return duration


def write_size(value: int) -> str:
    """Bytes as a person writes them: the largest binary unit that divides them."""
    for unit, letters in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value and value % unit == 0:
            return f"{value // unit}{letters}"
    return str(value)


def write_duration(value: timedelta) -> str:
    """A duration as a person writes it: the largest unit that divides it."""
    seconds = value.total_seconds()
    for unit in ("w", "d", "h", "m", "s"):
        if seconds >= _SECONDS[unit] and seconds % _SECONDS[unit] == 0:
            return f"{int(seconds // _SECONDS[unit])}{unit}"
    return f"{seconds * 1000:.3f}".rstrip("0").rstrip(".") + "ms"


ByteSize = Annotated[int, BeforeValidator(parse_size)]
"""A number of bytes, written `64MiB`, `2GB` or as a plain number."""

Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(write_duration, return_type=str)
]
"""A length of time, written `500ms`, `30s`, `1h30m`, `7d` or as a number of seconds."""

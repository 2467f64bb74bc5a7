"""What all answers have in common: how they are documented, and how cost is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

NANOSECONDS = 1_000_000_000
EARLIEST_UNIX_NANO = 0
LATEST_UNIX_NANO = 7_258_118_400 * NANOSECONDS
"""The first moment of the year 2200; what the database can hold ends in 2262."""


class Answer:
    """A dataclass that goes out over the API as it is.

    The docstrings below its fields are the API's documentation; the setting is how the door's
    schema generator is told so, without this room depending on it.
    """

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, bool]] = {"use_attribute_docstrings": True}


@dataclass(frozen=True, slots=True)
class Window:
    """Spans that start at or after `start_unix_nano` and before `end_unix_nano`."""

    start_unix_nano: int
    end_unix_nano: int

    def as_parameters(self) -> dict[str, int]:
        """The same as a query's parameters."""
        return {"start": self.start_unix_nano, "end": self.end_unix_nano}


def known_cost(cost: float | None, model_calls: int) -> float | None:
    """The sum of what is known: zero where nothing was called, None where nothing is known."""
    return 0.0 if model_calls == 0 else cost


def with_known_cost(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `…cost_usd, model_calls…` with its cost told by `known_cost`."""
    return row | {"cost_usd": known_cost(row["cost_usd"], row["model_calls"])}

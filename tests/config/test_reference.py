"""Models to rows of the settings reference."""

from __future__ import annotations

import enum
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from otel_agentmon.config.reference import Setting, list_settings
from otel_agentmon.config.room import ByteSize, Duration, RoomConfig


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class KeyConfig(RoomConfig):
    name: str
    """Whose key it is."""


class DoorConfig(RoomConfig):
    wait: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(seconds=90)
    """How long it stays open."""
    limit: ByteSize | None = None
    """The widest thing that fits."""
    colours: tuple[Colour, ...] = (Colour.RED,)
    """What it is painted in."""


class HouseConfig(RoomConfig):
    door: DoorConfig = DoorConfig()
    """The front door."""
    keys: tuple[KeyConfig, ...] = ()
    """Who may come in."""
    roof: Literal["flat", "steep"] = "flat"
    """What is on top."""
    plan: Path | None = None
    """Where the drawing is."""


def test_a_model_becomes_rows_in_the_order_of_its_fields() -> None:
    """Sections are opened, lists of sections are both a row and a section of their own."""
    assert list(list_settings(HouseConfig)) == [
        Setting("door.wait", "duration", "`90s`", "How long it stays open."),
        Setting("door.limit", "size", "none", "The widest thing that fits."),
        Setting("door.colours", "list of `red`, `blue`", '`["red"]`', "What it is painted in."),
        Setting("keys", "list of section", "`[]`", "Who may come in."),
        Setting("keys[].name", "text", "required", "Whose key it is."),
        Setting("roof", "`flat`, `steep`", "`flat`", "What is on top."),
        Setting("plan", "path", "none", "Where the drawing is."),
    ]


def test_a_setting_without_docstring_is_refused() -> None:
    """Nothing can be configured that the reference does not explain."""

    class MuteConfig(RoomConfig):
        limit: int = 1

    with pytest.raises(ValueError, match=r"MuteConfig\.limit has no docstring"):
        list(list_settings(MuteConfig))

"""Every setting is explained, where people look for it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from otel_agentmon.app.config import BINDINGS, AgentmonConfig
from otel_agentmon.app.reference_command import render_pages
from otel_agentmon.config.reference import list_settings
from otel_agentmon.config.room import RoomConfig
from tests.house.checkout import ROOT, files


def room_models() -> Iterator[type[RoomConfig]]:
    """Every configuration model of our package, nested in the whole or not."""
    for path in files():
        if path.name == "config.py" and path.parts[0] == "otel_agentmon":
            importlib.import_module(".".join(path.with_suffix("").parts))
    waiting = [RoomConfig]
    while waiting:
        for model in waiting.pop().__subclasses__():
            waiting.append(model)
            if model.__module__.startswith("otel_agentmon."):
                yield model


def test_every_setting_has_a_docstring() -> None:
    """The docstring below a field is its line in the reference."""
    mute = [
        f"{model.__module__}.{model.__name__}.{name}"
        for model in room_models()
        for name, field in model.model_fields.items()
        if not field.description
    ]

    assert not mute


def test_every_rooms_configuration_is_part_of_the_whole() -> None:
    """A room that can be configured has its section, called after the room."""
    rooms = {
        path.parts[1]
        for path in files()
        if path.match("otel_agentmon/*/config.py") and path.parts[1] != "app"
    }

    assert rooms <= set(AgentmonConfig.model_fields)


def test_the_reference_is_current() -> None:
    """`make docs` has been run since the last change of a setting."""
    stale = [
        name
        for name, page in render_pages().items()
        if not (path := ROOT / "docs" / "reference" / name).is_file()
        or path.read_text(encoding="utf-8") != page
    ]

    assert not stale


def test_every_binding_leads_to_a_setting() -> None:
    """A variable or flag that sets nothing would be believed."""
    paths = {setting.path for setting in list_settings(AgentmonConfig)}

    assert {binding.path for binding in BINDINGS} <= paths


def test_variables_and_flags_are_used_once() -> None:
    """One name sets one thing."""
    variables = [binding.variable for binding in BINDINGS]
    flags = [binding.flag for binding in BINDINGS if binding.flag]

    assert len(set(variables)) == len(variables)
    assert len(set(flags)) == len(flags)
    assert all(variable.startswith("AGENTMON_") for variable in variables)


def test_the_whole_can_be_built_from_nothing() -> None:
    """Every setting has a default that passes its own checks."""
    assert AgentmonConfig().data_dir == Path("agentmon-data")

"""`agentmon reference`: the pages of docs/reference that are made from the code."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from otel_agentmon.app.config import BINDINGS, CONFIG_VARIABLE, AgentmonConfig
from otel_agentmon.config.reference import Setting, list_settings
from otel_agentmon.errors import AgentmonError

_HEAD = f"""# Settings

Made from the code by `make docs`; do not edit.

`agentmon up --config FILE` reads a YAML file whose sections are named after the rooms; without the
flag, the file that `{CONFIG_VARIABLE}` names; without that, none, for every setting has a default
unless it says `required`. A flag wins over an environment variable, which wins over the file; an
empty variable counts as not set. Any value in the file may contain `${{env:NAME}}` or
`${{env:NAME:-default}}`; `$${{` is a plain `${{`. `agentmon check config FILE` checks a file and
starts nothing.

Sizes are written `64MiB`, `2GB` or as a number of bytes, durations `500ms`, `30s`, `1h30m`, `7d` or
as a number of seconds. In a key, `[]` stands for each entry of a list.
"""


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(reference)


def reference(
    write: Annotated[Path | None, typer.Option(help="Write the pages into this folder.")] = None,
    check: Annotated[Path | None, typer.Option(help="Fail unless the pages are current.")] = None,
) -> None:
    """Write or check the settings reference."""
    if (write is None) == (check is None):
        raise typer.BadParameter("give either --write DIR or --check DIR")
    for name, text in render_pages().items():
        if write is not None:
            write.mkdir(parents=True, exist_ok=True)
            (write / name).write_text(text, encoding="utf-8")
        elif check is not None:
            page = check / name
            if not page.is_file() or page.read_text(encoding="utf-8") != text:
                raise AgentmonError(f"{page} is not what the code says; run `make docs`")


def render_pages() -> dict[str, str]:
    """Every generated page by its file name."""
    return {"settings.md": render_settings(list(list_settings(AgentmonConfig)))}


def render_settings(settings: list[Setting]) -> str:
    """One section per room in the order of the configuration, one row per setting."""
    lines = [_HEAD]
    ordered = sorted(settings, key=lambda setting: "." in setting.path)  # the process's own first
    for room, rows in groupby(ordered, key=_room):
        lines += [f"## {room or 'The process'}", ""]
        lines += ["| key | type | default | environment, flag | meaning |", "|---|---|---|---|---|"]
        lines += [_row(row) for row in rows]
        lines.append("")
    return "\n".join(lines)


def _room(setting: Setting) -> str:
    room, dot, _ = setting.path.partition(".")
    return room if dot else ""


def _row(setting: Setting) -> str:
    other = [b for b in BINDINGS if b.path == setting.path]
    names = [f"`{name}`" for b in other for name in (b.variable, b.flag) if name]
    meaning = " ".join(setting.description.split()).replace("|", "\\|")
    cells = (f"`{setting.path}`", setting.type, setting.default, ", ".join(names), meaning)
    return f"| {' | '.join(cells)} |"

"""Reads the `.sql` files under `store/schema/`: migrations with macros, and named queries.

A migration may define one-line macros, `-- macro NAME(a) = expression`, and use them as
`${NAME(argument)}`; without a parameter, `-- macro NAME = text` and `${NAME}`. Every place the
parameter stands as a word becomes the argument. ClickHouse has no type alias and its functions
are global to a server, so this is what keeps the landing tables readable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from otel_agentmon.errors import SchemaError
from otel_agentmon.signals import Signal

_SCHEMA = resources.files("otel_agentmon.store") / "schema"
_MACRO = re.compile(r"^-- macro (\w+)(?:\((\w+)\))? = (.+)$", re.MULTILINE)
_USE = re.compile(r"\$\{(\w+)(?:\(([^${}]*)\))?\}")
_MESSAGES = {
    Signal.TRACES: "ResourceSpans",
    Signal.METRICS: "ResourceMetrics",
    Signal.LOGS: "ResourceLogs",
}
_MIGRATION = re.compile(r"^(\d{4})_\w+\.sql$")


def migration_names() -> list[str]:
    """File names of all migrations, in the order they are applied."""
    return sorted(f.name for f in _SCHEMA.iterdir() if _MIGRATION.match(f.name))


def migration_text(name: str) -> str:
    """A migration as it stands in its file."""
    return (_SCHEMA / name).read_text(encoding="utf-8")


@cache
def query_text(name: str) -> str:
    """The query `store/schema/queries/<name>.sql`; values in it are bound parameters."""
    return (_SCHEMA / "queries" / f"{name}.sql").read_text(encoding="utf-8").strip()


@dataclass(frozen=True, slots=True)
class LandingSchema:
    """What the engine decodes one signal's requests with."""

    path: Path
    """A flat `.proto` file."""
    message: str
    """The message that is one row."""


@cache
def landing_schema(signal: Signal) -> LandingSchema:
    """The schema of `otlp_<signal>`."""
    return LandingSchema(Path(str(_SCHEMA / "proto" / f"{signal}.proto")), _MESSAGES[signal])


def render_statements(text: str, values: dict[str, str]) -> list[str]:
    """Splits a migration into statements with its macros and `values` filled in.

    Raises `SchemaError` for a placeholder that nothing defines.
    """
    macros: dict[str, tuple[str, str]] = {
        name: (parameter or "", body) for name, parameter, body in _MACRO.findall(text)
    }

    def fill(match: re.Match[str]) -> str:
        name, argument = match[1], match[2]
        if name in values:
            return values[name]
        if name not in macros:
            raise SchemaError(f"the placeholder ${{{name}}} is not defined")
        parameter, body = macros[name]
        if not parameter:
            return body
        return re.sub(rf"\b{parameter}\b", lambda _: argument, body)

    body = re.sub(r" *--[^\n]*", "", _MACRO.sub("", text))
    while _USE.search(body):
        body = _USE.sub(fill, body)
    return [part.strip() for part in body.split(";\n") if part.strip()]

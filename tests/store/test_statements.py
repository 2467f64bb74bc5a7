"""Migrations are split and filled in as written."""

from __future__ import annotations

import pytest

from otel_agentmon.errors import SchemaError
from otel_agentmon.store.statements import migration_names, migration_text, render_statements

VALUES = {"ENGINE": "MergeTree", "ON_CLUSTER": ""}


def test_macros_are_expanded_inside_macros() -> None:
    """The parameter is replaced where it stands as a word, and only there."""
    text = (
        "-- macro HEX(a) = lower(hex(a))\n"
        "-- macro IDS(x) = (${HEX(x.trace)}, ${HEX(x.max)})\n"
        "SELECT ${IDS(s)}; -- what else\nSELECT 2;\n"
    )

    assert render_statements(text, VALUES) == [
        "SELECT (lower(hex(s.trace)), lower(hex(s.max)))",
        "SELECT 2",
    ]


def test_an_unknown_placeholder_is_an_error() -> None:
    """A misspelt macro must not reach the database."""
    with pytest.raises(SchemaError, match=r"\$\{ENGIN\}"):
        render_statements("SELECT ${ENGIN};\n", VALUES)


def test_the_numbers_of_the_migrations_have_no_gaps() -> None:
    """Two branches that add the same number are noticed."""
    numbers = [int(name[:4]) for name in migration_names()]

    assert numbers == list(range(1, len(numbers) + 1))


def test_every_migration_renders() -> None:
    """No placeholder is left over, whatever the engine."""
    values = {**VALUES, "DATABASE": "otel", "TABLE_SETTINGS": "index_granularity = 8192"}

    statements = [
        s for n in migration_names() for s in render_statements(migration_text(n), values)
    ]

    assert len(statements) > 30
    assert not [s for s in statements if "${" in s or "--" in s]

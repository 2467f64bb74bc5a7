"""Migrations are applied in order, once, and never over a schema we do not know."""

from __future__ import annotations

import pytest

from otel_agentmon.errors import SchemaError
from otel_agentmon.store.connect import Database
from otel_agentmon.store.migrate import Migration, migrate, read_migrations
from tests.database import fresh_database


@pytest.fixture
def database() -> Database:
    return fresh_database("migrations", migrated=False)


def migration(version: int, text: str) -> Migration:
    return Migration(version, f"{version:04}_test.sql", text)


ONE = migration(1, "CREATE TABLE one ${ON_CLUSTER} (a UInt8) ENGINE = ${ENGINE} ORDER BY a;\n")
TWO = migration(2, "ALTER TABLE one ADD COLUMN b String;\nINSERT INTO one VALUES (1, 'x');\n")


def test_each_is_applied_once_and_in_order(database: Database) -> None:
    """A second start applies nothing."""
    assert migrate(database, [ONE, TWO]) == ["0001_test.sql", "0002_test.sql"]
    assert migrate(database, [ONE, TWO]) == []
    assert database.query("SELECT a, b FROM one").rows == [(1, "x")]


def test_an_older_database_is_brought_up_to_date(database: Database) -> None:
    """Only what is missing is applied, and the data stays."""
    migrate(database, [ONE])
    database.insert("one", ["a"], [[7]])

    assert migrate(database, [ONE, TWO]) == ["0002_test.sql"]
    assert sorted(r[0] for r in database.query("SELECT a FROM one").rows) == [1, 7]


def test_a_newer_database_is_refused(database: Database) -> None:
    """An older program must not write into a schema it does not know."""
    migrate(database, [ONE, TWO])

    with pytest.raises(SchemaError, match=r"0002_test\.sql.*newer agentmon"):
        migrate(database, [ONE])


def test_an_edited_migration_is_refused(database: Database) -> None:
    """Released migrations are never edited; a difference means a foreign schema."""
    migrate(database, [ONE])

    with pytest.raises(SchemaError, match=r"0001_test\.sql was applied with another text"):
        migrate(database, [migration(1, ONE.text + "-- edited\n")])


@pytest.mark.parametrize("until", range(len(read_migrations())))
def test_every_earlier_schema_can_be_upgraded(database: Database, until: int) -> None:
    """From each version there ever was to the present one."""
    known = read_migrations()
    migrate(database, known[:until])

    assert migrate(database, known) == [m.name for m in known[until:]]
    assert migrate(database, known) == []

"""Applies the migrations under `store/schema/`, in order, once each."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

from otel_agentmon.clock import Clock, SystemClock
from otel_agentmon.errors import SchemaError
from otel_agentmon.store.connect import Database
from otel_agentmon.store.statements import (
    migration_names,
    migration_text,
    query_text,
    render_statements,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its name, and the checksum of its text as released."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_migrations() -> list[Migration]:
    """All migrations of this version of the program, in order."""
    return [Migration(int(n[:4]), n, migration_text(n)) for n in migration_names()]


def migrate(
    database: Database,
    migrations: list[Migration] | None = None,
    clock: Clock = SystemClock(),  # noqa: B008 - it has no state
) -> list[str]:
    """Brings the schema up to date; returns the names of what it applied.

    Raises `SchemaError` when the database was written by a newer version, or when a migration
    that was applied has another text than ours.
    """
    known = read_migrations() if migrations is None else migrations
    database.command(query_text("create_schema_versions").replace("${ENGINE}", "MergeTree"))
    applied = {
        int(row["version"]): row
        for row in database.query(query_text("read_schema_versions")).dicts()
    }
    _check_applied(known, applied)
    done = []
    for migration in known:
        if migration.version in applied:
            continue
        for statement in render_statements(migration.text, schema_values(database.name)):
            database.command(statement)
        database.insert(
            "agentmon_schema_versions",
            ["version", "name", "checksum", "applied_unix_nano"],
            [[migration.version, migration.name, migration.checksum, clock.unix_nano()]],
        )
        logger.info("migration applied", extra={"migration": migration.name})
        done.append(migration.name)
    return done


def schema_values(database: str) -> dict[str, str]:
    """What the placeholders of a migration stand for on the embedded engine or one server."""
    return {
        "ON_CLUSTER": "",
        "ENGINE": "MergeTree",
        "DATABASE": database,
        # A fresh part in one file writes and syncs faster than one file per column; from some
        # size on, merging column by column is what is cheap. Merging twenty at a time rewrites a
        # row half as often as merging five. The window makes loading a segment twice harmless.
        "TABLE_SETTINGS": (
            "min_rows_for_wide_part = 100000, min_parts_to_merge_at_once = 20, "
            "non_replicated_deduplication_window = 1000"
        ),
    }


def _check_applied(known: list[Migration], applied: dict[int, dict[str, str]]) -> None:
    ours = {m.version: m for m in known}
    for version, row in applied.items():
        if version not in ours:
            raise SchemaError(
                f"the database has migration {row['name']}, which this version does not know: "
                "it was written by a newer agentmon; install that version or a later one"
            )
        if row["checksum"] != ours[version].checksum:
            raise SchemaError(
                f"migration {row['name']} was applied with another text than this version has; "
                "the schema cannot be trusted: restore a backup, or start on a new data directory"
            )

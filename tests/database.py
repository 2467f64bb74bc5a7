"""The one embedded engine of the test process, and a database of its own for whoever asks.

The engine allows one data directory a process; it holds any number of databases. The directory
is removed when the process ends.
"""

from __future__ import annotations

import atexit
import functools
import tempfile
from pathlib import Path

from otel_agentmon.store.config import StoreConfig
from otel_agentmon.store.connect import Database
from otel_agentmon.store.migrate import migrate


@functools.cache
def shared_directory() -> Path:
    """The data directory of every embedded database in this process."""
    directory = tempfile.TemporaryDirectory(prefix="agentmon-tests-")
    atexit.register(directory.cleanup)
    return Path(directory.name)


@functools.cache
def shared_database() -> Database:
    """A migrated database, opened once, for tests that only read or do not mind other rows."""
    return fresh_database("shared")


def fresh_database(name: str, *, migrated: bool = True) -> Database:
    """An empty database, migrated unless told otherwise; a second call with one name empties it.

    It is closed at the end of the process, which is as good for a test as closing it itself.
    """
    config = StoreConfig(database=name, query_connections=4, loaders=1)
    database = Database(config, shared_directory())
    database.command(f"DROP DATABASE `{name}`")
    database.close()
    database = Database(config, shared_directory())
    atexit.register(database.close)
    if migrated:
        migrate(database)
    return database

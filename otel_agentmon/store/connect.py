"""The only file that opens the database: embedded, or a ClickHouse server, by one driver.

clickhouse-connect speaks to both, so everything above this file is written once. The embedded
engine allows one data directory per process and one process per data directory.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import (
    ClickHouseError,
    DatabaseError,
    OperationalError,
)

from otel_agentmon.errors import (
    ConfigError,
    OverloadedError,
    QueryLimitError,
    StoreError,
    StoreUnavailableError,
)
from otel_agentmon.store.config import StoreConfig
from otel_agentmon.store.statements import LandingSchema
from otel_agentmon.store.sync import sync_filesystem

# https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
_LIMIT_CODES: Final = {
    158: "it reads too many rows",
    159: "it takes too long",
    160: "it would take too long",
    241: "it needs too much memory",
    307: "it reads too many bytes",
    396: "its answer is too large",
}
# Network errors and a read-only or starting server; the same statement may work later.
_LATER_CODES: Final = {3, 159, 202, 209, 210, 241, 242, 252, 319, 999}


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer: column names, ClickHouse type names, and the Python values of each row."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Sequence[Sequence[Any]]

    def dicts(self) -> list[dict[str, Any]]:
        """The rows as dictionaries by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """What one question may cost; exceeding any of them raises `QueryLimitError`."""

    seconds: float = 30.0
    result_rows: int = 100_000
    result_bytes: int = 256 * 2**20
    memory_bytes: int = 1 * 2**30

    def as_settings(self) -> dict[str, Any]:
        """The same as ClickHouse settings."""
        return {
            "max_execution_time": self.seconds,
            "timeout_overflow_mode": "throw",
            "max_result_rows": self.result_rows,
            "max_result_bytes": self.result_bytes,
            "result_overflow_mode": "throw",
            "max_memory_usage": self.memory_bytes,
            # Past half of it, groups and sorting go to the disk instead of failing.
            "max_bytes_before_external_group_by": self.memory_bytes // 2,
            "max_bytes_before_external_sort": self.memory_bytes // 2,
        }


class _Pool:
    """Connections handed out one at a time; a connection answers one question at a time."""

    def __init__(self, connect: Callable[[], Client], size: int, *, asks: bool) -> None:
        """`asks`: whether exceeding a limit is the fault of a question, not a reason to retry."""
        self._connect = connect
        self._asks = asks
        self._free: queue.SimpleQueue[Client | None] = queue.SimpleQueue()
        for _ in range(size):
            self._free.put(connect())
        self._size = size

    @contextlib.contextmanager
    def borrow(self, timeout_seconds: float) -> Iterator[Client]:
        """One connection, back in the pool afterwards; one that failed is replaced.

        The rest of an answer that was cut off would else stand before the next one's.
        """
        try:
            client = self._free.get(timeout=timeout_seconds)
        except queue.Empty:
            raise OverloadedError(
                f"the database is busy: no connection came free within {timeout_seconds:g} s",
                reason="connections",
            ) from None
        try:
            with _translated(asks=self._asks):
                client = client or self._connect()
                yield client
        except BaseException:
            if client is not None:
                client.close()
            client = None
            raise
        finally:
            self._free.put(client)

    def close(self) -> None:
        """Waits for every connection to come back, and closes it."""
        for _ in range(self._size):
            client = self._free.get()
            if client is not None:
                client.close()


class Database:
    """One open database. Safe to use from many threads; every call blocks its own.

    Calls raise `StoreUnavailableError` when the database does not answer, `OverloadedError` when
    no connection comes free, `QueryLimitError` when a limit is exceeded, and `StoreError` with
    ClickHouse's code for everything else.
    """

    def __init__(self, config: StoreConfig, data_dir: Path | None = None) -> None:
        """Opens the database, creating it if it is missing. `data_dir` is the embedded one's."""
        self._config = config
        self.name = config.database
        self.is_embedded = config.url == "embedded"
        self._data_dir = data_dir
        self._lock = threading.Lock()
        self._closed = False
        with _translated(asks=False):
            first = self._open(database=None)
            first.command(f"CREATE DATABASE IF NOT EXISTS `{self.name}`")
            first.close()
            self._writers = _Pool(lambda: self._open(self.name), config.loaders + 1, asks=False)
            self._readers = _Pool(
                lambda: self._open(self.name), config.query_connections, asks=True
            )
            self._sandbox = _Pool(self._open_read_only, 1, asks=True)

    def query(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        limits: QueryLimits = QueryLimits(),
    ) -> Rows:
        """Runs one SELECT. Values are bound as `{name:Type}`, never pasted into the text."""
        with self._readers.borrow(limits.seconds) as client:
            result = client.query(
                sql,
                parameters=dict(parameters or {}),
                settings=limits.as_settings(),
                query_tz="UTC",
            )
        types = tuple(t.name for t in result.column_types)
        return Rows(tuple(result.column_names), types, result.result_rows)

    def read_only(self, sql: str, output_format: str, timeout_seconds: float = 30.0) -> bytes:
        """Runs a statement of the user's own on a connection that cannot write.

        The answer is in ClickHouse's `output_format`. The connection has fixed limits that the
        statement cannot raise.
        """
        with self._sandbox.borrow(timeout_seconds) as client:
            return client.raw_query(sql, fmt=output_format)

    def command(
        self,
        sql: str,
        settings: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """Runs one statement that returns nothing (DDL, INSERT … SELECT, SYSTEM)."""
        with self._writers.borrow(60.0) as client:
            client.command(sql, parameters=dict(parameters or {}), settings=dict(settings or {}))

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Inserts rows of Python values; `table` and `columns` are names from our own code."""
        with self._writers.borrow(60.0) as client:
            client.insert(table, rows, column_names=list(columns))

    def insert_file(
        self, table: str, path: Path, schema: LandingSchema, settings: Mapping[str, Any]
    ) -> None:
        """Inserts the file at `path`, in format ProtobufList, as it stands.

        Embedded, the engine reads the file itself; a server receives it as the request's body.
        """
        with self._writers.borrow(60.0) as client:
            if self.is_embedded:
                # Sent as text, the schema would be cached in the working directory.
                all_settings = {
                    **settings,
                    "format_schema_source": "file",
                    "format_schema": f"{schema.path}:{schema.message}",
                }
                clause = ", ".join(f"{name} = {_quoted(v)}" for name, v in all_settings.items())
                client.command(
                    f"INSERT INTO {table} FROM INFILE {_quoted(path)} "
                    f"SETTINGS {clause} FORMAT ProtobufList"
                )
                return
            all_settings = {
                **settings,
                "format_schema_source": "string",
                "format_schema": schema.path.read_text(encoding="utf-8"),
                "format_schema_message_name": schema.message,
            }
            with path.open("rb") as body:
                client.raw_insert(
                    table, insert_block=body, fmt="ProtobufList", settings=all_settings
                )

    def sync(self) -> None:
        """Returns when all that was written is safe from power loss; raises OSError if it is not.

        Only the embedded engine's files are ours to sync; a server answers for its own.
        """
        if self._data_dir is not None:
            sync_filesystem(self._data_dir)

    def close(self) -> None:
        """Closes every connection. Safe twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        for pool in (self._sandbox, self._readers, self._writers):
            pool.close()

    def _open(self, database: str | None, settings: Mapping[str, Any] | None = None) -> Client:
        if self.is_embedded:
            return self._open_embedded(database, settings)
        url = urlsplit(self._config.url)
        return clickhouse_connect.get_client(
            host=url.hostname or "localhost",
            port=url.port or (8443 if url.scheme == "clickhouses" else 8123),
            username=url.username or "default",
            password=self._config.password.get_secret_value(),
            secure=url.scheme == "clickhouses",
            database=database or "__default__",
            settings=dict(settings or {}),
            autogenerate_session_id=False,
            connect_timeout=10,
            send_receive_timeout=int(self._config.load_timeout.total_seconds()),
        )

    def _open_embedded(self, database: str | None, settings: Mapping[str, Any] | None) -> Client:
        if self._data_dir is None:
            raise ConfigError(["store.url: the embedded database needs a data directory"])
        return clickhouse_connect.get_client(
            interface="chdb",
            path=str(self._data_dir),
            database=database,
            settings=dict(settings or {}),
            chdb_options={
                "max_server_memory_usage": self._config.memory_limit,
                # A share of the limit for marks; the default is 5 GB, more than we may use.
                "mark_cache_size": self._config.memory_limit // 16,
                "index_mark_cache_size": self._config.memory_limit // 32,
            },
        )

    def _open_read_only(self) -> Client:
        limits = QueryLimits(seconds=30.0, result_rows=1_000_000).as_settings()
        client = self._open(self.name, limits)
        client.command("SET readonly = 1")
        return client


def _quoted(value: Any) -> str:
    """A value as a ClickHouse string literal; the engine converts it to the setting's type."""
    text = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


@contextlib.contextmanager
def _translated(*, asks: bool) -> Iterator[None]:
    """Turns the driver's errors into ours."""
    try:
        yield
    except DatabaseError as error:
        code = error.code or 0
        if asks and code in _LIMIT_CODES:
            raise QueryLimitError(f"the question was stopped: {_LIMIT_CODES[code]}") from error
        if isinstance(error, OperationalError) or code in _LATER_CODES:
            raise StoreUnavailableError(f"the database did not answer: {error}") from error
        raise StoreError(str(error), code) from error
    except ClickHouseError as error:
        raise StoreError(str(error)) from error

"""Where the database is and how much of the machine it may use."""

from __future__ import annotations

from datetime import timedelta

from pydantic import SecretStr, field_validator

from otel_agentmon.config.room import ByteSize, Duration, RoomConfig


class StoreConfig(RoomConfig):
    """The `store:` part of the configuration."""

    url: str = "embedded"
    """`embedded`, or a ClickHouse server: `clickhouse://user@host:8123/database`."""

    password: SecretStr = SecretStr("")
    """Password of the server's user; write it as `${env:NAME}`."""

    database: str = "otel"
    """The database that holds the tables."""

    memory_limit: ByteSize = 2 * 2**30
    """What the embedded engine may use in all, its caches included."""

    query_connections: int = 8
    """How many questions the database works on at once; more wait."""

    loaders: int = 2
    """How many segments are loaded at once."""

    load_threads: int = 1
    """Threads the database uses to load one segment."""

    load_timeout: Duration = timedelta(minutes=2)
    """How long loading one segment may take before it is tried again."""

    @field_validator("database")
    @classmethod
    def _check_identifier(cls, value: str) -> str:
        if not value.isidentifier():
            raise ValueError(f"{value!r} is not a database name; use letters, digits and _")
        return value

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        schemes = ("clickhouse://", "clickhouses://")
        if value != "embedded" and not value.startswith(schemes):
            raise ValueError(
                f"{value!r} is not a database; write 'embedded' or clickhouse://user@host:8123/otel"
            )
        return value

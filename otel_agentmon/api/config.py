"""What the user writes under `api:`."""

from __future__ import annotations

from pydantic import Field, field_validator

from otel_agentmon.address import is_loopback, split_address
from otel_agentmon.config.room import ByteSize, RoomConfig


class ApiConfig(RoomConfig):
    """The HTTP API."""

    address: str = "127.0.0.1:8000"
    """Where to listen, `host:port`; port 0 takes a free one. Loopback only: nothing asks yet who
    is asking."""

    concurrent_questions: int = Field(default=8, ge=1, le=256)
    """Questions to the database that are worked on at once; more than `store.query_connections`
    do not help."""

    waiting_questions: int = Field(default=32, ge=0, le=10_000)
    """Questions that may wait for their turn; further ones are asked to come back."""

    max_request_size: ByteSize = Field(default=1 * 2**20, ge=1024, le=64 * 2**20)
    """Largest body of a request."""

    @field_validator("address")
    @classmethod
    def _is_loopback(cls, value: str) -> str:
        host, _ = split_address(value)
        if not is_loopback(host):
            raise ValueError(
                f"{value!r} can be reached from other machines, and the API cannot yet ask who is"
                " there; listen on 127.0.0.1, and reach it through SSH or a proxy that asks"
            )
        return value

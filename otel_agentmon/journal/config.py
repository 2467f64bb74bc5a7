"""What the user may set about the journal."""

from __future__ import annotations

import enum
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from otel_agentmon.config.room import ByteSize, Duration, RoomConfig


class SyncPolicy(enum.StrEnum):
    """When a request is made safe from power loss, relative to its acknowledgement."""

    ALWAYS = "always"
    INTERVAL = "interval"
    NEVER = "never"


class JournalConfig(RoomConfig):
    """How requests are kept between the socket and the database."""

    sync: SyncPolicy = SyncPolicy.ALWAYS
    """`always`: a request is on the disk before it is acknowledged. `interval`: acknowledged once
    the operating system has it, on the disk within `sync_interval`; a power cut may lose that
    much, a killed process loses nothing. `never`: left to the operating system."""
    sync_interval: Duration = timedelta(seconds=1)
    """With `sync: interval`, how often written requests are forced to the disk."""
    commit_delay: Duration = timedelta(milliseconds=2)
    """How long a write may wait for as many requests as the write before it had, so that they
    share one sync. A lone sender never waits."""
    segment_size: Annotated[ByteSize, Field(ge=1, le=2**30)] = 16 * 2**20
    """A segment of this size is closed and goes to the database as one insert. The last request in
    it may make it larger."""
    roll_age: Duration = timedelta(milliseconds=300)
    """While the database waits for data, a segment is closed as soon as it is this old. While the
    database is busy, segments grow up to `segment_size`."""
    max_size: Annotated[ByteSize, Field(ge=1)] = 2 * 2**30
    """Most bytes the journal holds on the disk and in memory, segments in quarantine included.
    When they are reached, senders are told to come back later."""
    queue_size: Annotated[ByteSize, Field(ge=1)] = 64 * 2**20
    """Most bytes that wait in memory to be written. A larger request is taken when nothing else
    waits."""
    queue_requests: Annotated[int, Field(ge=1)] = 16384
    """Most requests that wait in memory to be written."""

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.segment_size > self.max_size:
            raise ValueError("segment_size must not be larger than max_size")
        return self

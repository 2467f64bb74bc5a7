"""What tests of a journal with its thread share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from otel_agentmon.journal.disk import OsDisk
from otel_agentmon.journal.journal import Journal
from otel_agentmon.journal.segment import Segment
from otel_agentmon.signals import Signal
from tests.journal.builders import make_payload, read_texts

SOON = 10.0
"""Seconds to wait for another thread before the test fails; never waited in full."""

Open = Callable[..., AbstractContextManager[Journal]]


class GatedDisk(OsDisk):
    """Writes of records wait for the gate; with `error` set they fail."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.reached = threading.Event()
        self.error: OSError | None = None

    def write(self, handle: int, buffers: Sequence[bytes], offset: int) -> None:
        if offset:
            self.reached.set()
            assert self.gate.wait(SOON)
            if self.error:
                raise self.error
        super().write(handle, buffers, offset)


def accept(journal: Journal, *texts: str, signal: Signal = Signal.TRACES) -> None:
    """Send requests one after the other."""

    async def send() -> None:
        for text in texts:
            await journal.accept(signal, make_payload(text))

    asyncio.run(send())


def take(journal: Journal, signal: Signal | None = None) -> Segment:
    segment = journal.take(signal, SOON)
    assert segment is not None
    return segment


def texts_of(segment: Segment) -> list[bytes]:
    return read_texts(segment.path.read_bytes())

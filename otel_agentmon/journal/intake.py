"""Requests on their way to the disk: the bounded queue, and the answers to those who wait."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from otel_agentmon.errors import OverloadedError
from otel_agentmon.journal.config import JournalConfig
from otel_agentmon.journal.segment import FRAME_BYTES
from otel_agentmon.journal.writer import RETRY_SECONDS
from otel_agentmon.signals import Signal

_BATCH_BYTES = 8 * 2**20
"""Most bytes written before their senders are told."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """One call of `accept` and whom to tell when it is durable."""

    signal: Signal
    payload: bytes
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]

    @property
    def size(self) -> int:
        """Bytes it will take in a segment."""
        return FRAME_BYTES + len(self.payload)


class Intake:
    """The queue before the writer thread; the caller holds the lock of `work` around every call."""

    def __init__(self, config: JournalConfig, work: threading.Condition) -> None:
        self._config = config
        self._work = work
        self._queue: deque[Request] = deque()
        self._wake_at = 1
        self._previous = 1
        self._unanswered = 0
        self.bytes = 0
        """Of all requests not yet answered, those being written included."""

    def __bool__(self) -> bool:
        return bool(self._queue)

    def add(self, request: Request) -> None:
        """Queue a request and wake the writer. Raises OverloadedError (`journal_queue`)."""
        config = self._config
        is_full = self.bytes + request.size > config.queue_size
        if self._unanswered and (is_full or self._unanswered >= config.queue_requests):
            raise OverloadedError("the disk is behind", "journal_queue", RETRY_SECONDS)
        self._queue.append(request)
        self._unanswered += 1
        self.bytes += request.size
        if len(self._queue) >= self._wake_at:
            self._work.notify()

    def next_batch(self) -> list[Request]:
        """Take what is queued, up to 8 MiB; wait up to `commit_delay` for a batch worth its sync.

        A batch as large as the one before is worth it: those senders are about to send again.
        """
        if 0 < len(self._queue) < self._previous and self.bytes < _BATCH_BYTES:
            self._wake_at = self._previous
            self._work.wait(self._config.commit_delay.total_seconds())
            self._wake_at = 1
        batch: list[Request] = []
        size = 0
        while self._queue and size < _BATCH_BYTES:
            request = self._queue.popleft()
            size += request.size
            batch.append(request)
        self._previous = len(batch)
        return batch

    def written(self, batch: Sequence[Request]) -> None:
        """Make room: the batch is in a segment, or refused."""
        self.bytes -= sum(request.size for request in batch)
        self._unanswered -= len(batch)


def answer(batch: Sequence[Request], errors: Sequence[Exception | None]) -> None:
    """Tell every sender what became of its request, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Request, Exception | None]]] = {}
    for request, error in zip(batch, errors, strict=True):
        by_loop.setdefault(request.loop, []).append((request, error))
    for loop, outcomes in by_loop.items():
        try:
            loop.call_soon_threadsafe(_complete, outcomes)
        except RuntimeError:
            # The loop was closed, and with it whoever waited for these.
            _LOG.debug("nobody waits for a batch any more", extra={"requests": len(outcomes)})


def _complete(outcomes: Sequence[tuple[Request, Exception | None]]) -> None:
    for request, error in outcomes:
        if request.done.done():
            continue  # its sender is gone
        if error is None:
            request.done.set_result(None)
        else:
            message = f"the journal cannot write: {error}"
            request.done.set_exception(OverloadedError(message, "journal_error", RETRY_SECONDS))

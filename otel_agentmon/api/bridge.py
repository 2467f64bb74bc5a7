"""From the event loop to the database, which blocks: so many threads, and so many waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from otel_agentmon.api.telemetry import ApiTelemetry
from otel_agentmon.errors import OverloadedError

T = TypeVar("T")

RETRY_AFTER_SECONDS = 1.0


class QuestionBridge:
    """Runs questions on threads of its own; full means the client is asked to come back."""

    def __init__(self, threads: int, waiting: int, telemetry: ApiTelemetry) -> None:
        self._places = threading.BoundedSemaphore(threads + waiting)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="api question")
        self._telemetry = telemetry

    async def ask(self, question: Callable[..., T], *arguments: Any) -> T:
        """The question's answer. Raises OverloadedError, before anything is run, when full.

        A client that goes away frees its place when the database has answered: the engine cannot
        be told to stop.
        """
        if not self._places.acquire(blocking=False):
            self._telemetry.refused_questions.inc()
            raise OverloadedError(
                "too many questions are waiting for the database",
                reason="questions",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        self._telemetry.questions_in_progress.inc()
        try:
            future = self._executor.submit(question, *arguments)
        except RuntimeError:  # it has been closed
            self._free(None)
            raise OverloadedError("the process is stopping", reason="shutting_down") from None
        future.add_done_callback(self._free)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Waits for what runs, and drops what waits. Safe twice; blocks."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _free(self, _: Future[Any] | None) -> None:
        self._telemetry.questions_in_progress.dec()
        self._places.release()

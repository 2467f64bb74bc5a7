"""Starting and stopping: downstream first on the way up, upstream first on the way down."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from otel_agentmon.clock import Clock
from otel_agentmon.errors import AgentmonError, ShuttingDownError

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopError(AgentmonError):
    """Not everything stopped, and threads may still run. What was acknowledged is durable."""


class Lifecycle:
    """The parts of one process, in the order they were started; leaving its block stops them.

    `stop_timeout` is one deadline for all of them. A part whose turn comes after it is asked to
    stop but not waited for: the end of the process ends it, which the journal is made to survive.
    """

    def __init__(self, stop_timeout: timedelta, clock: Clock) -> None:
        self._stop_timeout = stop_timeout
        self._clock = clock
        self._cleanups: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        self._stop_asked = asyncio.Event()

    @property
    def is_stopping(self) -> bool:
        """Whether a signal has asked for the stop."""
        return self._stop_asked.is_set()

    async def __aenter__(self) -> Self:
        """From here on the first SIGINT or SIGTERM asks to stop, and a second one kills."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._hear, number)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self.stop()
        except StopError as stop_error:
            if error is not None:
                stop_error.add_note(f"stopping because of {type(error).__name__}: {error}")
            raise
        finally:
            self._unhear()

    async def start(
        self,
        name: str,
        start: Callable[[], Awaitable[T]],
        stop: Callable[[T], Awaitable[object]],
    ) -> T:
        """Start one part; what it hands its data to must have been started before.

        `stop` is given what `start` has returned. Blocking ones are sent through
        `asyncio.to_thread`. A part whose start fails leaves nothing behind; its error is raised as
        it is. Raises ShuttingDownError, before the part is started, if the process has been asked
        to stop.
        """
        if self._stop_asked.is_set():
            raise ShuttingDownError(f"asked to stop before {name} was started")
        logger.debug("starting", extra={"part": name})
        started = await start()
        self.add_cleanup(name, partial(stop, started))
        return started

    def add_cleanup(self, name: str, stop: Callable[[], Awaitable[object]]) -> None:
        """Something to be done at the stop before all that is already there."""
        self._cleanups.append((name, stop))

    async def wait(self) -> None:
        """Return when a signal ends the process's work."""
        await self._stop_asked.wait()

    async def stop(self) -> None:
        """Stop what was started, last one first. Safe before any start, and a second time.

        Raises StopError that names every part that failed, or had not stopped at the deadline.
        """
        end = self._clock.monotonic() + self._stop_timeout.total_seconds()
        failures: list[str] = []
        while self._cleanups:
            name, stop = self._cleanups.pop()
            logger.debug("stopping", extra={"part": name})
            deadline = asyncio.timeout(max(0.0, end - self._clock.monotonic()))
            try:
                async with deadline:
                    await stop()
            except Exception as error:  # noqa: BLE001  # the parts below it must still be stopped
                reason = "not in time" if deadline.expired() else f"{type(error).__name__}: {error}"
                failures.append(f"{name} did not stop: {reason}")
        if failures:
            raise StopError("; ".join(failures))

    def _hear(self, number: signal.Signals) -> None:
        logger.info("stopping on a signal", extra={"signal": number.name})
        self._unhear()
        self._stop_asked.set()

    @staticmethod
    def _unhear() -> None:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

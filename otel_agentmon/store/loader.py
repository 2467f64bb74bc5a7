"""The loader: closed journal segments into the database, and out of the journal when safe.

A few threads take segments, oldest first. The rows of a segment can be queried when its insert
returns; the segment file goes when the database's files are on the disk, which is asked for at
most a few times a second for all segments loaded since. Nothing is ever given up: what the
database cannot take now is tried again, what it can never decode is set aside and counted.
"""

from __future__ import annotations

import logging
import random
import threading
from contextlib import ExitStack

from otel_agentmon.clock import Clock, SystemClock
from otel_agentmon.errors import StoreError, StoreUnavailableError
from otel_agentmon.journal.journal import Journal
from otel_agentmon.journal.segment import Segment
from otel_agentmon.store.config import StoreConfig
from otel_agentmon.store.connect import Database
from otel_agentmon.store.segments import LoadLimits, Outcome, is_undecodable, load_segment
from otel_agentmon.store.telemetry import StoreTelemetry

_LOG = logging.getLogger(__name__)
_TAKE_SECONDS = 0.25
_SYNC_EVERY_SECONDS = 0.5
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 30.0


class Loader:
    """Moves segments from the journal into the database until it is stopped."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        config: StoreConfig,
        telemetry: StoreTelemetry,
        clock: Clock | None = None,
        jitter: random.Random | None = None,
    ) -> None:
        self._database = database
        self._journal = journal
        self._config = config
        self._limits = LoadLimits(config.load_threads, config.load_timeout.total_seconds())
        self._telemetry = telemetry
        self._clock = clock or SystemClock()
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._loaded: list[Segment] = []
        self._last_sync = self._clock.monotonic()
        self._failures = 0
        self._failed: set[int] = set()  # numbers of segments in the journal, which bounds them

    def start(self) -> None:
        """Starts the threads."""
        for number in range(self._config.loaders):
            thread = threading.Thread(target=self._run, name=f"store-loader-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Lets every thread finish the segment it has in hand. Safe twice and without start."""
        self._stopping.set()
        while self._threads:
            self._threads.pop().join()
        self._settle(now=True)

    def load_one(self, timeout_seconds: float = _TAKE_SECONDS) -> bool:
        """Takes and loads one segment; False if there was none within the time."""
        segment = self._journal.take(None, timeout_seconds)
        if segment is not None:
            self._load(segment)
        self._settle(now=segment is None)
        return segment is not None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.load_one()
            except Exception:  # noqa: BLE001 - top of a background loop, counted below
                # A defect in our own code must not end loading; it is loud, and tried again.
                self._telemetry.load_failures.labels("unexpected").inc()
                _LOG.exception("loading failed unexpectedly")
                self._wait()

    def _load(self, segment: Segment) -> None:
        started = self._clock.monotonic()
        with ExitStack() as undo:
            undo.callback(self._journal.put_back, segment)
            try:
                attempt = str(self._clock.unix_nano())
                outcome = load_segment(
                    self._database,
                    segment,
                    self._limits,
                    attempt,
                    tried_before=segment.number in self._failed,
                )
            except (StoreError, StoreUnavailableError) as error:
                if isinstance(error, StoreError) and is_undecodable(error):
                    undo.pop_all()
                    self._telemetry.load_failures.labels("undecodable").inc()
                    self._journal.quarantine(segment, f"error {error.code} of the database")
                    return
                self._fail(segment, error)
                return
            undo.pop_all()
        self._failures = 0
        self._failed.discard(segment.number)
        with self._lock:
            self._loaded.append(segment)
            self._telemetry.unsynced_segments.set(len(self._loaded))
        if outcome is not Outcome.LOADED:
            self._telemetry.repaired_segments.labels(outcome.name.lower()).inc()
            _LOG.warning("a segment was %s", outcome.name.lower(), extra={"segment": segment.token})
        seconds = self._clock.monotonic() - started
        self._telemetry.load_seconds.labels(segment.signal).observe(seconds)
        self._telemetry.loaded_segments.labels(segment.signal).inc()
        self._telemetry.loaded_bytes.labels(segment.signal).inc(segment.size_bytes)

    def _fail(self, segment: Segment, error: Exception) -> None:
        reason = "unavailable" if isinstance(error, StoreUnavailableError) else "refused"
        self._telemetry.load_failures.labels(reason).inc()
        self._failures += 1
        self._failed.add(segment.number)
        _LOG.warning(
            "a segment could not be loaded and is tried again",
            extra={"segment": segment.token, "attempt": self._failures, "error": str(error)},
        )
        self._wait()

    def _wait(self) -> None:
        longest = min(_FIRST_WAIT_SECONDS * 2 ** min(self._failures, 10), _LONGEST_WAIT_SECONDS)
        self._stopping.wait(longest * self._jitter.uniform(0.5, 1.0))

    def _settle(self, now: bool) -> None:
        """Syncs what was loaded and lets the journal delete it, if it is time or `now`."""
        with self._lock:
            due = now or self._clock.monotonic() - self._last_sync >= _SYNC_EVERY_SECONDS
            if not due or not self._loaded:
                return
            loaded, self._loaded = self._loaded, []
            self._last_sync = self._clock.monotonic()
        try:
            self._database.sync()
        except OSError as error:
            # They can be queried, and stay in the journal until a later sync succeeds.
            _LOG.error("the database's files could not be synced", extra={"error": str(error)})
            with self._lock:
                self._loaded = loaded + self._loaded
            return
        for segment in loaded:
            self._journal.release(segment)
        with self._lock:
            self._telemetry.unsynced_segments.set(len(self._loaded))

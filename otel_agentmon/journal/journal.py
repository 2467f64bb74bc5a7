"""The journal: requests in, durable segments out.

`accept` queues a request; one writer thread takes whatever has queued up, writes and syncs it as
one batch and then tells every sender. While one batch is on its way to the disk the next gathers,
so batches grow with the load and a lone request waits for nobody. Loader threads `take` closed
segments and `release` them. What the bytes look like is in `segment`, what is done to files in
`writer` and `recovery`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from otel_agentmon.clock import Clock, SystemClock
from otel_agentmon.errors import ConfigError, OverloadedError, RetryableError, ShuttingDownError
from otel_agentmon.journal.config import JournalConfig
from otel_agentmon.journal.disk import Disk, OsDisk
from otel_agentmon.journal.intake import Intake, Request, answer
from otel_agentmon.journal.recovery import QUARANTINE, recover
from otel_agentmon.journal.segment import Segment
from otel_agentmon.journal.shelf import Shelf
from otel_agentmon.journal.telemetry import JournalTelemetry
from otel_agentmon.journal.writer import RETRY_SECONDS, SegmentWriter
from otel_agentmon.signals import Signal

_FULL_RETRY_SECONDS = 5.0
"""How long senders are sent away for when only the database can make room."""
_QUARANTINE_CHECK_SECONDS = 10.0
"""How often the quarantine is measured, so that the space is had when a human empties it."""

_LOG = logging.getLogger(__name__)


class Journal:
    """A `receive.sink.Sink` that keeps what it accepts until a loader has it in the database.

    Every method may be called from any thread. Order of life: `start`; then receivers, loaders;
    to end without leftovers stop the receivers, let the loaders go on until `segments` is 0, stop
    them, then `stop`. What is left is handed out after the next `start`.
    """

    def __init__(
        self,
        directory: Path,
        config: JournalConfig,
        telemetry: JournalTelemetry,
        clock: Clock | None = None,
        disk: Disk | None = None,
    ) -> None:
        self._directory = directory.absolute()
        self._config = config
        self._telemetry = telemetry
        self._clock = clock or SystemClock()
        self._disk = disk or OsDisk()
        self._writer = SegmentWriter(
            self._directory, config, telemetry, self._clock, self._disk, self._shelve
        )
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)  # the writer thread waits on it
        self._shelved = threading.Condition(self._lock)  # loaders wait on it
        self._intake = Intake(config, self._work)
        self._shelf = Shelf()
        self._waiting: list[Signal | None] = []
        self._undeleted: list[Segment] = []
        self._quarantine_bytes = 0
        self._next_check = 0.0
        self._failing_until: float | None = None
        self._is_running = False
        self._lock_handle: int | None = None

    @property
    def depth_bytes(self) -> int:
        """Bytes held on disk and in the queue; `max_size` bounds it."""
        return (
            self._intake.bytes
            + self._writer.held_bytes
            + self._shelf.bytes
            + sum(segment.size_bytes for segment in self._undeleted)
            + self._quarantine_bytes
        )

    @property
    def segments(self) -> int:
        """Segments not yet released, open ones included; 0 with an empty queue means drained."""
        return self._writer.held_segments + len(self._shelf)

    def start(self) -> None:
        """Recover what is on disk and begin to take requests.

        Raises ConfigError if the directory cannot be used or another process uses it.
        """
        try:
            self._disk.make_directory(self._directory / QUARANTINE)
            self._lock_handle = self._disk.lock(self._directory / "lock")
        except BlockingIOError:
            raise ConfigError([f"journal: another process is using {self._directory}"]) from None
        except OSError as error:
            raise ConfigError([f"journal: cannot use {self._directory}: {error}"]) from error
        try:
            recovered = recover(self._directory, self._disk, self._telemetry)
            self._writer.start(recovered.highest_number)
            self._measure_quarantine()
        except OSError as error:
            self._unlock()
            raise ConfigError(
                [f"journal: cannot recover what is in {self._directory}: {error}"]
            ) from error
        with self._lock:
            for segment, since in recovered.segments:
                self._shelf.add(segment, since)
            self._is_running = True
        self._telemetry.bytes.set_function(lambda: self.depth_bytes)
        self._telemetry.segments.set_function(lambda: self.segments)
        self._telemetry.oldest_age_seconds.set_function(self._oldest_age_seconds)
        self._telemetry.quarantine_bytes.set_function(lambda: self._quarantine_bytes)
        self._thread.start()
        _LOG.info(
            "the journal is open",
            extra={"directory": str(self._directory), "segments": len(recovered.segments)},
        )

    async def accept(self, signal: Signal, payload: bytes) -> None:
        """Return when the request is as safe as `sync` asks for; see `receive.sink.Sink`.

        Raises OverloadedError with reason `journal_full` (the disk budget is used up),
        `journal_queue` (requests come faster than the disk takes them) or `journal_error` (the
        disk fails), and ShuttingDownError. A cancelled call may still be written.
        """
        if not payload:
            return
        loop = asyncio.get_running_loop()
        request = Request(signal, payload, loop, loop.create_future())
        try:
            with self._lock:
                self._admit(request)
        except RetryableError as error:
            reason = error.reason if isinstance(error, OverloadedError) else "shutting_down"
            self._telemetry.refused_bytes.labels(reason).inc(len(payload))
            raise
        await request.done

    def take(self, signal: Signal | None, timeout_seconds: float) -> Segment | None:
        """Wait for the closed segment with the lowest number and own it until it is given back.

        `signal` None stands for any. Give it back with exactly one of `release`, `put_back` and
        `quarantine`. None after the timeout, or when the journal is stopped.
        """
        with self._lock:
            if not self._shelf.has(signal) and self._is_running:
                self._waiting.append(signal)
                self._work.notify()
                try:
                    self._shelved.wait_for(
                        lambda: self._shelf.has(signal) or not self._is_running, timeout_seconds
                    )
                finally:
                    self._waiting.remove(signal)
            return self._shelf.take(signal) if self._is_running else None

    def release(self, segment: Segment) -> None:
        """Delete a taken segment: its rows are safe from power loss in the database.

        Raises ValueError if the segment is not in a loader's hands.
        """
        with self._lock:
            self._shelf.remove(segment)
        if not self._delete(segment):
            with self._lock:
                self._undeleted.append(segment)
        self._unlock_when_done()

    def put_back(self, segment: Segment) -> None:
        """Hand out a taken segment again, in its place by number: it could not be loaded now.

        Raises ValueError if the segment is not in a loader's hands.
        """
        with self._lock:
            self._shelf.put_back(segment)
            self._shelved.notify_all()
        self._unlock_when_done()

    def quarantine(self, segment: Segment, reason: str) -> None:
        """Move a taken segment, which the database will never take, to where a human finds it.

        Raises ValueError if the segment is not in a loader's hands.
        """
        with self._lock:
            self._shelf.remove(segment)
            self._quarantine_bytes += segment.size_bytes
        self._telemetry.quarantined_segments.inc()
        _LOG.error(
            "a segment was moved to quarantine",
            extra={"segment": segment.token, "records": segment.records, "reason": reason},
        )
        try:
            self._disk.rename(segment.path, self._directory / QUARANTINE / segment.path.name)
        except OSError as error:
            # It stays where it is and is handed out again after the next start.
            _LOG.error(
                "a segment could not be moved to quarantine",
                extra={"segment": segment.token, "error": str(error)},
            )
        self._unlock_when_done()

    def stop(self) -> None:
        """Refuse new requests, write and acknowledge the queued ones, close every segment.

        From here on `take` returns None. The directory is free for another process once loaders
        have given back what they hold. Blocks for as long as the disk takes.
        """
        with self._lock:
            was_running, self._is_running = self._is_running, False
            self._work.notify_all()
            self._shelved.notify_all()
        if was_running:
            self._thread.join()
            self._unlock_when_done()
            _LOG.info("the journal is closed", extra={"segments": self.segments})

    def _admit(self, request: Request) -> None:
        if not self._is_running:
            raise ShuttingDownError("the journal is not open")
        if self._failing_until is not None and self._clock.monotonic() < self._failing_until:
            raise OverloadedError("the journal's disk fails", "journal_error", RETRY_SECONDS)
        if self.depth_bytes + request.size > self._config.max_size:
            raise OverloadedError(
                "the journal is full: the database is behind", "journal_full", _FULL_RETRY_SECONDS
            )
        self._intake.add(request)

    def _run(self) -> None:
        is_done = False
        while not is_done:
            try:
                is_done = self._step()
            except Exception:  # noqa: BLE001 (a defect here must not end all writing)
                self._telemetry.unexpected_errors.inc()
                _LOG.exception("the journal's writer thread failed and goes on")
                with self._lock:
                    self._work.wait(RETRY_SECONDS)
        self._writer.close_all()

    def _step(self) -> bool:
        """Wait for requests or for something that is due, do it, and say if it was the last."""
        with self._lock:
            if self._is_running and not self._intake:
                self._work.wait(self._idle_seconds())
            batch = self._intake.next_batch()
        if batch:
            self._write(batch)
        self._tend()
        with self._lock:
            return not self._is_running and not self._intake

    def _idle_seconds(self) -> float | None:
        due = self._writer.next_due(self._wanted())
        if self._undeleted or self._quarantine_bytes:
            due = self._next_check if due is None else min(due, self._next_check)
        return None if due is None else max(0.0, due - self._clock.monotonic())

    def _wanted(self) -> list[Signal | None]:
        return [signal for signal in self._waiting if not self._shelf.has(signal)]

    def _write(self, batch: Sequence[Request]) -> None:
        errors = self._try_to_write(batch)
        self._note_failure(next((error for error in errors if error is not None), None))
        with self._lock:
            self._intake.written(batch)
        for request, error in zip(batch, errors, strict=True):
            if error is not None:
                self._telemetry.refused_bytes.labels("journal_error").inc(len(request.payload))
        answer(batch, errors)

    def _try_to_write(self, batch: Sequence[Request]) -> Sequence[Exception | None]:
        try:
            return self._writer.write_batch([(one.signal, one.payload) for one in batch])
        except Exception as error:  # noqa: BLE001 (whatever it is, senders must hear of it)
            self._telemetry.unexpected_errors.inc()
            _LOG.exception("a batch could not be written because of a defect")
            return [error] * len(batch)

    def _note_failure(self, error: Exception | None) -> None:
        """Leave a failing disk alone for a while, and say once that it fails and once that not."""
        if error is not None:
            if self._failing_until is None:
                _LOG.error("the journal cannot write; requests are refused", exc_info=error)
            self._failing_until = self._clock.monotonic() + RETRY_SECONDS
        elif self._failing_until is not None:
            self._failing_until = None
            _LOG.info("the journal can write again")

    def _tend(self) -> None:
        with self._lock:
            wanted = self._wanted()
        self._writer.tick(wanted)
        now = self._clock.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + _QUARANTINE_CHECK_SECONDS
        with self._lock:
            undeleted = list(self._undeleted)
        deleted = [segment for segment in undeleted if self._delete(segment)]
        with self._lock:
            self._undeleted = [segment for segment in self._undeleted if segment not in deleted]
        if self._quarantine_bytes:
            try:
                self._measure_quarantine()
            except OSError as error:
                _LOG.warning("the quarantine cannot be measured", extra={"error": str(error)})

    def _measure_quarantine(self) -> None:
        folder = self._directory / QUARANTINE
        states = [self._disk.state(folder / name) for name in self._disk.names(folder)]
        self._quarantine_bytes = sum(state.size_bytes for state in states)

    def _delete(self, segment: Segment) -> bool:
        try:
            self._disk.unlink(segment.path)
        except FileNotFoundError:
            return True
        except OSError as error:
            _LOG.warning(
                "a segment that is in the database could not be deleted; trying again",
                extra={"segment": segment.token, "error": str(error)},
            )
            return False
        return True

    def _shelve(self, segment: Segment, since_unix_nano: int) -> None:
        with self._lock:
            self._shelf.add(segment, since_unix_nano)
            self._shelved.notify_all()

    def _oldest_age_seconds(self) -> float:
        with self._lock:
            times = (self._writer.oldest_unix_nano, self._shelf.oldest_unix_nano)
        oldest = min((time for time in times if time is not None), default=None)
        return 0.0 if oldest is None else max(0.0, (self._clock.unix_nano() - oldest) / 1e9)

    def _unlock_when_done(self) -> None:
        """Let the next process in, once no loader can touch our files any more."""
        with self._lock:
            is_done = not self._is_running and not self._thread.is_alive() and not self._shelf.taken
        if is_done:
            self._unlock()

    def _unlock(self) -> None:
        if self._lock_handle is not None:
            self._disk.close(self._lock_handle)
            self._lock_handle = None

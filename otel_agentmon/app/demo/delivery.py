"""Delivery without loss: exporters that keep trying, and the count that shows it.

The SDK's batch processors drop what their queue cannot hold, and an OTLP exporter gives a batch
up after a few tries. That is right for an agent, which must not suffer for being watched. A demo
has nothing better to do than to wait.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    LogRecordExporter,
    LogRecordExportResult,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

SPANS: Final = "spans"
LOG_RECORDS: Final = "log_records"

_EXPORTER_LOGGER: Final = "opentelemetry.exporter.otlp.proto.grpc.exporter"
_QUEUE_SIZE: Final = 4096
_FLUSH_MILLIS: Final = 500

_logger = logging.getLogger(__name__)


class Delivery:
    """What has been created and what the receiver has taken, by kind of item.

    Each kind is created by one thread and exported by one other, so the counts need no lock.
    """

    def __init__(self, words: ExporterWords, retry_seconds: float = 1.0) -> None:
        self._words = words
        self._retry_seconds = retry_seconds
        self.created: Counter[str] = Counter()
        self.exported: Counter[str] = Counter()
        self._is_failing = False
        self._lock = threading.Lock()
        self._closing = threading.Event()

    @property
    def is_failing(self) -> bool:
        """Whether the receiver has refused the last batch."""
        return self._is_failing

    def pending(self) -> int:
        """Items that have been created but not taken, of the kind that has most of them."""
        return max(self.created[item] - self.exported[item] for item in (SPANS, LOG_RECORDS))

    def deliver(self, item: str, count: int, attempt: Callable[[], bool]) -> bool:
        """Repeat `attempt` until it is true; once closed, try no more than once."""
        while not attempt():
            if self._closing.is_set():
                return False
            self._turn(is_failing=True)
            if self._closing.wait(self._retry_seconds):
                return False
        self.exported[item] += count
        self._turn(is_failing=False)
        return True

    def close(self) -> None:
        """Let go of what cannot be delivered at once."""
        self._closing.set()

    def _turn(self, is_failing: bool) -> None:
        with self._lock:
            has_turned = is_failing is not self._is_failing
            self._is_failing = is_failing
        if has_turned and is_failing:
            _logger.warning(
                "the receiver does not take the demo's data, trying until it does: %s",
                self._words.last,
            )
        elif has_turned:
            _logger.info("the receiver takes the demo's data again")


class PatientSpanExporter(SpanExporter):
    """Exports through another exporter until it succeeds."""

    def __init__(self, exporter: SpanExporter, delivery: Delivery) -> None:
        self._exporter = exporter
        self._delivery = delivery

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        is_delivered = self._delivery.deliver(
            SPANS, len(spans), lambda: self._exporter.export(spans) is SpanExportResult.SUCCESS
        )
        return SpanExportResult.SUCCESS if is_delivered else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self._exporter.shutdown()


class PatientLogRecordExporter(LogRecordExporter):
    """Exports through another exporter until it succeeds."""

    def __init__(self, exporter: LogRecordExporter, delivery: Delivery) -> None:
        self._exporter = exporter
        self._delivery = delivery

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        is_delivered = self._delivery.deliver(
            LOG_RECORDS,
            len(batch),
            lambda: self._exporter.export(batch) is LogRecordExportResult.SUCCESS,
        )
        return LogRecordExportResult.SUCCESS if is_delivered else LogRecordExportResult.FAILURE

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no annotation here

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class CountingSpanProcessor(BatchSpanProcessor):
    """A batch processor that says how many spans it was given."""

    def __init__(self, exporter: SpanExporter, delivery: Delivery) -> None:
        super().__init__(
            PatientSpanExporter(exporter, delivery),
            max_queue_size=_QUEUE_SIZE,
            schedule_delay_millis=_FLUSH_MILLIS,
        )
        self._delivery = delivery

    def on_end(self, span: ReadableSpan) -> None:
        self._delivery.created[SPANS] += 1
        super().on_end(span)


class CountingLogRecordProcessor(BatchLogRecordProcessor):
    """A batch processor that says how many log records it was given."""

    def __init__(self, exporter: LogRecordExporter, delivery: Delivery) -> None:
        super().__init__(
            PatientLogRecordExporter(exporter, delivery),
            max_queue_size=_QUEUE_SIZE,
            schedule_delay_millis=_FLUSH_MILLIS,
        )
        self._delivery = delivery

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self._delivery.created[LOG_RECORDS] += 1
        super().on_emit(log_record)


class ExporterWords(logging.Filter):
    """Takes what the OTLP exporters log at every try; `Delivery` says it once, with the last."""

    def __init__(self) -> None:
        super().__init__()
        self.last = ""

    def filter(self, record: logging.LogRecord) -> bool:
        self.last = record.getMessage()
        return False

    def __enter__(self) -> ExporterWords:
        logging.getLogger(_EXPORTER_LOGGER).addFilter(self)
        return self

    def __exit__(self, *_exception: object) -> None:
        logging.getLogger(_EXPORTER_LOGGER).removeFilter(self)

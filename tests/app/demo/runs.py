"""Demos that run into memory, at a time that stands where a test has put it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_agentmon.app.demo.pipeline import Exporters
from otel_agentmon.app.demo.runner import DemoReport, DemoSettings, run_demo

START = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 10**9


class InMemoryMetricExporter(MetricExporter):
    """Takes metrics and forgets them."""

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 0, **kwargs: Any
    ) -> MetricExportResult:
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **kwargs: Any) -> None:
        """Nothing is held."""


@dataclass
class Outcome:
    """What one demo has sent."""

    report: DemoReport
    spans: Sequence[ReadableSpan]
    log_records: Sequence[ReadableLogRecord]
    traces: dict[int, list[ReadableSpan]] = field(init=False)

    def __post_init__(self) -> None:
        self.traces = defaultdict(list)
        for span in self.spans:
            assert span.context is not None
            self.traces[span.context.trace_id].append(span)


def run_in_memory(settings: DemoSettings, start: int = START) -> Outcome:
    """Run to the end; after the start it is a day later, so that no live run is waited for."""
    times = iter([start])
    spans, log_records = InMemorySpanExporter(), InMemoryLogRecordExporter()
    report = run_demo(
        settings,
        threading.Event(),
        exporters=Exporters(spans, log_records, InMemoryMetricExporter),
        now=lambda: next(times, start + 86_400 * 10**9),
    )
    return Outcome(report, spans.get_finished_spans(), log_records.get_finished_logs())

"""A program that is watched: the OpenTelemetry SDK as its users set it up, sending over gRPC."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.house.running import RunningMonitor

SCOPE = "tests.acceptance"
SCOPE_VERSION = "1.2"
SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0"
WIDE = "wide"
"""A histogram of this name has exponential buckets."""


class Program:
    """Tracer, logger and meter of one service; leaving its block delivers what is left.

    What the SDK has sent is kept, to be compared with what has arrived.
    """

    def __init__(self, monitor: RunningMonitor, service: str) -> None:
        endpoint = f"http://{monitor.ready['otlp_grpc']}"
        self.service = service
        resource = Resource.create({"service.name": service, "service.version": "7", "cores": 2})
        self.resource = {key: str(value) for key, value in resource.attributes.items()}
        self._spans = InMemorySpanExporter()
        self._tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
        self.tracer = self._tracers.get_tracer(SCOPE, SCOPE_VERSION, SCHEMA_URL, {"kind": "own"})
        self._logs = InMemoryLogRecordExporter()
        self._loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._loggers.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        self._loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint)))
        self.logger = self._loggers.get_logger(SCOPE, SCOPE_VERSION, SCHEMA_URL)
        self._points = InMemoryMetricReader()
        self._metric_exporter = OTLPMetricExporter(endpoint)
        self._meters = MeterProvider(
            [self._points],
            resource=resource,
            shutdown_on_exit=False,
            views=[View(instrument_name=WIDE, aggregation=ExponentialBucketHistogramAggregation())],
        )
        self.meter = self._meters.get_meter(SCOPE, SCOPE_VERSION, SCHEMA_URL)

    def deliver(self) -> None:
        """Return when all spans and log records so far have been acknowledged."""
        assert self._tracers.force_flush()
        assert self._loggers.force_flush()

    def deliver_metrics(self) -> dict[str, Any]:
        """Collect and export once; what was sent, each metric's only point by the metric's name."""
        data = self._points.get_metrics_data()
        assert data is not None
        assert self._metric_exporter.export(data) is MetricExportResult.SUCCESS
        return {
            metric.name: metric.data.data_points[0]
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def sent_spans(self) -> dict[str, ReadableSpan]:
        """Every span that has ended, by name."""
        return {span.name: span for span in self._spans.get_finished_spans()}

    def sent_logs(self) -> list[Any]:
        """Every log record, in the order they were emitted."""
        return [one.log_record for one in self._logs.get_finished_logs()]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._tracers.shutdown()
        self._loggers.shutdown()
        self._meters.shutdown()
        self._metric_exporter.shutdown()

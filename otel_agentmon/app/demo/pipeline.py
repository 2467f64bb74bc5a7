"""The SDK as the sample agents share it: one queue a signal, one resource a program."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from otel_agentmon import semconv
from otel_agentmon.app.demo.delivery import (
    CountingLogRecordProcessor,
    CountingSpanProcessor,
    Delivery,
)
from otel_agentmon.app.demo.genai import Telemetry
from otel_agentmon.app.demo.instruments import VIEWS, Instruments

_SCOPE: Final = "otel_agentmon.app.demo"
_METRIC_INTERVAL_MILLIS: Final = 10_000


@dataclass(frozen=True)
class Exporters:
    """Where telemetry leaves the process; each program's metrics need an exporter of their own."""

    spans: SpanExporter
    logs: LogRecordExporter
    metrics: Callable[[], MetricExporter]

    @classmethod
    def otlp(
        cls, endpoint: str, headers: Mapping[str, str], insecure: bool | None = None
    ) -> Exporters:
        """OTLP over gRPC; `insecure` None means as the endpoint's scheme says."""
        # gRPC metadata keys are lower case.
        metadata = {name.lower(): value for name, value in headers.items()}
        return cls(
            OTLPSpanExporter(endpoint=endpoint, headers=metadata, insecure=insecure),
            OTLPLogExporter(endpoint=endpoint, headers=metadata, insecure=insecure),
            lambda: OTLPMetricExporter(endpoint=endpoint, headers=metadata, insecure=insecure),
        )


class SeededIdGenerator(IdGenerator):
    """The same ids again for the same seed."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def generate_span_id(self) -> int:
        return self._rng.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return self._rng.getrandbits(128) or 1

    def is_trace_id_random(self) -> bool:
        return True


class Pipeline:
    """Takes what all programs of one process emit and delivers it."""

    def __init__(self, exporters: Exporters, delivery: Delivery) -> None:
        self._exporters = exporters
        self._delivery = delivery
        self._span_processor = CountingSpanProcessor(exporters.spans, delivery)
        self._log_processor = CountingLogRecordProcessor(exporters.logs, delivery)
        self._metric_exporters: list[MetricExporter] = []
        self._meter_providers: list[MeterProvider] = []

    def open_program(
        self, service: str, version: str, rng: random.Random, queue_depth: Callable[[], int]
    ) -> Telemetry:
        """What `main` of a sample program would set up; its ids are drawn from `rng`."""
        resource = Resource.create(
            {
                "service.name": service,
                "service.version": version,
                "service.instance.id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                "host.name": "demo-host",
                "deployment.environment.name": "demo",
            }
        )
        tracers = TracerProvider(
            sampler=ALWAYS_ON,
            resource=resource,
            shutdown_on_exit=False,
            id_generator=SeededIdGenerator(rng),
        )
        tracers.add_span_processor(self._span_processor)
        loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
        loggers.add_log_record_processor(self._log_processor)
        meter = self._open_meters(resource).get_meter(_SCOPE, version, semconv.SCHEMA_URL)
        return Telemetry(
            tracers.get_tracer(_SCOPE, version, semconv.SCHEMA_URL),
            Instruments.create(meter, queue_depth),
            loggers.get_logger(_SCOPE, version, semconv.SCHEMA_URL),
        )

    def close(self, grace_seconds: float) -> None:
        """Deliver what is left, for `grace_seconds` at most, and end every thread."""
        self._delivery.close()
        # A receiver that is known to be away is not waited for.
        grace = threading.Timer(0 if self._delivery.is_failing else grace_seconds, self._give_up)
        grace.start()
        try:
            self._span_processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no annotation here
            self._log_processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no annotation here
            for provider in self._meter_providers:
                provider.shutdown()
        finally:
            grace.cancel()
            grace.join()

    def _open_meters(self, resource: Resource) -> MeterProvider:
        exporter = self._exporters.metrics()
        reader = PeriodicExportingMetricReader(exporter, _METRIC_INTERVAL_MILLIS)
        provider = MeterProvider([reader], resource, shutdown_on_exit=False, views=VIEWS)
        self._metric_exporters.append(exporter)
        self._meter_providers.append(provider)
        return provider

    def _give_up(self) -> None:
        """Wake every export that waits for the receiver: an exporter that is shut down fails."""
        self._exporters.spans.shutdown()
        self._exporters.logs.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no annotation here
        for exporter in self._metric_exporters:
            exporter.shutdown()

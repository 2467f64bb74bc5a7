"""The Python SDK's own exporters against the gRPC door."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_agentmon.errors import OverloadedError
from otel_agentmon.signals import Signal
from tests.receive.payloads import spans_of
from tests.receive.running import House, running_house
from tests.receive.sinks import RecordingSink, RefusingSink


def run_exporter(work: Callable[[str], Any], sink: Any) -> Any:
    """Runs a blocking exporter in a thread against a receiver; returns what it returned."""

    async def test(house: House) -> Any:
        return await asyncio.to_thread(work, f"http://127.0.0.1:{house.receiver.grpc.port}")

    return running_house(test, sink, only_grpc=True)


def finished_spans() -> Any:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("tests").start_as_current_span("invoke_agent planner"):
        pass
    return memory.get_finished_spans()


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_the_python_span_exporter_is_understood(compression: grpc.Compression | None) -> None:
    """What the SDK's own exporter sends is taken as it is."""
    sink = RecordingSink()

    def work(endpoint: str) -> SpanExportResult:
        exporter = OTLPSpanExporter(endpoint, insecure=True, compression=compression)
        result = exporter.export(finished_spans())
        exporter.shutdown()
        return result

    assert run_exporter(work, sink) is SpanExportResult.SUCCESS
    assert [s.name for s in spans_of(sink.taken[0][1])] == ["invoke_agent planner"]


def test_the_python_metric_exporter_is_understood() -> None:
    """Its points are counted one by one."""
    sink = RecordingSink()

    def work(endpoint: str) -> MetricExportResult:
        reader = InMemoryMetricReader()
        provider = MeterProvider([reader], shutdown_on_exit=False)
        provider.get_meter("tests").create_histogram("gen_ai.client.token.usage").record(7)
        exporter = OTLPMetricExporter(endpoint, insecure=True)
        result = exporter.export(reader.get_metrics_data())
        exporter.shutdown()
        provider.shutdown()
        return result

    assert run_exporter(work, sink) is MetricExportResult.SUCCESS
    assert sink.taken[0][0] is Signal.METRICS


def test_the_python_exporter_backs_off_as_told(caplog: pytest.LogCaptureFixture) -> None:
    """It waits what RetryInfo says, not its own second, and then delivers."""
    sink = RefusingSink(OverloadedError("full", "journal_full", 0.03))

    def work(endpoint: str) -> SpanExportResult:
        exporter = OTLPSpanExporter(endpoint, insecure=True)
        result = exporter.export(finished_spans())
        exporter.shutdown()
        return result

    with caplog.at_level(logging.WARNING):
        assert run_exporter(work, sink) is SpanExportResult.SUCCESS

    assert "retrying in 0.03s" in caplog.text
    assert len(sink.taken) == 1

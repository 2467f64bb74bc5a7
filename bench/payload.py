"""OTLP requests as agents send them: generated from a seed, serialised once, kept in a file.

A span has 12 attributes and is about 500 bytes on the wire. Building one with protobuf's Python
classes takes longer than the monitor takes to store it, so a few requests are built that way and
the others are copies with fresh ids and times.
"""

from __future__ import annotations

import itertools
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from otel_agentmon.signals import Signal

AGENTS: Final = ("planner", "researcher", "writer", "critic", "support")
SPANS_PER_TRACE: Final = 8
PROBE_SERVICE: Final = "probe"
_SPACING_NANO: Final = 1_000_003  # from one span's start to the next one's
_TEMPLATES: Final = 8
_LENGTH: Final = struct.Struct("<I")
_FIXED64: Final = struct.Struct("<Q")

Value = str | int | list[str]


@dataclass(frozen=True, slots=True)
class _SpanPlaces:
    """Where one span's changing bytes are in the serialised request; `parent` is 0 for a root."""

    trace_id: int
    span_id: int
    parent: int
    start: int
    end: int
    response_id: int


def build_request(signal: Signal, items: int, seed: int, start_unix_nano: int) -> bytes:
    """One serialised request of `items` spans, log records or metric points."""
    rng = random.Random(seed)
    if signal is Signal.TRACES:
        return _trace_request(items, rng, start_unix_nano).SerializeToString()
    if signal is Signal.LOGS:
        return _log_request(items, rng, start_unix_nano).SerializeToString()
    return _metric_request(items, rng, start_unix_nano).SerializeToString()


def build_requests(signal: Signal, items: int, count: int, start_unix_nano: int) -> Iterator[bytes]:
    """`count` requests of `items` each; spans are all different, their times go on."""
    step = max(items, SPANS_PER_TRACE) * _SPACING_NANO
    templates = [
        build_request(signal, items, seed, start_unix_nano + seed * step)
        for seed in range(min(count, _TEMPLATES))
    ]
    yield from templates
    if signal is not Signal.TRACES:
        yield from itertools.islice(itertools.cycle(templates), count - len(templates))
        return
    places = [_find_places(template) for template in templates]
    rng = random.Random(count)
    for number in range(len(templates), count):
        which = number % len(templates)
        shift = (number - which) * step
        yield _renew(templates[which], places[which], rng, shift)


def write_requests(path: Path, requests: Iterator[bytes]) -> int:
    """Writes them, each after its length, and returns the bytes of the requests alone."""
    total = 0
    with path.open("wb") as file:
        for request in requests:
            file.write(_LENGTH.pack(len(request)))
            file.write(request)
            total += len(request)
    return total


def read_requests(path: Path) -> list[bytes]:
    """What `write_requests` has written."""
    data = path.read_bytes()
    requests, position = [], 0
    while position < len(data):
        (length,) = _LENGTH.unpack_from(data, position)
        position += _LENGTH.size
        requests.append(data[position : position + length])
        position += length
    return requests


def build_probe(start_unix_nano: int) -> tuple[str, bytes]:
    """A request of one span of `PROBE_SERVICE`, and the span's id in hexadecimal."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    _add(resource_spans.resource.attributes, "service.name", PROBE_SERVICE)
    span = resource_spans.scope_spans.add().spans.add()
    span.trace_id, span.span_id = random.randbytes(16), random.randbytes(8)
    span.name = "probe"
    span.start_time_unix_nano = span.end_time_unix_nano = start_unix_nano
    return span.span_id.hex(), request.SerializeToString()


def _trace_request(items: int, rng: random.Random, start: int) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    _fill_resource(resource_spans.resource, rng)
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "opentelemetry.instrumentation.openai"
    scope_spans.scope.version = "2.1.0"
    trace_id = root_id = b""
    for number in range(items):
        span = scope_spans.spans.add()
        is_root = number % SPANS_PER_TRACE == 0
        span.span_id = rng.randbytes(8)
        if is_root:
            trace_id, root_id = rng.randbytes(16), span.span_id
        else:
            span.parent_span_id = root_id
        span.trace_id = trace_id
        span.kind = span.SPAN_KIND_INTERNAL if is_root else span.SPAN_KIND_CLIENT
        span.start_time_unix_nano = start + number * _SPACING_NANO
        span.end_time_unix_nano = span.start_time_unix_nano + rng.randrange(10**6, 10**9)
        agent = rng.choice(AGENTS)
        operation = "invoke_agent" if is_root else "chat"
        span.name = f"{operation} {agent if is_root else 'gpt-4o'}"
        _add(span.attributes, "gen_ai.operation.name", operation)
        _add(span.attributes, "gen_ai.provider.name", "openai")
        _add(span.attributes, "gen_ai.request.model", "gpt-4o")
        _add(span.attributes, "gen_ai.response.model", "gpt-4o-2024-08-06")
        _add(span.attributes, "gen_ai.response.id", f"resp_{rng.randbytes(8).hex()}")
        _add(span.attributes, "gen_ai.agent.name", agent)
        _add(span.attributes, "gen_ai.conversation.id", f"conv_{rng.randrange(10**6):06d}")
        _add(span.attributes, "gen_ai.usage.input_tokens", rng.randrange(5_000))
        _add(span.attributes, "gen_ai.usage.output_tokens", rng.randrange(900))
        _add(span.attributes, "server.port", 443)
        _add(span.attributes, "gen_ai.response.finish_reasons", ["stop"])
        _add(span.attributes, "server.address", "api.openai.com")
    return request


def _log_request(items: int, rng: random.Random, start: int) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    _fill_resource(resource_logs.resource, rng)
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = "agent"
    for number in range(items):
        record = scope_logs.log_records.add()
        record.time_unix_nano = start + number * _SPACING_NANO
        record.observed_time_unix_nano = record.time_unix_nano + 1_000
        record.severity_number = SeverityNumber.SEVERITY_NUMBER_INFO
        record.severity_text = "INFO"
        record.body.string_value = f"step {number}: the tool answered {rng.randbytes(40).hex()}"
        record.trace_id, record.span_id = rng.randbytes(16), rng.randbytes(8)
        _add(record.attributes, "gen_ai.agent.name", rng.choice(AGENTS))
        _add(record.attributes, "gen_ai.tool.name", rng.choice(("search", "read_file", "calc")))
        _add(record.attributes, "code.function.name", "agent.loop.step")
        _add(record.attributes, "code.line.number", rng.randrange(400))
        _add(record.attributes, "thread.name", "MainThread")
    return request


def _metric_request(items: int, rng: random.Random, start: int) -> ExportMetricsServiceRequest:
    """A third each of histogram, sum and gauge points, in metrics of 16 points."""
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    _fill_resource(resource_metrics.resource, rng)
    scope_metrics = resource_metrics.scope_metrics.add()
    scope_metrics.scope.name = "agent"
    for first in range(0, items, 16):
        metric = scope_metrics.metrics.add()
        kind = first // 16 % 3
        metric.name = ("gen_ai.client.operation.duration", "agent.steps", "agent.queue")[kind]
        metric.unit = ("s", "{step}", "{item}")[kind]
        for number in range(first, min(first + 16, items)):
            if kind == 0:
                metric.histogram.aggregation_temporality = 2
                point = metric.histogram.data_points.add()
                point.explicit_bounds.extend([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8])
                point.bucket_counts.extend(rng.randrange(100) for _ in range(9))
                point.count, point.sum = sum(point.bucket_counts), rng.random() * 100
            elif kind == 1:
                metric.sum.aggregation_temporality = 2
                metric.sum.is_monotonic = True
                point = metric.sum.data_points.add()
                point.as_int = rng.randrange(10**6)
            else:
                point = metric.gauge.data_points.add()
                point.as_double = rng.random()
            point.start_time_unix_nano = start - 60 * 10**9
            point.time_unix_nano = start + number * _SPACING_NANO
            _add(point.attributes, "gen_ai.agent.name", rng.choice(AGENTS))
            _add(point.attributes, "gen_ai.request.model", "gpt-4o")
            _add(point.attributes, "gen_ai.operation.name", "chat")
            _add(point.attributes, "agent.id", f"a{rng.randrange(1000)}")
    return request


def _fill_resource(resource: Resource, rng: random.Random) -> None:
    _add(resource.attributes, "service.name", f"shop-{rng.randrange(5)}")
    _add(resource.attributes, "service.version", "1.2.3")
    _add(resource.attributes, "host.name", "host-17")
    _add(resource.attributes, "telemetry.sdk.language", "python")


def _add(attributes: Any, key: str, value: Value) -> None:
    entry: KeyValue = attributes.add()
    entry.key = key
    if isinstance(value, str):
        entry.value.string_value = value
    elif isinstance(value, int):
        entry.value.int_value = value
    else:
        for text in value:
            entry.value.array_value.values.add().string_value = text


def _find_places(data: bytes) -> list[_SpanPlaces]:
    """Protobuf writes a message's fields in order, so each is looked for after the one before."""
    request = ExportTraceServiceRequest.FromString(data)
    places, position = [], 0
    for span in request.resource_spans[0].scope_spans[0].spans:
        trace_id = data.index(span.trace_id, position)
        span_id = data.index(span.span_id, trace_id)
        parent = data.index(span.parent_span_id, span_id + 8) if span.parent_span_id else 0
        start = data.index(_FIXED64.pack(span.start_time_unix_nano), span_id + 8)
        end = data.index(_FIXED64.pack(span.end_time_unix_nano), start + 8)
        response_id = data.index(b"resp_", end) + len(b"resp_")
        places.append(_SpanPlaces(trace_id, span_id, parent, start, end, response_id))
        position = response_id
    return places


def _renew(template: bytes, places: list[_SpanPlaces], rng: random.Random, shift: int) -> bytes:
    """A copy with other ids, and times `shift` nanoseconds later."""
    data = bytearray(template)
    root = trace_id = b""
    for place in places:
        fresh = rng.randbytes(32)  # span id, trace id, response id
        if not place.parent:
            root, trace_id = fresh[:8], fresh[8:24]
        else:
            data[place.parent : place.parent + 8] = root
        data[place.trace_id : place.trace_id + 16] = trace_id
        data[place.span_id : place.span_id + 8] = fresh[:8]
        data[place.response_id : place.response_id + 16] = fresh[24:].hex().encode()
        for at in (place.start, place.end):
            _FIXED64.pack_into(data, at, _FIXED64.unpack_from(data, at)[0] + shift)
    return bytes(data)

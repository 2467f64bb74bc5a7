"""The generated requests are OTLP, as large as they claim, and all different."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.payload import (
    PROBE_SERVICE,
    SPANS_PER_TRACE,
    build_probe,
    build_request,
    build_requests,
    read_requests,
    write_requests,
)
from otel_agentmon.receive.decode import Content
from otel_agentmon.receive.intake import prepare
from otel_agentmon.signals import Signal

NOW = 1_780_000_000 * 10**9


def spans_of(request: bytes) -> list[Any]:
    message = ExportTraceServiceRequest.FromString(request)
    return [s for r in message.resource_spans for scope in r.scope_spans for s in scope.spans]


@pytest.mark.parametrize("signal", list(Signal))
@pytest.mark.parametrize("items", [50, 512])
def test_a_request_holds_as_many_items_as_it_claims(signal: Signal, items: int) -> None:
    """The receiver counts what was asked for, and has nothing to reject, mend or lower."""
    prepared = prepare(signal, build_request(signal, items, 1, NOW), Content.PROTOBUF)

    assert prepared.accepted == items
    assert not prepared.rejections
    assert not prepared.repairs
    assert not prepared.lowered


@pytest.mark.parametrize("items", [50, 512, 8_192])
def test_a_span_is_as_large_as_the_claim_says(items: int) -> None:
    """A span has 12 attributes and about 500 bytes."""
    request = build_request(Signal.TRACES, items, 1, NOW)

    assert {len(span.attributes) for span in spans_of(request)} == {12}
    assert len(request) / items == pytest.approx(510, abs=10)


def test_no_two_spans_are_the_same() -> None:
    """Copies of a template get ids of their own, so that they do not compress like copies."""
    requests = list(build_requests(Signal.TRACES, 64, 20, NOW))
    spans = list(chain.from_iterable(map(spans_of, requests)))

    assert len(spans) == 64 * 20
    assert len({span.span_id for span in spans}) == len(spans)
    assert len({span.trace_id for span in spans}) == len(spans) / SPANS_PER_TRACE
    assert len({span.attributes[4].value.string_value for span in spans}) == len(spans)


def test_a_copy_keeps_the_shape_of_its_traces() -> None:
    """Below each root stand its seven children, in one trace."""
    *_, last = build_requests(Signal.TRACES, 64, 20, NOW)
    spans = spans_of(last)

    for root in spans[::SPANS_PER_TRACE]:
        children = [span for span in spans if span.parent_span_id == root.span_id]
        assert not root.parent_span_id
        assert len(children) == SPANS_PER_TRACE - 1
        assert {span.trace_id for span in children} == {root.trace_id}


def test_times_go_on_from_request_to_request() -> None:
    """Each request starts after the one before, and no span ends before it starts."""
    requests = [spans_of(request) for request in build_requests(Signal.TRACES, 16, 20, NOW)]
    starts = [spans[0].start_time_unix_nano for spans in requests]

    assert starts[0] == NOW
    assert starts == sorted(set(starts))
    for span in chain.from_iterable(requests):
        assert span.end_time_unix_nano > span.start_time_unix_nano


def test_the_same_seed_gives_the_same_request() -> None:
    """Both sides of a comparison are sent the same bytes."""
    first, second = (build_request(Signal.LOGS, 20, 3, NOW) for _ in range(2))

    assert first == second


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    """The file returns the requests one by one; its size is told without the lengths."""
    requests = list(build_requests(Signal.METRICS, 30, 10, NOW))
    path = tmp_path / "requests"

    written = write_requests(path, iter(requests))

    assert read_requests(path) == requests
    assert written == sum(map(len, requests))


def test_a_probe_is_found_by_the_id_it_is_announced_with() -> None:
    """One span of the probe's service, with the id that was returned."""
    span_id, request = build_probe(NOW)
    message = ExportTraceServiceRequest.FromString(request)
    (span,) = spans_of(request)

    assert span.span_id.hex() == span_id
    assert message.resource_spans[0].resource.attributes[0].value.string_value == PROBE_SERVICE

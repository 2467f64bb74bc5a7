"""The way from a body to the sink."""

from __future__ import annotations

import asyncio
import gzip
import logging
import threading

import pytest
from prometheus_client import CollectorRegistry

from otel_agentmon.errors import OverloadedError
from otel_agentmon.receive import repair, validate
from otel_agentmon.receive.admission import Admission
from otel_agentmon.receive.decode import Content
from otel_agentmon.receive.inflate import Encoding
from otel_agentmon.receive.intake import Body, Intake, prepare
from otel_agentmon.receive.sink import Sink
from otel_agentmon.receive.status import Outcome
from otel_agentmon.receive.telemetry import REASONS, build_telemetry
from otel_agentmon.signals import Signal
from tests.clock import ManualClock
from tests.receive.payloads import (
    ONE_OF_EACH,
    attributes,
    logs,
    span,
    spans_of,
    traces,
    wire_field,
)
from tests.receive.sinks import RecordingSink

TRACES = ONE_OF_EACH[Signal.TRACES].SerializeToString()


def take(sink: Sink, body: Body, max_in_flight: int = 2**30) -> tuple[Outcome, CollectorRegistry]:
    """Takes one body in, as the HTTP door does."""
    registry = CollectorRegistry()
    telemetry = build_telemetry(registry, validate.REJECTIONS, validate.REPAIRS + repair.REPAIRS)
    admission = Admission([], max_in_flight, lambda: False, telemetry.in_flight_bytes)
    intake = Intake(sink, admission, telemetry, ManualClock(), 2**26)

    async def run() -> Outcome:
        with admission.admit(None) as reservation:
            reservation.grow(len(body.data))
            return await intake.take("http", body, reservation)

    try:
        return asyncio.run(run()), registry
    finally:
        intake.close()
        intake.close()


def protobuf(signal: Signal, data: bytes, encoding: Encoding = Encoding.IDENTITY) -> Body:
    return Body(signal, data, Content.PROTOBUF, encoding)


@pytest.mark.parametrize("signal", Signal)
def test_a_request_with_nothing_wrong_is_handed_on_as_the_same_object(signal: Signal) -> None:
    """Not a copy: nothing is written again on the fast road."""
    payload = ONE_OF_EACH[signal].SerializeToString()

    assert prepare(signal, payload, Content.PROTOBUF).payload is payload


def test_nested_values_are_lowered_and_counted() -> None:
    """The sink never sees a map, and the sender never hears of it."""
    sink = RecordingSink()
    nested = attributes({"gen_ai.input.messages": [{"role": "user"}]})

    outcome, registry = take(
        sink, protobuf(Signal.TRACES, traces(span(attributes=nested)).SerializeToString())
    )

    (stored,) = spans_of(sink.taken[0][1])
    assert stored.attributes[0].value.string_value == '[{"role":"user"}]'
    assert outcome == Outcome(1, 0, "")
    lowered = "agentmon_receiver_lowered_requests_total"
    assert registry.get_sample_value(lowered, {"signal": "traces"}) == 1


def test_a_field_from_the_future_is_left_out_without_a_word() -> None:
    """The database might stumble over it; what we know is kept, and no rule was broken."""
    prepared = prepare(Signal.TRACES, wire_field(99, b"later") + TRACES, Content.PROTOBUF)

    assert (prepared.payload, prepared.accepted, prepared.lowered) == (TRACES, 1, 0)
    assert not prepared.repairs


def test_a_plain_request_with_something_to_mend_is_mended() -> None:
    """One span of two is left out, the other is as it was sent."""
    request = traces(span(name="kept"), span(span_id=b"short")).SerializeToString()

    prepared = prepare(Signal.TRACES, request, Content.PROTOBUF)

    assert prepared.payload == traces(span(name="kept")).SerializeToString()
    assert prepared.rejections == {validate.SPAN_ID_LENGTH: 1}


def test_a_repair_that_lost_something_is_a_warning() -> None:
    """Nothing rejected and a message: OTLP's form of a warning."""
    request = traces(span(parent_span_id=b"short", links=[{}]))

    outcome, registry = take(RecordingSink(), protobuf(Signal.TRACES, request.SerializeToString()))

    assert (outcome.accepted, outcome.rejected) == (1, 0)
    assert outcome.message == (
        "link removed: its trace_id or span_id is not valid (1);"
        " parent_span_id cleared: not 8 bytes long (1)"
    )
    repairs = "agentmon_receiver_repairs_total"
    assert registry.get_sample_value(repairs, {"rule": validate.LINK_REMOVED}) == 1


def test_zero_ids_are_cleared_without_a_warning() -> None:
    """All zeros is how some SDKs say "no id"; the meaning is the same."""
    request = logs({"trace_id": bytes(16), "span_id": bytes(8), "severity_text": "INFO"})
    sink = RecordingSink()

    outcome, _ = take(sink, protobuf(Signal.LOGS, request.SerializeToString()))

    assert outcome == Outcome(1, 0, "")
    assert sink.taken == [(Signal.LOGS, logs({"severity_text": "INFO"}).SerializeToString())]


def test_a_request_of_which_nothing_is_left_does_not_reach_the_sink() -> None:
    """Every span rejected is still an answer, not an error."""
    sink = RecordingSink()

    outcome, _ = take(sink, protobuf(Signal.TRACES, traces(span(span_id=b"")).SerializeToString()))

    assert (outcome.accepted, outcome.rejected) == (0, 1)
    assert sink.taken == []


def test_large_bodies_are_worked_on_in_a_thread() -> None:
    """The event loop answers others meanwhile; small ones are done at once."""
    workers: list[str] = []

    class ThreadNotingSink(RecordingSink):
        async def accept(self, signal: Signal, payload: bytes) -> None:
            workers.extend(t.name for t in threading.enumerate() if t.name.startswith("receive"))
            await super().accept(signal, payload)

    large = traces(span(attributes=attributes({"a": "x" * 2**21}))).SerializeToString()

    take(ThreadNotingSink(), protobuf(Signal.TRACES, TRACES))
    assert workers == []
    take(ThreadNotingSink(), protobuf(Signal.TRACES, large))
    assert workers == ["receive_0"]


def test_what_decompression_adds_counts_as_in_flight() -> None:
    """A small body that inflates beyond the budget is asked to come back."""
    payload = traces(span(name="x" * 50_000)).SerializeToString()
    body = protobuf(Signal.TRACES, gzip.compress(payload), Encoding.GZIP)

    with pytest.raises(OverloadedError) as caught:
        take(RecordingSink(), body, max_in_flight=50_000)

    assert caught.value.reason == "in_flight_bytes"


def test_an_unforeseen_error_is_logged_once_and_told_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What went wrong inside is for the log, not for senders."""
    registry = CollectorRegistry()
    telemetry = build_telemetry(registry, (), ())
    admission = Admission([], 1, lambda: False, telemetry.in_flight_bytes)
    intake = Intake(RecordingSink(), admission, telemetry, ManualClock(), 1)

    with caplog.at_level(logging.ERROR):
        answer = intake.refuse("grpc", ZeroDivisionError("secret path"))

    intake.close()
    assert (answer.grpc_code, answer.http_status, answer.retry_after_seconds) == (13, 500, None)
    assert "secret" not in answer.message
    assert len(caplog.records) == 1


def test_every_bounded_label_starts_at_zero() -> None:
    """A rate over a series that appears with its first event would miss that event."""
    registry = CollectorRegistry()
    build_telemetry(registry, validate.REJECTIONS, validate.REPAIRS + repair.REPAIRS)
    value = registry.get_sample_value

    for transport in ("grpc", "http"):
        for signal in Signal:
            for word in ("accepted", "refused", "failed"):
                name = f"agentmon_receiver_{word}_{signal.item}_total"
                assert value(name, {"transport": transport}) == 0
        for reason in REASONS:
            labels = {"transport": transport, "reason": reason}
            assert value("agentmon_receiver_refused_requests_total", labels) == 0
    for rule in validate.REPAIRS + repair.REPAIRS:
        assert value("agentmon_receiver_repairs_total", {"rule": rule}) == 0
    for rule in validate.REJECTIONS:
        assert value("agentmon_receiver_rejected_items_total", {"rule": rule}) == 0

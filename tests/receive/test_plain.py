"""What the database reads as it stands, and what `prepare` makes of the rest."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_agentmon.receive.decode import REQUESTS, Content
from otel_agentmon.receive.intake import prepare
from otel_agentmon.receive.lower import to_json
from otel_agentmon.receive.plain import parse_plain
from otel_agentmon.signals import Signal
from tests.receive.odd_wire import Oddity, OddWriter
from tests.receive.payloads import (
    any_value,
    attributes,
    deep,
    logs,
    span,
    traces,
    wire_span,
    wire_trace_request,
)
from tests.receive.random_requests import PLAIN, random_request, values_in

SEEDS = st.integers(0, 2**32)
NOT_PLAIN: list[Any] = [
    *({}, {"k": "v"}, b"", b"x", []),
    *([1], [True], [0.5], [b"x"], [["a"]], [[]], [{}], ["a", 1], [None, {}]),
]


def values_of_each_signal(value: AnyValue) -> list[tuple[Signal, bytes]]:
    """The value as an attribute of a span, as a log's body and in a metric's metadata."""
    attribute = [{"key": "a", "value": value}]
    metric = {"name": "m", "gauge": {"data_points": []}, "metadata": attribute}
    metrics = REQUESTS[Signal.METRICS](
        resource_metrics=[{"scope_metrics": [{"metrics": [metric]}]}]
    )
    return [
        (Signal.TRACES, traces(span(attributes=attribute)).SerializeToString()),
        (Signal.LOGS, logs({"body": value, "event_name": "e"}).SerializeToString()),
        (Signal.METRICS, metrics.SerializeToString()),
    ]


def meaning(signal: Signal, body: bytes) -> Any:
    """What the request says, as far as it is known, with the text of what has no other place.

    It finds values by the descriptors, so it knows of places that no list of ours names.
    """
    request = REQUESTS[signal].FromString(body)
    for value in values_in(request):
        kind = value.WhichOneof("value")
        texts_only = {None, "string_value"}.issuperset(
            item.WhichOneof("value") for item in value.array_value.values
        )
        if kind == "bytes_value":
            value.string_value = to_json(value).strip('"')
        elif kind == "kvlist_value" or (
            kind == "array_value" and not (texts_only and value.array_value.values)
        ):
            value.string_value = to_json(value)
    request.DiscardUnknownFields()
    return request


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_texts_numbers_truth_values_and_lists_of_texts_are_plain(value: Any) -> None:
    """Wherever they stand, the request is handed on as the same object."""
    for signal, body in values_of_each_signal(any_value(value)):
        assert parse_plain(signal, body) is not None
        assert prepare(signal, body, Content.PROTOBUF).payload is body


@pytest.mark.parametrize("value", NOT_PLAIN, ids=repr)
def test_all_other_values_become_text(value: Any) -> None:
    """One such value is enough; the text is what makes the request plain."""
    for signal, body in values_of_each_signal(any_value(value)):
        assert parse_plain(signal, body) is None
        prepared = prepare(signal, body, Content.PROTOBUF)
        assert prepared.lowered == 1
        assert parse_plain(signal, prepared.payload) is not None


def test_an_index_into_a_table_of_strings_is_an_empty_value() -> None:
    """Only profiles have such tables; the protocol wants it read as absent elsewhere."""
    for signal, body in values_of_each_signal(AnyValue(string_value_strindex=7)):
        assert parse_plain(signal, body) is None
        (_, *_), expected = zip(*values_of_each_signal(AnyValue()), strict=True)
        assert prepare(signal, body, Content.PROTOBUF).payload in expected


def test_nesting_as_deep_as_the_parser_follows_ends_as_text() -> None:
    """In a metric's metadata too, which no table has."""
    for signal, body in values_of_each_signal(deep(28)):
        payload = prepare(signal, body, Content.PROTOBUF).payload
        assert parse_plain(signal, payload) is not None
        assert b"bottom" in payload


@pytest.mark.parametrize("signal", Signal)
def test_other_bytes_are_not_plain(signal: Signal) -> None:
    """No request, and a string that is not UTF-8: both are for the official parser to judge."""
    body = random_request(signal, Random(1), ["needle"]).SerializeToString()

    assert parse_plain(signal, b"\xff") is None
    assert parse_plain(signal, body) is not None
    assert parse_plain(signal, body.replace(b"needle", b"need\xffe")) is None


def test_text_that_looks_like_an_empty_list_costs_the_fast_road_only() -> None:
    """Nothing is changed by it; three bytes in random ones are that once in sixteen million."""
    body = traces(span(attributes=attributes({"a": "\x02\x2a\x00"}))).SerializeToString()

    prepared = prepare(Signal.TRACES, body, Content.PROTOBUF)

    assert (prepared.payload, prepared.lowered) == (body, 0)


@pytest.mark.parametrize("signal", Signal)
def test_requests_of_plain_values_are_handed_on_as_the_same_object(signal: Signal) -> None:
    """Whatever else is in them."""

    @settings(max_examples=100, deadline=None, database=None)
    @given(SEEDS)
    def check(seed: int) -> None:
        body = random_request(signal, Random(seed), PLAIN).SerializeToString()
        assert prepare(signal, body, Content.PROTOBUF).payload is body

    check()


@pytest.mark.parametrize("signal", Signal)
def test_whatever_is_handed_on_is_plain_and_means_the_same(signal: Signal) -> None:
    """Values of every kind and nesting, in every place a value can stand."""
    lowered = [0, 0]

    @settings(max_examples=200, deadline=None, database=None)
    @given(SEEDS)
    def check(seed: int) -> None:
        body = random_request(signal, Random(seed)).SerializeToString()
        prepared = prepare(signal, body, Content.PROTOBUF)
        assert not prepared.rejections
        assert not prepared.repairs
        assert parse_plain(signal, prepared.payload) is not None
        assert prepared.payload == meaning(signal, body).SerializeToString()
        lowered[bool(prepared.lowered)] += 1

    check()
    assert min(lowered) >= 5  # both kinds came up


@pytest.mark.parametrize(
    ("odd", "canonical"),
    [
        (wire_span(b"\x10\x02"), wire_span(b"\x10\x01")),
        (wire_span() + b"\x50\x80\x80\x80\x80\x48", wire_span() + b"\x50\x80\x80\x80\x80\x08"),
        (b"\x30\x02" + wire_span(), wire_span() + b"\x30\x02"),
    ],
    ids=["a bool of 2", "a uint32 of 35 bits", "fields in another order"],
)
def test_an_odd_encoding_of_the_same_length_is_written_again(odd: bytes, canonical: bytes) -> None:
    """The database ends an insert at the first two, though their length gives nothing away."""
    body = wire_trace_request(odd)

    payload = prepare(Signal.TRACES, body, Content.PROTOBUF).payload

    assert payload == wire_trace_request(canonical)
    assert len(payload) == len(body)


@pytest.mark.parametrize("oddity", Oddity)
@pytest.mark.parametrize("signal", Signal)
def test_an_odd_encoding_in_any_one_place_is_found(signal: Signal, oddity: Oddity) -> None:
    """From the request itself to the items of a list, and the meaning stays the sent one.

    Two numbers unpacked are as long as packed: those are plain, but written again.
    """
    places = 0
    for seed in range(8):
        request = random_request(signal, Random(seed), ["a", 1, True, ["b", None], 0.5])
        expected = request.SerializeToString()
        writer = OddWriter(oddity)
        writer.write(request)
        places += writer.places
        for only in range(writer.places):
            body = OddWriter(oddity, only).write(request)
            assert oddity is Oddity.UNPACKED or parse_plain(signal, body) is None
            payload = prepare(signal, body, Content.PROTOBUF).payload
            assert payload == expected
            assert parse_plain(signal, payload) is not None

    # Only metrics have lists of numbers outside of values.
    assert (places > 10) is (oddity is not Oddity.UNPACKED or signal is Signal.METRICS)


@pytest.mark.parametrize("oddity", Oddity)
@pytest.mark.parametrize("signal", Signal)
def test_odd_encodings_of_anything_come_out_plain(signal: Signal, oddity: Oddity) -> None:
    """In all places at once, among values of every kind."""

    @settings(
        max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(SEEDS)
    def check(seed: int) -> None:
        request = random_request(signal, Random(seed))
        writer = OddWriter(oddity)
        body = writer.write(request)
        payload = prepare(signal, body, Content.PROTOBUF).payload
        assert payload == meaning(signal, request.SerializeToString()).SerializeToString()
        assert parse_plain(signal, payload) is not None

    check()

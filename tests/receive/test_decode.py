"""Bytes to messages: what the parser takes, what is repaired, what is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from otel_agentmon.errors import DecodeError
from otel_agentmon.receive import repair
from otel_agentmon.receive.decode import Content, decode, reencode
from otel_agentmon.receive.repair import MAX_NESTING, NESTED_TOO_DEEP
from otel_agentmon.signals import Signal
from tests.receive.payloads import (
    ONE_OF_EACH,
    any_value,
    deep,
    deep_on_the_wire,
    logs,
    span,
    traces,
    wire_field,
    wire_span,
    wire_trace_request,
)


def read(
    body: bytes, signal: Signal = Signal.TRACES, content: Content = Content.PROTOBUF
) -> tuple[Any, bool, Counter[str]]:
    """The message, whether the body may be handed on as it is, and the repairs."""
    repairs: Counter[str] = Counter()
    message, is_original = decode(signal, body, content, repairs)
    return message, is_original, repairs


def spans_in(message: Any) -> list[Any]:
    return list(message.resource_spans[0].scope_spans[0].spans)


@pytest.mark.parametrize("signal", Signal)
def test_a_valid_request_is_its_own_bytes(signal: Signal) -> None:
    """Nothing is repaired and nothing needs writing again."""
    expected = ONE_OF_EACH[signal]

    assert read(expected.SerializeToString(), signal) == (expected, True, {})


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x05abc", b"not otlp at all", b"\x0a\x02\x12\x09"])
@pytest.mark.parametrize("signal", Signal)
def test_other_bytes_are_refused(signal: Signal, body: bytes) -> None:
    """The message says what was expected."""
    with pytest.raises(DecodeError, match="is not an Export"):
        read(body, signal)


def test_a_string_that_is_not_utf8_costs_only_its_bad_bytes() -> None:
    """Names, keys, values, nested ones too, become valid; neighbours and counts are exact."""
    good = wire_span(wire_field(1, "schön".encode()))
    nested = wire_field(
        6, wire_field(1, wire_field(1, b"k\xff") + wire_field(2, wire_field(1, b"v")))
    )
    bad = wire_span(wire_field(1, b"a\xffb"), nested, name=b"cut \xe2\x82")

    message, is_original, repairs = read(wire_trace_request(good, bad, good))

    first, mended, last = spans_in(message)
    assert mended.name == "cut \ufffd"
    assert mended.attributes[0].value.string_value == "a\ufffdb"
    assert mended.attributes[1].value.kvlist_value.values[0].key == "k\ufffd"
    assert first == last
    assert first.SerializeToString() == good
    assert (is_original, repairs) == (False, {repair.UTF8_REPLACED: 3})


def test_bytes_values_are_not_strings() -> None:
    """Only strings must be UTF-8; ids and bytes values pass through the repair untouched."""
    message, _, _ = read(wire_trace_request(wire_span(wire_field(7, b"\xff\xfe"), name=b"\xff")))

    assert spans_in(message)[0].attributes[0].value.bytes_value == b"\xff\xfe"


def test_a_value_nested_a_thousand_levels_is_cut_and_its_neighbours_stay() -> None:
    """The parser follows a hundred messages; what is deeper becomes a marker."""
    body = wire_trace_request(wire_span(wire_field(1, b"x")), wire_span(deep_on_the_wire(1000)))

    message, _, repairs = read(body)

    first, cut = spans_in(message)
    assert first.attributes[0].value.string_value == "x"
    assert NESTED_TOO_DEEP in str(cut)
    assert repairs == {repair.NESTING_CUT: 1}


@pytest.mark.parametrize("of_maps", [True, False])
def test_nesting_up_to_the_limit_is_kept(of_maps: bool) -> None:
    """In the deepest place a value can stand."""
    value = deep(MAX_NESTING, of_maps=of_maps)
    request = traces(span(events=[{"attributes": [{"key": "a", "value": value}]}]))

    assert read(request.SerializeToString()) == (request, True, {})


@pytest.mark.parametrize("extra", [wire_field(2, b"x"), wire_field(99, b"later"), b"\x10\x01"])
def test_a_field_of_the_request_from_the_future_is_dropped(extra: bytes) -> None:
    """The database would stop at it; all that we know is kept."""
    request = ONE_OF_EACH[Signal.TRACES]

    message, is_original, repairs = read(extra + request.SerializeToString())

    assert message == request
    assert (is_original, repairs) == (False, {repair.UNKNOWN_FIELD_DROPPED: 1})


def test_a_field_of_a_span_from_the_future_passes() -> None:
    """Inside a resource the database skips what it does not know."""
    body = wire_trace_request(wire_span() + wire_field(200, b"new"))

    assert read(body)[1:] == (True, {})


def test_reencoding_keeps_what_every_reader_understands() -> None:
    """A known field of another wire type and a group vanish; the rest is written the short way."""
    odd = wire_span() + b"\x28\x05" + b"\x9b\x06\x08\x01\x9c\x06" + b"\x1a\x80\x80\x00"

    assert reencode(Signal.TRACES, wire_trace_request(odd)) == wire_trace_request(wire_span())
    with pytest.raises(DecodeError):
        reencode(Signal.TRACES, b"\xff")


def test_a_log_body_is_repaired_too() -> None:
    """The body is a value like any attribute."""
    request = logs({"body": any_value("abc")}).SerializeToString()

    message, _, repairs = read(request.replace(b"abc", b"a\xffc"), Signal.LOGS)

    assert message == logs({"body": any_value("a\ufffdc")})
    assert repairs == {repair.UTF8_REPLACED: 1}

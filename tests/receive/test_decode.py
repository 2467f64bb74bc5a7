"""Bytes to messages: what the parser takes, what is repaired, what is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from otel_agentmon.errors import DecodeError
from otel_agentmon.receive import repair
from otel_agentmon.receive.decode import Content, decode
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
) -> tuple[Any, Counter[str]]:
    """The message and the repairs."""
    repairs: Counter[str] = Counter()
    return decode(signal, body, content, repairs), repairs


def spans_in(message: Any) -> list[Any]:
    return list(message.resource_spans[0].scope_spans[0].spans)


@pytest.mark.parametrize("signal", Signal)
def test_a_valid_request_is_read_as_it_is(signal: Signal) -> None:
    """Nothing is repaired."""
    expected = ONE_OF_EACH[signal]

    assert read(expected.SerializeToString(), signal) == (expected, {})


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

    message, repairs = read(wire_trace_request(good, bad, good))

    first, mended, last = spans_in(message)
    assert mended.name == "cut \ufffd"
    assert mended.attributes[0].value.string_value == "a\ufffdb"
    assert mended.attributes[1].value.kvlist_value.values[0].key == "k\ufffd"
    assert first == last
    assert first.SerializeToString() == good
    assert repairs == {repair.UTF8_REPLACED: 3}


def test_bytes_values_are_not_strings() -> None:
    """Only strings must be UTF-8; ids and bytes values pass through the repair untouched."""
    message, _ = read(wire_trace_request(wire_span(wire_field(7, b"\xff\xfe"), name=b"\xff")))

    assert spans_in(message)[0].attributes[0].value.bytes_value == b"\xff\xfe"


def test_a_value_nested_a_thousand_levels_is_cut_and_its_neighbours_stay() -> None:
    """The parser follows a hundred messages; what is deeper becomes a marker."""
    body = wire_trace_request(wire_span(wire_field(1, b"x")), wire_span(deep_on_the_wire(1000)))

    message, repairs = read(body)

    first, cut = spans_in(message)
    assert first.attributes[0].value.string_value == "x"
    assert NESTED_TOO_DEEP in str(cut)
    assert repairs == {repair.NESTING_CUT: 1}


@pytest.mark.parametrize("of_maps", [True, False])
def test_nesting_up_to_the_limit_is_kept(of_maps: bool) -> None:
    """In the deepest place a value can stand."""
    value = deep(MAX_NESTING, of_maps=of_maps)
    request = traces(span(events=[{"attributes": [{"key": "a", "value": value}]}]))

    assert read(request.SerializeToString()) == (request, {})


def test_a_log_body_is_repaired_too() -> None:
    """The body is a value like any attribute."""
    request = logs({"body": any_value("abc")}).SerializeToString()

    message, repairs = read(request.replace(b"abc", b"a\xffc"), Signal.LOGS)

    assert message == logs({"body": any_value("a\ufffdc")})
    assert repairs == {repair.UTF8_REPLACED: 1}

"""Nested values to JSON text, and finding them without looking at every attribute."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_agentmon.receive.lower import lower, may_hold_nested, to_json
from otel_agentmon.signals import Signal
from tests.receive.payloads import any_value, attributes, logs, metrics, span, traces

# What pcommon.Value.AsString() gives for the same value, by reading Go's encoding/json.
AS_STRING: list[tuple[Any, str]] = [
    ({}, "{}"),
    ({"b": 1, "a": "x", "B": True}, '{"B":true,"a":"x","b":1}'),
    ([[1, 2], []], "[[1,2],[]]"),
    ({"n": None, "l": [None]}, '{"l":[null],"n":null}'),
    ({"html": "<a href='x'>&</a>"}, '{"html":"<a href=\'x\'>&</a>"}'),
    ({"t": 'q" b\\ n\n t\t u\x01 d\x7f'}, '{"t":"q\\" b\\\\ n\\n t\\t u\\u0001 d\x7f"}'),
    ({"sep": "\u2028\u2029", "ä": "日本🙂"}, '{"sep":"\\u2028\\u2029","ä":"日本🙂"}'),
    ({"bytes": b"\x00\xff\x10"}, '{"bytes":"AP8Q"}'),
    ({"i": -(2**63), "j": 2**63 - 1}, '{"i":-9223372036854775808,"j":9223372036854775807}'),
    (
        [{"f": [3.0, -0.0, 0.1, 1e20, 1e21, 1.5e300, 1e-6, 1.5e-7, 1e-10, 5e-324]}],
        '[{"f":[3,-0,0.1,100000000000000000000,1e+21,1.5e+300,0.000001,1.5e-7,1e-10,5e-324]}]',
    ),
    (
        [{"f": [float("nan"), float("inf"), -float("inf")]}],
        '[{"f":["NaN","Infinity","-Infinity"]}]',
    ),
]


@pytest.mark.parametrize(("value", "text"), AS_STRING, ids=[t for _, t in AS_STRING])
def test_the_text_is_the_collectors(value: Any, text: str) -> None:
    """Compact, keys sorted by their bytes, nothing escaped for HTML, floats as Go writes them."""
    assert to_json(any_value(value)) == text


def test_the_last_of_equal_keys_wins() -> None:
    """As in Go, where the map is filled in order."""
    value = AnyValue(kvlist_value={"values": attributes({"a": 1}) + attributes({"a": 2})})

    assert to_json(value) == '{"a":2}'


NESTED = {"role": "user", "parts": [{"content": "hi"}]}
TEXT = '{"parts":[{"content":"hi"}],"role":"user"}'
NESTED_ATTRIBUTE = attributes({"gen_ai.input.messages": NESTED})
POINT = {"attributes": NESTED_ATTRIBUTE}
EXEMPLAR = {"exemplars": [{"filtered_attributes": NESTED_ATTRIBUTE}]}


@pytest.mark.parametrize(
    ("signal", "request_message"),
    [
        (Signal.TRACES, traces(span(), **{"a": NESTED})),
        (Signal.TRACES, traces(span(attributes=NESTED_ATTRIBUTE))),
        (Signal.TRACES, traces(span(events=[{"attributes": NESTED_ATTRIBUTE}]))),
        (Signal.TRACES, traces(span(links=[{"attributes": NESTED_ATTRIBUTE}]))),
        (Signal.LOGS, logs({"body": any_value(NESTED)})),
        (Signal.LOGS, logs({"attributes": NESTED_ATTRIBUTE})),
        (Signal.METRICS, metrics({"gauge": {"data_points": [POINT]}})),
        (Signal.METRICS, metrics({"sum": {"data_points": [EXEMPLAR]}})),
        (Signal.METRICS, metrics({"histogram": {"data_points": [EXEMPLAR]}})),
        (Signal.METRICS, metrics({"exponential_histogram": {"data_points": [POINT]}})),
        (Signal.METRICS, metrics({"summary": {"data_points": [POINT]}})),
    ],
)
def test_every_place_a_value_can_stand_is_lowered(signal: Signal, request_message: Any) -> None:
    """Resource, span, event, link, log body and attributes, points of every kind, exemplars."""
    assert may_hold_nested(signal, request_message.SerializeToString())

    assert lower(signal, request_message) == 1
    payload = request_message.SerializeToString()
    assert TEXT.encode() in payload
    assert not may_hold_nested(signal, payload)


def test_a_scopes_attributes_are_lowered() -> None:
    """The instrumentation scope has attributes, too."""
    request = traces(span())
    scope = request.resource_spans[0].scope_spans[0].scope
    scope.attributes.add(key="a").value.CopyFrom(any_value(NESTED))

    assert may_hold_nested(Signal.TRACES, request.SerializeToString())
    assert lower(Signal.TRACES, request) == 1
    assert scope.attributes[0].value.string_value == TEXT


def test_scalars_and_lists_of_scalars_stay() -> None:
    """What the landing schema can hold is not touched, in log bodies neither."""
    flat = {"s": "x", "b": True, "i": 1, "d": 0.5, "y": b"z", "n": None, "l": ["a", 1, b"c", None]}
    request = traces(span(attributes=attributes(flat)), **flat)
    body = logs({"body": any_value(flat["l"]), "attributes": attributes(flat)})

    for signal, message in ((Signal.TRACES, request), (Signal.LOGS, body)):
        before = message.SerializeToString()
        assert not may_hold_nested(signal, before)
        assert lower(signal, message) == 0
        assert message.SerializeToString() == before


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=6)
    | st.binary(max_size=300)
    | st.integers(1, 40_000).map("x".__mul__)  # lengths of one, two and three bytes
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
some_attributes = st.dictionaries(st.text(max_size=3), values, max_size=3).map(attributes)


@st.composite
def trace_requests(draw: st.DrawFn) -> Any:
    fields = {
        "attributes": draw(some_attributes),
        "events": [{"attributes": draw(some_attributes)}],
        "links": [{"attributes": draw(some_attributes), "trace_id": draw(st.binary(max_size=20))}],
    }
    name = draw(st.binary(max_size=20).map(lambda b: b.decode("latin-1")))
    request = traces(span(name=name, **fields), span(**fields))
    request.resource_spans[0].resource.attributes.extend(
        traces(span(attributes=draw(some_attributes)))
        .resource_spans[0]
        .scope_spans[0]
        .spans[0]
        .attributes
    )
    return request


@st.composite
def log_requests(draw: st.DrawFn) -> Any:
    return logs(
        {"body": any_value(draw(values)), "attributes": draw(some_attributes)},
        {"body": any_value(draw(scalars)), "trace_id": draw(st.binary(max_size=20))},
    )


@pytest.mark.parametrize(
    ("signal", "requests"), [(Signal.TRACES, trace_requests()), (Signal.LOGS, log_requests())]
)
def test_the_detector_never_misses(signal: Signal, requests: Any) -> None:
    """Whenever the full walk finds something to lower, the detector had said so."""
    found = [0, 0]

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(requests)
    def check(request: Any) -> None:
        said = may_hold_nested(signal, request.SerializeToString())
        lowered = lower(signal, request)
        assert said or not lowered
        found[bool(lowered)] += 1

    check()
    assert min(found) >= 20  # both answers came up


@pytest.mark.parametrize("pad", [0, 1, 100, 16_000, 17_000, 2_100_000])
@pytest.mark.parametrize("shape", [lambda text: {"k": text}, lambda text: [[text]]])
def test_any_length_of_a_nested_value_is_found(pad: int, shape: Any) -> None:
    """Lengths of one to four bytes on the wire."""
    value = shape("x" * pad)
    request = traces(span(attributes=attributes({"a": value})))
    body = logs({"body": any_value(value)})

    assert may_hold_nested(Signal.TRACES, request.SerializeToString())
    assert may_hold_nested(Signal.LOGS, body.SerializeToString())


def test_bytes_that_only_look_nested_are_told_apart() -> None:
    """A tag and a length by chance, inside a string, do not cost the walk."""
    request = traces(span(name="\x12\x042\x02\x0a?", attributes=attributes({"a": "\x12\x052\x03"})))

    assert not may_hold_nested(Signal.TRACES, request.SerializeToString())


def test_a_flood_of_lookalikes_ends_the_search() -> None:
    """After a thousand false alarms the answer is maybe; a sender cannot make the search slow."""
    request = traces(span(name="\x12\x042\x02\x0a?" * 1_001))

    assert may_hold_nested(Signal.TRACES, request.SerializeToString())
    assert lower(Signal.TRACES, request) == 0

"""Values without a place to text; that none is missed is for test_plain.py."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_agentmon.receive.lower import lower, to_json
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
        (Signal.METRICS, metrics({"metadata": NESTED_ATTRIBUTE})),
    ],
)
def test_every_place_a_value_can_stand_is_lowered(signal: Signal, request_message: Any) -> None:
    """Resource, span, event, link, log body and attributes, points of every kind, exemplars,
    metadata."""
    assert lower(signal, request_message) == 1
    assert TEXT.encode() in request_message.SerializeToString()


def test_a_scopes_attributes_are_lowered() -> None:
    """The instrumentation scope has attributes, too."""
    request = traces(span())
    scope = request.resource_spans[0].scope_spans[0].scope
    scope.attributes.add(key="a").value.CopyFrom(any_value(NESTED))

    assert lower(Signal.TRACES, request) == 1
    assert scope.attributes[0].value.string_value == TEXT


TO_TEXT: list[tuple[Any, str]] = [
    (b"", ""),
    (b"\x00\xff\x10", "AP8Q"),
    ([], "[]"),
    ([1, -2], "[1,-2]"),
    ([True, False], "[true,false]"),
    ([0.5, 2.0], "[0.5,2]"),
    (["a", 1, None], '["a",1,null]'),
    ([b"z"], '["eg=="]'),
    ([["a"]], '[["a"]]'),
    ({"k": []}, '{"k":[]}'),
]


@pytest.mark.parametrize(("value", "text"), TO_TEXT, ids=[t for _, t in TO_TEXT])
def test_maps_bytes_and_lists_of_other_than_texts_become_text(value: Any, text: str) -> None:
    """Bytes are bare base64, as the Collector writes them; an empty list is not an absent one."""
    request = logs({"body": any_value(value), "attributes": attributes({"a": value, "b": 1})})

    assert lower(Signal.LOGS, request) == 2
    assert request == logs({"body": any_value(text), "attributes": attributes({"a": text, "b": 1})})


def test_scalars_and_lists_of_texts_stay() -> None:
    """What the landing schema can hold is not touched, in log bodies neither."""
    flat = {"s": "x", "b": True, "i": 1, "d": 0.5, "n": None, "l": ["a", "", None], "e": [None]}
    request = traces(span(attributes=attributes(flat)), **flat)
    body = logs({"body": any_value(flat["l"]), "attributes": attributes(flat)})

    for signal, message in ((Signal.TRACES, request), (Signal.LOGS, body)):
        before = message.SerializeToString()
        assert lower(signal, message) == 0
        assert message.SerializeToString() == before

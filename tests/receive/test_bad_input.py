"""Bad and strange input through both doors: the process lives, neighbours are kept."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_agentmon.signals import Signal
from tests.receive.payloads import (
    any_value,
    attributes,
    deep,
    deep_on_the_wire,
    metrics,
    span,
    spans_of,
    traces,
    wire_field,
    wire_span,
    wire_trace_request,
)
from tests.receive.running import House, running_house
from tests.receive.sinks import RecordingSink
from tests.receive.test_inflate import gzip_bomb, zstd_bomb

PROTOBUF = "application/x-protobuf"
MIB = 2**20
GOOD = wire_span(wire_field(1, b"kept"))


def through_both_doors(payload: bytes, signal: Signal = Signal.TRACES) -> list[bytes]:
    """What the sink got from each door; both must have said yes."""
    sink = RecordingSink()

    async def test(house: House) -> None:
        await house.export(signal, payload)
        response = await house.post(f"/v1/{signal}", payload, content_type=PROTOBUF)
        assert response.status_code == 200

    running_house(test, sink)
    return [taken for _, taken in sink.taken]


def spans_kept(payload: bytes) -> list[Any]:
    first, second = through_both_doors(payload)
    assert first == second
    return spans_of(first)


def test_a_hundred_thousand_attributes() -> None:
    """However many: each is kept."""
    many = attributes({f"key.{n}": n for n in range(100_000)})

    (kept,) = spans_kept(traces(span(attributes=many)).SerializeToString())

    assert len(kept.attributes) == 100_000


@pytest.mark.parametrize("value", ["x" * MIB, b"\xff" * MIB, ["y" * MIB], {"k": "z" * MIB}])
def test_a_megabyte_in_one_value(value: Any) -> None:
    """Nothing is truncated."""
    (kept,) = spans_kept(traces(span(attributes=attributes({"a": value}))).SerializeToString())

    assert kept.ByteSize() > MIB


def test_ids_of_every_wrong_length() -> None:
    """Only the spans that have them are lost."""
    wrong = [span(trace_id=bytes([1]) * n) for n in (0, 1, 8, 15, 17, 32, 4096)]
    wrong += [span(span_id=bytes([1]) * n) for n in (0, 1, 7, 9, 16, 4096)]

    kept = spans_kept(traces(*wrong, span(name="kept"), *wrong).SerializeToString())

    assert [s.name for s in kept] == ["kept"]


@pytest.mark.parametrize("levels", [1, 24, 30, 40, 1000])
def test_nesting_of_any_depth(levels: int) -> None:
    """The value arrives as JSON text, cut where it is too deep; the neighbour as it was sent."""
    kept = spans_kept(wire_trace_request(GOOD, wire_span(deep_on_the_wire(levels))))

    assert kept[0].SerializeToString() == GOOD
    text = kept[1].attributes[0].value.string_value
    assert text.startswith('{"k":')
    assert ("bottom" in text) is (levels <= 30)


def test_lists_as_deep_as_the_parser_follows() -> None:
    """Lists take two messages a level, so more of them fit."""
    (kept,) = spans_kept(
        traces(
            span(attributes=[{"key": "a", "value": deep(40, of_maps=False)}])
        ).SerializeToString()
    )

    assert kept.attributes[0].value.string_value == "[" * 40 + '"bottom"' + "]" * 40


def test_not_a_number_and_infinities() -> None:
    """They are values like others, in attributes and in points."""
    odd = [math.nan, math.inf, -math.inf, -0.0, 5e-324]
    points = [{"as_double": number, "attributes": attributes({"a": number})} for number in odd]
    request = metrics({"name": "m", "gauge": {"data_points": points}}).SerializeToString()

    assert through_both_doors(request, Signal.METRICS) == [request, request]


def test_duplicate_keys_and_empty_names() -> None:
    """Kept as sent; what the last one of two means is for whoever reads."""
    twice = attributes({"a": 1}) + attributes({"a": 2}) + attributes({"": ""})
    request = traces(span(name="", attributes=twice)).SerializeToString()

    (kept,) = spans_kept(request)

    assert [(a.key, a.value.int_value) for a in kept.attributes] == [("a", 1), ("a", 2), ("", 0)]


def test_field_numbers_from_the_future() -> None:
    """At every level; what we know is kept."""
    future = wire_field(1900, b"new") + b"\xf8\x7f\x01"
    scope = wire_field(2, wire_span(AnyValue(string_value="x").SerializeToString() + future))
    request = wire_field(1, wire_field(2, scope + future) + future) + future

    (kept,) = spans_kept(request)

    assert kept.SerializeToString() == wire_span(wire_field(1, b"x"))


def test_strings_that_are_not_utf8() -> None:
    """Repaired where they are bad, untouched where they are not."""
    kept = spans_kept(wire_trace_request(GOOD, wire_span(wire_field(1, b"\xf0\x9f")), GOOD))

    assert kept[0] == kept[2]
    assert kept[1].attributes[0].value.string_value == "\ufffd"


def test_a_mixed_log_of_everything_is_lowered_in_place() -> None:
    """Maps, lists of all sorts and scalars side by side keep their order."""
    values = {"a": {"z": 1}, "b": [[1]], "c": "plain", "d": [1, "x"], "e": ["y"]}
    (kept,) = spans_kept(traces(span(attributes=attributes(values))).SerializeToString())

    assert [a.value for a in kept.attributes] == [
        any_value('{"z":1}'),
        any_value("[[1]]"),
        any_value("plain"),
        any_value('[1,"x"]'),
        any_value(["y"]),
    ]


@pytest.mark.parametrize(
    ("encoding", "bomb"), [("gzip", gzip_bomb), ("zstd", zstd_bomb)], ids=["gzip", "zstd"]
)
def test_a_bomb_goes_off_in_neither_door(encoding: str, bomb: Callable[[], bytes]) -> None:
    """10 MB that hold 10 GB are refused for good within a bounded memory."""
    body = bomb()

    async def test(house: House) -> int:
        tracemalloc.start()
        try:
            response = await house.post(
                "/v1/traces", body, content_type=PROTOBUF, content_encoding=encoding
            )
            assert response.status_code == 413
            if encoding == "gzip":
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await house.export(Signal.TRACES, body)
                assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak = running_house(test, RecordingSink(), max_request_size=16 * MIB)

    # The sender lives in this process, too: its copies of the body count here.
    assert peak < 3 * 16 * MIB + 8 * len(body)

"""Mutated real payloads: the intake refuses or accepts, and never breaks."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_agentmon.signals import Signal
from tests.receive.fuzz_intake import fuzz_one, seeds
from tests.receive.payloads import any_value, attributes, logs, metrics, span, traces
from tests.receive.running import House, running_house
from tests.receive.sinks import RecordingSink

RICH = {"s": "x" * 200, "m": {"k": [1, {"z": b"y"}]}, "l": ["a", 1.5], "n": None}
PAYLOADS: list[Any] = [
    traces(
        span(
            attributes=attributes(RICH),
            events=[{"name": "e", "attributes": attributes(RICH)}],
            links=[{"trace_id": bytes(15), "span_id": b"12345678"}],
            parent_span_id=b"12345678",
            start_time_unix_nano=1,
        ),
        span(span_id=b"short"),
        **{"service.name": "a"},
    ),
    metrics(
        {
            "name": "g",
            "gauge": {"data_points": [{"as_double": 0.5, "attributes": attributes(RICH)}]},
        },
        {"histogram": {"data_points": [{"bucket_counts": [1, 2], "explicit_bounds": [0.5]}]}},
        {"exponential_histogram": {"data_points": [{"exemplars": [{"trace_id": b"x"}]}]}},
        {"summary": {"data_points": [{"quantile_values": [{"quantile": 0.5}]}]}},
    ),
    logs({"body": any_value(RICH), "trace_id": b"x"}, {"body": any_value("plain")}),
]
WIRE = [message.SerializeToString() for message in PAYLOADS]
TEXT = [json_format.MessageToJson(message, indent=None).encode() for message in PAYLOADS]


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """An input of `fuzz_one`: a payload flipped, cut, spliced with another or repeated."""
    form = draw(st.sampled_from([0, 0x80]))
    pool = TEXT if form else WIRE
    index = draw(st.integers(0, 2))
    body = bytearray(pool[index])
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(len(body) - 1, 0)))
        match draw(st.sampled_from(["flip", "cut", "splice", "insert", "delete"])):
            case "flip" if body:
                body[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del body[at:]
            case "splice":
                other = draw(st.sampled_from(pool))
                body[at:] = other[draw(st.integers(0, len(other))) :]
            case "insert":
                body[at:at] = draw(st.binary(max_size=8))
            case "delete":
                del body[at : at + draw(st.integers(1, 8))]
    # Identity encoding is choice // 3 % 3 == 0; 0x80 is 2 there, so find a byte that says it.
    choice = next(c for c in range(form, form + 0x80) if c % 3 == index and c // 3 % 3 == 0)
    return bytes([choice]) + bytes(body)


@pytest.mark.fuzz
def test_no_mutant_breaks_the_intake() -> None:
    """Only errors of the tree; what is accepted parses, obeys the rules and is plain."""
    answers = [0, 0]

    @settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutants())
    def check(data: bytes) -> None:
        answers[fuzz_one(data)] += 1

    check()
    assert min(answers) >= 100  # both answers came up


@pytest.mark.fuzz
@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=60))
def test_noise_breaks_nothing(data: bytes) -> None:
    """Any bytes, any signal, form and encoding."""
    fuzz_one(data)


async def code_of(call: Awaitable[bytes]) -> grpc.StatusCode:
    """The status a call ended with, of the two that the intake gives."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
            return error.code()
        raise
    return grpc.StatusCode.OK


@pytest.mark.fuzz
def test_the_doors_live_through_mutants() -> None:
    """Over real sockets each mutant gets an answer, and a good request still works after."""
    inputs: list[bytes] = []

    @settings(max_examples=100, deadline=None, database=None)
    @given(mutants())
    def collect(data: bytes) -> None:
        inputs.append(data[1:])

    collect()

    async def test(house: House) -> None:
        for body in inputs:
            response = await house.post("/v1/traces", body, content_type="application/x-protobuf")
            assert response.status_code in (200, 400)
            code = await code_of(house.export(Signal.TRACES, body))
            assert (code is grpc.StatusCode.OK) is (response.status_code == 200)
        assert await house.export(Signal.TRACES, b"") == b""
        assert house.count("in_flight_bytes") == 0

    running_house(test, RecordingSink())


def test_the_fuzzers_entry_point_takes_its_seeds() -> None:
    """The seeds are valid, so the fuzzer starts from requests that go all the way."""
    assert all(fuzz_one(data) for data in seeds())
    assert not fuzz_one(b"\x00\xff")

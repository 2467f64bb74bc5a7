"""The OTLP/HTTP door, spoken to over a real socket."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import socket
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from google.protobuf import json_format
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_agentmon.errors import ConfigError, OverloadedError, ShuttingDownError
from otel_agentmon.signals import Signal
from tests.receive.payloads import ONE_OF_EACH, span, spans_of, traces
from tests.receive.running import House, running, running_house
from tests.receive.sinks import RecordingSink, RefusingSink

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
TRACES = ONE_OF_EACH[Signal.TRACES].SerializeToString()
TRACES_JSON = json.dumps(
    {
        "resourceSpans": [
            {
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": "0102030405060708090a0b0c0d0e0f10",
                                "spanId": "0102030405060708",
                                "name": "from a browser",
                            }
                        ]
                    }
                ]
            }
        ]
    }
).encode()


def answer_to(sink: Any, content: bytes, path: str = "/v1/traces", **more: Any) -> httpx.Response:
    """One POST; `settings` go to the receiver, everything else is a header."""
    settings = more.pop("settings", {})

    async def test(house: House) -> httpx.Response:
        return await house.post(path, content, **more)

    response: httpx.Response = running_house(test, sink, **settings)
    return response


def status_in(response: httpx.Response) -> Status:
    """The error body, read in the content type the response declares."""
    if response.headers["content-type"] == PROTOBUF:
        return Status.FromString(response.content)
    assert response.headers["content-type"] == JSON
    return json_format.Parse(response.content, Status())


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        (None, bytes),
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("zstd", zstd.compress),
    ],
)
def test_a_request_reaches_the_sink_untouched(
    signal: Signal, encoding: str | None, compress: Any
) -> None:
    """Every encoding gives the sink the sender's own bytes, and the sender an empty response."""
    sink = RecordingSink()
    payload = ONE_OF_EACH[signal].SerializeToString()
    headers = {"content_encoding": encoding} if encoding else {}

    response = answer_to(sink, compress(payload), f"/v1/{signal}", content_type=PROTOBUF, **headers)

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == PROTOBUF
    assert sink.taken == [(signal, payload)]


def test_a_json_request_is_answered_in_json() -> None:
    """Full success is an empty object; the sink gets protobuf."""
    sink = RecordingSink()

    response = answer_to(sink, TRACES_JSON, content_type=f"{JSON}; charset=utf-8")

    assert (response.status_code, response.json()) == (200, {})
    assert response.headers["content-type"] == JSON
    assert [s.name for s in spans_of(sink.taken[0][1])] == ["from a browser"]


@pytest.mark.parametrize(("content_type", "empty"), [(PROTOBUF, b""), (JSON, b"{}")])
def test_an_empty_request_is_a_success(content_type: str, empty: bytes) -> None:
    """Nothing to keep is not an error."""
    response = answer_to(RecordingSink(), empty, content_type=content_type)

    assert response.status_code == 200


def test_a_wrong_span_is_told_in_the_partial_success() -> None:
    """Rejected spans are counted in the answer, in the request's content type."""
    payload = traces(span(), span(span_id=bytes(8))).SerializeToString()
    response = answer_to(RecordingSink(), payload, content_type=PROTOBUF)
    as_json = answer_to(
        RecordingSink(), TRACES_JSON.replace(b'"0102030405060708"', b'"xyz"'), content_type=JSON
    )

    partial = ExportTraceServiceResponse.FromString(response.content).partial_success
    assert (partial.rejected_spans, partial.error_message) == (
        1,
        "span rejected: span_id is all zeros (1)",
    )
    assert as_json.json()["partialSuccess"]["rejectedSpans"] == "1"


# What is sent, what comes back, why it is counted.
REFUSALS: list[tuple[str, bytes, dict[str, str], int, str]] = [
    ("not protobuf", b"\xff\xff", {"content_type": PROTOBUF}, 400, "decode"),
    ("not JSON", b"{", {"content_type": JSON}, 400, "decode"),
    ("no JSON at all", b"", {"content_type": JSON}, 400, "decode"),
    ("text", TRACES, {"content_type": "text/plain"}, 415, "unsupported"),
    ("no type", TRACES, {}, 415, "unsupported"),
    ("brotli", TRACES, {"content_type": PROTOBUF, "content_encoding": "br"}, 415, "unsupported"),
    (
        "twice",
        TRACES,
        {"content_type": PROTOBUF, "content_encoding": "gzip, gzip"},
        415,
        "unsupported",
    ),
    (
        "truncated gzip",
        gzip.compress(TRACES)[:-9],
        {"content_type": PROTOBUF, "content_encoding": "gzip"},
        400,
        "decode",
    ),
    (
        "not gzip",
        TRACES,
        {"content_type": PROTOBUF, "content_encoding": "gzip"},
        400,
        "decode",
    ),
    (
        "truncated zstd",
        zstd.compress(TRACES)[:-3],
        {"content_type": JSON, "content_encoding": "zstd"},
        400,
        "decode",
    ),
    ("large", b"x" * 5000, {"content_type": PROTOBUF}, 413, "too_large"),
    (
        "large inside",
        gzip.compress(bytes(5000)),
        {"content_type": PROTOBUF, "content_encoding": "gzip"},
        413,
        "too_large",
    ),
    (
        "large inside zstd",
        zstd.compress(bytes(5000)),
        {"content_type": JSON, "content_encoding": "zstd"},
        413,
        "too_large",
    ),
]


@pytest.mark.parametrize(
    ("content", "headers", "status", "reason"),
    [r[1:] for r in REFUSALS],
    ids=[r[0] for r in REFUSALS],
)
def test_each_bad_request_has_its_code_and_reason(
    content: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    """The body is a google.rpc.Status in the request's content type; the reason is counted."""
    sink = RecordingSink()

    async def test(house: House) -> httpx.Response:
        response = await house.post("/v1/traces", content, **headers)
        assert house.count("refused_requests_total", transport="http", reason=reason) == 1
        assert house.count("in_flight_bytes") == 0
        return response

    response = running_house(test, sink, max_request_size=4096)

    assert response.status_code == status
    assert "retry-after" not in response.headers
    expected = headers.get("content_type", JSON)
    assert response.headers["content-type"] == (PROTOBUF if expected == PROTOBUF else JSON)
    assert status_in(response).message
    if status == 400:
        detail = BadRequest()
        assert status_in(response).details[0].Unpack(detail)
    assert sink.taken == []


def test_an_unchunked_length_over_the_limit_is_refused_before_it_is_sent() -> None:
    """A body that is streamed without a length is cut off at the limit, too."""

    async def test(house: House) -> httpx.Response:
        async def pieces() -> Any:
            for _ in range(100):
                yield b"x" * 100

        async with httpx.AsyncClient() as client:
            return await client.post(
                f"http://127.0.0.1:{house.receiver.http.port}/v1/logs",
                content=pieces(),
                headers={"content-type": PROTOBUF},
            )

    assert running_house(test, RecordingSink(), max_request_size=4096).status_code == 413


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (lambda: OverloadedError("full", "journal_full", 2.2), "3"),
        (lambda: ShuttingDownError("bye"), "1"),
    ],
)
def test_a_sender_that_may_retry_is_told_when(
    content_type: str, error: Callable[[], Exception], seconds: str
) -> None:
    """503 carries Retry-After in whole seconds and RetryInfo in the body."""
    content = TRACES if content_type == PROTOBUF else TRACES_JSON
    response = answer_to(RefusingSink(error()), content, content_type=content_type)

    assert response.status_code == 503
    assert response.headers["retry-after"] == seconds
    assert response.headers["content-type"] == content_type
    assert status_in(response).details[0].Unpack(RetryInfo())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/traces", 405),
        ("PUT", "/v1/logs", 405),
        ("POST", "/v1/profiles", 404),
        ("GET", "/", 404),
    ],
)
def test_other_methods_and_paths_are_refused(method: str, path: str, status: int) -> None:
    """405 names the allowed method; both are counted."""

    async def test(house: House) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            response = await client.request(
                method, f"http://127.0.0.1:{house.receiver.http.port}{path}"
            )
        assert house.count("refused_requests_total", transport="http", reason="unknown_path") == 1
        return response

    response = running_house(test, RecordingSink())

    assert response.status_code == status
    assert status_in(response).message
    assert status != 405 or response.headers["allow"] == "POST"


def test_only_a_configured_token_opens_the_door() -> None:
    """401 asks for a bearer token; the right one is let in."""
    sink = RecordingSink()
    tokens = [{"name": "ci", "sha256": hashlib.sha256(b"s3cret").hexdigest()}]

    async def test(house: House) -> None:
        for headers in ({}, {"authorization": "Basic s3cret"}, {"authorization": "Bearer x"}):
            response = await house.post("/v1/traces", TRACES, content_type=PROTOBUF, **headers)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
        response = await house.post(
            "/v1/traces", TRACES, content_type=PROTOBUF, authorization="bearer s3cret"
        )
        assert response.status_code == 200

    running_house(test, sink, tokens=tokens)

    assert len(sink.taken) == 1


@pytest.mark.parametrize(
    ("allowed", "origin", "is_allowed"),
    [
        (["https://app.example.com"], "https://app.example.com", True),
        (["https://app.example.com"], "https://evil.example.com", False),
        ([], "https://app.example.com", False),
    ],
)
def test_browsers_are_let_in_by_configuration(
    allowed: list[str], origin: str, is_allowed: bool
) -> None:
    """A page of an allowed origin passes its preflight and may read answers, also errors."""

    async def test(house: House) -> None:
        url = f"http://127.0.0.1:{house.receiver.http.port}/v1/traces"
        async with httpx.AsyncClient() as client:
            preflight = await client.options(
                url,
                headers={
                    "origin": origin,
                    "access-control-request-method": "POST",
                    "access-control-request-headers": "content-type",
                },
            )
            refused = await client.post(url, content=b"{", headers={"origin": origin})
        assert (preflight.status_code == 200) is is_allowed
        assert (refused.headers.get("access-control-allow-origin") == origin) is is_allowed

    running_house(
        test, RecordingSink(), http={"address": "127.0.0.1:0", "cors": {"allowed_origins": allowed}}
    )


def test_too_much_in_flight_asks_senders_to_come_back() -> None:
    """The budget of both doors together is kept while bodies arrive."""

    is_full, release = asyncio.Event(), asyncio.Event()

    class HoldingSink(RecordingSink):
        async def accept(self, signal: Signal, payload: bytes) -> None:
            await super().accept(signal, payload)
            if len(self.taken) == 2:
                is_full.set()
            await release.wait()

    sink = HoldingSink()
    payload = traces(span(name="x" * 1800)).SerializeToString()

    async def test(house: House) -> None:
        held = [
            asyncio.create_task(house.export(Signal.TRACES, payload)),
            asyncio.create_task(house.post("/v1/traces", payload, content_type=PROTOBUF)),
        ]
        await is_full.wait()
        refused = await house.post("/v1/traces", payload, content_type=PROTOBUF)
        assert refused.status_code == 503
        assert "retry-after" in refused.headers
        reason = {"transport": "http", "reason": "in_flight_bytes"}
        assert house.count("refused_requests_total", **reason) == 1
        release.set()
        await asyncio.gather(*held)
        assert house.count("in_flight_bytes") == 0

    running_house(test, sink, max_request_size=2048, max_in_flight=4096)


def test_a_taken_port_is_a_configuration_error() -> None:
    """The message names the field and the address; the other door does not stay open."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        async def start() -> None:
            async with running(RecordingSink(), http={"address": address}):
                pass

        with pytest.raises(ConfigError, match=r"receive\.http\.address: cannot listen on"):
            asyncio.run(start())

"""The OTLP/gRPC door, spoken to over a real socket."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_agentmon.errors import (
    ConfigError,
    OverloadedError,
    PermanentError,
    ShuttingDownError,
    StoreUnavailableError,
)
from otel_agentmon.receive.grpc import SERVICES
from otel_agentmon.signals import Signal
from tests.receive.payloads import ONE_OF_EACH, span, spans_of, traces
from tests.receive.running import House, running, running_house
from tests.receive.sinks import RecordingSink, RefusingSink

TRACES = ONE_OF_EACH[Signal.TRACES].SerializeToString()


def with_house(test: Callable[[House], Any], sink: Any, **settings: Any) -> Any:
    """Runs `test` against a running gRPC door."""
    return running_house(test, sink, only_grpc=True, **settings)


def refusal_of(sink: Any, payload: bytes = TRACES, **settings: Any) -> grpc.aio.AioRpcError:
    """The error a sender gets for this payload."""

    async def test(house: House) -> grpc.aio.AioRpcError:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await house.export(Signal.TRACES, payload)
        return caught.value

    error: grpc.aio.AioRpcError = with_house(test, sink, **settings)
    return error


def trailing(error: grpc.aio.AioRpcError) -> dict[str, bytes]:
    return {str(key): value for key, value in error.trailing_metadata()}


def details_of(error: grpc.aio.AioRpcError) -> Status:
    return Status.FromString(trailing(error)["grpc-status-details-bin"])


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize(
    "compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip], ids=lambda c: c.name
)
def test_a_request_reaches_the_sink_untouched(
    signal: Signal, compression: grpc.Compression
) -> None:
    """Full success is an empty response, and the sink gets the sender's own bytes."""
    sink = RecordingSink()
    payload = ONE_OF_EACH[signal].SerializeToString()

    async def test(house: House) -> None:
        assert await house.export(signal, payload, compression=compression) == b""
        assert house.count(f"accepted_{signal.item}_total", transport="grpc") == 1
        assert house.count("in_flight_bytes") == 0

    with_house(test, sink)

    assert sink.taken == [(signal, payload)]


def test_an_empty_request_is_a_success() -> None:
    """Nothing to keep is not an error, and the sink is not bothered."""
    sink = RecordingSink()

    async def test(house: House) -> None:
        for signal in Signal:
            assert await house.export(signal, b"") == b""

    with_house(test, sink)

    assert sink.taken == []


def test_a_wrong_span_is_told_in_the_partial_success() -> None:
    """The answer is OK with the number of rejected spans and the rule; the neighbour is kept."""
    sink = RecordingSink()
    payload = traces(span(name="good"), span(trace_id=b"short")).SerializeToString()

    async def test(house: House) -> bytes:
        answer = await house.export(Signal.TRACES, payload)
        assert house.count("rejected_items_total", rule="span_trace_id_length") == 1
        assert house.count("accepted_spans_total", transport="grpc") == 1
        assert house.count("refused_spans_total", transport="grpc") == 1
        return answer

    response = ExportTraceServiceResponse.FromString(with_house(test, sink))

    assert response.partial_success.rejected_spans == 1
    assert "trace_id is not 16 bytes long (1)" in response.partial_success.error_message
    assert [s.name for s in spans_of(sink.taken[0][1])] == ["good"]


@pytest.mark.parametrize(
    ("error", "reason", "seconds"),
    [
        # Built by the test: an exception that outlives it would keep the server in its traceback.
        (lambda: OverloadedError("full", "journal_full", 2.5), "journal_full", 2.5),
        (lambda: ShuttingDownError("bye"), "shutting_down", 1.0),
        (lambda: StoreUnavailableError("gone"), "store_unavailable", 1.0),
        (lambda: OSError("disk"), "retryable", 1.0),
    ],
)
def test_a_sender_that_may_retry_is_told_when(
    error: Callable[[], Exception], reason: str, seconds: float
) -> None:
    """UNAVAILABLE carries RetryInfo in the status details and under the Python exporter's key."""
    sink = RefusingSink(error())

    async def test(house: House) -> grpc.aio.AioRpcError:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await house.export(Signal.TRACES, TRACES)
        assert house.count("refused_requests_total", transport="grpc", reason=reason) == 1
        word = "failed" if reason == "retryable" else "refused"
        assert house.count(f"{word}_spans_total", transport="grpc") == 1
        return caught.value

    refusal = with_house(test, sink)

    assert refusal.code() is grpc.StatusCode.UNAVAILABLE
    own = RetryInfo.FromString(trailing(refusal)["google.rpc.retryinfo-bin"])
    standard = RetryInfo()
    assert details_of(refusal).details[0].Unpack(standard)
    assert own == standard
    assert own.retry_delay.ToTimedelta().total_seconds() == seconds


@pytest.mark.parametrize(
    ("sink", "payload"),
    [(RecordingSink, b"\xff\xff"), (lambda: RefusingSink(PermanentError("never")), TRACES)],
)
def test_what_will_never_be_accepted_is_invalid_argument(
    sink: Callable[[], Any], payload: bytes
) -> None:
    """Permanent errors carry BadRequest and no RetryInfo."""
    refusal = refusal_of(sink(), payload)

    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
    detail = BadRequest()
    assert details_of(refusal).details[0].Unpack(detail)
    assert detail.field_violations[0].description == refusal.details()
    assert "google.rpc.retryinfo-bin" not in trailing(refusal)


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_request_over_the_limit_is_final(compression: grpc.Compression) -> None:
    """RESOURCE_EXHAUSTED without RetryInfo, as received and after decompression alike."""
    sink = RecordingSink()
    payload = traces(span(name="x" * 5000)).SerializeToString()

    async def test(house: House) -> grpc.aio.AioRpcError:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await house.export(Signal.TRACES, payload, compression=compression)
        assert await house.export(Signal.TRACES, TRACES) == b""
        assert house.count("refused_requests_total", transport="grpc", reason="too_large") == 1
        assert house.count("in_flight_bytes") == 0
        return caught.value

    refusal = with_house(test, sink, max_request_size=4096)

    assert refusal.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "google.rpc.retryinfo-bin" not in trailing(refusal)
    assert len(sink.taken) == 1


def test_a_broken_gzip_stream_is_invalid_argument() -> None:
    """A truncated stream is bad data, not a reason to come back."""
    refusal = refusal_of(RecordingSink(), gzip.compress(TRACES)[:-10])

    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_only_a_configured_token_opens_the_door() -> None:
    """Without one the sender is UNAUTHENTICATED and its body is never looked at."""
    sink = RecordingSink()
    tokens = [{"name": "ci", "sha256": hashlib.sha256(b"s3cret").hexdigest()}]

    async def test(house: House) -> None:
        for metadata in ((), (("authorization", "Bearer wrong"),)):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await house.export(Signal.TRACES, b"\xff", metadata)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert (
            house.count("refused_requests_total", transport="grpc", reason="unauthenticated") == 2
        )
        await house.export(Signal.TRACES, TRACES, (("authorization", "Bearer s3cret"),))

    with_house(test, sink, tokens=tokens)

    assert len(sink.taken) == 1


def test_a_full_memory_asks_senders_to_come_back() -> None:
    """Above the memory limit nothing is read any more."""
    refusal = refusal_of(RecordingSink(), memory_is_full=lambda: True)

    assert refusal.code() is grpc.StatusCode.UNAVAILABLE
    assert "google.rpc.retryinfo-bin" in trailing(refusal)


def test_an_unknown_method_is_unimplemented_and_counted() -> None:
    """Profiles, which we do not take, are refused with the standard code."""

    async def test(house: House) -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{house.receiver.grpc.port}") as channel:
            call = channel.unary_unary("/opentelemetry.proto.collector.profiles/Export")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert house.count("refused_requests_total", transport="grpc", reason="unknown_path") == 1

    with_house(test, RecordingSink())


def test_health_is_serving_until_the_door_closes() -> None:
    """Each service reports SERVING; a watcher sees NOT_SERVING when the receiver stops."""

    async def run() -> list[int]:
        seen: list[int] = []
        async with running(RecordingSink()) as house:
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{house.receiver.grpc.port}")
            stub = health_pb2_grpc.HealthStub(channel)
            for service in ("", *SERVICES.values()):
                answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
            watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICES[Signal.TRACES]))
            seen.append((await watch.read()).status)
            stopping = asyncio.create_task(house.receiver.stop(1))
            seen.append((await watch.read()).status)
            watch.cancel()
            await channel.close()
            await stopping
        return seen

    statuses = health_pb2.HealthCheckResponse
    assert asyncio.run(run()) == [statuses.SERVING, statuses.NOT_SERVING]


def test_stopping_lets_a_running_call_end() -> None:
    """A call the sink is still working on is answered, not cut off."""
    entered, release = asyncio.Event(), asyncio.Event()

    class SlowSink(RecordingSink):
        async def accept(self, signal: Signal, payload: bytes) -> None:
            entered.set()
            await release.wait()
            await super().accept(signal, payload)

    sink = SlowSink()

    async def test(house: House) -> None:
        call = asyncio.create_task(house.export(Signal.TRACES, TRACES))
        await entered.wait()
        stopping = asyncio.create_task(house.receiver.stop(5))
        await asyncio.sleep(0)
        release.set()
        assert await call == b""
        await stopping

    with_house(test, sink)

    assert len(sink.taken) == 1


def test_a_sender_that_hangs_up_is_counted() -> None:
    """A call cancelled while the sink works leaves nothing in flight."""
    entered = asyncio.Event()

    class StuckSink(RecordingSink):
        async def accept(self, signal: Signal, payload: bytes) -> None:
            entered.set()
            await asyncio.Event().wait()

    async def test(house: House) -> None:
        call = asyncio.create_task(house.export(Signal.TRACES, TRACES))
        await entered.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await house.receiver.stop(5)
        assert house.count("refused_requests_total", transport="grpc", reason="disconnected") == 1
        assert house.count("failed_spans_total", transport="grpc") == 1
        assert house.count("in_flight_bytes") == 0

    with_house(test, StuckSink())


def test_a_body_that_never_comes_is_given_up() -> None:
    """A sender that opens a call and sends nothing is asked to come back after the read timeout."""

    async def test(house: House) -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{house.receiver.grpc.port}") as channel:
            call = channel.stream_unary(f"/{SERVICES[Signal.TRACES]}/Export")()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert house.count("refused_requests_total", transport="grpc", reason="slow_body") == 1

    with_house(test, RecordingSink(), read_timeout="50ms")


def test_a_taken_port_is_a_configuration_error() -> None:
    """Two processes never share a port without anybody noticing."""

    async def test(house: House) -> None:
        address = f"127.0.0.1:{house.receiver.grpc.port}"
        with pytest.raises(ConfigError, match=r"receive\.grpc\.address: cannot listen on"):
            async with running(RecordingSink(), grpc={"address": address}):
                pass

    with_house(test, RecordingSink())

"""The load generator: a process of its own that sends ready-made requests over OTLP/gRPC.

It connects, prints `ready`, waits for a line on standard input, sends, and prints one JSON object
(`Sent`). Serialised requests go out as they are, so that what it costs is the transport alone.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import grpc
from google.rpc import error_details_pb2, status_pb2

from bench.payload import read_requests
from otel_agentmon.signals import Signal

METHODS: Final = {
    Signal.TRACES: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    Signal.METRICS: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_STATUS_DETAILS: Final = "grpc-status-details-bin"
_LATER: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
_FIRST_WAIT_SECONDS: Final = 0.05  # where the answer names no delay
_OPTIONS: Final = (
    ("grpc.use_local_subchannel_pool", 1),  # a connection for each sender, as agents have
    ("grpc.max_send_message_length", 64 * 2**20),
)


@dataclass(slots=True)
class Sent:
    """What was acknowledged. `ack_ms` counts from when a request was due, retries included."""

    requests: int = 0
    request_bytes: int = 0
    refusals: int = 0
    seconds: float = 0.0
    ack_ms: list[float] = field(default_factory=list)


class Sender:
    """One connection that sends one request at a time."""

    def __init__(self, address: str, signal: Signal) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=_OPTIONS)
        self._export = self._channel.unary_unary(METHODS[signal])

    async def connect(self) -> None:
        await asyncio.wait_for(self._channel.channel_ready(), 30)

    async def send(self, request: bytes) -> int:
        """Returns how often it was told to come back before the request was taken."""
        for refusals in itertools.count():
            try:
                await self._export(request, timeout=60)
            except grpc.aio.AioRpcError as error:
                if error.code() not in _LATER:
                    raise
                await asyncio.sleep(_retry_seconds(error))
            else:
                return refusals
        raise AssertionError("unreachable")

    async def close(self) -> None:
        await self._channel.close()


async def send_all(
    senders: list[Sender], requests: Iterator[bytes], interval_seconds: float
) -> Sent:
    """Sends until `requests` end; with an interval, one is due each time it has passed."""
    sent = Sent()
    began = time.perf_counter()
    numbered = enumerate(requests)

    async def work(sender: Sender) -> None:
        for number, request in numbered:
            due = time.perf_counter()
            if interval_seconds:
                due = began + number * interval_seconds
                await asyncio.sleep(due - time.perf_counter())
            sent.refusals += await sender.send(request)
            sent.ack_ms.append((time.perf_counter() - due) * 1e3)
            sent.requests += 1
            sent.request_bytes += len(request)

    await asyncio.gather(*(work(sender) for sender in senders))
    sent.seconds = time.perf_counter() - began
    return sent


def _retry_seconds(error: grpc.aio.AioRpcError) -> float:
    """https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-throttling"""
    for key, value in error.trailing_metadata() or ():
        if key != _STATUS_DETAILS:
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info = error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                return info.retry_delay.ToTimedelta().total_seconds()
    return _FIRST_WAIT_SECONDS


def _until(requests: list[bytes], seconds: float) -> Iterator[bytes]:
    """The requests once, or, with `seconds`, over and over until they have passed."""
    if not seconds:
        yield from requests
        return
    end = time.perf_counter() + seconds
    for request in itertools.cycle(requests):
        if time.perf_counter() >= end:
            return
        yield request


async def _run(arguments: argparse.Namespace) -> Sent:
    requests = read_requests(arguments.file)
    signal = Signal(arguments.signal)
    senders = [Sender(arguments.address, signal) for _ in range(arguments.senders)]
    for sender in senders:
        await sender.connect()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    sent = await send_all(senders, _until(requests, arguments.seconds), arguments.interval_seconds)
    for sender in senders:
        await sender.close()
    return sent


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("file", type=Path, help="requests written by bench.payload")
    parser.add_argument("--address", required=True, help="HOST:PORT of OTLP/gRPC")
    parser.add_argument("--signal", default="traces", choices=[signal.value for signal in Signal])
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=0, help="repeat the file for so long")
    parser.add_argument("--interval-seconds", type=float, default=0, help="between two requests")
    return parser.parse_args()


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_run(_parse())))), flush=True)

"""A receiver on free ports for the length of a test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
from prometheus_client import CollectorRegistry

from otel_agentmon.receive.config import ReceiveConfig
from otel_agentmon.receive.grpc import SERVICES
from otel_agentmon.receive.receiver import OTLPReceiver
from otel_agentmon.receive.sink import Sink
from otel_agentmon.signals import Signal
from tests.clock import ManualClock

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


@dataclass
class House:
    """A running receiver and what a test asks of it."""

    receiver: OTLPReceiver
    registry: CollectorRegistry
    clients: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    def count(self, name: str, **labels: str) -> float:
        """The value of `agentmon_receiver_<name>`."""
        value = self.registry.get_sample_value(f"agentmon_receiver_{name}", labels)
        assert value is not None, f"no such series: {name} {labels}"
        return value

    async def post(self, path: str, content: bytes, **headers: str) -> httpx.Response:
        """POST with these headers; `content_type` is written with a hyphen on the wire."""
        client = await self.clients.enter_async_context(httpx.AsyncClient(timeout=10))
        return await client.post(
            f"http://127.0.0.1:{self.receiver.http.port}{path}",
            content=content,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    async def export(
        self,
        signal: Signal,
        payload: bytes,
        metadata: tuple[tuple[str, str], ...] = (),
        compression: grpc.Compression = grpc.Compression.NoCompression,
    ) -> bytes:
        """Calls Export with raw bytes; raises grpc.aio.AioRpcError."""
        channel = await self.clients.enter_async_context(
            grpc.aio.insecure_channel(
                f"127.0.0.1:{self.receiver.grpc.port}",
                options=[("grpc.max_send_message_length", -1)],
            )
        )
        call = channel.unary_unary(f"/{SERVICES[signal]}/Export")
        return bytes(await call(payload, metadata=metadata, compression=compression, timeout=20))


@contextlib.asynccontextmanager
async def running(
    sink: Sink,
    memory_is_full: Callable[[], bool] = lambda: False,
    only_grpc: bool = False,
    **settings: Any,
) -> AsyncIterator[House]:
    """Starts a receiver with these settings under `receive:`, both ports free unless set.

    `only_grpc` saves the time the HTTP server takes to stop.
    """
    free = {"grpc": {"address": "127.0.0.1:0"}, "http": {"address": "127.0.0.1:0"}}
    config = ReceiveConfig.model_validate(free | settings)
    registry = CollectorRegistry()
    receiver = OTLPReceiver(config, sink, registry, ManualClock(), memory_is_full)
    house = House(receiver, registry)
    await (receiver.grpc.start() if only_grpc else receiver.start())
    try:
        async with house.clients:
            yield house
    finally:
        await receiver.stop(1)


def running_house(test: Callable[[House], Any], sink: Sink, **more: Any) -> Any:
    """Runs `test` against a running receiver; `more` goes to `running`."""

    async def run() -> Any:
        async with running(sink, **more) as house:
            return await test(house)

    return asyncio.run(run())

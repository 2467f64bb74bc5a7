"""The API on its address."""

from __future__ import annotations

import asyncio
import socket
import threading

import httpx
import pytest
from prometheus_client import CollectorRegistry

from otel_agentmon.api.application import create_application
from otel_agentmon.api.config import ApiConfig
from otel_agentmon.api.server import ApiServer
from otel_agentmon.errors import ConfigError
from tests.database import shared_database


def build(address: str = "127.0.0.1:0") -> ApiServer:
    """A server that has not been started."""
    config = ApiConfig(address=address)
    app = create_application(shared_database(), CollectorRegistry(), list, config)
    return ApiServer(app, config)


def test_port_0_takes_a_free_one_and_stopping_ends_everything() -> None:
    """The port is known after the start, a question is answered, and no thread is left."""

    async def ask() -> tuple[int, int]:
        server = build()
        await server.start()
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{server.port}/api/v1/agents")
        port = server.port
        await server.stop(1.0)
        await server.stop(1.0)
        return answer.status_code, port

    status, port = asyncio.run(ask())

    assert status == 200
    assert port > 0
    assert not [t.name for t in threading.enumerate() if t.name.startswith("api question")]


def test_stopping_is_safe_without_a_start() -> None:
    """A start that never came needs no stop, and gets none."""
    asyncio.run(build().stop(1.0))


def test_an_address_that_is_taken_is_named() -> None:
    """The error names the setting and the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=rf"api\.address: cannot listen on '{address}'"):
            asyncio.run(build(address).start())

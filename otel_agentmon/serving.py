"""An ASGI application on one address, served in the running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from otel_agentmon.address import split_address
from otel_agentmon.errors import ConfigError


class HttpServer:
    """uvicorn that says which port it took and leaves signals and logs to the application."""

    def __init__(
        self, app: ASGIApp, address: str, setting: str, options: Mapping[str, Any] | None = None
    ) -> None:
        """`setting` is the address's name in the configuration, for the error that names it.

        `options` are further ones of uvicorn's, such as certificates. The application's lifespan
        is run only if they say so (`lifespan="on"`).
        """
        self._app = app
        self._address = address
        self._setting = setting
        self._options = dict(options or {})
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The port listened on, also when the configured one is 0; 0 before `start`."""
        return self._port

    async def start(self) -> None:
        """Listens. Raises ConfigError when the address cannot be used.

        What bad certificates raise (OSError, ssl.SSLError) comes out as it is.
        """
        config = uvicorn.Config(
            self._app,
            **{
                "lifespan": "off",
                "ws": "none",
                "log_config": None,
                "access_log": False,
                "server_header": False,
                "proxy_headers": False,
                "timeout_keep_alive": 75,
                **self._options,
            },
        )
        config.load()
        listener = self._bind()
        self._port = listener.getsockname()[1]
        self._server = _Server(config)
        self._serving = asyncio.create_task(
            self._server.serve(sockets=[listener]), name=f"serving {self._setting}"
        )
        await self._server.startup_ended.wait()
        if not self._server.started:
            await self._serving

    async def stop(self, grace_seconds: float) -> None:
        """Lets running requests end within `grace_seconds`; safe twice and without `start`."""
        serving, self._serving = self._serving, None
        if serving is None or self._server is None:
            return
        self._server.config.timeout_graceful_shutdown = math.ceil(grace_seconds)
        self._server.should_exit = True
        await serving

    def _bind(self) -> socket.socket:
        host, port = split_address(self._address)
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            return socket.create_server((host, port), family=family, backlog=1024)
        except OSError as error:
            raise ConfigError(
                [f"{self._setting}: cannot listen on {self._address!r}: {error}"]
            ) from error


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.startup_ended = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.startup_ended.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

"""What every request passes before its route: whose page it comes from, and how large it is.

On loopback nobody logs in, so a page in the user's browser must not be able to ask. A page under
a foreign name that resolves to 127.0.0.1 is told by its Host header; a form or script of another
origin is told by having to send `application/json`, which a browser only sends after asking, and
nothing here answers that question with yes.
"""

from __future__ import annotations

import asyncio
import ipaddress

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_agentmon.api.errors import problem_response, respond_to
from otel_agentmon.api.telemetry import UNMATCHED, ApiTelemetry
from otel_agentmon.clock import Clock
from otel_agentmon.errors import PermanentError, TooLargeError, UnsupportedError

BODY_TIMEOUT_SECONDS = 30.0
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Door:
    """ASGI middleware: refuses what must not come in, counts what was answered."""

    def __init__(
        self, app: ASGIApp, max_request_bytes: int, telemetry: ApiTelemetry, clock: Clock
    ) -> None:
        self._app = app
        self._max_request_bytes = max_request_bytes
        self._telemetry = telemetry
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._clock.monotonic()
        status = 500

        async def listen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._pass(scope, receive, listen)
        finally:
            route = getattr(scope.get("route"), "path", UNMATCHED)
            seconds = self._clock.monotonic() - started
            self._telemetry.count_request(scope["method"], route, status, seconds)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        refusal = _refuse_host(request)
        if refusal is None and request.method in _WITH_BODY:
            try:
                receive = await self._read_body(request)
            except ClientDisconnect:
                return
            except PermanentError as error:
                refusal = respond_to(error)
            except TimeoutError:
                refusal = problem_response(
                    408, "request-timeout", "the body did not arrive in time", (),
                    {"connection": "close"},
                )  # fmt: skip
        await (refusal or self._app)(scope, receive, send)

    async def _read_body(self, request: Request) -> Receive:
        """The whole body, as something that hands it to the application once more."""
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            raise UnsupportedError("send the question as application/json")
        limit = self._max_request_bytes
        body = bytearray()
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            async for chunk in request.stream():
                if len(body) + len(chunk) > limit:
                    raise TooLargeError(f"a request may have {limit} bytes (api.max_request_size)")
                body += chunk
        waiting: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await request.receive()

        return replay


def _refuse_host(request: Request) -> Response | None:
    host = request.headers.get("host", "")
    if is_own_host(host):
        return None
    return problem_response(
        421,
        "misdirected-request",
        f"this monitor answers to addresses and to localhost, not to the name {host[:200]!r}",
    )


def is_own_host(host: str) -> bool:
    """Whether a Host header names this machine in a way that no foreign name server can."""
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

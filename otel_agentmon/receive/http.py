"""The OTLP/HTTP door (opentelemetry-proto docs/specification.md, "OTLP/HTTP")."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Awaitable, Callable, Mapping

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from otel_agentmon.errors import OverloadedError, UnsupportedError
from otel_agentmon.receive.admission import Reservation
from otel_agentmon.receive.config import CorsConfig, HttpConfig, TlsConfig
from otel_agentmon.receive.decode import Content, parse_content_type
from otel_agentmon.receive.inflate import Encoding, parse_encoding, too_large
from otel_agentmon.receive.intake import Body, Intake
from otel_agentmon.receive.status import Answer
from otel_agentmon.serving import HttpServer
from otel_agentmon.signals import Signal

TRANSPORT = "http"

_CLIENT_CLOSED = 499  # what logs call it; nobody is there to read the answer
_CODE_FOR_STATUS = {404: code_pb2.NOT_FOUND, 405: code_pb2.UNIMPLEMENTED}


def build_app(cors: CorsConfig, intake: Intake, read_timeout_seconds: float) -> ASGIApp:
    """The three paths as an ASGI application."""

    def endpoint_for(signal: Signal) -> Callable[[Request], Awaitable[Response]]:
        async def export(request: Request) -> Response:
            return await _export(signal, request, intake, read_timeout_seconds)

        return export

    async def no_such_route(request: Request, error: Exception) -> Response:
        # Only the router raises it: 404 and 405.
        assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls by exception class
        intake.count_refusal(TRANSPORT, "unknown_path")
        code = _CODE_FOR_STATUS.get(error.status_code, code_pb2.UNKNOWN)
        status = Status(code=code, message=str(error.detail))
        return _respond(status, _answer_content(request), error.status_code, error.headers)

    middleware = []
    if cors.allowed_origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=cors.allowed_origins,
                allow_headers=cors.allowed_headers,
                allow_methods=("POST",),
                max_age=int(cors.max_age.total_seconds()),
            )
        )
    return Starlette(
        routes=[Route(f"/v1/{s}", endpoint_for(s), methods=["POST"]) for s in Signal],
        middleware=middleware,
        exception_handlers={HTTPException: no_such_route},
    )


async def _export(
    signal: Signal, request: Request, intake: Intake, read_timeout_seconds: float
) -> Response:
    try:
        with intake.admission.admit(request.headers.get("authorization")) as reservation:
            content = parse_content_type(request.headers.get("content-type", ""))
            encoding = parse_encoding(request.headers.get("content-encoding", ""))
            limit = intake.max_request_size
            data = await _read(request, reservation, limit, read_timeout_seconds)
            body = Body(signal, data, content, encoding)
            outcome = await intake.take(TRANSPORT, body, reservation)
    except ClientDisconnect:
        intake.count_refusal(TRANSPORT, "disconnected")
        return Response(status_code=_CLIENT_CLOSED)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the sender gets an answer
        answer = intake.refuse(TRANSPORT, error)
        headers = _headers_for(answer, error)
        return _respond(answer.status(), _answer_content(request), answer.http_status, headers)
    return _respond(outcome.response(signal), content, 200, None)


async def _read(
    request: Request, reservation: Reservation, limit: int, timeout_seconds: float
) -> bytes:
    """The body as received, refused as soon as it is or claims to be over the limit."""
    if int(request.headers.get("content-length", 0)) > limit:
        raise too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_seconds):
            async for chunk in request.stream():
                if len(body) + len(chunk) > limit:
                    raise too_large(limit)
                reservation.grow(len(chunk))
                body += chunk
    except TimeoutError:
        raise OverloadedError("the body did not arrive in time", reason="slow_body") from None
    return bytes(body)


def _headers_for(answer: Answer, error: Exception) -> dict[str, str]:
    headers = {}
    if answer.retry_after_seconds is not None:
        headers["retry-after"] = str(math.ceil(answer.retry_after_seconds))
    if answer.http_status == 401:
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, UnsupportedError):
        headers["accept-encoding"] = ", ".join(e for e in Encoding if e is not Encoding.IDENTITY)
    return headers


def _answer_content(request: Request) -> Content:
    """The form of the answer to a request whose own form may be unknown to us."""
    try:
        return parse_content_type(request.headers.get("content-type", ""))
    except UnsupportedError:
        return Content.JSON


def _respond(
    message: Message, content: Content, status: int, headers: Mapping[str, str] | None
) -> Response:
    if content is Content.PROTOBUF:
        data = message.SerializeToString()
    else:
        data = json_format.MessageToJson(message, indent=None).encode()
    return Response(data, status, headers=headers, media_type=content)


class OTLPHttpReceiver(HttpServer):
    """Serves the application on one address, in the running event loop."""

    def __init__(
        self,
        config: HttpConfig,
        tls: TlsConfig | None,
        intake: Intake,
        read_timeout_seconds: float,
    ) -> None:
        options = {
            "ssl_certfile": tls.cert_file if tls else None,
            "ssl_keyfile": tls.key_file if tls else None,
            "ssl_ca_certs": str(tls.client_ca_file) if tls and tls.client_ca_file else None,
            "ssl_cert_reqs": ssl.CERT_REQUIRED if tls and tls.client_ca_file else ssl.CERT_NONE,
        }
        app = build_app(config.cors, intake, read_timeout_seconds)
        super().__init__(app, config.address, "receive.http.address", options)

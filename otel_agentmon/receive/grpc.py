"""The OTLP/gRPC door.

Bodies come in as raw bytes and are never parsed by gRPC. Decompression by gRPC is switched off
(`grpc.per_message_decompression`, grpc_types.h): it would inflate before anybody asked who is
sending and how much is in the house. A gzip body is known by its first byte, 0x1f, which no
protobuf message can start with (wire type 7 does not exist).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import grpc
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio

from otel_agentmon.address import split_address
from otel_agentmon.errors import ConfigError, OverloadedError
from otel_agentmon.receive.config import GrpcConfig, TlsConfig
from otel_agentmon.receive.decode import Content
from otel_agentmon.receive.inflate import Encoding, too_large
from otel_agentmon.receive.intake import Body, Intake
from otel_agentmon.receive.status import Answer
from otel_agentmon.signals import Signal

TRANSPORT = "grpc"
SERVICES = {
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
}

_GZIP_MAGIC = b"\x1f\x8b"
_STATUS_KEY = "grpc-status-details-bin"
_RETRY_INFO_KEY = "google.rpc.retryinfo-bin"
"""Where the Python OTLP exporter looks for RetryInfo, and the only place it does."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_IDENTITY_AND_GZIP = (1 << grpc.Compression.NoCompression) | (1 << grpc.Compression.Gzip)


class OTLPGrpcReceiver:
    """Serves the three Export methods and the health service on one address."""

    def __init__(
        self,
        config: GrpcConfig,
        tls: TlsConfig | None,
        intake: Intake,
        read_timeout_seconds: float,
    ) -> None:
        self._config = config
        self._tls = tls
        self._intake = intake
        self._read_timeout_seconds = read_timeout_seconds
        self._reading = asyncio.Semaphore(config.max_concurrent_reads)
        self._health = health_aio.HealthServicer()
        self._server: grpc.aio.Server | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The port listened on, also when the configured one is 0; 0 before `start`."""
        return self._port

    async def start(self) -> None:
        """Listens. Raises ConfigError when the address cannot be used."""
        server = grpc.aio.server(options=self._options())
        handlers = {
            f"/{service}/Export": self._handler_for(signal) for signal, service in SERVICES.items()
        }
        server.add_generic_rpc_handlers((_ExportMethods(handlers, self._intake),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        self._port = self._bind(server)
        await server.start()
        self._server = server
        for service in ("", *SERVICES.values()):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace_seconds: float) -> None:
        """Lets running calls end within `grace_seconds`; safe twice and without `start`."""
        await self._health.enter_graceful_shutdown()
        server, self._server = self._server, None
        if server is not None:
            await server.stop(grace_seconds)

    def _options(self) -> Sequence[tuple[str, int]]:
        return (
            ("grpc.max_receive_message_length", self._intake.max_request_size),
            ("grpc.per_message_decompression", 0),
            ("grpc.compression_enabled_algorithms_bitset", _IDENTITY_AND_GZIP),
            ("grpc.so_reuseport", 0),  # a second process on the port must fail, not share it
            ("grpc.max_concurrent_streams", 256),
        )

    def _bind(self, server: grpc.aio.Server) -> int:
        address = self._config.address
        try:
            if self._tls is None:
                port = server.add_insecure_port(address)
            else:
                port = server.add_secure_port(address, _credentials(self._tls))
        except RuntimeError as error:
            raise ConfigError(
                [f"receive.grpc.address: cannot listen on {address!r}: {_reason(address, error)}"]
            ) from error
        return int(port)

    def _handler_for(self, signal: Signal) -> grpc.RpcMethodHandler:
        async def export(requests: object, context: grpc.aio.ServicerContext) -> bytes:
            try:
                return await self._export(signal, context)
            except asyncio.CancelledError:
                self._intake.count_refusal(TRANSPORT, "disconnected")
                raise
            except Exception as error:  # whatever went wrong, the sender gets an answer
                await _abort(context, self._intake.refuse(TRANSPORT, error))
                raise AssertionError("abort raises") from error

        # Unary on the wire; taken as a stream so that the body is read when we say so, after
        # asking who is sending.
        return grpc.stream_unary_rpc_method_handler(export)

    async def _export(self, signal: Signal, context: grpc.aio.ServicerContext) -> bytes:
        with self._intake.admission.admit(_authorization(context)) as reservation:
            data = await self._read(context)
            reservation.grow(len(data))
            encoding = Encoding.GZIP if data.startswith(_GZIP_MAGIC) else Encoding.IDENTITY
            body = Body(signal, data, Content.PROTOBUF, encoding)
            outcome = await self._intake.take(TRANSPORT, body, reservation)
        return bytes(outcome.response(signal).SerializeToString())

    async def _read(self, context: grpc.aio.ServicerContext) -> bytes:
        try:
            async with asyncio.timeout(self._read_timeout_seconds), self._reading:
                data = await context.read()
        except TimeoutError:
            raise OverloadedError("the body did not arrive in time", reason="slow_body") from None
        if data is grpc.aio.EOF:
            # gRPC refused the message for its size, and has told the sender so.
            raise too_large(self._intake.max_request_size)
        return bytes(data)


class _ExportMethods(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    def __init__(self, handlers: dict[str, grpc.RpcMethodHandler], intake: Intake) -> None:
        self._handlers = handlers
        self._intake = intake

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        handler = self._handlers.get(call.method)
        if handler is None and not call.method.startswith("/grpc.health."):
            self._intake.count_refusal(TRANSPORT, "unknown_path")  # gRPC answers UNIMPLEMENTED
        return handler


def _authorization(context: grpc.aio.ServicerContext) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            return str(value)
    return None


async def _abort(context: grpc.aio.ServicerContext, answer: Answer) -> None:
    status = answer.status()
    metadata = [(_STATUS_KEY, status.SerializeToString())]
    retry_info = answer.retry_info()
    if retry_info is not None:
        metadata.append((_RETRY_INFO_KEY, retry_info.SerializeToString()))
    code = _CODES.get(answer.grpc_code, _CODES[code_pb2.INTERNAL])
    await context.abort(code, answer.message, tuple(metadata))


def _reason(address: str, error: RuntimeError) -> Exception:
    """What the operating system has against the address, which gRPC keeps to itself."""
    host, port = split_address(address)
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((host, port), family=family).close()
    except OSError as refusal:
        return refusal
    return error


def _credentials(tls: TlsConfig) -> grpc.ServerCredentials:
    authorities = tls.client_ca_file.read_bytes() if tls.client_ca_file else None
    return grpc.ssl_server_credentials(
        [(tls.key_file.read_bytes(), tls.cert_file.read_bytes())],
        root_certificates=authorities,
        require_client_auth=authorities is not None,
    )

"""A real OTLP/gRPC receiver that remembers what it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces


@dataclass
class Receiver:
    """What has arrived, request by request."""

    port: int = 0
    requests: list[Any] = field(default_factory=list)
    metadata: list[dict[str, str]] = field(default_factory=list)
    refusals_left: int = 0
    """Requests that are refused for good before the first is taken."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spans(self) -> list[tuple[dict[str, str], Any]]:
        """Every span with its resource's attributes."""
        return [
            ({a.key: a.value.string_value for a in of_resource.resource.attributes}, span)
            for request in self.requests
            if isinstance(request, traces.ExportTraceServiceRequest)
            for of_resource in request.resource_spans
            for scope in of_resource.scope_spans
            for span in scope.spans
        ]

    def log_records(self) -> list[Any]:
        return [
            record
            for request in self.requests
            if isinstance(request, logs.ExportLogsServiceRequest)
            for of_resource in request.resource_logs
            for scope in of_resource.scope_logs
            for record in scope.log_records
        ]

    def metrics(self) -> list[Any]:
        return [
            metric
            for request in self.requests
            if isinstance(request, metrics.ExportMetricsServiceRequest)
            for of_resource in request.resource_metrics
            for scope in of_resource.scope_metrics
            for metric in scope.metrics
        ]

    def take(self, request: Any, context: Any) -> bytes:
        self.metadata.append(dict(context.invocation_metadata()))
        if self.refusals_left:
            self.refusals_left -= 1
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not today")
        self.requests.append(request)
        return b""  # every Export…ServiceResponse without a partial success


@contextmanager
def serve(receiver: Receiver) -> Iterator[Receiver]:
    """Listen on a port of the system's choice, or again on the receiver's own."""
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers(
            (
                _service("trace", "Trace", receiver, traces.ExportTraceServiceRequest),
                _service("metrics", "Metrics", receiver, metrics.ExportMetricsServiceRequest),
                _service("logs", "Logs", receiver, logs.ExportLogsServiceRequest),
            )
        )
        receiver.port = server.add_insecure_port(f"127.0.0.1:{receiver.port}")
        server.start()
        try:
            yield receiver
        finally:
            server.stop(grace=None).wait()


def _service(package: str, name: str, receiver: Receiver, message: Any) -> grpc.GenericRpcHandler:
    export = grpc.unary_unary_rpc_method_handler(
        receiver.take, request_deserializer=message.FromString
    )
    return grpc.method_handlers_generic_handler(
        f"opentelemetry.proto.collector.{package}.v1.{name}Service", {"Export": export}
    )

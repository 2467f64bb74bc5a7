"""What each error is called on the wire; the only table of codes, read by both doors.

Codes follow opentelemetry-proto docs/specification.md ("Failures", "OTLP/HTTP Response").
RESOURCE_EXHAUSTED goes out without RetryInfo, which makes it final; UNAVAILABLE and 503 always
say when to come back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_agentmon.errors import (
    DecodeError,
    OverloadedError,
    PermanentError,
    RetryableError,
    ShuttingDownError,
    StoreUnavailableError,
    TooLargeError,
    UnauthenticatedError,
    UnsupportedError,
)
from otel_agentmon.signals import Signal

# Error, google.rpc.Code, HTTP status, reason in metrics; the first match counts.
_TABLE: tuple[tuple[type[Exception], int, int, str], ...] = (
    (UnauthenticatedError, code_pb2.UNAUTHENTICATED, 401, "unauthenticated"),
    (TooLargeError, code_pb2.RESOURCE_EXHAUSTED, 413, "too_large"),
    (UnsupportedError, code_pb2.INVALID_ARGUMENT, 415, "unsupported"),
    (DecodeError, code_pb2.INVALID_ARGUMENT, 400, "decode"),
    (PermanentError, code_pb2.INVALID_ARGUMENT, 400, "decode"),
    (ShuttingDownError, code_pb2.UNAVAILABLE, 503, "shutting_down"),
    (StoreUnavailableError, code_pb2.UNAVAILABLE, 503, "store_unavailable"),
    (RetryableError, code_pb2.UNAVAILABLE, 503, "retryable"),
)


_RESPONSES: Mapping[Signal, tuple[Any, str]] = {
    Signal.TRACES: (ExportTraceServiceResponse, "rejected_spans"),
    Signal.METRICS: (ExportMetricsServiceResponse, "rejected_data_points"),
    Signal.LOGS: (ExportLogsServiceResponse, "rejected_log_records"),
}


@dataclass(frozen=True)
class Outcome:
    """An accepted request; `message` is empty when everything went in as it came."""

    accepted: int
    rejected: int
    message: str

    def response(self, signal: Signal) -> Any:
        """The `Export…ServiceResponse`; `partial_success` is set only when there is a message.

        Nothing rejected and a message is OTLP's form of a warning.
        """
        response_class, rejected_field = _RESPONSES[signal]
        if not self.message:
            return response_class()
        return response_class(
            partial_success={rejected_field: self.rejected, "error_message": self.message}
        )


@dataclass(frozen=True)
class Answer:
    """How one error is told to a sender; `retry_after_seconds` is None when it must not retry."""

    grpc_code: int
    http_status: int
    reason: str
    message: str
    retry_after_seconds: float | None

    def retry_info(self) -> RetryInfo | None:
        """When to come back, as OTLP/gRPC says it."""
        if self.retry_after_seconds is None:
            return None
        delay = Duration()
        delay.FromNanoseconds(int(self.retry_after_seconds * 1e9))
        return RetryInfo(retry_delay=delay)

    def status(self) -> Status:
        """The error as both doors put it into their answer, with its detail message."""
        status = Status(code=self.grpc_code, message=self.message)
        retry_info = self.retry_info()
        if retry_info is not None:
            status.details.add().Pack(retry_info)
        elif self.grpc_code == code_pb2.INVALID_ARGUMENT:
            violation = BadRequest.FieldViolation(field="request", description=self.message)
            status.details.add().Pack(BadRequest(field_violations=[violation]))
        return status


def answer_for(error: Exception) -> Answer:
    """Looks the error up; one outside the table is ours and its text stays inside."""
    for kind, grpc_code, http_status, word in _TABLE:
        if isinstance(error, kind):
            reason = error.reason if isinstance(error, OverloadedError) else word
            retry = error.retry_after_seconds if isinstance(error, RetryableError) else None
            return Answer(grpc_code, http_status, reason, str(error), retry)
    return Answer(code_pb2.INTERNAL, 500, "internal", "internal error; see the monitor's log", None)

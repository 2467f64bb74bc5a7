"""Senders whose every item can be found again, and the ledger of what they were told.

Each request has a number, and each of its items an id that is unique within it; both travel as
attributes. A request is sent once, whatever becomes of it. So the rows with one number are
exactly what became of one request.
"""

from __future__ import annotations

import asyncio
import enum
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from otel_agentmon.signals import Signal
from tests.acceptance.questions import ask_sql
from tests.house.running import RunningMonitor
from tests.receive.payloads import attributes, logs, metrics, traces

METHODS = {
    Signal.TRACES: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    Signal.METRICS: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
TABLES = {
    Signal.TRACES: {"otel_traces": "SpanAttributes"},
    Signal.METRICS: {
        "otel_metrics_sum": "Attributes",
        "otel_metrics_gauge": "Attributes",
        "otel_metrics_histogram": "Attributes",
    },
    Signal.LOGS: {"otel_logs": "LogAttributes"},
}
_DAY_NANO = 86_400 * 10**9
_SIZES = (1, 1, 3, 10, 30, 100, 300)
_CALL_SECONDS = 20.0
"""Longer than any answer takes; a request without one counts as not acknowledged."""


class Fate(enum.Enum):
    """What a sender was told."""

    UNANSWERED = enum.auto()
    ACKNOWLEDGED = enum.auto()
    REFUSED = enum.auto()
    """UNAVAILABLE with RetryInfo, from a monitor that lives."""


@dataclass(slots=True)
class Request:
    """One request and what became of it."""

    number: int
    life: int
    """How many times the monitor had been started before it was sent."""
    signal: Signal
    items: int
    days: int
    """Its items are spread over so many days, each of which is a part of its own in the table."""
    fate: Fate = Fate.UNANSWERED


@dataclass(slots=True)
class Ledger:
    """Every request that was sent."""

    seed: int
    requests: list[Request] = field(default_factory=list)
    life: int = 0
    moments: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.moments = random.Random(self.seed)

    def next_request(self) -> Request:
        """A request of a random kind: mostly traces, mostly of today, mostly small."""
        request = Request(
            number=len(self.requests),
            life=self.life,
            signal=self.moments.choices(tuple(Signal), (6, 2, 2))[0],
            items=self.moments.choice(_SIZES),
            days=self.moments.choices((1, 12), (7, 1))[0],
        )
        self.requests.append(request)
        return request

    def acknowledged(self) -> list[Request]:
        """Those that must be found."""
        return [one for one in self.requests if one.fate is Fate.ACKNOWLEDGED]


def write_request(request: Request) -> bytes:
    """The body of an Export call."""
    now = time.time_ns()
    items = [
        (now - (index % request.days) * _DAY_NANO, index, _attributes(request, index))
        for index in range(request.items)
    ]
    match request.signal:
        case Signal.TRACES:
            body: Any = traces(*_spans(request, items), **{"service.name": "load"})
        case Signal.METRICS:
            body = metrics(*_metrics(items))
        case Signal.LOGS:
            body = logs(
                *({"time_unix_nano": moment, "attributes": own} for moment, _, own in items)
            )
    return bytes(body.SerializeToString())


def _attributes(request: Request, index: int) -> list[dict[str, Any]]:
    values = {"request": str(request.number), "id": str(index), "gen_ai.operation.name": "chat"}
    if request.number % 10 == 0:  # a nested value goes another way into the journal
        values["nested"] = {"list": [1, {"deep": True}]}  # type: ignore[assignment]
    return attributes(values)


def _spans(
    request: Request, items: Sequence[tuple[int, int, list[dict[str, Any]]]]
) -> Iterator[dict[str, Any]]:
    for moment, index, own in items:
        yield {
            "trace_id": (request.number + 1).to_bytes(16, "big"),
            "span_id": (index + 1).to_bytes(8, "big"),
            "name": f"chat {index % 7}",
            "start_time_unix_nano": moment,
            "end_time_unix_nano": moment + 10**9,
            "attributes": own,
            "events": [{"name": "spoke", "time_unix_nano": moment}],
        }


def _metrics(
    items: Sequence[tuple[int, int, list[dict[str, Any]]]],
) -> Iterator[dict[str, Any]]:
    """The points in turn to a counter, a gauge and a histogram."""
    points = [{"time_unix_nano": moment, "attributes": own} for moment, _, own in items]
    yield {"name": "calls", "sum": {"data_points": points[0::3], "aggregation_temporality": 2}}
    yield {"name": "heat", "gauge": {"data_points": points[1::3]}}
    yield {
        "name": "lengths",
        "histogram": {"data_points": points[2::3], "aggregation_temporality": 2},
    }


async def send_until(monitor: RunningMonitor, ledger: Ledger, stop: asyncio.Event) -> None:
    """One sender: request after request until `stop`, or until nobody answers any more."""
    options = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own
    async with grpc.aio.insecure_channel(str(monitor.ready["otlp_grpc"]), options) as channel:
        calls = {signal: channel.unary_unary(path) for signal, path in METHODS.items()}
        while not stop.is_set():
            request = ledger.next_request()
            try:
                answer = await calls[request.signal](write_request(request), timeout=_CALL_SECONDS)
            except grpc.aio.AioRpcError as error:
                delay = retry_seconds(error)
                if delay is None:
                    return  # it was killed, or has ended
                request.fate = Fate.REFUSED
                await asyncio.sleep(min(delay, 0.2))
            else:
                assert answer == b"", f"request {request.number} was accepted in part: {answer!r}"
                request.fate = Fate.ACKNOWLEDGED


def retry_seconds(error: grpc.aio.AioRpcError) -> float | None:
    """After how long the sender is asked to come back; None if nobody is there to ask.

    Both codes mean that the same request may be sent again:
    https://opentelemetry.io/docs/specs/otlp/#failures
    """
    if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        raise AssertionError(f"a sound request was answered with {error}") from error
    metadata = dict(error.trailing_metadata() or ())
    if "grpc-status-details-bin" not in metadata:
        return None
    for detail in Status.FromString(metadata["grpc-status-details-bin"]).details:
        info = RetryInfo()
        if detail.Unpack(info):
            return float(info.retry_delay.ToTimedelta().total_seconds())
    raise AssertionError(f"told to come back, and not when: {error}")


def find_faults(monitor: RunningMonitor, ledger: Ledger) -> list[str]:
    """Requests that are not in the tables as their senders were told, each with what is wrong.

    What was acknowledged is there, what was refused is not, and nothing is there twice.
    """
    found: dict[int, tuple[int, int]] = {}
    for tables in TABLES.values():
        rows = " UNION ALL ".join(
            f"SELECT {column}['request'] AS request, {column}['id'] AS id FROM {table} "  # noqa: S608 - ours
            f"WHERE {column}['request'] != ''"
            for table, column in tables.items()
        )
        query = (
            "SELECT toUInt64(request) AS number, count() AS items, uniqExact(id) AS different "  # noqa: S608
            f"FROM ({rows}) GROUP BY number"
        )
        for row in ask_sql(monitor, query):
            found[row["number"]] = (row["items"], row["different"])
    faults = []
    for one in ledger.requests:
        items, different = found.get(one.number, (0, 0))
        missing = one.items - different if one.fate is Fate.ACKNOWLEDGED else 0
        unwanted = items if one.fate is Fate.REFUSED else 0
        twice = items - different
        if missing or unwanted or twice:
            faults.append(f"{one}: {missing} missing, {unwanted} unwanted, {twice} twice")
    return faults

"""The one way from a body to the sink, for both doors.

inflate → decode → validate → lower → sink; what is plain already (plain.py) is not lowered, and
what needs no mending either goes on as it came. All but the last is computation without
waiting; for large bodies it runs in one of two threads, so that the doors go on answering, and so
that at most two large bodies at a time are unpacked (JSON takes ten times its size while it is
read). Decompression releases the interpreter lock; the protobuf parser holds it, about 125 ms for
64 MiB.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from otel_agentmon.clock import Clock
from otel_agentmon.errors import AgentmonError, RetryableError
from otel_agentmon.receive import repair, validate
from otel_agentmon.receive.admission import Admission, Reservation
from otel_agentmon.receive.decode import Content, decode
from otel_agentmon.receive.inflate import Encoding, inflate
from otel_agentmon.receive.lower import lower
from otel_agentmon.receive.plain import parse_plain
from otel_agentmon.receive.sink import Sink
from otel_agentmon.receive.status import Answer, Outcome, answer_for
from otel_agentmon.receive.telemetry import ReceiveTelemetry
from otel_agentmon.signals import Signal

logger = logging.getLogger(__name__)

_THREADS = 2
_INLINE_COMPRESSED_BYTES = 32 * 2**10
_INLINE_BYTES = 2**20

# Repairs that change nothing the sender meant; not worth a warning in every answer.
_SILENT_REPAIRS = frozenset({validate.ZERO_ID_CLEARED, validate.METRIC_WITHOUT_DATA})

_T = TypeVar("_T")


@dataclass(frozen=True)
class Prepared:
    """A request ready for the sink; `accepted` and `rejected` count its items."""

    payload: bytes
    accepted: int
    rejections: Counter[str]
    repairs: Counter[str]
    lowered: int

    @property
    def rejected(self) -> int:
        """How many items were left out."""
        return self.rejections.total()


@dataclass(frozen=True)
class Body:
    """One request as it arrived."""

    signal: Signal
    data: bytes
    content: Content
    encoding: Encoding


def prepare(signal: Signal, data: bytes, content: Content) -> Prepared:
    """Everything between the uncompressed body and the sink. Raises DecodeError.

    A request in the form every reader takes, with nothing to change, comes out as the same object.
    """
    repairs: Counter[str] = Counter()
    rejections: Counter[str] = Counter()
    plain = parse_plain(signal, data) if content is Content.PROTOBUF else None
    message = decode(signal, data, content, repairs) if plain is None else plain.message
    accepted = validate.validate(signal, message, rejections, repairs)
    if plain is not None and not rejections and not repairs:
        return Prepared(plain.payload, accepted, rejections, repairs, 0)
    lowered = 0
    if plain is None:
        lowered = lower(signal, message)
        # What we do not know the database may stumble over.
        message.DiscardUnknownFields()
    return Prepared(message.SerializeToString(), accepted, rejections, repairs, lowered)


class Intake:
    """Takes bodies from the doors; owns the threads that work on the large ones."""

    def __init__(
        self,
        sink: Sink,
        admission: Admission,
        telemetry: ReceiveTelemetry,
        clock: Clock,
        max_request_size: int,
    ) -> None:
        self.admission = admission
        self.max_request_size = max_request_size
        self._sink = sink
        self._telemetry = telemetry
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="receive")

    async def take(self, transport: str, body: Body, reservation: Reservation) -> Outcome:
        """Returns when the request is durable.

        `reservation` holds the body as received; it grows by what decompression adds. Raises from
        the error tree; what it raises is for `refuse` to count.
        """
        started = self._clock.monotonic()
        telemetry = self._telemetry
        telemetry.request_bytes.labels(transport).inc(len(body.data))
        data = body.data
        if body.encoding is not Encoding.IDENTITY:
            in_thread = len(data) > _INLINE_COMPRESSED_BYTES
            data = await self._compute(
                in_thread, lambda: inflate(body.data, body.encoding, self.max_request_size)
            )
            reservation.grow(len(data))
        prepared = await self._compute(
            len(data) > _INLINE_BYTES, lambda: prepare(body.signal, data, body.content)
        )
        telemetry.count_rules(prepared.rejections, prepared.repairs)
        if prepared.lowered:
            telemetry.lowered_requests.labels(body.signal).inc()
        if prepared.rejected:
            telemetry.refused[body.signal].labels(transport).inc(prepared.rejected)
        await self._hand_over(transport, body.signal, prepared)
        telemetry.duration.labels(transport).observe(self._clock.monotonic() - started)
        return Outcome(prepared.accepted, prepared.rejected, _explain(prepared))

    def refuse(self, transport: str, error: Exception) -> Answer:
        """Counts a request that got an error for an answer; returns that answer."""
        answer = answer_for(error)
        if not isinstance(error, AgentmonError):
            logger.error("a request met an unforeseen error", exc_info=error)
        self.count_refusal(transport, answer.reason)
        return answer

    def count_refusal(self, transport: str, reason: str) -> None:
        """Counts a request that was refused before anything here saw it."""
        self._telemetry.refused_requests.labels(transport, reason).inc()

    def close(self) -> None:
        """Ends the threads, after the work they have begun. Safe to call twice."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _hand_over(self, transport: str, signal: Signal, prepared: Prepared) -> None:
        """Gives the payload to the sink, if any item is in it."""
        items = prepared.accepted
        if not items:
            return
        try:
            await self._sink.accept(signal, prepared.payload)
        except AgentmonError:
            self._telemetry.refused[signal].labels(transport).inc(items)
            raise
        except asyncio.CancelledError:
            # The sender left; the sink may have finished, but nobody was told.
            self._telemetry.failed[signal].labels(transport).inc(items)
            raise
        except Exception as error:
            # Whatever it was, the data is not durable; a sender that keeps it loses nothing.
            logger.exception("the sink met an unforeseen error")
            self._telemetry.failed[signal].labels(transport).inc(items)
            raise RetryableError("the request could not be made durable") from error
        self._telemetry.accepted[signal].labels(transport).inc(items)

    async def _compute(self, in_thread: bool, work: Callable[[], _T]) -> _T:
        if not in_thread:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _explain(prepared: Prepared) -> str:
    """One sentence for the sender; the Python exporter never reads it, the Collector logs it."""
    told = prepared.rejections + Counter(
        {rule: n for rule, n in prepared.repairs.items() if rule not in _SILENT_REPAIRS}
    )
    return "; ".join(f"{_SENTENCES[rule]} ({count})" for rule, count in sorted(told.items()))


_SENTENCES = {
    validate.TRACE_ID_LENGTH: "span rejected: trace_id is not 16 bytes long",
    validate.TRACE_ID_ZERO: "span rejected: trace_id is all zeros",
    validate.SPAN_ID_LENGTH: "span rejected: span_id is not 8 bytes long",
    validate.SPAN_ID_ZERO: "span rejected: span_id is all zeros",
    validate.LINK_REMOVED: "link removed: its trace_id or span_id is not valid",
    validate.PARENT_CLEARED: "parent_span_id cleared: not 8 bytes long",
    validate.LOG_ID_CLEARED: "log record kept without an id of the wrong length",
    validate.EXEMPLAR_ID_CLEARED: "exemplar kept without an id of the wrong length",
    repair.UTF8_REPLACED: "string repaired: not valid UTF-8",
    repair.NESTING_CUT: f"value cut: nested deeper than {repair.MAX_NESTING} levels",
}

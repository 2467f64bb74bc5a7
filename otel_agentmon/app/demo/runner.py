"""`agentmon demo`: history first if it is asked for, then runs as they happen.

Spans and log records carry the times they are given, so history is filled with them. Metrics are
not: the SDK stamps a point when it collects it and its public API takes no other time, so metrics
are sent for live runs only.
"""

from __future__ import annotations

import copy
import itertools
import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, Protocol

from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider

from otel_agentmon.app.demo.chatbot import Chatbot
from otel_agentmon.app.demo.clock import VirtualClock
from otel_agentmon.app.demo.delivery import LOG_RECORDS, SPANS, Delivery, ExporterWords
from otel_agentmon.app.demo.failing import InvoiceExtractor
from otel_agentmon.app.demo.genai import GenAIRecorder, Telemetry
from otel_agentmon.app.demo.instruments import Instruments
from otel_agentmon.app.demo.looping import DataJanitor
from otel_agentmon.app.demo.overspending import CodeReviewer
from otel_agentmon.app.demo.pipeline import Exporters, Pipeline
from otel_agentmon.app.demo.planner import Planner
from otel_agentmon.app.demo.schedule import schedule_backfill, schedule_live

_PENDING_LIMIT: Final = 2048
"""Items on their way at which new runs wait; what one run adds still fits into the queues."""
_PACE_SECONDS: Final = 0.01
_LONGEST_BACKFILL: Final = timedelta(days=3650)


class Agent(Protocol):
    """A program that runs again and again; what it remembers between runs is its own."""

    service: str
    version: str

    def run(self, genai: GenAIRecorder) -> None:
        """One run, all of it recorded by `genai`; a run that fails does not raise."""
        ...


AGENTS: Final[Mapping[str, Callable[[], Agent]]] = {
    "planner": Planner,
    "chatbot": Chatbot,
    "failing": InvoiceExtractor,
    "looping": DataJanitor,
    "overspending": CodeReviewer,
}


@dataclass(frozen=True)
class DemoSettings:
    """What a demo is asked to do. Raises ValueError for what it cannot."""

    endpoint: str = "http://127.0.0.1:4317"
    """OTLP/gRPC; `http://` is plaintext, `https://` is TLS."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every request."""
    token: str | None = field(default=None, repr=False)
    """A bearer token, sent as the `authorization` header."""
    insecure: bool | None = None
    """Plaintext or TLS for an endpoint without a scheme."""
    seed: int = 0
    """The same seed at the same start time gives the same spans, ids included."""
    rate: float = 6.0
    """Runs a minute of each agent."""
    backfill: timedelta = timedelta(0)
    """How much history is sent before the live runs begin."""
    runs: int | None = None
    """How many live runs there are, all agents together; None is without end."""
    agents: tuple[str, ...] = tuple(AGENTS)
    """Which agents run."""
    content: bool = False
    """Whether messages and the arguments and results of tools are sent."""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.agents) - set(AGENTS))
        if unknown or not self.agents:
            raise ValueError(f"no such agents: {unknown}; choose from {', '.join(AGENTS)}")
        if not 0 < self.rate < math.inf:
            raise ValueError(f"the rate must be above 0 runs a minute, not {self.rate}")
        if not timedelta(0) <= self.backfill <= _LONGEST_BACKFILL:
            raise ValueError(f"the backfill must be 0 to {_LONGEST_BACKFILL}, not {self.backfill}")
        if self.runs is not None and self.runs < 0:
            raise ValueError(f"the number of runs must not be negative, not {self.runs}")


@dataclass(frozen=True)
class DemoReport:
    """What became of it; created minus exported is what was given up at the stop."""

    runs: int
    spans_created: int
    spans_exported: int
    log_records_created: int
    log_records_exported: int


def run_demo(
    settings: DemoSettings,
    stop: threading.Event,
    *,
    grace: timedelta = timedelta(seconds=5),
    exporters: Exporters | None = None,
    now: Callable[[], int] = time.time_ns,
) -> DemoReport:
    """Send history and live runs until `stop` is set or the runs are done.

    Nothing is dropped while the receiver is away: new runs wait. What has not been delivered
    `grace` after the stop is given up and shows in the report. `now` is nanoseconds since the Unix
    epoch.
    """
    with ExporterWords() as words:
        delivery = Delivery(words)
        pipeline = Pipeline(exporters or _otlp_exporters(settings), delivery)
        try:
            runs = _run_agents(settings, pipeline, _Pace(delivery, stop, now))
        finally:
            pipeline.close(grace.total_seconds())
    return DemoReport(
        runs=runs,
        spans_created=delivery.created[SPANS],
        spans_exported=delivery.exported[SPANS],
        log_records_created=delivery.created[LOG_RECORDS],
        log_records_exported=delivery.exported[LOG_RECORDS],
    )


class _Pace:
    """Waits, for as long as nobody wants the demo to stop."""

    def __init__(self, delivery: Delivery, stop: threading.Event, now: Callable[[], int]) -> None:
        self._delivery = delivery
        self._stop = stop
        self.now = now

    def wait_for_room(self) -> bool:
        """Whether another run may be sent; False when it is time to stop."""
        return self._wait_for_pending(_PENDING_LIMIT)

    def wait_for_delivery(self) -> bool:
        """Whether everything has arrived; False when it is time to stop."""
        return self._wait_for_pending(0)

    def wait_until(self, due: int) -> bool:
        """Whether it is `due`; False when it is time to stop."""
        return not self._stop.wait(max(0.0, (due - self.now()) / 1e9))

    def _wait_for_pending(self, limit: int) -> bool:
        while self._delivery.pending() > limit:
            if self._stop.wait(_PACE_SECONDS):
                return False
        return not self._stop.is_set()


class _Program:
    """One agent with its telemetry."""

    def __init__(self, name: str, seed: str, content: bool, pipeline: Pipeline) -> None:
        self._create_agent = AGENTS[name]
        self._agent = self._create_agent()
        self._seed = f"{seed} {name}"
        self._content = content
        self._runs = 0
        self._queue_depth = 0
        self._telemetry = pipeline.open_program(
            self._agent.service,
            self._agent.version,
            _seeded(f"{self._seed} ids"),
            lambda: self._queue_depth,
        )

    def run_backfilled(self, end: int) -> None:
        """One run that ended at `end`, without metrics."""
        self._run(replace(self._telemetry, instruments=_SILENCE.instruments), end)

    def run_live(self, end: int) -> None:
        """One run that ends at `end`."""
        self._run(self._telemetry, end)

    def restart(self) -> None:
        """Forget what was remembered between runs, such as an open conversation."""
        self._agent = self._create_agent()

    def _run(self, telemetry: Telemetry, end: int) -> None:
        """Rehearse in silence to know how long the run takes, then start it that much earlier."""
        seed = f"{self._seed} {self._runs}"
        clock = VirtualClock(0)
        rehearsal = GenAIRecorder(_SILENCE, clock, _seeded(seed), self._content)
        copy.deepcopy(self._agent).run(rehearsal)
        clock = VirtualClock(end - clock.now())
        self._agent.run(GenAIRecorder(telemetry, clock, _seeded(seed), self._content))
        self._runs += 1
        self._queue_depth = _seeded(seed).randrange(8)


def _run_agents(settings: DemoSettings, pipeline: Pipeline, pace: _Pace) -> int:
    """Both phases; returns the number of runs."""
    start = pace.now()
    # The start is part of the seed: the same demo on another day must not repeat its trace ids.
    seed = f"{settings.seed} {start}"
    programs = {name: _Program(name, seed, settings.content, pipeline) for name in settings.agents}
    runs = 0
    for end, name in schedule_backfill(
        _randoms(settings, f"{seed} backfill"), start, settings.backfill, settings.rate
    ):
        if not pace.wait_for_room():
            return runs
        programs[name].run_backfilled(end)
        runs += 1
    for program in programs.values():
        program.restart()
    live = schedule_live(_randoms(settings, f"{seed} live"), start, settings.rate)
    for end, name in itertools.islice(live, settings.runs):
        if not (pace.wait_until(end) and pace.wait_for_room()):
            return runs
        programs[name].run_live(end)
        runs += 1
    pace.wait_for_delivery()
    return runs


def _otlp_exporters(settings: DemoSettings) -> Exporters:
    headers = dict(settings.headers)
    if settings.token is not None:
        headers["authorization"] = f"Bearer {settings.token}"
    return Exporters.otlp(settings.endpoint, headers, settings.insecure)


def _randoms(settings: DemoSettings, seed: str) -> dict[str, random.Random]:
    return {name: _seeded(f"{seed} {name}") for name in settings.agents}


def _seeded(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311  (sample data, nothing secret)


_SILENCE: Final = Telemetry(
    NoOpTracerProvider().get_tracer(__name__),
    Instruments.create(NoOpMeterProvider().get_meter(__name__), lambda: 0),
    NoOpLoggerProvider().get_logger(__name__),
)

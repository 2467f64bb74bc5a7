"""Tests of the demo as a whole: determinism, delivery to a real receiver, and its end."""

from __future__ import annotations

import ast
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_agentmon import semconv
from otel_agentmon.app.demo import runner
from otel_agentmon.app.demo.pipeline import Exporters
from otel_agentmon.app.demo.runner import AGENTS, DemoReport, DemoSettings, run_demo
from tests.app.demo.receiver import Receiver, serve
from tests.app.demo.runs import START, InMemoryMetricExporter, Outcome, run_in_memory

_BOTH_PHASES = DemoSettings(seed=7, rate=0.5, backfill=timedelta(minutes=20), runs=12)
_QUICK = DemoSettings(seed=7, rate=60_000, runs=30)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run_in_memory(_BOTH_PHASES)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serve(Receiver()) as serving:
        yield serving


def written(outcome: Outcome) -> tuple[list[str], list[str]]:
    return (
        [span.to_json() for span in outcome.spans],
        [record.to_json() for record in outcome.log_records],
    )


def assert_all_delivered(report: DemoReport, receiver: Receiver) -> None:
    span_ids = [span.span_id for _, span in receiver.spans()]
    assert report.spans_created == report.spans_exported == len(span_ids) == len(set(span_ids))
    log_records = len(receiver.log_records())
    assert report.log_records_created == report.log_records_exported == log_records


def test_the_same_seed_and_start_give_the_same_data(outcome: Outcome) -> None:
    """Ids, times, attributes, events, links and log records are equal to the last byte."""
    assert written(run_in_memory(_BOTH_PHASES)) == written(outcome)


@pytest.mark.parametrize(
    ("seed", "start"), [(8, START), (7, START + 1)], ids=["another seed", "another start"]
)
def test_another_seed_or_start_shares_no_id(outcome: Outcome, seed: int, start: int) -> None:
    """A demo that is run again on the next day adds traces, it does not repeat them."""
    other = run_in_memory(replace(_BOTH_PHASES, seed=seed), start)

    assert set(other.traces).isdisjoint(outcome.traces)


def test_the_report_counts_what_was_sent(outcome: Outcome) -> None:
    """Ten backfilled runs of each agent and twelve live ones, each a trace, all delivered."""
    report = outcome.report

    assert report.runs == len(outcome.traces) == 10 * len(AGENTS) + 12
    assert report.spans_created == report.spans_exported == len(outcome.spans)
    assert report.log_records_created == report.log_records_exported == len(outcome.log_records)


def test_backfill_ends_where_live_begins() -> None:
    """The last backfilled run has ended by the start, and no span lies before the period."""
    week = run_in_memory(DemoSettings(backfill=timedelta(days=7), runs=0, agents=("planner",)))
    ends = [span.end_time for span in week.spans if span.end_time is not None]
    starts = [span.start_time for span in week.spans if span.start_time is not None]

    assert max(ends) <= START
    assert max(ends) > START - 3600 * 10**9
    assert min(starts) > START - 7 * 86_400 * 10**9 - 60 * 10**9


def test_a_live_run_ends_when_it_is_due(receiver: Receiver) -> None:
    """The newest span has just ended: never in the future, never long ago."""
    before = time.time_ns()
    run_demo(replace(_QUICK, endpoint=receiver.endpoint), threading.Event())

    newest = max(span.end_time_unix_nano for _, span in receiver.spans())
    assert before < newest <= time.time_ns()


def test_nothing_is_dropped_on_the_way_to_a_receiver(receiver: Receiver) -> None:
    """More items than the queues hold arrive complete, in the requests of the real exporter."""
    report = run_demo(
        DemoSettings(endpoint=receiver.endpoint, backfill=timedelta(minutes=25), runs=0),
        threading.Event(),
    )

    assert report.runs == 25 * 6 * len(AGENTS)
    assert report.spans_created > 8_000
    assert_all_delivered(report, receiver)


class HeldSpanExporter(InMemorySpanExporter):
    """Takes nothing until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.released.wait()
        return super().export(spans)


class CountedStop(threading.Event):
    """Ends a demo that has waited often enough; tells when it waits."""

    def __init__(self, waits: int, on_wait: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._waits_left = waits
        self._on_wait = on_wait

    def wait(self, timeout: float | None = None) -> bool:
        self._on_wait()
        self._waits_left -= 1
        if self._waits_left == 0:
            self.set()
        return super().wait(timeout)


def test_the_demo_waits_for_a_receiver_that_is_slow() -> None:
    """New runs wait before the queue is full, so that nothing is pushed out of it."""
    exporter = HeldSpanExporter()
    report = run_demo(
        DemoSettings(backfill=timedelta(minutes=25), runs=0),
        CountedStop(waits=500, on_wait=exporter.released.set),
        exporters=Exporters(exporter, InMemoryLogRecordExporter(), InMemoryMetricExporter),
    )

    assert report.spans_created > 8_000
    assert len(exporter.get_finished_spans()) == report.spans_exported == report.spans_created


def test_what_a_receiver_refuses_is_sent_again() -> None:
    """An exporter that gives a batch up is given it again."""
    with serve(Receiver(refusals_left=2)) as receiver:
        report = run_demo(replace(_QUICK, endpoint=receiver.endpoint), threading.Event())

    assert receiver.refusals_left == 0
    assert_all_delivered(report, receiver)


def test_the_token_and_the_headers_go_with_every_request(receiver: Receiver) -> None:
    """The token is a bearer token; a header's name is lower case, as gRPC wants it."""
    settings = replace(
        _QUICK,
        endpoint=receiver.endpoint,
        token="s3cret",  # noqa: S106  (opens nothing)
        headers={"X-Team": "a"},
    )
    run_demo(settings, threading.Event())

    assert receiver.metadata
    for metadata in receiver.metadata:
        assert (metadata["authorization"], metadata["x-team"]) == ("Bearer s3cret", "a")
    assert "s3cret" not in repr(settings)


def test_live_runs_send_every_kind_of_metric(receiver: Receiver) -> None:
    """Gauge, both sums, histogram and exponential histogram; exemplars name spans that exist."""
    run_demo(replace(_QUICK, endpoint=receiver.endpoint), threading.Event())
    metrics = {metric.name: metric for metric in receiver.metrics()}
    duration = metrics[semconv.GEN_AI_CLIENT_OPERATION_DURATION].histogram

    assert metrics[semconv.AGENTMON_DEMO_RUNS].sum.is_monotonic
    assert not metrics[semconv.AGENTMON_DEMO_CONVERSATIONS].sum.is_monotonic
    assert metrics[semconv.AGENTMON_DEMO_QUEUE_DEPTH].gauge.data_points
    assert metrics[semconv.GEN_AI_CLIENT_TOKEN_USAGE].histogram.data_points
    assert metrics[semconv.AGENTMON_DEMO_RUN_DURATION].exponential_histogram.data_points
    exemplars = {e.span_id for point in duration.data_points for e in point.exemplars}
    assert exemplars
    assert exemplars <= {span.span_id for _, span in receiver.spans()}


def test_backfilled_runs_send_no_counts(receiver: Receiver) -> None:
    """The SDK cannot date a metric back, so history must not look as if it happened now."""
    run_demo(
        DemoSettings(endpoint=receiver.endpoint, backfill=timedelta(minutes=2), runs=0),
        threading.Event(),
    )

    assert receiver.spans()
    assert {m.name for m in receiver.metrics()} <= {semconv.AGENTMON_DEMO_QUEUE_DEPTH}


def test_a_stop_ends_the_demo_while_nobody_listens() -> None:
    """An endpoint that is down is tried in the background; the stop does not wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.monotonic()
    report = run_demo(
        DemoSettings(endpoint=f"http://127.0.0.1:{port}", backfill=timedelta(days=7)),
        CountedStop(waits=1),
        grace=timedelta(seconds=0.3),
    )

    assert time.monotonic() - began < 5
    assert report.spans_exported == 0
    assert 2048 < report.spans_created < 4096


class SilentSpanExporter(SpanExporter):
    """Never answers; only its shutdown ends an export. Asks for a stop when it is first used."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._is_shut_down = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._stop.set()
        self._is_shut_down.wait()
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self._is_shut_down.set()


def test_a_stop_ends_an_export_that_hangs() -> None:
    """After the grace the exporters are shut down, which is what ends their waiting."""
    stop = threading.Event()
    report = run_demo(
        DemoSettings(backfill=timedelta(days=1)),
        stop,
        grace=timedelta(0),
        exporters=Exporters(
            SilentSpanExporter(stop), InMemoryLogRecordExporter(), InMemoryMetricExporter
        ),
    )

    assert report.spans_exported == 0 < report.spans_created


def test_a_stop_before_the_start_sends_nothing() -> None:
    """Not a single run."""
    stop = threading.Event()
    stop.set()
    exporters = Exporters(
        SilentSpanExporter(stop), InMemoryLogRecordExporter(), InMemoryMetricExporter
    )

    assert run_demo(DemoSettings(), stop, exporters=exporters) == DemoReport(0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"agents": ("planer",)}, "no such agents: \\['planer'\\]; choose from planner, chatbot"),
        ({"agents": ()}, "choose from planner"),
        ({"rate": 0}, "above 0 runs a minute"),
        ({"rate": float("nan")}, "above 0 runs a minute"),
        ({"backfill": timedelta(days=-1)}, "must be 0 to 3650 days"),
        ({"backfill": timedelta(days=36500)}, "must be 0 to 3650 days"),
        ({"runs": -1}, "must not be negative"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object], message: str) -> None:
    """Before anything is sent, with what would be right."""
    with pytest.raises(ValueError, match=message):
        DemoSettings(**wrong)  # type: ignore[arg-type]


def test_the_example_uses_public_interfaces_only() -> None:
    """OpenTelemetry's documented modules, the standard library and our names; nothing else."""
    documented = {
        # Logs have no other import path yet.
        "opentelemetry._logs",
        "opentelemetry.sdk._logs",
        "opentelemetry.sdk._logs.export",
        "opentelemetry.exporter.otlp.proto.grpc._log_exporter",
    }
    imported = {
        node.module
        for file in Path(runner.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    outside = {module for module in imported if module.split(".")[0] not in sys.stdlib_module_names}

    for module in outside - documented:
        assert module.startswith(("opentelemetry.", "otel_agentmon"))
        assert "._" not in module
    ours = {module for module in outside if module.startswith("otel_agentmon")}
    assert all(m == "otel_agentmon" or m.startswith("otel_agentmon.app.demo") for m in ours)

"""The rules about ids: what is rejected, what is mended, what is left alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from otel_agentmon.receive import validate
from otel_agentmon.signals import Signal
from tests.receive.payloads import SPAN_ID, TRACE_ID, logs, metrics, span, traces


def apply(signal: Signal, message: Any) -> tuple[int, Counter[str], Counter[str]]:
    """Items kept, rejections, repairs."""
    rejections: Counter[str] = Counter()
    repairs: Counter[str] = Counter()
    return validate.validate(signal, message, rejections, repairs), rejections, repairs


@pytest.mark.parametrize(
    ("ids", "rule"),
    [
        ({"trace_id": b""}, validate.TRACE_ID_LENGTH),
        ({"trace_id": TRACE_ID[:15]}, validate.TRACE_ID_LENGTH),
        ({"trace_id": TRACE_ID + b"x"}, validate.TRACE_ID_LENGTH),
        ({"trace_id": bytes(16)}, validate.TRACE_ID_ZERO),
        ({"span_id": b""}, validate.SPAN_ID_LENGTH),
        ({"span_id": TRACE_ID}, validate.SPAN_ID_LENGTH),
        ({"span_id": bytes(8)}, validate.SPAN_ID_ZERO),
    ],
)
def test_a_span_with_wrong_ids_is_rejected_and_its_neighbours_stay(
    ids: dict[str, bytes], rule: str
) -> None:
    """Wherever it stands; several in one scope are all found."""
    wrong = span(name="wrong", **ids)
    request = traces(wrong, span(name="a"), wrong, wrong, span(name="b"), wrong)

    kept, rejections, repairs = apply(Signal.TRACES, request)

    assert (kept, rejections, repairs) == (2, {rule: 4}, {})
    assert [s.name for s in request.resource_spans[0].scope_spans[0].spans] == ["a", "b"]


@pytest.mark.parametrize(
    ("parent", "repairs"),
    [
        (b"", {}),
        (SPAN_ID, {}),
        (b"short", {validate.PARENT_CLEARED: 1}),
        (bytes(8), {validate.ZERO_ID_CLEARED: 1}),
    ],
)
def test_a_parent_that_is_no_id_is_cleared(parent: bytes, repairs: dict[str, int]) -> None:
    """The span stays, as a root."""
    request = traces(span(parent_span_id=parent))

    assert apply(Signal.TRACES, request) == (1, {}, repairs)
    stored = request.resource_spans[0].scope_spans[0].spans[0].parent_span_id
    assert stored == (b"" if repairs else parent)


@pytest.mark.parametrize(
    "ids", [{"trace_id": b"x"}, {"span_id": b""}, {"trace_id": bytes(16)}, {"span_id": bytes(8)}]
)
def test_a_link_with_wrong_ids_is_removed_from_its_span(ids: dict[str, bytes]) -> None:
    """The span keeps its other links and says how many are gone."""
    good = {"trace_id": TRACE_ID, "span_id": SPAN_ID}
    request = traces(span(links=[good | ids, good, good | ids], dropped_links_count=3))

    assert apply(Signal.TRACES, request) == (1, {}, {validate.LINK_REMOVED: 2})
    stored = request.resource_spans[0].scope_spans[0].spans[0]
    assert len(stored.links) == 1
    assert stored.dropped_links_count == 5


# The ids of a log record or an exemplar, what is left of them, which rule applied.
CONTEXT_IDS = [
    (b"", b"", b"", b"", None),
    (TRACE_ID, SPAN_ID, TRACE_ID, SPAN_ID, None),
    (b"x", SPAN_ID, b"", SPAN_ID, "wrong"),
    (TRACE_ID, b"x", TRACE_ID, b"", "wrong"),
    (bytes(16), b"", b"", b"", "zero"),
    (TRACE_ID, bytes(8), TRACE_ID, b"", "zero"),
]


@pytest.mark.parametrize(("trace_id", "span_id", "kept_trace", "kept_span", "rule"), CONTEXT_IDS)
def test_a_log_record_or_exemplar_loses_only_the_wrong_id(
    trace_id: bytes, span_id: bytes, kept_trace: bytes, kept_span: bytes, rule: str | None
) -> None:
    """Empty ids are fine there; a wrong one is cleared and the content kept."""
    ids = {"trace_id": trace_id, "span_id": span_id}
    log_request = logs(ids | {"severity_text": "INFO"})
    metric_request = metrics({"sum": {"data_points": [{"exemplars": [ids]}]}})

    for signal, request, wrong in (
        (Signal.LOGS, log_request, validate.LOG_ID_CLEARED),
        (Signal.METRICS, metric_request, validate.EXEMPLAR_ID_CLEARED),
    ):
        counted = {None: {}, "wrong": {wrong: 1}, "zero": {validate.ZERO_ID_CLEARED: 1}}[rule]
        assert apply(signal, request) == (1, {}, counted)

    exemplar = metric_request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0]
    for item in (log_request.resource_logs[0].scope_logs[0].log_records[0], exemplar.exemplars[0]):
        assert (item.trace_id, item.span_id) == (kept_trace, kept_span)


def test_points_of_every_kind_are_counted() -> None:
    """A metric's items are its data points; one without any data is noted."""
    points = {"data_points": [{}, {}]}
    request = metrics(
        {"gauge": points},
        {"sum": points},
        {"histogram": points},
        {"exponential_histogram": points},
        {"summary": points},
        {"name": "of a kind we do not know"},
    )

    assert apply(Signal.METRICS, request) == (10, {}, {validate.METRIC_WITHOUT_DATA: 1})

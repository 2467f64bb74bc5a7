"""The rules about ids, and counting. A wrong item is left out or mended; its neighbours stay.

OTLP says a span's ids are 16 and 8 bytes and not all zero (opentelemetry-proto, trace.proto), so
a span that breaks that is rejected. Everything else is kept with as little lost as possible:

- a link with wrong ids is removed from its span, which notes it in `dropped_links_count`;
- a parent id that is no id is cleared, which makes the span a root;
- a log record or an exemplar with wrong ids keeps its content and loses the wrong id.

All zeros means "no id" in those places, and is written as such: an empty field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from otel_agentmon.signals import Signal

TRACE_ID_LENGTH = "span_trace_id_length"
TRACE_ID_ZERO = "span_trace_id_zero"
SPAN_ID_LENGTH = "span_span_id_length"
SPAN_ID_ZERO = "span_span_id_zero"
REJECTIONS = (TRACE_ID_LENGTH, TRACE_ID_ZERO, SPAN_ID_LENGTH, SPAN_ID_ZERO)

LINK_REMOVED = "link_removed"
PARENT_CLEARED = "parent_span_id_cleared"
LOG_ID_CLEARED = "log_id_cleared"
EXEMPLAR_ID_CLEARED = "exemplar_id_cleared"
ZERO_ID_CLEARED = "zero_id_cleared"
METRIC_WITHOUT_DATA = "metric_without_data"
REPAIRS = (
    LINK_REMOVED,
    PARENT_CLEARED,
    LOG_ID_CLEARED,
    EXEMPLAR_ID_CLEARED,
    ZERO_ID_CLEARED,
    METRIC_WITHOUT_DATA,
)

_NO_TRACE_ID = bytes(16)
_NO_SPAN_ID = bytes(8)


def validate(signal: Signal, message: Any, rejections: Counter[str], repairs: Counter[str]) -> int:
    """Applies the rules to the message in place; returns how many items it holds afterwards.

    What was taken out goes to `rejections`, what was changed to `repairs`, by rule; both
    unchanged means the message is as it came.
    """
    return _VALIDATORS[signal](message, rejections, repairs)


def _validate_traces(message: Any, rejections: Counter[str], repairs: Counter[str]) -> int:
    kept = 0
    for resource_spans in message.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            spans = scope_spans.spans
            rejected: list[int] = []
            # The hot loop: a few dozen nanoseconds a look.
            for index, span in enumerate(spans):
                trace_id, span_id = span.trace_id, span.span_id
                if (
                    len(trace_id) != 16
                    or len(span_id) != 8
                    or trace_id == _NO_TRACE_ID
                    or span_id == _NO_SPAN_ID
                ):
                    rejections[_broken_rule(trace_id, span_id)] += 1
                    rejected.append(index)
                    continue
                parent = span.parent_span_id
                if parent and (len(parent) != 8 or parent == _NO_SPAN_ID):
                    repairs[PARENT_CLEARED if len(parent) != 8 else ZERO_ID_CLEARED] += 1
                    span.ClearField("parent_span_id")
                if span.links:
                    _check_links(span, repairs)
            for index in reversed(rejected):
                del spans[index]
            kept += len(spans)
    return kept


def _broken_rule(trace_id: bytes, span_id: bytes) -> str:
    if len(trace_id) != 16:
        return TRACE_ID_LENGTH
    if trace_id == _NO_TRACE_ID:
        return TRACE_ID_ZERO
    return SPAN_ID_LENGTH if len(span_id) != 8 else SPAN_ID_ZERO


def _check_links(span: Any, repairs: Counter[str]) -> None:
    links = span.links
    wrong = [
        index
        for index, link in enumerate(links)
        if len(link.trace_id) != 16
        or len(link.span_id) != 8
        or link.trace_id == _NO_TRACE_ID
        or link.span_id == _NO_SPAN_ID
    ]
    for index in reversed(wrong):
        del links[index]
    if wrong:
        repairs[LINK_REMOVED] += len(wrong)
        span.dropped_links_count = min(span.dropped_links_count + len(wrong), 2**32 - 1)


def _validate_metrics(message: Any, rejections: Counter[str], repairs: Counter[str]) -> int:
    points = 0
    for resource_metrics in message.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                kind = metric.WhichOneof("data")
                if kind is None:  # empty, or of a kind newer than this program
                    repairs[METRIC_WITHOUT_DATA] += 1
                    continue
                data_points = getattr(metric, kind).data_points
                points += len(data_points)
                if kind == "summary":
                    continue  # the one kind without exemplars
                for point in data_points:
                    for exemplar in point.exemplars:
                        _clear_wrong_ids(exemplar, EXEMPLAR_ID_CLEARED, repairs)
    return points


def _validate_logs(message: Any, rejections: Counter[str], repairs: Counter[str]) -> int:
    count = 0
    for resource_logs in message.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            records = scope_logs.log_records
            count += len(records)
            for record in records:
                _clear_wrong_ids(record, LOG_ID_CLEARED, repairs)
    return count


def _clear_wrong_ids(item: Any, rule: str, repairs: Counter[str]) -> None:
    trace_id = item.trace_id
    if trace_id and (len(trace_id) != 16 or trace_id == _NO_TRACE_ID):
        repairs[rule if trace_id != _NO_TRACE_ID else ZERO_ID_CLEARED] += 1
        item.ClearField("trace_id")
    span_id = item.span_id
    if span_id and (len(span_id) != 8 or span_id == _NO_SPAN_ID):
        repairs[rule if span_id != _NO_SPAN_ID else ZERO_ID_CLEARED] += 1
        item.ClearField("span_id")


_Validator = Callable[[Any, Counter[str], Counter[str]], int]
_VALIDATORS: Mapping[Signal, _Validator] = {
    Signal.TRACES: _validate_traces,
    Signal.METRICS: _validate_metrics,
    Signal.LOGS: _validate_logs,
}

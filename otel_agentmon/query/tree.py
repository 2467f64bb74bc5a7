"""The spans of one trace as a tree, whatever they say about their parents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from otel_agentmon.query.answer import Answer


@dataclass(frozen=True, slots=True)
class Event(Answer):
    """Something that happened during a span."""

    time: str
    """ISO 8601, UTC, nanoseconds."""
    name: str
    """What happened, such as `exception`."""
    attributes: dict[str, str]
    """Details."""


@dataclass(frozen=True, slots=True)
class Link(Answer):
    """A span that this one names without being its child."""

    trace_id: str
    """Trace of the other span."""
    span_id: str
    """The other span."""
    attributes: dict[str, str]
    """Details."""


@dataclass(frozen=True, slots=True)
class LogRecord(Answer):
    """A log record that was written during a trace."""

    time: str
    """ISO 8601, UTC, nanoseconds."""
    span_id: str
    """The span it was written in, or empty."""
    severity: str
    """As the program called it."""
    severity_number: int
    """From 1 (finest trace) to 24 (worst fatal); 0 is unspecified."""
    service: str
    """The service that wrote it."""
    event_name: str
    """Not empty for an event, such as `gen_ai.evaluation.result`."""
    body: str
    """Its text."""
    attributes: dict[str, str]
    """Details."""


# Not frozen: ten thousand of them are made for one answer, and freezing triples what that costs.
@dataclass(slots=True)
class Span(Answer):
    """One span; the first fields are the columns of read_spans.sql, in their order."""

    span_id: str
    """16 hex digits."""
    parent_span_id: str
    """The parent as sent; empty for a root."""
    name: str
    """What was done, such as `chat gpt-5`."""
    kind: str
    """Internal, Server, Client, Producer, Consumer or Unspecified."""
    service: str
    """The service it happened in."""
    start_time: str
    """ISO 8601, UTC, nanoseconds."""
    start_unix_nano: int
    """The same in nanoseconds since the Unix epoch."""
    duration_nano: int
    """Nanoseconds."""
    status: str
    """Unset, Ok or Error."""
    status_message: str
    """What the program says about the status."""
    error_type: str
    """`error.type`, or empty."""
    operation: str
    """`gen_ai.operation.name`, or empty for spans that have nothing to do with a model."""
    provider: str
    """`gen_ai.provider.name`."""
    request_model: str
    """The model that was asked for."""
    response_model: str
    """The model that answered."""
    agent: str
    """The agent this span names; empty where it names none."""
    agent_id: str
    """`gen_ai.agent.id`."""
    agent_version: str
    """`gen_ai.agent.version`."""
    conversation: str
    """`gen_ai.conversation.id`."""
    tool: str
    """`gen_ai.tool.name`."""
    finish_reason: str
    """The first of `gen_ai.response.finish_reasons`."""
    is_model_call: bool
    """Whether tokens and cost of this span are part of its trace's."""
    input_tokens: int | None
    """Input tokens, those from a cache included; null where the span does not say."""
    output_tokens: int | None
    """Output tokens, those for reasoning included."""
    cache_read_tokens: int | None
    """Input tokens read from the provider's cache."""
    cache_write_tokens: int | None
    """Input tokens written to the provider's cache."""
    reasoning_tokens: int | None
    """Output tokens spent on reasoning."""
    cost_usd: float | None
    """US dollars; null where it is not known, or nothing was called."""
    cost_unknown_reason: str
    """Why a model call has no cost: no_model, no_price or no_usage."""
    scope: str
    """The instrumentation that made it."""
    attributes: dict[str, str]
    """Every attribute as sent."""
    resource: int
    """Index into the trace's `resources`."""
    events: list[Event]
    """What happened during it."""
    links: list[Link]
    """Other spans it names."""
    depth: int = 0
    """Distance from its root in the tree as shown."""
    is_detached: bool = False
    """Whether it is shown as a root although it names a parent: that parent has not arrived, or
    the parents lead in a circle."""


@dataclass(slots=True)
class SpanTree:
    """Spans in the order of a tree, and what was left out of them or shared among them."""

    spans: list[Span] = field(default_factory=list)
    duplicates: int = 0
    resources: list[dict[str, str]] = field(default_factory=list)


def arrange_spans(rows: Iterable[Sequence[Any]]) -> SpanTree:
    """Rows of read_spans.sql, in order of start, to a tree in preorder.

    Of spans with one id the first is kept. A span whose parent is missing is a root, and so is
    the earliest span of each circle of parents, so that every span stands in the tree once.
    """
    tree = SpanTree()
    by_id = _read_spans(rows, tree)
    children: defaultdict[str, list[Span]] = defaultdict(list)
    roots = []
    for span in by_id.values():
        if span.parent_span_id and span.parent_span_id in by_id:
            children[span.parent_span_id].append(span)
        else:
            span.is_detached = bool(span.parent_span_id)
            roots.append(span)
    placed: set[str] = set()
    for root in roots:
        _place(root, children, placed, tree.spans)
    for span in by_id.values():
        if span.span_id not in placed:
            span.is_detached = True
            _place(span, children, placed, tree.spans)
    return tree


def _read_spans(rows: Iterable[Sequence[Any]], tree: SpanTree) -> dict[str, Span]:
    by_id: dict[str, Span] = {}
    places: dict[tuple[tuple[str, str], ...], int] = {}
    for row in rows:
        if row[0] in by_id:
            tree.duplicates += 1
            continue
        *plain, resource, events, links = row
        place = places.setdefault(tuple(resource.items()), len(tree.resources))
        if place == len(tree.resources):
            tree.resources.append(resource)
        values = [*plain, place, [Event(*e) for e in events], [Link(*k) for k in links]]
        by_id[row[0]] = Span(*values)
    return by_id


def _place(
    root: Span, children: dict[str, list[Span]], placed: set[str], order: list[Span]
) -> None:
    """Appends the span and all below it; without recursion, for a chain may be 10,000 deep."""
    waiting = [(root, 0)]
    while waiting:
        span, depth = waiting.pop()
        if span.span_id in placed:
            continue
        placed.add(span.span_id)
        span.depth = depth
        order.append(span)
        below = children.get(span.span_id, ())
        waiting.extend((child, depth + 1) for child in reversed(below))

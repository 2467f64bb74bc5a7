"""Values that no table has a place for become text: maps, bytes, and lists of other than texts.

The landing schema holds texts, numbers, truth values and lists of texts. All else is replaced by
a string, written as the Collector's `pcommon.Value.AsString` writes them
(open-telemetry/opentelemetry-collector pdata/pcommon/value.go, since PR 15108): Go's
encoding/json without HTML escaping: compact, keys sorted, the last of equal keys, bytes as base64,
an empty value as null. One difference on purpose: for NaN and infinities the Collector loses the
whole value (Go cannot encode them); here they are the strings of proto3 JSON.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from otel_agentmon.signals import Signal


def lower(signal: Signal, message: Any) -> int:
    """Replaces every such value in the message by its text; returns how many there were.

    An index into a table of strings, which only profiles have, becomes an empty value, as
    opentelemetry-proto wants it (common.proto, `string_value_strindex`); it does not count.
    """
    count = 0
    for value in _values(signal, message):
        kind = value.WhichOneof("value")
        if kind == "bytes_value":
            value.string_value = base64.b64encode(value.bytes_value).decode("ascii")
        elif kind == "kvlist_value" or (kind == "array_value" and not _is_list_of_texts(value)):
            value.string_value = to_json(value)
        else:
            if kind == "string_value_strindex":
                value.ClearField("value")
            continue
        count += 1
    return count


def to_json(value: Any) -> str:  # noqa: PLR0911 - one return a kind of value
    """An AnyValue as JSON text, as it stands inside a lowered value."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return _quote(value.string_value)
    if kind == "kvlist_value":
        members = {item.key: item.value for item in value.kvlist_value.values}
        pairs = (f"{_quote(key)}:{to_json(members[key])}" for key in sorted(members))
        return "{" + ",".join(pairs) + "}"
    if kind == "array_value":
        return "[" + ",".join(map(to_json, value.array_value.values)) + "]"
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "int_value":
        return str(value.int_value)
    if kind == "double_value":
        return _write_double(value.double_value)
    if kind == "bytes_value":
        return f'"{base64.b64encode(value.bytes_value).decode("ascii")}"'
    return "null"


def _quote(text: str) -> str:
    # Go also escapes the two line separators that end a line in JavaScript.
    quoted: str = encode_basestring(text)
    return quoted.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _write_double(number: float) -> str:
    if not math.isfinite(number):
        return '"NaN"' if math.isnan(number) else ('"Infinity"' if number > 0 else '"-Infinity"')
    shortest = repr(number)
    if number == 0 or 1e-6 <= abs(number) < 1e21:
        plain = format(Decimal(shortest), "f") if "e" in shortest else shortest
        return plain.removesuffix(".0")
    return shortest.replace("e-0", "e-")


def _is_list_of_texts(value: Any) -> bool:
    """An empty list is none: a column could not tell it from an absent one."""
    items = value.array_value.values
    return bool(items) and all(item.WhichOneof("value") in ("string_value", None) for item in items)


def _values(signal: Signal, message: Any) -> Iterator[Any]:
    """Every AnyValue of the request that stands in no other."""
    resources, scopes, items, values_of_item = _PATHS[signal]
    for resource_group in getattr(message, resources):
        yield from _attributes(resource_group.resource)
        for scope_group in getattr(resource_group, scopes):
            yield from _attributes(scope_group.scope)
            for item in getattr(scope_group, items):
                yield from values_of_item(item)


def _attributes(holder: Any) -> Iterator[Any]:
    for attribute in holder.attributes:
        yield attribute.value


def _span_values(span: Any) -> Iterator[Any]:
    yield from _attributes(span)
    for event in span.events:
        yield from _attributes(event)
    for link in span.links:
        yield from _attributes(link)


def _metric_values(metric: Any) -> Iterator[Any]:
    for attribute in metric.metadata:
        yield attribute.value
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    for point in getattr(metric, kind).data_points:
        yield from _attributes(point)
        if kind != "summary":
            for exemplar in point.exemplars:
                for attribute in exemplar.filtered_attributes:
                    yield attribute.value


def _log_values(record: Any) -> Iterator[Any]:
    yield record.body
    yield from _attributes(record)


_PATHS: Mapping[Signal, tuple[str, str, str, Callable[[Any], Iterator[Any]]]] = {
    Signal.TRACES: ("resource_spans", "scope_spans", "spans", _span_values),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics", _metric_values),
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records", _log_values),
}

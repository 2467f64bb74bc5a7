"""Nested attribute values become their JSON text, because a table has no place for a tree.

The landing schema holds scalars and lists of scalars. Maps, and lists that hold lists or maps,
are replaced by a string, written as the Collector's `pcommon.Value.AsString` writes them
(open-telemetry/opentelemetry-collector pdata/pcommon/value.go, since PR 15108): Go's
encoding/json without HTML escaping: compact, keys sorted, the last of equal keys, bytes as base64,
an empty value as null. One difference on purpose: for NaN and infinities the Collector loses the
whole value (Go cannot encode them); here they are the strings of proto3 JSON.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from google.protobuf.message import DecodeError as ProtobufDecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_agentmon.signals import Signal

# A value inside a KeyValue is field 2 (0x12), a log record's body field 5 (0x2a); then comes its
# length, then the tag of what it is: array_value 0x2a or kvlist_value 0x32. Lists inside lists are
# found through the outer one. A lookahead, so that candidates may overlap; two patterns, because
# one that begins with a class of bytes is five times slower than one that begins with a byte.
_ATTRIBUTE = re.compile(rb"\x12(?=([\x80-\xff]{0,4}[\x00-\x7f])[\x2a\x32])")
_LOG_BODY = re.compile(rb"\x2a(?=([\x80-\xff]{0,4}[\x00-\x7f])[\x2a\x32])")
_LOOKS = 1_000
_LOOK_FACTOR = 4
"""False alarms are looked into until there were this many (or one in a thousand bytes), or this
many times the payload's bytes; more are on purpose, and the walk costs less than going on."""


def may_hold_nested(signal: Signal, payload: bytes) -> bool:
    """Whether a request may hold a value to lower; False is certain, True is very likely.

    Certain for what protobuf libraries write (a value's members in one piece, tags in one byte).
    The payload must have parsed: then whatever is a value there parses here, and a candidate that
    does not parse is a coincidence in other bytes.
    """
    if _has_nested_candidate(_ATTRIBUTE, payload):
        return True
    return signal is Signal.LOGS and _has_nested_candidate(_LOG_BODY, payload)


def _has_nested_candidate(pattern: re.Pattern[bytes], payload: bytes) -> bool:
    end = len(payload)
    bytes_left = _LOOK_FACTOR * end
    looks = max(_LOOKS, end // 1_000)
    for tried, match in enumerate(pattern.finditer(payload)):
        length = 0
        for shift, byte in enumerate(match[1]):
            length |= (byte & 0x7F) << (7 * shift)
        start = match.end(1)
        if start + length > end:
            continue
        bytes_left -= length
        if bytes_left < 0 or tried >= looks:
            return True
        try:
            value = AnyValue.FromString(payload[start : start + length])
        except ProtobufDecodeError:
            continue
        if _is_nested(value):
            return True
    return False


def lower(signal: Signal, message: Any) -> int:
    """Replaces every nested value in the message by its JSON text; returns how many there were."""
    count = 0
    for value in _values(signal, message):
        if _is_nested(value):
            value.string_value = to_json(value)
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


def _is_nested(value: Any) -> bool:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return any(
            item.WhichOneof("value") in ("array_value", "kvlist_value")
            for item in value.array_value.values
        )
    return bool(kind == "kvlist_value")


def _values(signal: Signal, message: Any) -> Iterator[Any]:
    """Every AnyValue that the landing schema reads; a metric's metadata it does not."""
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

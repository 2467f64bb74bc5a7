"""Random OTLP requests: every field of every message, values of every kind in every place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from otel_agentmon.receive.decode import REQUESTS
from otel_agentmon.signals import Signal
from tests.receive.payloads import any_value

TEXTS = ("", "a", "gen_ai.input.messages", "日本 🙂\u2028", 'q"\\\n\x01', "x" * 200, "y" * 20_000)
NUMBERS = (0, 1, -1, 127, 128, 2**31, 2**63 - 1, -(2**63))
DOUBLES = (0.0, -0.0, 0.5, 1e300, math.nan, math.inf, -math.inf)
BLOBS = (b"", b"\xff\x00", bytes(200))
PLAIN = (None, *TEXTS, True, False, *NUMBERS, *DOUBLES, ["a"], ["", "b", None], [None])
"""Values that the database reads as they stand."""
SCALARS = (None, "", "text", True, False, *NUMBERS, *DOUBLES, *BLOBS)

# The bounds of the integer types; a double says nothing about them.
_BOUNDS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def random_value(random: Random, depth: int = 3) -> Any:
    """A Python value of any kind and nesting, for `any_value`."""
    kind = random.choice(("scalar", "plain", "list", "map")) if depth else "scalar"
    if kind == "list":
        return [random_value(random, depth - 1) for _ in range(random.randrange(4))]
    if kind == "map":
        keys = random.sample(TEXTS, random.randrange(4))
        return {key: random_value(random, depth - 1) for key in keys}
    return random.choice(SCALARS if kind == "scalar" else PLAIN)


def random_request(signal: Signal, random: Random, values: Sequence[Any] = ()) -> Any:
    """A request with valid ids; its values are some of `values`, or any without those."""
    request = REQUESTS[signal]()
    _fill(request, random, values)
    return request


def values_in(message: Any) -> Iterator[Any]:
    """Every AnyValue at the outermost, wherever it stands."""
    for field, content in message.ListFields():
        if field.message_type is None:
            continue
        for child in content if field.is_repeated else (content,):
            if field.message_type.name == "AnyValue":
                yield child
            else:
                yield from values_in(child)


def _fill(message: Any, random: Random, values: Sequence[Any]) -> None:
    skipped = {
        field.name
        for oneof in message.DESCRIPTOR.oneofs
        for field in random.sample(list(oneof.fields), len(oneof.fields) - 1)
    }
    for field in message.DESCRIPTOR.fields:
        if field.name in skipped:
            continue
        child = field.message_type
        if child is None:
            _set(message, field, random)
        elif child.name == "AnyValue":
            value = random.choice(values) if values else random_value(random)
            getattr(message, field.name).CopyFrom(any_value(value))
        elif field.is_repeated:
            for _ in range(random.choice((0, 1, 1, 1, 2, 2))):
                _fill(getattr(message, field.name).add(), random, values)
        else:
            getattr(message, field.name).SetInParent()
            _fill(getattr(message, field.name), random, values)


def _set(message: Any, field: FieldDescriptor, random: Random) -> None:
    if field.is_repeated:
        items = [_scalar(field, random) for _ in range(random.randrange(4))]
        getattr(message, field.name).extend(items)
    elif field.name in ("trace_id", "span_id", "parent_span_id"):
        setattr(message, field.name, random.randbytes(15 if "trace" in field.name else 7) + b"\x01")
    else:
        setattr(message, field.name, _scalar(field, random))


def _scalar(field: FieldDescriptor, random: Random) -> Any:
    if field.enum_type is not None:
        return random.choice(field.enum_type.values).number
    if field.cpp_type in _BOUNDS:
        low, high = _BOUNDS[field.cpp_type]
        return random.choice((0, 1, low, high, random.randint(low, high)))
    return random.choice(
        {
            FieldDescriptor.CPPTYPE_BOOL: (False, True),
            FieldDescriptor.CPPTYPE_DOUBLE: DOUBLES,
            FieldDescriptor.CPPTYPE_STRING: TEXTS,
        }[field.cpp_type]
    )

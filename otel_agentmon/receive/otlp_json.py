"""OTLP's JSON form to its messages.

opentelemetry-proto docs/specification.md, "JSON Protobuf Encoding": the proto3 JSON mapping with
hex trace and span ids, integer enums, lowerCamelCase names and unknown names ignored. The tables
are built from the message descriptors, so a field added to the protocol needs no line here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from otel_agentmon.errors import DecodeError
from otel_agentmon.receive.repair import MAX_NESTING, NESTED_TOO_DEEP, NESTING_CUT, UTF8_REPLACED

_MAX_JSON_DEPTH = 128
"""A value of `MAX_NESTING` levels in a span's event is at most this deep: 11 + 4 a level."""
_BAD_ID = b"?"
"""What stands for an id that is not hex: of a wrong length, so the rules for that apply."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

_Reader = Callable[[Any, int, Counter[str]], Any]


def read_json(request: Any, body: bytes, repairs: Counter[str]) -> Message:
    """Parses a JSON request body into a `request` message.

    Raises DecodeError, naming the field, when a value does not fit its field. Invalid UTF-8, lone
    surrogates and values nested too deep are replaced and counted in `repairs`.
    """
    document = _load(body, repairs)
    if not isinstance(document, dict):
        raise DecodeError("the JSON body is not an object")
    _build_table(request.DESCRIPTOR)
    try:
        message: Message = request(**_read_message(request.DESCRIPTOR, document, 0, repairs))
    except (ValueError, TypeError) as error:
        raise DecodeError(f"a JSON value does not fit its field: {error}") from error
    return message


def _load(body: bytes, repairs: Counter[str]) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        first = error
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode(errors="replace")
        repairs[UTF8_REPLACED] += 1

    def replace_lone_surrogate(escape: re.Match[str]) -> str:
        if not escape[1]:
            return escape[0]
        repairs[UTF8_REPLACED] += 1
        return r"\ufffd"

    text = _ESCAPE.sub(replace_lone_surrogate, text)
    try:
        return orjson.loads(_cut_deep(text, repairs))
    except orjson.JSONDecodeError:
        raise DecodeError(f"the body is not JSON: {first}") from first


def _cut_deep(text: str, repairs: Counter[str]) -> str:
    """Objects and lists below `_MAX_JSON_DEPTH` become null, which stands for an absent field."""
    kept: list[str] = []
    depth, kept_to = 0, 0
    for match in _TOKEN.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
            if depth == _MAX_JSON_DEPTH + 1:
                kept.append(text[kept_to : match.start()])
        elif mark in "]}":
            depth -= 1
            if depth == _MAX_JSON_DEPTH:
                kept.append("null")
                kept_to = match.end()
                repairs[NESTING_CUT] += 1
    if depth:
        return text
    return "".join(kept) + text[kept_to:]


def _read_message(
    descriptor: Descriptor, document: Any, depth: int, repairs: Counter[str]
) -> dict[str, Any]:
    """A JSON object to keyword arguments for the message class."""
    if not isinstance(document, dict):
        raise DecodeError(f"{descriptor.name} is not a JSON object")
    table = _TABLES[descriptor.full_name]
    fields: dict[str, Any] = {}
    for name, value in document.items():
        if value is None or name not in table:
            continue
        field_name, read = table[name]
        try:
            fields[field_name] = read(value, depth, repairs)
        except (ValueError, TypeError) as error:
            raise DecodeError(f"{descriptor.name}.{name}: {error}") from error
    return fields


def _read_value(
    descriptor: Descriptor, document: Any, depth: int, repairs: Counter[str]
) -> dict[str, Any]:
    """An AnyValue, the only message that holds itself."""
    if depth > MAX_NESTING:
        repairs[NESTING_CUT] += 1
        return {"string_value": NESTED_TOO_DEEP}
    return _read_message(descriptor, document, depth + 1, repairs)


def _reader_for(field: FieldDescriptor) -> _Reader:
    if field.message_type is not None:
        child = field.message_type
        read_child = _read_value if child.name == "AnyValue" else _read_message
        _build_table(child)

        def read(value: Any, depth: int, repairs: Counter[str]) -> Any:
            return read_child(child, value, depth, repairs)
    else:
        read_scalar = _scalar_reader(field)

        def read(value: Any, depth: int, repairs: Counter[str]) -> Any:
            return read_scalar(value)

    if not field.is_repeated:
        return read

    def read_list(value: Any, depth: int, repairs: Counter[str]) -> Any:
        if not isinstance(value, list):
            raise TypeError("not a list")
        return [read(item, depth, repairs) for item in value if item is not None]

    return read_list


def _scalar_reader(field: FieldDescriptor) -> Callable[[Any], Any]:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _read_id if field.name.endswith(("trace_id", "span_id")) else _read_bytes
    return {
        FieldDescriptor.CPPTYPE_STRING: _read_string,
        FieldDescriptor.CPPTYPE_BOOL: _read_bool,
        FieldDescriptor.CPPTYPE_DOUBLE: _read_double,
        FieldDescriptor.CPPTYPE_ENUM: _enum_reader(field),
    }.get(field.cpp_type, _read_integer)


def _read_string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _read_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not true or false")
    return value


def _read_integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("not an integer")
    if isinstance(value, str) and len(value) > 20:
        raise ValueError("not a 64-bit integer")
    number = int(value)
    if isinstance(value, float) and number != value:
        raise ValueError("not an integer")
    return number


def _read_double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("not a number")
    return float(value)


def _read_id(value: Any) -> bytes:
    try:
        return bytes.fromhex(_read_string(value))
    except ValueError:
        return _BAD_ID


def _read_bytes(value: Any) -> bytes:
    # proto3 JSON takes the standard and the URL-safe alphabet, with or without padding.
    text = _read_string(value).translate(_TO_STANDARD_ALPHABET).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error


_TO_STANDARD_ALPHABET = str.maketrans("-_", "+/")


def _enum_reader(field: FieldDescriptor) -> Callable[[Any], int]:
    names = dict(field.enum_type.values_by_name) if field.enum_type is not None else {}

    def read(value: Any) -> int:
        # The specification wants integers; names are what generic proto3 JSON writers send.
        if isinstance(value, str) and value in names:
            return int(names[value].number)
        return _read_integer(value)

    return read


_TABLES: dict[str, dict[str, tuple[str, _Reader]]] = {}
"""For each message: JSON name to field name and reader. Filled as messages are first met."""


def _build_table(descriptor: Descriptor) -> None:
    if descriptor.full_name in _TABLES:
        return
    table: dict[str, tuple[str, _Reader]] = {}
    _TABLES[descriptor.full_name] = table
    for field in descriptor.fields:
        table[field.json_name] = (field.name, _reader_for(field))

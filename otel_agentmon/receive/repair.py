"""The slow road for requests the parser refuses although only some strings or values are bad.

proto3 refuses a whole request for one string that is not UTF-8, and for one value nested deeper
than about a hundred messages. One agent's broken string must not cost the neighbours, so such a
request is read once more with a lenient schema: the same messages, strings as bytes and nested
values left unread. Bad bytes become U+FFFD, values below `MAX_NESTING` levels become
`NESTED_TOO_DEEP`, and the result goes back to the strict parser.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.message import DecodeError as ProtobufDecodeError
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2

UTF8_REPLACED = "utf8_replaced"
NESTING_CUT = "nesting_cut"
REPAIRS = (UTF8_REPLACED, NESTING_CUT)

MAX_NESTING = 24
"""Levels of lists and maps inside one value that are always kept. The parser follows 100
messages; a map is three a level and a span's event attribute starts at the seventh."""
NESTED_TOO_DEEP = f"[nested deeper than {MAX_NESTING} levels]"

_ANY_VALUE = common_pb2.AnyValue.DESCRIPTOR.full_name
_CONTAINERS: dict[str, Any] = {
    "array_value": common_pb2.ArrayValue,
    "kvlist_value": common_pb2.KeyValueList,
}


def repair(request: Descriptor, body: bytes, repairs: Counter[str]) -> bytes | None:
    """The body with bad strings and too deep values replaced, each counted; None if hopeless."""
    try:
        message = _lenient_class(request.full_name).FromString(body)
        _repair_message(message, 0, repairs)
    except ProtobufDecodeError:
        return None
    return bytes(message.SerializeToString())


def _repair_message(message: Any, depth: int, repairs: Counter[str]) -> None:
    strings = _STRINGS[message.DESCRIPTOR.full_name]
    is_value = message.DESCRIPTOR.full_name == _ANY_VALUE
    for field, value in message.ListFields():
        if field.message_type is not None:
            for child in value if field.is_repeated else (value,):
                _repair_message(child, depth, repairs)
        elif field.name in strings:
            _repair_strings(message, field, value, repairs)
        elif is_value and field.name in _CONTAINERS:
            _repair_container(message, field.name, depth + 1, repairs)


def _repair_strings(
    message: Any, field: FieldDescriptor, value: Any, repairs: Counter[str]
) -> None:
    if field.is_repeated:
        value[:] = [_to_utf8(item, repairs) for item in value]
    else:
        setattr(message, field.name, _to_utf8(value, repairs))


def _to_utf8(value: bytes, repairs: Counter[str]) -> bytes:
    try:
        value.decode()
    except UnicodeDecodeError:
        repairs[UTF8_REPLACED] += 1
        return value.decode(errors="replace").encode()
    return value


def _repair_container(value: Any, name: str, depth: int, repairs: Counter[str]) -> None:
    raw = getattr(value, name)
    if depth > MAX_NESTING:
        repairs[NESTING_CUT] += 1
        value.string_value = NESTED_TOO_DEEP.encode()
        return
    container = _lenient_class(_CONTAINERS[name].DESCRIPTOR.full_name).FromString(raw)
    _repair_message(container, depth, repairs)
    setattr(value, name, container.SerializeToString())


def _build_lenient_pool(files: Iterable[FileDescriptor]) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    added: set[str] = set()

    def add(file: FileDescriptor) -> None:
        if file.name in added:
            return
        added.add(file.name)
        for dependency in file.dependencies:
            add(dependency)
        proto = FileDescriptorProto()
        file.CopyToProto(proto)
        for message in proto.message_type:
            _loosen(message, f"{proto.package}.{message.name}")
        pool.AddSerializedFile(proto.SerializeToString())

    for file in files:
        add(file)
    return pool


_STRINGS: dict[str, frozenset[str]] = {}
"""Which fields of each message are strings in the real schema."""


def _loosen(message: DescriptorProto, full_name: str) -> None:
    _STRINGS[full_name] = frozenset(
        field.name for field in message.field if field.type == FieldDescriptorProto.TYPE_STRING
    )
    for field in message.field:
        is_container = full_name == _ANY_VALUE and field.name in _CONTAINERS
        if is_container or field.type == FieldDescriptorProto.TYPE_STRING:
            field.type = FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
    for nested in message.nested_type:
        _loosen(nested, f"{full_name}.{nested.name}")


_POOL = _build_lenient_pool(
    [trace_service_pb2.DESCRIPTOR, metrics_service_pb2.DESCRIPTOR, logs_service_pb2.DESCRIPTOR]
)


def _lenient_class(full_name: str) -> type[Message]:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(full_name))

"""Whether a request is one that the database reads as it stands.

The landing schema holds text, numbers, truth values and lists of texts; everything else has to be
turned into text first. To find out, the request is parsed by a schema that knows only that much:
what it does not know it drops, and if nothing was dropped the rest is as long as the original.
This also finds encodings that the protobuf library takes and the database does not (a known field
with another wire type, groups), because those are dropped or written shorter. An encoding that is
odd but of the same length (a bool of 2, fields in another order) is written again on the way.
Lists of numbers that a sender left unpacked are written longer; one who also sends what is
dropped, of the very same length, is not found out. No library writes so, and it is that sender's
own value that is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.message import DecodeError as ProtobufDecodeError
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2

from otel_agentmon.signals import Signal

# What is read, not what is unread: a kind of value newer than this program is not plain.
_READ_VALUES = frozenset({"string_value", "bool_value", "int_value", "double_value", "array_value"})
_LIST_ITEM = "ListItem"

_EMPTY_LIST = b"\x02\x2a\x00"
"""A value of two bytes: an array_value of none. A column could not tell it from an absent one."""


@dataclass(frozen=True)
class Plain:
    """A request that needs no lowering."""

    message: Any
    """Of the reduced schema: its values know no maps, no bytes and no lists of other than texts."""
    payload: bytes
    """The body itself, or the same in the form every reader takes, if the body is another."""


def parse_plain(signal: Signal, body: bytes) -> Plain | None:
    """The request if its values are what the database reads; None if it has to be worked on.

    None is also the answer if `body` is no request, or by chance holds what an empty list looks
    like.
    """
    try:
        message = _CLASSES[signal].FromString(body)
    except ProtobufDecodeError:
        return None
    message.DiscardUnknownFields()
    canonical = message.SerializeToString()
    if len(canonical) != len(body) or _EMPTY_LIST in canonical:
        return None
    return Plain(message, body if canonical == body else canonical)


def _build_pool() -> descriptor_pool.DescriptorPool:
    """OpenTelemetry's messages with values reduced to what the landing schema reads."""
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
        if file.name == common_pb2.DESCRIPTOR.name:
            _reduce_values(proto)
        pool.AddSerializedFile(proto.SerializeToString())

    for file in (trace_service_pb2, metrics_service_pb2, logs_service_pb2):
        add(file.DESCRIPTOR)
    return pool


def _reduce_values(proto: FileDescriptorProto) -> None:
    messages = {message.name: message for message in proto.message_type}
    value = messages["AnyValue"]
    text = next(field for field in value.field if field.name == "string_value")
    kept = [field for field in value.field if field.name in _READ_VALUES]
    item = DescriptorProto(name=_LIST_ITEM, field=[text])
    item.field[0].proto3_optional = True
    item.oneof_decl.add(name="_string_value")
    del value.field[:]
    value.field.extend(kept)
    values = messages["ArrayValue"].field[0]
    values.type_name = f".{proto.package}.{_LIST_ITEM}"
    proto.message_type.append(item)


_POOL = _build_pool()
_CLASSES: dict[Signal, Any] = {
    signal: message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))
    for signal, name in {
        Signal.TRACES: trace_service_pb2.ExportTraceServiceRequest.DESCRIPTOR.full_name,
        Signal.METRICS: metrics_service_pb2.ExportMetricsServiceRequest.DESCRIPTOR.full_name,
        Signal.LOGS: logs_service_pb2.ExportLogsServiceRequest.DESCRIPTOR.full_name,
    }.items()
}

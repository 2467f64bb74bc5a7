"""Requests written as no protobuf library writes them, though all of them read it."""

from __future__ import annotations

import enum
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from tests.receive.payloads import varint, wire_field

_FIXED64 = (FieldDescriptor.TYPE_FIXED64, FieldDescriptor.TYPE_SFIXED64)
_FIXED32 = (FieldDescriptor.TYPE_FIXED32, FieldDescriptor.TYPE_SFIXED32)
_LENGTH = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)


class Oddity(enum.StrEnum):
    """One way to be odd."""

    UNKNOWN_FIELD = "a field that nobody knows"
    UNKNOWN_GROUP = "a group that nobody knows"
    OTHER_WIRE_TYPE = "a known field with another wire type"
    LONG_TAG = "a tag longer than needed"
    LONG_LENGTH = "a message's length longer than needed"
    DEFAULT = "a field that says what its absence says"
    TWICE = "a field sent twice, of which the last one counts"
    SPLIT = "a message in two pieces"
    UNPACKED = "numbers one by one"


class OddWriter:
    """Writes messages with one oddity, in every place there is for it or only in one of them."""

    def __init__(self, oddity: Oddity, only: int | None = None) -> None:
        self.places = 0
        """How many places were met so far."""
        self._oddity = oddity
        self._only = only

    def write(self, message: Any) -> bytes:
        """The message on the wire."""
        return b"".join(self._pieces(message)) + self._additions(message)

    def _is_odd(self, oddity: Oddity) -> bool:
        if oddity is not self._oddity:
            return False
        self.places += 1
        return self._only in (None, self.places - 1)

    def _pieces(self, message: Any) -> list[bytes]:
        pieces = []
        for field, content in message.ListFields():
            if field.message_type is not None:
                children = content if field.is_repeated else (content,)
                pieces += [self._child(field, child) for child in children]
                continue
            alone = type(message)()
            if field.is_repeated:
                getattr(alone, field.name).extend(content)
                if field.is_packed and self._is_odd(Oddity.UNPACKED):
                    pieces += [_unpacked(type(message), field, item) for item in content]
                    continue
            else:
                setattr(alone, field.name, content)
            piece = alone.SerializeToString()
            if self._is_odd(Oddity.LONG_TAG):
                piece = _with_long_tag(field.number, piece)
            if not field.is_repeated and self._is_odd(Oddity.TWICE):
                piece += piece
            pieces.append(piece)
        return pieces

    def _child(self, field: FieldDescriptor, child: Any) -> bytes:
        content = self.write(child)
        if self._is_odd(Oddity.LONG_LENGTH):
            return varint(field.number << 3 | 2) + _longer(varint(len(content))) + content
        piece = wire_field(field.number, content)
        if self._is_odd(Oddity.LONG_TAG):
            return _with_long_tag(field.number, piece)
        if not field.is_repeated and self._is_odd(Oddity.SPLIT):
            return wire_field(field.number, b"") + piece
        return piece

    def _additions(self, message: Any) -> bytes:
        output = b""
        if self._is_odd(Oddity.UNKNOWN_FIELD):
            output += wire_field(1900, b"new")
        if self._is_odd(Oddity.UNKNOWN_GROUP):
            output += varint(1900 << 3 | 3) + b"\x08\x01" + varint(1900 << 3 | 4)
        present = {field.name for field, _ in message.ListFields()}
        for field in message.DESCRIPTOR.fields:
            if self._is_odd(Oddity.OTHER_WIRE_TYPE):
                other = 1 if field.type in _FIXED32 else 5
                output += varint(field.number << 3 | other) + bytes(8 if other == 1 else 4)
            # A field with presence says more by being there than by being absent.
            if field.is_repeated or field.has_presence or field.name in present:
                continue
            if self._is_odd(Oddity.DEFAULT):
                output += _zero(field)
        return output


def _longer(number: bytes) -> bytes:
    return number[:-1] + bytes([number[-1] | 0x80, 0])


def _with_long_tag(field_number: int, piece: bytes) -> bytes:
    tag_bytes = 1 if field_number < 16 else 2
    return _longer(piece[:tag_bytes]) + piece[tag_bytes:]


def _unpacked(of: type[Any], field: FieldDescriptor, item: Any) -> bytes:
    packed = of(**{field.name: [item]}).SerializeToString()
    wire_type = 1 if field.type in (*_FIXED64, FieldDescriptor.TYPE_DOUBLE) else 0
    return varint(field.number << 3 | wire_type) + bytes(packed[2:])


def _zero(field: FieldDescriptor) -> bytes:
    if field.type in (*_FIXED64, FieldDescriptor.TYPE_DOUBLE):
        return varint(field.number << 3 | 1) + bytes(8)
    if field.type in _FIXED32:
        return varint(field.number << 3 | 5) + bytes(4)
    return varint(field.number << 3 | (2 if field.type in _LENGTH else 0)) + b"\0"

"""Decompression that stops at the limit, while it decompresses."""

from __future__ import annotations

import enum
import sys
import zlib
from collections.abc import Iterator

from otel_agentmon.errors import DecodeError, TooLargeError, UnsupportedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK_BYTES = 1 << 18
_SLICE_BYTES = 1 << 16
_MAX_MEMBERS = 1_000
"""Senders write one; a body of hundreds of thousands of empty ones would only cost us time."""
_GZIP = 16 + zlib.MAX_WBITS
# The window is what a frame makes us allocate; RFC 8878 asks decoders for 8 MiB.
_ZSTD: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}


class Encoding(enum.StrEnum):
    """The `Content-Encoding` values we speak."""

    IDENTITY = "identity"
    GZIP = "gzip"
    ZSTD = "zstd"


def parse_encoding(header: str) -> Encoding:
    """The header's value to an Encoding. Raises UnsupportedError."""
    word = header.strip().lower()
    if not word:
        return Encoding.IDENTITY
    try:
        return Encoding(word)
    except ValueError:
        raise UnsupportedError(
            f"content encoding {header[:64]!r} is not supported; use gzip, zstd or none"
        ) from None


def inflate(body: bytes, encoding: Encoding, limit: int) -> bytes:
    """The decompressed body.

    Never holds more than `limit` bytes and one chunk of output. Raises TooLargeError over the
    limit, DecodeError when the stream is broken or ends too early.
    """
    if encoding is Encoding.IDENTITY:
        if len(body) > limit:
            raise too_large(limit)
        return body
    try:
        return (_inflate_gzip if encoding is Encoding.GZIP else _inflate_zstd)(body, limit)
    except (zlib.error, zstd.ZstdError) as error:
        raise DecodeError(f"the {encoding} stream is broken: {error}") from error


def too_large(limit: int) -> TooLargeError:
    """The one sentence a sender over the limit gets."""
    return TooLargeError(
        f"the request is larger than {limit} bytes; send smaller batches or raise"
        " receive.max_request_size"
    )


class _Output:
    """What has come out so far, within the limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._members = 1
        self._chunks: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._limit:
            raise too_large(self._limit)
        self._chunks.append(chunk)

    def start_member(self) -> None:
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise DecodeError(f"the stream has more than {_MAX_MEMBERS} members")

    def join(self) -> bytes:
        return b"".join(self._chunks)


def _slices(body: bytes) -> Iterator[bytes]:
    """Input in pieces: both libraries copy what they have not used at every step."""
    for start in range(0, len(body), _SLICE_BYTES):
        yield body[start : start + _SLICE_BYTES]


def _inflate_gzip(body: bytes, limit: int) -> bytes:
    # A gzip stream may be several members end to end (RFC 1952, 2.2).
    output, slices = _Output(limit), _slices(body)
    member, pending = zlib.decompressobj(wbits=_GZIP), b""
    while True:
        if member.eof:
            pending = member.unused_data or next(slices, b"")
            if not pending:
                return output.join()
            output.start_member()
            member = zlib.decompressobj(wbits=_GZIP)
        elif not pending:
            pending = next(slices, b"")
        chunk = member.decompress(pending, CHUNK_BYTES)
        if not (chunk or pending or member.eof):
            raise DecodeError("the gzip stream ends too early")
        output.add(chunk)
        pending = member.unconsumed_tail


def _inflate_zstd(body: bytes, limit: int) -> bytes:
    # A zstd stream may be several frames end to end (RFC 8878, 3).
    output, slices = _Output(limit), _slices(body)
    frame, pending = zstd.ZstdDecompressor(options=_ZSTD), b""
    while True:
        if frame.eof:
            pending = frame.unused_data or next(slices, b"")
            if not pending:
                return output.join()
            output.start_member()
            frame = zstd.ZstdDecompressor(options=_ZSTD)
        elif frame.needs_input:
            pending = next(slices, b"")
            if not pending:
                raise DecodeError("the zstd stream ends too early")
        output.add(frame.decompress(pending, CHUNK_BYTES))
        pending = b""

"""Decompression within bounds."""

from __future__ import annotations

import gzip
import random
import sys
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_agentmon.errors import DecodeError, TooLargeError, UnsupportedError
from otel_agentmon.receive.inflate import Encoding, inflate, parse_encoding

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIB = 2**20
COMPRESSORS: dict[Encoding, Any] = {
    Encoding.IDENTITY: bytes,
    Encoding.GZIP: gzip.compress,
    Encoding.ZSTD: zstd.compress,
}


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("body", [b"", b"x", bytes(MIB), b"member one"])
def test_what_was_compressed_comes_back(encoding: Encoding, body: bytes) -> None:
    """Also the empty body, and one of exactly the limit."""
    assert inflate(COMPRESSORS[encoding](body), encoding, len(body)) == body


@pytest.mark.parametrize("encoding", [Encoding.GZIP, Encoding.ZSTD])
def test_members_end_to_end_are_one_body(encoding: Encoding) -> None:
    """RFC 1952 and RFC 8878 both allow it."""
    compress = COMPRESSORS[encoding]

    assert inflate(compress(b"one") + compress(b"two"), encoding, 10) == b"onetwo"


@pytest.mark.parametrize("encoding", Encoding)
def test_one_byte_over_the_limit_is_too_large(encoding: Encoding) -> None:
    """The limit is the largest body that is accepted."""
    with pytest.raises(TooLargeError, match="larger than 99 bytes"):
        inflate(COMPRESSORS[encoding](bytes(100)), encoding, 99)


@pytest.mark.parametrize("encoding", [Encoding.GZIP, Encoding.ZSTD])
def test_a_body_of_nothing_but_members_is_refused(encoding: Encoding) -> None:
    """A few are allowed; a flood of empty ones is work without data."""
    member = COMPRESSORS[encoding](b"")

    assert inflate(member * 1_000, encoding, 10) == b""
    with pytest.raises(DecodeError, match="more than 1000 members"):
        inflate(member * 1_001, encoding, 10)


@pytest.mark.parametrize("encoding", [Encoding.GZIP, Encoding.ZSTD])
def test_a_body_of_many_slices_comes_back(encoding: Encoding) -> None:
    """Input and output longer than one step, and not a multiple of it."""
    body = random.Random(1).randbytes(700_001) + bytes(700_001)

    assert inflate(COMPRESSORS[encoding](body), encoding, 2 * MIB) == body


def gzip_bomb() -> bytes:
    """10 MB that decompress to 10 GB: a gzip member of zeros, repeated as deflate blocks."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = packer.compress(bytes(16 * MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + block * (10 * 10**9 // (16 * MIB))


def zstd_bomb() -> bytes:
    """Frames of zeros, end to end, 10 GB in all."""
    return zstd.compress(bytes(64 * MIB)) * 150


@pytest.mark.parametrize(
    ("encoding", "bomb"), [(Encoding.GZIP, gzip_bomb), (Encoding.ZSTD, zstd_bomb)]
)
def test_a_bomb_is_stopped_at_the_limit(encoding: Encoding, bomb: Any) -> None:
    """Memory stays within the limit and a little, however much is inside."""
    body = bomb()
    limit = 8 * MIB
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            inflate(body, encoding, limit)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < limit + MIB


@pytest.mark.parametrize("encoding", [Encoding.GZIP, Encoding.ZSTD])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_cut_or_flipped_stream_is_refused_or_harmless(encoding: Encoding, data: Any) -> None:
    """Every prefix is refused; flipped bits give an error of the tree or some other body."""
    body = b"some telemetry, " * 20
    packed = COMPRESSORS[encoding](body)

    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    with pytest.raises(DecodeError):
        inflate(cut, encoding, 10_000)
    flipped = bytearray(packed)
    flipped[data.draw(st.integers(0, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        inflate(bytes(flipped), encoding, 10_000)
    except (DecodeError, TooLargeError):
        pass


def test_a_zstd_frame_may_not_ask_for_a_huge_window() -> None:
    """The window is memory that a few bytes of header would make us take."""
    options = {zstd.CompressionParameter.window_log: 27}
    packer = zstd.ZstdCompressor(options=options)
    packed = packer.compress(bytes(range(256)) * 40_000) + packer.flush()

    with pytest.raises(DecodeError):
        inflate(packed, Encoding.ZSTD, 64 * MIB)


@pytest.mark.parametrize(
    ("header", "encoding"),
    [("", Encoding.IDENTITY), ("identity", Encoding.IDENTITY), (" GZIP ", Encoding.GZIP)],
)
def test_encodings_are_read_without_regard_to_case(header: str, encoding: Encoding) -> None:
    """No header means no encoding."""
    assert parse_encoding(header) is encoding


@pytest.mark.parametrize("header", ["br", "deflate", "gzip, zstd", "x" * 5000])
def test_other_encodings_are_unsupported(header: str) -> None:
    """The message names what would work and stays short."""
    with pytest.raises(UnsupportedError, match="use gzip, zstd or none") as caught:
        parse_encoding(header)

    assert len(str(caught.value)) < 200

"""The operating system's files as the journal uses them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from otel_agentmon.journal.disk import OsDisk


def test_any_number_of_buffers_is_written_in_order(tmp_path: Path) -> None:
    """More than one system call takes are split."""
    disk = OsDisk()
    buffers = [b"%04d" % number for number in range(3000)]
    handle = disk.create(tmp_path / "file")
    disk.write(handle, buffers, 5)
    disk.close(handle)

    assert disk.read(tmp_path / "file") == bytes(5) + b"".join(buffers)


def test_a_short_write_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may take less than it is given."""
    real = os.pwritev

    def take_five(handle: int, buffers: Sequence[bytes], offset: int) -> int:
        return real(handle, [b"".join(buffers)[:5]], offset)

    monkeypatch.setattr(os, "pwritev", take_five)
    disk = OsDisk()
    handle = disk.create(tmp_path / "file")
    disk.write(handle, [b"abc", b"defg", b"hij"], 2)
    disk.close(handle)

    assert disk.read(tmp_path / "file") == b"\0\0abcdefghij"


def test_a_file_is_locked_once(tmp_path: Path) -> None:
    """Until the handle is closed."""
    disk = OsDisk()
    handle = disk.lock(tmp_path / "lock")

    with pytest.raises(BlockingIOError):
        disk.lock(tmp_path / "lock")
    disk.close(handle)
    disk.close(disk.lock(tmp_path / "lock"))


def test_create_replaces_only_what_it_is_told_to(tmp_path: Path) -> None:
    """A segment is never written over another."""
    disk = OsDisk()
    disk.close(disk.create(tmp_path / "file"))

    with pytest.raises(FileExistsError):
        disk.create(tmp_path / "file")
    disk.close(disk.create(tmp_path / "file", replace=True))

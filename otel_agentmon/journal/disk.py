"""The few file operations the journal stands on, so that tests can make each of them fail."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_MOST_BUFFERS = os.sysconf("SC_IOV_MAX")


@dataclass(frozen=True, slots=True)
class FileState:
    """What the journal asks about a file."""

    size_bytes: int
    modified_unix_nano: int


class Disk(Protocol):
    """File operations; every one may raise OSError, and then may have been done in part.

    What is written is safe from power loss after `sync_data`, a name after `sync_directory`. After
    a `sync_data` that failed, what was written since the one before may be gone even if a later one
    succeeds (https://www.usenix.org/conference/atc20/presentation/rebello).
    """

    def make_directory(self, path: Path) -> None:
        """Make `path` and its parents unless they exist, safe from power loss."""
        ...

    def lock(self, path: Path) -> int:
        """Make the file if needed and hold it until `close`; BlockingIOError if another does."""
        ...

    def names(self, directory: Path) -> list[str]: ...

    def state(self, path: Path) -> FileState: ...

    def create(self, path: Path, *, replace: bool = False) -> int:
        """A handle on a new, empty file; FileExistsError if there is one not to be replaced."""
        ...

    def open(self, path: Path) -> int:
        """A handle for writing on a file that exists."""
        ...

    def read(self, path: Path) -> bytes: ...

    def write(self, handle: int, buffers: Sequence[bytes], offset: int) -> None:
        """Write all buffers, one after the other, from `offset`."""
        ...

    def truncate(self, handle: int, size_bytes: int) -> None: ...

    def sync_data(self, handle: int) -> None: ...

    def close(self, handle: int) -> None: ...

    def sync_directory(self, path: Path) -> None: ...

    def rename(self, source: Path, target: Path) -> None:
        """Atomic; what `target` named before is gone."""
        ...

    def unlink(self, path: Path) -> None: ...


class OsDisk:
    """The operating system's files."""

    def make_directory(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        # Whoever made the folders above may not have synced their names, and without those
        # nothing below survives a power cut. What we may not read, we did not just make.
        for parent in path.parents[:3]:
            with contextlib.suppress(PermissionError):
                self.sync_directory(parent)

    def lock(self, path: Path) -> int:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise
        return handle

    def names(self, directory: Path) -> list[str]:
        return os.listdir(directory)

    def state(self, path: Path) -> FileState:
        status = path.stat()
        return FileState(status.st_size, status.st_mtime_ns)

    def create(self, path: Path, *, replace: bool = False) -> int:
        existing = os.O_TRUNC if replace else os.O_EXCL
        return os.open(path, os.O_RDWR | os.O_CREAT | existing, 0o600)

    def open(self, path: Path) -> int:
        return os.open(path, os.O_RDWR)

    def read(self, path: Path) -> bytes:
        return path.read_bytes()

    def write(self, handle: int, buffers: Sequence[bytes], offset: int) -> None:
        for start in range(0, len(buffers), _MOST_BUFFERS):
            offset = _write_all(handle, buffers[start : start + _MOST_BUFFERS], offset)

    def truncate(self, handle: int, size_bytes: int) -> None:
        os.ftruncate(handle, size_bytes)

    def sync_data(self, handle: int) -> None:
        os.fdatasync(handle)

    def close(self, handle: int) -> None:
        os.close(handle)

    def sync_directory(self, path: Path) -> None:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def unlink(self, path: Path) -> None:
        path.unlink()


def _write_all(handle: int, buffers: Sequence[bytes], offset: int) -> int:
    """Write up to `_MOST_BUFFERS` buffers and return the offset after them."""
    written = os.pwritev(handle, buffers, offset)
    end = offset + sum(map(len, buffers))
    if offset + written < end:
        # A short write is rare (a signal, a nearly full disk, more than 2 GiB): join what is left.
        rest = memoryview(b"".join(buffers))[written:]
        while rest:
            count = os.pwrite(handle, rest, end - len(rest))
            rest = rest[count:]
    return end

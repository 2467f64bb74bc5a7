"""A disk in memory that loses what was not synced and fails when it is told to."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from otel_agentmon.journal.disk import FileState

_PAGE_BYTES = 16
"""Small, so that the small records of the tests span several."""


class ProcessDiedError(BaseException):
    """The process ended at this instruction; not an Exception, so nothing of ours can catch it."""


@dataclass
class Fault:
    """Strikes the operation of one of these kinds that comes after `skip` others."""

    error: int | None
    """An errno, or None for the end of the process."""
    operations: frozenset[str]
    skip: int = 0
    stays: bool = False
    """Whether later operations fail as well."""


@dataclass
class _Node:
    content: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Since the last sync: writes at an offset, or (with None) cuts to a size."""


class SimulatedDisk:
    """A `Disk` with a page cache over a medium, and a directory cache over a metadata log.

    After a power cut each unsynced page of a file is there or not, and of the unsynced directory
    changes a prefix is, as on file systems with a journal. After a failed sync the unsynced pages
    count as clean: no later sync brings them to the medium.
    """

    def __init__(self, seed: int = 0) -> None:
        self.fault: Fault | None = None
        self.errors = 0
        self._random = random.Random(seed)
        self._names: dict[Path, _Node] = {}
        self._durable_names: dict[Path, _Node] = {}
        self._log: list[tuple[set[Path], Callable[[dict[Path, _Node]], object]]] = []
        self._handles: dict[int, _Node] = {}
        self._next_handle = 100
        self._locked: set[Path] = set()

    def end_process(self, *, with_power: bool) -> None:
        """Forget what a killed process, or (without power) a machine that stops, forgets."""
        self.fault = None
        self._handles.clear()
        self._locked.clear()
        if with_power:
            return
        for _, change in self._log[: self._random.randint(0, len(self._log))]:
            change(self._durable_names)
        self._log.clear()
        self._names = dict(self._durable_names)
        for node in self._names.values():
            self._lose_pages(node)
            node.content = bytearray(node.durable)

    def flip_bit(self, path: Path, bit: int) -> None:
        """Damage a file at rest."""
        node = self._names[path]
        node.content[bit // 8] ^= 1 << bit % 8
        node.durable = bytes(node.content)
        node.pending.clear()

    @property
    def paths(self) -> list[Path]:
        return sorted(self._names)

    def make_directory(self, path: Path) -> None:
        self._maybe_fail("make_directory")

    def lock(self, path: Path) -> int:
        self._maybe_fail("lock")
        if path in self._locked:
            raise BlockingIOError
        self._locked.add(path)
        return self._open(_Node())

    def names(self, directory: Path) -> list[str]:
        self._maybe_fail("names")
        return [path.name for path in self._names if path.parent == directory]

    def state(self, path: Path) -> FileState:
        self._maybe_fail("state")
        return FileState(len(self._node(path).content), 0)

    def create(self, path: Path, *, replace: bool = False) -> int:
        self._maybe_fail("create")
        if path in self._names and not replace:
            raise FileExistsError(path)
        node = _Node()
        self._change({path.parent}, lambda names: names.__setitem__(path, node))
        return self._open(node)

    def open(self, path: Path) -> int:
        self._maybe_fail("open")
        return self._open(self._node(path))

    def read(self, path: Path) -> bytes:
        self._maybe_fail("read")
        return bytes(self._node(path).content)

    def write(self, handle: int, buffers: Sequence[bytes], offset: int) -> None:
        node, data = self._handles[handle], b"".join(buffers)
        try:
            self._maybe_fail("write")
        except BaseException:
            self._write(node, offset, data[: self._random.randint(0, len(data))])
            raise
        self._write(node, offset, data)

    def truncate(self, handle: int, size_bytes: int) -> None:
        self._maybe_fail("truncate")
        node = self._handles[handle]
        del node.content[size_bytes:]
        node.pending.append((size_bytes, None))

    def sync_data(self, handle: int) -> None:
        node = self._handles[handle]
        try:
            self._maybe_fail("sync_data")
        except OSError:
            self._lose_pages(node)
            raise
        for offset, data in node.pending:
            node.durable = _apply(node.durable, offset, data)
        node.pending.clear()

    def close(self, handle: int) -> None:
        self._maybe_fail("close")
        del self._handles[handle]

    def sync_directory(self, path: Path) -> None:
        self._maybe_fail("sync_directory")
        touching = [i for i, (paths, _) in enumerate(self._log) if path in paths]
        count = touching[-1] + 1 if touching else 0
        for _, change in self._log[:count]:
            change(self._durable_names)
        del self._log[:count]

    def rename(self, source: Path, target: Path) -> None:
        self._maybe_fail("rename")
        self._node(source)
        self._change(
            {source.parent, target.parent},
            lambda names: names.__setitem__(target, names.pop(source)),
        )

    def unlink(self, path: Path) -> None:
        self._maybe_fail("unlink")
        self._node(path)
        self._change({path.parent}, lambda names: names.pop(path))

    def _maybe_fail(self, operation: str) -> None:
        fault = self.fault
        if fault is None or operation not in fault.operations:
            return
        if fault.skip:
            fault.skip -= 1
            return
        if not fault.stays:
            self.fault = None
        if fault.error is None:
            raise ProcessDiedError
        self.errors += 1
        raise OSError(fault.error, os.strerror(fault.error))

    def _node(self, path: Path) -> _Node:
        try:
            return self._names[path]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path)) from None

    def _open(self, node: _Node) -> int:
        self._next_handle += 1
        self._handles[self._next_handle] = node
        return self._next_handle

    def _change(self, paths: set[Path], change: Callable[[dict[Path, _Node]], object]) -> None:
        change(self._names)
        self._log.append((paths, change))

    def _write(self, node: _Node, offset: int, data: bytes) -> None:
        node.content[:] = _apply(bytes(node.content), offset, data)
        node.pending.append((offset, data))

    def _lose_pages(self, node: _Node) -> None:
        """Let each pending page reach the medium or not, and none of them later."""
        chance = self._random.choice((0.0, 0.5, 0.9, 1.0))
        for offset, data in node.pending:
            if data is None:
                if self._random.random() < chance:
                    node.durable = _apply(node.durable, offset, None)
                continue
            for start in range(0, len(data), _PAGE_BYTES):
                if self._random.random() < chance:
                    page = data[start : start + _PAGE_BYTES]
                    node.durable = _apply(node.durable, offset + start, page)
        node.pending.clear()


def _apply(content: bytes, offset: int, data: bytes | None) -> bytes:
    if data is None:
        return content[:offset]
    return content[:offset].ljust(offset, b"\0") + data + content[offset + len(data) :]

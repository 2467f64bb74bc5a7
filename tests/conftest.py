"""What holds for every test: nothing it started outlives it."""

from __future__ import annotations

import asyncio
import asyncio.runners
import threading
from collections.abc import Iterator

import pytest

_JOIN_SECONDS = 2.0


@pytest.fixture(autouse=True)
def no_thread_is_left_behind() -> Iterator[None]:
    """A test ends every thread that it starts; threads of wider fixtures are theirs to end."""
    before = set(threading.enumerate())
    yield
    left = [t for t in threading.enumerate() if t not in before]
    for thread in left:
        thread.join(_JOIN_SECONDS)
    alive = sorted(thread.name for thread in left if thread.is_alive())
    assert not alive, f"threads left behind: {alive}"


@pytest.fixture(autouse=True)
def no_task_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A coroutine given to asyncio.run awaits or cancels every task it starts.

    asyncio.run cancels what is left without a word, so its last step is listened to.
    """
    left: list[str] = []
    cancel_all = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]

    def listen(loop: asyncio.AbstractEventLoop) -> None:
        left.extend(task.get_name() for task in asyncio.all_tasks(loop) if not task.done())
        cancel_all(loop)

    monkeypatch.setattr(asyncio.runners, "_cancel_all_tasks", listen)
    yield
    assert not left, f"tasks left behind: {left}"

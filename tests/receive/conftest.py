"""What the receiver's tests need besides the rules for all tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def grpc_poller_ends() -> Iterator[None]:
    """grpc.aio ends its thread when its last object is collected; tracebacks make cycles."""
    yield
    gc.collect()

"""The real application on a real database, asked as a client would."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from otel_agentmon.api.application import create_application
from otel_agentmon.api.config import ApiConfig
from otel_agentmon.store.connect import Database
from tests.clock import ManualClock
from tests.query.builders import BASE, SECOND

NOW = BASE + 3600 * SECOND
"""An hour after the time that the tests' spans are built around."""


@dataclass
class Api:
    """An application, a client of it, and what it reads."""

    app: FastAPI
    client: TestClient
    registry: CollectorRegistry
    problems: list[str] = field(default_factory=list)

    def count(self, name: str, **labels: str) -> float:
        """The value of one sample in the registry."""
        value = self.registry.get_sample_value(name, labels)
        assert value is not None, f"{name}{labels} is not shown"
        return value


@contextlib.contextmanager
def serve(database: Database, config: ApiConfig | None = None) -> Iterator[Api]:
    """The application for as long as the block lasts, an hour after BASE."""
    problems: list[str] = []
    registry = CollectorRegistry()
    app = create_application(
        database,
        registry,
        lambda: problems,
        config or ApiConfig(concurrent_questions=1),
        ManualClock(unix_nano=NOW),
    )
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        client.get("/api/v1/agents")  # starts the one thread, which ends with this block
        yield Api(app, client, registry, problems)

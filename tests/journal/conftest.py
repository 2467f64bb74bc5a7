"""A journal with its thread, for the tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from otel_agentmon.journal.disk import Disk
from otel_agentmon.journal.journal import Journal
from otel_agentmon.journal.telemetry import JournalTelemetry
from tests.clock import ManualClock
from tests.journal.builders import make_config, make_telemetry
from tests.journal.running import Open


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Journals on one directory, stopped at the end; segments close as soon as one is wanted."""

    @contextmanager
    def open_journal(
        disk: Disk | None = None, telemetry: JournalTelemetry | None = None, **settings: Any
    ) -> Iterator[Journal]:
        config = make_config(**{"roll_age": 0, **settings})
        journal = Journal(tmp_path, config, telemetry or make_telemetry(), ManualClock(), disk)
        journal.start()
        try:
            yield journal
        finally:
            journal.stop()

    return open_journal

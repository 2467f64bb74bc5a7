"""Questions to a running monitor, over its HTTP API."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import orjson
from prometheus_client.parser import text_string_to_metric_families

from tests.house.running import RunningMonitor

QUESTION_SECONDS = 60.0
VISIBLE_SECONDS = 20.0
"""How long a test waits for what takes 2 s on a machine that has nothing else to do."""

T = TypeVar("T")


def ask(monitor: RunningMonitor, path: str, **parameters: Any) -> Any:
    """The answer to a GET, which must succeed."""
    answer = httpx.get(
        f"http://{monitor.ready['http']}{path}", params=parameters, timeout=QUESTION_SECONDS
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def ask_sql(monitor: RunningMonitor, query: str) -> list[dict[str, Any]]:
    """The rows of a SELECT, which must succeed, by column name."""
    answer = httpx.post(
        f"http://{monitor.ready['http']}/api/v1/sql",
        json={"query": query, "format": "JSONEachRow"},
        timeout=QUESTION_SECONDS,
    )
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.text.splitlines()]


def read_metric(monitor: RunningMonitor, name: str, **labels: str) -> float:
    """One of the monitor's own numbers, added up over the labels that are not given."""
    answer = httpx.get(f"http://{monitor.ready['http']}/metrics", timeout=QUESTION_SECONDS)
    samples = [
        sample
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert samples, f"{name} with {labels} is not in /metrics"
    return sum(sample.value for sample in samples)


def eventually(
    read: Callable[[], T], is_enough: Callable[[T], bool], seconds: float = VISIBLE_SECONDS
) -> T:
    """What `read` returns as soon as it is enough; the test fails if that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        found = read()
        if is_enough(found):
            return found
        assert time.monotonic() < deadline, f"after {seconds:g} s there is only {found!r:.2000}"
        time.sleep(0.1)


def wait_until_loaded(monitor: RunningMonitor, seconds: float = 120.0) -> None:
    """Return when the journal is empty: everything acknowledged is in the tables."""
    eventually(lambda: read_metric(monitor, "agentmon_journal_segments"), lambda n: n == 0, seconds)

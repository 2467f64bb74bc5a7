"""What a monitor knew it knows after a restart, and one that cannot start says why."""

from __future__ import annotations

import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.program import Program
from tests.acceptance.questions import ask, wait_until_loaded
from tests.house.checkout import ROOT
from tests.house.running import RunningMonitor

pytestmark = pytest.mark.acceptance

CALL: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.agent.name": "scout",
    "gen_ai.conversation.id": "talk",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
}
ADD_LATER_MIGRATION = """
import sys
from pathlib import Path
from otel_agentmon.store.config import StoreConfig
from otel_agentmon.store.connect import Database
database = Database(StoreConfig(), Path(sys.argv[1]))
columns = ["version", "name", "checksum", "applied_unix_nano"]
database.insert("agentmon_schema_versions", columns, [[9999, "9999_later.sql", "x", 1]])
database.close()
"""


def up(monitor: RunningMonitor, folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run `agentmon up` where it is expected to give up by itself."""
    addresses = [
        part
        for flag in ("--otlp-grpc", "--otlp-http", "--http")
        if flag not in flags
        for part in (flag, "127.0.0.1:0")
    ]
    return subprocess.run(
        [sys.executable, "-m", "otel_agentmon.app.cli", "up", *addresses, *flags],
        cwd=folder,
        env=monitor.environ(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """The one line for people that a refusal ends with; what is above it is the log."""
    *above, last = done.stderr.splitlines()
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not [line for line in above if line.startswith("agentmon: ")], done.stderr
    assert last.startswith("agentmon: "), done.stderr
    return last


def answers_of(monitor: RunningMonitor) -> dict[str, Any]:
    """Everything the monitor says about one fixed day."""
    now = datetime.now(UTC)
    window = {
        "start": (now - timedelta(hours=12)).isoformat(),
        "end": (now + timedelta(hours=12)).isoformat(),
    }
    answers = {
        path: ask(monitor, path, **window)
        for path in ("/api/v1/agents", "/api/v1/conversations", "/api/v1/traces")
    }
    trace_id = answers["/api/v1/traces"]["traces"][0]["trace_id"]
    return answers | {"trace": ask(monitor, f"/api/v1/traces/{trace_id}")}


def test_what_was_known_is_known_after_a_restart(tmp_path: Path) -> None:
    """Agents, conversations, traces and cost are the same, to the last digit."""
    monitor = RunningMonitor(tmp_path)
    with monitor:
        with Program(monitor, "kept") as program:
            with program.tracer.start_as_current_span(
                "invoke_agent scout",
                attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "scout"},
            ):
                for number in range(3):
                    with program.tracer.start_as_current_span(f"chat {number}", attributes=CALL):
                        pass
            program.deliver()
        wait_until_loaded(monitor)
        before = answers_of(monitor)
    with monitor:
        after = answers_of(monitor)
    (agent,) = after["/api/v1/agents"]["agents"]

    assert after == before
    assert (agent["agent"], agent["runs"], agent["model_calls"]) == ("scout", 1, 3)
    assert agent["cost_usd"] == pytest.approx(3 * 0.0035)


def test_what_was_not_yet_loaded_is_loaded_after_a_restart(tmp_path: Path) -> None:
    """A stop right after the acknowledgement leaves it to the next start."""
    monitor = RunningMonitor(tmp_path)
    with monitor, Program(monitor, "late") as program:
        with program.tracer.start_as_current_span("chat", attributes=CALL):
            pass
        program.deliver()
    with monitor:
        wait_until_loaded(monitor)
        (found,) = ask(monitor, "/api/v1/traces", service="late")["traces"]

    assert found["input_tokens"] == 1000


def test_a_second_monitor_leaves_the_first_alone(tmp_path: Path) -> None:
    """It is refused in one line that names the folder, and the first one goes on taking data."""
    with RunningMonitor(tmp_path) as monitor:
        second = up(monitor, tmp_path, "--data-dir", str(tmp_path / "data"))
        with Program(monitor, "first") as program:
            with program.tracer.start_as_current_span("chat", attributes=CALL):
                pass
            program.deliver()
        wait_until_loaded(monitor)
        found = ask(monitor, "/api/v1/traces", service="first")["traces"]

    assert str(tmp_path / "data") in last_words(second)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("flag", "setting"),
    [
        ("--otlp-grpc", "receive.grpc.address"),
        ("--otlp-http", "receive.http.address"),
        ("--http", "api.address"),
    ],
)
def test_a_port_in_use_is_named_by_its_setting(tmp_path: Path, flag: str, setting: str) -> None:
    """One line says which setting, which address, and that it is in use."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = up(RunningMonitor(tmp_path), tmp_path, flag, address)
    words = last_words(done)

    assert words.startswith(f"agentmon: {setting}: ")
    assert address in words
    assert "in use" in words


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A database that a later version has written is left as it is."""
    monitor = RunningMonitor(tmp_path)
    with monitor:
        pass
    subprocess.run(
        [sys.executable, "-c", ADD_LATER_MIGRATION, str(tmp_path / "data/store")],
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    words = last_words(up(monitor, tmp_path))

    assert "9999_later.sql" in words
    assert "newer agentmon" in words

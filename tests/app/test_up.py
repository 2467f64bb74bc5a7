"""The real process: it comes up, says where, goes down, and refuses what it cannot use."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.running import RunningMonitor

pytestmark = pytest.mark.acceptance

ANY = ("--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0")


def up(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `agentmon up` where it is expected to give up by itself."""
    command = [
        sys.executable,
        "-m",
        "otel_agentmon.app.cli",
        "up",
        "--data-dir",
        "data",
        *arguments,
    ]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("AGENTMON_")}
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_it_listens_where_it_says_and_comes_up_again(tmp_path: Path) -> None:
    """Free ports are chosen, printed, written to the ready file, and open; twice on one folder."""
    for _ in range(2):
        with RunningMonitor(tmp_path) as running:
            for door in ("otlp_grpc", "otlp_http"):
                host, port = str(running.ready[door]).rsplit(":", 1)
                socket.create_connection((host, int(port)), timeout=5).close()
                assert f"{host}:{port}" in running.output
        assert [path.name for path in tmp_path.glob("ready*")] == []
        assert "Traceback" not in running.output


def test_ctrl_c_stops_it_in_order(tmp_path: Path) -> None:
    """SIGINT is as good as SIGTERM, and the receivers go before the journal."""
    with RunningMonitor(tmp_path) as running:
        os.kill(int(running.ready["pid"]), signal.SIGINT)

    assert "signal=SIGINT" in running.output
    assert "the journal is closed" in running.output


def test_an_address_in_use_is_one_line(tmp_path: Path) -> None:
    """What was started before the receiver is stopped again, and the exit code says so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = up(tmp_path, *ANY, "--otlp-http", f"127.0.0.1:{port}")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("agentmon: receive.http.address: cannot listen")
    assert "Traceback" not in done.stderr
    assert "the journal is closed" in done.stderr


def test_a_data_directory_in_use_is_one_line(tmp_path: Path) -> None:
    """Two monitors never share a folder; the second one says so."""
    with RunningMonitor(tmp_path):
        done = up(tmp_path, *ANY)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("agentmon: ")
    assert str(tmp_path / "data") in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_data_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    """A file in the way is named."""
    (tmp_path / "data").write_text("in the way", encoding="utf-8")
    done = up(tmp_path, *ANY)

    assert done.returncode == 1
    assert done.stderr == "agentmon: data_dir: cannot make data/store: Not a directory\n"

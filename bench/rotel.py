"""The anchor: rotel, a collector in Rust, exporting over HTTP into the same engine.

It is installed into an environment of its own and runs as it comes: batches of 8,192 items into
the exporter's own tables; only compression is off, since both ends share a machine. With `tuned`
it gets what helps it most on two cores: batches of 32,768 items, and the settings of the monitor's
tables. Its traffic is checked: what was sent is counted.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import httpx

from bench.process import Process

REQUIREMENT: Final = "rotel==0.0.1a15"
_BATCH_ITEMS: Final = 8_192
_TUNED_BATCH_ITEMS: Final = 32_768
_ENVIRONMENT: Final = Path(".cache/bench") / REQUIREMENT.replace("==", "-")


class AnchorMissingError(RuntimeError):
    """rotel could not be installed; the message says why."""


class Rotel:
    """`rotel-agent` and, behind it, `bench.door`."""

    name = "rotel"

    def __init__(self, directory: Path, *, tuned: bool = False) -> None:
        """Returns when both are ready. Raises AnchorMissingError."""
        executable = install()
        directory.mkdir(parents=True, exist_ok=True)
        self.database_dir = directory / "database"
        ready_file = directory / "door.json"
        self._door = Process(
            [
                sys.executable, "-m", "bench.door",
                "--data-dir", str(self.database_dir),
                "--ready-file", str(ready_file),
                *(["--tuned"] if tuned else []),
            ],
            directory / "door.log",
        )  # fmt: skip
        address = self._door.wait_for_file(ready_file)["http"]
        self._http = httpx.Client(base_url=f"http://{address}", timeout=60, trust_env=False)
        self.otlp_grpc = f"127.0.0.1:{_free_port()}"
        try:
            self._agent = Process(
                [
                    str(executable), "start",
                    "--pid-file", str(directory / "rotel.pid"),
                    "--otlp-grpc-endpoint", self.otlp_grpc,
                    "--otlp-http-endpoint", f"127.0.0.1:{_free_port()}",
                    "--otlp-grpc-max-recv-msg-size-mib", "64",
                    "--exporter", "clickhouse",
                    "--clickhouse-exporter-endpoint", f"http://{address}",
                    "--clickhouse-exporter-compression", "none",
                    "--batch-max-size", str(_TUNED_BATCH_ITEMS if tuned else _BATCH_ITEMS),
                ],
                directory / "rotel.log",
            )  # fmt: skip
            _wait_for_port(self.otlp_grpc)
        except BaseException:
            self._door.stop()
            raise

    def sql(self, query: str) -> list[list[Any]]:
        answer = self._http.post("/", params={"query": query})
        if answer.is_error:
            raise RuntimeError(f"{query}: {answer.text}")
        return [json.loads(line) for line in answer.text.splitlines()]

    def cpu_seconds(self) -> float:
        return self._agent.cpu_seconds() + self._door.cpu_seconds()

    def resident_bytes(self) -> int:
        return self._agent.resident_bytes() + self._door.resident_bytes()

    def stop(self) -> None:
        self._http.close()
        self._agent.stop()
        self._door.stop()


def install() -> Path:
    """The executable, installed on the first call. Raises AnchorMissingError."""
    for found in _ENVIRONMENT.glob("lib/python*/site-packages/rotel/rotel-agent"):
        return found
    try:
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(_ENVIRONMENT)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        subprocess.run(
            [str(_ENVIRONMENT / "bin/python"), "-m", "pip", "install", "-q", REQUIREMENT],
            check=True, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(_ENVIRONMENT, ignore_errors=True)
        reason = getattr(error, "stderr", None) or error
        raise AnchorMissingError(f"{REQUIREMENT} cannot be installed: {reason}") from error
    for found in _ENVIRONMENT.glob("lib/python*/site-packages/rotel/rotel-agent"):
        return found
    raise AnchorMissingError(f"{REQUIREMENT} has no rotel-agent for this machine")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for_port(address: str) -> None:
    host, _, port = address.rpartition(":")
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return

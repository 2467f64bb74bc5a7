"""Our side: the monitor as a user starts it, asked over its HTTP API."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from bench.process import Process

AGENTMON = Path(sys.executable).with_name("agentmon")


class Monitor:
    """`agentmon up` on a data directory, every port chosen by the system."""

    name = "agentmon"

    def __init__(self, directory: Path, executable: Path = AGENTMON) -> None:
        """Returns when it is ready; how long that took is in `start_seconds`."""
        directory.mkdir(parents=True, exist_ok=True)
        self.data_dir = directory / "data"
        ready_file = directory / "ready.json"
        began = time.perf_counter()
        self._process = Process(
            [
                str(executable), "up",
                "--data-dir", str(self.data_dir),
                "--otlp-grpc", "127.0.0.1:0",
                "--otlp-http", "127.0.0.1:0",
                "--http", "127.0.0.1:0",
                "--ready-file", str(ready_file),
            ],
            directory / "agentmon.log",
        )  # fmt: skip
        addresses = self._process.wait_for_file(ready_file)
        self.start_seconds = time.perf_counter() - began
        self.otlp_grpc: str = addresses["otlp_grpc"]
        self.http = httpx.Client(
            base_url=f"http://{addresses['http']}", timeout=60, trust_env=False
        )

    @property
    def database_dir(self) -> Path:
        """The embedded engine's own folder."""
        return self.data_dir / "store"

    def sql(self, query: str) -> list[list[Any]]:
        answer = self.http.post("/api/v1/sql", json={"query": query})
        if answer.is_error:
            raise RuntimeError(f"{query}: {answer.text}")
        return [json.loads(line) for line in answer.text.splitlines()]

    def cpu_seconds(self) -> float:
        return self._process.cpu_seconds()

    def resident_bytes(self) -> int:
        return self._process.resident_bytes()

    def stop(self) -> None:
        self.http.close()
        self._process.stop()

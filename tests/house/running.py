"""The real process, started and stopped for a test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

READY_SECONDS = 60.0
STOP_SECONDS = 30.0

_ADDRESSES = {
    "otlp_grpc": "127.0.0.1:4317",
    "otlp_http": "127.0.0.1:4318",
    "http": "127.0.0.1:8000",
}


class RunningMonitor:
    """`agentmon up`, or a command that ends in it, on free ports in a folder of its own.

    Entering returns when it is ready; leaving asks it to stop and checks that it did, in order.
    """

    def __init__(self, folder: Path, command: Sequence[str] = (), cwd: Path | None = None) -> None:
        self._folder = folder
        self._command = command or (sys.executable, "-m", "otel_agentmon.app.cli", "up")
        self._cwd = cwd or folder
        self._ready_file = folder / "ready.json"
        self._log = folder / "agentmon.log"
        self.ready: dict[str, str | int] = {}

    @property
    def output(self) -> str:
        """What it has written so far, both streams together."""
        return self._log.read_text(encoding="utf-8")

    def environ(self) -> dict[str, str]:
        """The environment for it and for the commands beside it."""
        binaries = str(Path(sys.executable).parent)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTMON_", "OTEL_"))}
        return kept | {
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "AGENTMON_DATA_DIR": str(self._folder / "data"),
            "AGENTMON_READY_FILE": str(self._ready_file),
            "AGENTMON_OTLP_GRPC": str(self.ready.get("otlp_grpc", "127.0.0.1:0")),
            "AGENTMON_OTLP_HTTP": str(self.ready.get("otlp_http", "127.0.0.1:0")),
            "AGENTMON_HTTP": str(self.ready.get("http", "127.0.0.1:0")),
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{self.ready.get('otlp_grpc', '')}",
        }

    def localize(self, commands: str) -> str:
        """Commands for the default addresses, sent to those that were chosen."""
        for name in _ADDRESSES.keys() & self.ready.keys():
            commands = commands.replace(_ADDRESSES[name], str(self.ready[name]))
        return commands

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=self.environ(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._kill()
                raise AssertionError(f"{self._command} did not become ready:\n{self.output}")
            time.sleep(0.02)
        self.ready = json.loads(self._ready_file.read_text(encoding="utf-8"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            os.kill(int(self.ready["pid"]), signal.SIGTERM)
            code = self._process.wait(STOP_SECONDS)
        finally:
            self._kill()
        assert code == 0, f"it ended with {code}:\n{self.output}"

    def _kill(self) -> None:
        """End what is left of it, its children included; nothing is, after an orderly stop."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)

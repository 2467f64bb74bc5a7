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
    In between it may be killed and launched again, on the same folder and on other free ports.
    """

    def __init__(self, folder: Path, command: Sequence[str] = (), cwd: Path | None = None) -> None:
        self._folder = folder
        self._command = command or (sys.executable, "-m", "otel_agentmon.app.cli", "up")
        self._cwd = cwd or folder
        self._ready_file = folder / "ready.json"
        self._log = folder / "agentmon.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.ready: dict[str, str | int] = {}

    @property
    def output(self) -> str:
        """What it has written so far in all its lives, both streams together."""
        return self._log.read_text(encoding="utf-8")

    @property
    def is_running(self) -> bool:
        """Whether it has been launched and has not ended since."""
        return self._process is not None and self._process.poll() is None

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
            "AGENTMON_URL": f"http://{self.ready.get('http', '127.0.0.1:0')}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{self.ready.get('otlp_grpc', '')}",
        }

    def localize(self, commands: str) -> str:
        """Commands for the default addresses, sent to those that were chosen."""
        for name in _ADDRESSES.keys() & self.ready.keys():
            commands = commands.replace(_ADDRESSES[name], str(self.ready[name]))
        return commands

    def launch(self) -> None:
        """Start the process and return at once."""
        assert not self.is_running, "it runs already"
        self.ready = {}
        self._ready_file.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=self.environ(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Return when everything listens, with the addresses in `ready`."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready_file.exists():
            if not self.is_running or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"{self._command} did not become ready:\n{self.output}")
            time.sleep(0.02)
        self.ready = json.loads(self._ready_file.read_text(encoding="utf-8"))

    def stop(self) -> None:
        """Ask it to stop, and check that it does, in order."""
        assert self._process is not None, "it was never launched"
        try:
            if self.is_running:
                os.kill(int(self.ready["pid"]), signal.SIGTERM)
            code = self._process.wait(STOP_SECONDS)
        finally:
            self.kill()
        assert code == 0, f"it ended with {code}:\n{self.output}"

    def kill(self) -> None:
        """End what is left of it with SIGKILL, its children included; safe at any time."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_SECONDS)

    def __enter__(self) -> Self:
        self.launch()
        self.wait_until_ready()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.stop()
        else:
            self.kill()

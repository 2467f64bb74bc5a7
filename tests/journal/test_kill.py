"""A real process on real files, killed at random moments."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from otel_agentmon.journal.journal import Journal
from tests.journal.builders import make_config, make_telemetry, read_texts

ROUNDS = 12
ROOT = Path(__file__).parents[2]


def run_and_kill(directory: Path, first: int, lines: int) -> list[str]:
    """Let the sender run until it has said so many lines; kill it; return all complete lines."""
    command = [sys.executable, "-m", "tests.journal.sender", str(directory), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        said = b"".join(process.stdout.readline() for _ in range(lines))
        process.kill()
        said += process.stdout.read()
    return said[: said.rfind(b"\n") + 1].decode().splitlines()


def test_every_acknowledged_request_survives_sigkill(tmp_path: Path) -> None:
    """Each is found once in the segments left, or was in one that was released."""
    moments = random.Random(20)
    acknowledged: set[int] = set()
    released: set[int] = set()
    for round_number in range(ROUNDS):
        lines = run_and_kill(tmp_path, round_number * 10**6, moments.randint(1, 1500))
        for line in lines:
            word, _, numbers = line.rpartition(" ")
            if word:
                released |= set(map(int, numbers.split(",")))
            else:
                acknowledged.add(int(numbers))
    telemetry = make_telemetry()
    journal = Journal(tmp_path, make_config(), telemetry)
    journal.start()
    found: list[int] = []
    while (segment := journal.take(None, 0)) is not None:
        texts = read_texts(segment.path.read_bytes())
        found += [int(text.partition(b":")[0]) for text in texts]
        journal.release(segment)
    journal.stop()

    assert len(acknowledged) > ROUNDS
    assert len(found) == len(set(found))
    assert acknowledged <= set(found) | released
    assert telemetry.corrupt_records._value.get() == 0

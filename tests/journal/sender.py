"""A process that sends to a journal until it is killed, and says what was acknowledged.

Arguments: the directory, and the number of the first request. Every acknowledged number is a line
on standard output. A loader releases every second segment it takes and names it on a line
`released NUMBER,NUMBER…` before it does so.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path

from otel_agentmon.journal.journal import Journal
from otel_agentmon.signals import Signal
from tests.journal.builders import make_config, make_payload, make_telemetry, read_texts


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def send(journal: Journal, numbers: range) -> None:
    for number in numbers:
        signal = list(Signal)[number % 3]
        text = f"{number}:".ljust(number % 5000, "x")
        await journal.accept(signal, make_payload(text))
        say(str(number))


def load(journal: Journal) -> None:
    while True:
        segment = journal.take(None, 1)
        if segment is not None and segment.number % 2:
            texts = read_texts(segment.path.read_bytes())
            say("released " + ",".join(text.decode().partition(":")[0] for text in texts))
            journal.release(segment)


async def run(directory: Path, first: int) -> None:
    config = make_config(segment_size=200_000, roll_age="1ms")
    journal = Journal(directory, config, make_telemetry())
    journal.start()
    threading.Thread(target=load, args=(journal,), daemon=True).start()
    await asyncio.gather(*(send(journal, range(first + n, 10**9, 16)) for n in range(16)))


asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))

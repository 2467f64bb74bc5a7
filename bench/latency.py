"""How long a sender waits for its answer, and how long until a query sees what was answered.

Both under half of the load that the monitor can take. A sender's wait is counted from when its
request was due, so that a slow answer is not hidden by the requests it held back.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import httpx

from bench.drive import Load, finish, generator, measure, start, wait_for_count, write_load
from bench.load import Sender
from bench.monitor import Monitor
from bench.options import Options
from bench.payload import PROBE_SERVICE, build_probe, read_requests
from bench.process import count_items, wait_until_quiet
from bench.report import percentile, report
from otel_agentmon.signals import Signal

_ROUND_SECONDS = 20.0
_PROBE_SECONDS = 0.1  # between two probes
_POLL_SECONDS = 0.02


def run(options: Options, directory: Path) -> None:
    """In each round: the disk alone, then the monitor with requests of the same size and rate."""
    monitor = Monitor(directory / "agentmon", options.agentmon)
    try:
        full = Load(Signal.TRACES, 512, max(8, options.items // 512), 8)
        file = write_load(full, directory)
        measure(monitor, full, file)  # the first one warms up
        rate = measure(monitor, full, file).items_per_second() / 2
        interval = full.items / rate
        syncs: list[float] = []
        answers: list[float] = []
        sights: list[float] = []
        for _ in range(options.repeats):
            syncs += sync_milliseconds(directory / "synced", read_requests(file), interval)
            load_answers, round_sights = under_load(monitor, full, file, interval)
            answers += load_answers
            sights += round_sights
            wait_until_quiet(monitor)
    finally:
        monitor.stop()
    rows = [
        _row("fdatasync of the same bytes (anchor)", syncs),
        _row("acknowledgement", answers),
        _row(f"visible, seen at polls {_POLL_SECONDS * 1e3:.0f} ms apart", sights),
    ]
    report("latency", rows, {"spans_per_second": rate, "spans_per_request": full.items})


def sync_milliseconds(path: Path, requests: list[bytes], interval: float) -> list[float]:
    """What a file that is appended to and synced costs on this disk; no process but this one."""
    taken = []
    with path.open("wb", buffering=0) as file:
        for request in requests[:200]:
            began = time.perf_counter()
            file.write(request)
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1e3)
            time.sleep(max(0.0, interval - taken[-1] / 1e3))
    path.unlink()
    return taken


def under_load(
    monitor: Monitor, load: Load, file: Path, interval: float
) -> tuple[list[float], list[float]]:
    """Milliseconds from due to answer of the load, and from answer to sight of the probes."""
    before = count_items(monitor, Signal.TRACES)
    options = ["--seconds", str(_ROUND_SECONDS), "--interval-seconds", str(interval)]
    with generator(monitor, load, file, options) as process:
        start(process)
        sights = asyncio.run(probe(monitor, _ROUND_SECONDS - 2))
        sent = finish(process)
    wanted = before + sent.requests * load.items + len(sights)
    wait_for_count(monitor, Signal.TRACES, wanted)
    return sent.ack_ms, sights


async def probe(monitor: Monitor, seconds: float) -> list[float]:
    """Sends single spans while the load runs and looks for them; milliseconds of each."""
    answered: dict[str, float] = {}
    sights: list[float] = []
    sender = Sender(monitor.otlp_grpc, Signal.TRACES)
    await sender.connect()
    end = time.perf_counter() + seconds

    async def send() -> None:
        while time.perf_counter() < end:
            span_id, request = build_probe(time.time_ns())
            await sender.send(request)
            answered[span_id] = time.perf_counter()
            await asyncio.sleep(_PROBE_SECONDS)

    async def look() -> None:
        async with httpx.AsyncClient(base_url=monitor.http.base_url, trust_env=False) as http:
            while (time.perf_counter() < end or answered) and time.perf_counter() < end + 60:
                seen = await _visible(http)
                now = time.perf_counter()
                for span_id in seen & answered.keys():
                    sights.append((now - answered.pop(span_id)) * 1e3)
                await asyncio.sleep(_POLL_SECONDS)

    await asyncio.gather(send(), look())
    await sender.close()
    assert not answered, f"{len(answered)} probes were never seen"
    return sights


async def _visible(http: httpx.AsyncClient) -> set[str]:
    query = (
        f"SELECT SpanId FROM otel.otel_traces WHERE ServiceName = '{PROBE_SERVICE}' "  # noqa: S608 - a constant
        "AND Timestamp > now() - INTERVAL 30 SECOND"
    )
    answer = await http.post("/api/v1/sql", json={"query": query}, timeout=60)
    assert answer.status_code == 200, answer.text
    return {line[2:-2] for line in answer.text.splitlines()}


def _row(name: str, milliseconds: list[float]) -> dict[str, Any]:
    return {
        "what": name,
        "measured": f"{len(milliseconds):,}",
        **{f"p{p} ms": f"{percentile(milliseconds, p):,.1f}" for p in (50, 90, 99)},
        "greatest ms": f"{max(milliseconds):,.1f}",
    }

"""Builds the parts from the configuration and starts them in order; only this file knows it.

Downstream first: database, journal, loader, receivers. Whoever hands data on finds its taker
running, and whoever is stopped has nobody above it that still sends.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry

from otel_agentmon.address import split_address
from otel_agentmon.api.application import create_application
from otel_agentmon.api.server import ApiServer
from otel_agentmon.app.config import AgentmonConfig
from otel_agentmon.app.demo.runner import DemoSettings, run_demo
from otel_agentmon.app.lifecycle import Lifecycle
from otel_agentmon.clock import Clock
from otel_agentmon.errors import ConfigError
from otel_agentmon.journal.journal import Journal
from otel_agentmon.journal.telemetry import JournalTelemetry
from otel_agentmon.receive.receiver import OTLPReceiver
from otel_agentmon.store.config import StoreConfig
from otel_agentmon.store.connect import Database
from otel_agentmon.store.loader import Loader
from otel_agentmon.store.migrate import migrate
from otel_agentmon.store.prices import refresh_prices
from otel_agentmon.store.telemetry import StoreTelemetry

logger = logging.getLogger(__name__)

_GRACE_SECONDS = 5.0
"""How long requests that have begun may take to end; most are answered within milliseconds."""
_DEMO_HISTORY = timedelta(minutes=15)
"""Enough for the first look to show something."""


@dataclass(frozen=True)
class Addresses:
    """Where the process listens, `host:port`, with the ports that were chosen for 0."""

    otlp_grpc: str
    otlp_http: str
    http: str


async def start_parts(
    config: AgentmonConfig, lifecycle: Lifecycle, registry: CollectorRegistry, clock: Clock
) -> Addresses:
    """Start everything; an error of a part comes through as it is."""
    store_dir = _make_directory(config.data_dir / "store")
    database = await lifecycle.start(
        "store",
        partial(asyncio.to_thread, _open_database, config.store, store_dir, clock),
        lambda opened: asyncio.to_thread(opened.close),
    )
    journal_dir = _make_directory(config.data_dir / "journal")
    journal = Journal(journal_dir, config.journal, JournalTelemetry.build(registry), clock)
    await lifecycle.start(
        "journal",
        partial(asyncio.to_thread, journal.start),
        lambda _: asyncio.to_thread(journal.stop),
    )
    telemetry = StoreTelemetry.build(registry)
    loader = Loader(database, journal, config.store, telemetry, clock)
    await lifecycle.start(
        "loader",
        partial(asyncio.to_thread, loader.start),
        lambda _: asyncio.to_thread(loader.stop),
    )
    receiver = OTLPReceiver(config.receive, journal, registry, clock)
    await lifecycle.start("receivers", receiver.start, lambda _: receiver.stop(_GRACE_SECONDS))
    api = await _start_api(config, database, lifecycle, registry, clock)
    return Addresses(
        otlp_grpc=_chosen(config.receive.grpc.address, receiver.grpc.port),
        otlp_http=_chosen(config.receive.http.address, receiver.http.port),
        http=_chosen(config.api.address, api.port),
    )


async def _start_api(
    config: AgentmonConfig,
    database: Database,
    lifecycle: Lifecycle,
    registry: CollectorRegistry,
    clock: Clock,
) -> ApiServer:
    def problems() -> list[str]:
        # Everything below has been started by now, and is stopped only after the API.
        return ["the process is stopping"] if lifecycle.is_stopping else []

    app = create_application(database, registry, problems, config.api, clock)
    api = ApiServer(app, config.api)
    await lifecycle.start("api", api.start, lambda _: api.stop(_GRACE_SECONDS))
    return api


async def start_demo(lifecycle: Lifecycle, otlp_grpc: str, seed: int) -> None:
    """Start the sample agents in a thread; they send to the address like anybody else."""
    stop = threading.Event()
    settings = DemoSettings(
        endpoint=f"http://{otlp_grpc}", seed=seed, backfill=_DEMO_HISTORY, content=True
    )
    thread = threading.Thread(target=_run_demo, args=(settings, stop), name="demo", daemon=True)

    async def start() -> None:
        thread.start()

    async def end(_: None) -> None:
        stop.set()
        await asyncio.to_thread(thread.join)

    await lifecycle.start("demo", start, end)


def _make_directory(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError([f"data_dir: cannot make {path}: {error.strerror}"]) from error
    return path


def _open_database(config: StoreConfig, directory: Path, clock: Clock) -> Database:
    database = Database(config, directory)
    try:
        migrate(database, clock=clock)
        refresh_prices(database)
    except BaseException:
        database.close()
        raise
    return database


def _chosen(address: str, port: int) -> str:
    host, _ = split_address(address)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _run_demo(settings: DemoSettings, stop: threading.Event) -> None:
    try:
        report = run_demo(settings, stop)
    except Exception:
        logger.exception("the sample agents have failed; the monitor goes on without them")
    else:
        logger.info("the sample agents have stopped", extra={"runs": report.runs})

"""`agentmon up`: the whole monitor in one process."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import otel_agentmon
from otel_agentmon.app.config import CONFIG_VARIABLE, AgentmonConfig, read_config
from otel_agentmon.app.lifecycle import Lifecycle, StopError
from otel_agentmon.app.logs import set_up_logging
from otel_agentmon.app.telemetry import build_registry
from otel_agentmon.clock import SystemClock
from otel_agentmon.errors import ConfigError, ShuttingDownError

if TYPE_CHECKING:
    from otel_agentmon.app.wiring import Addresses


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(up)


def up(
    *,
    config: Annotated[
        Path | None, typer.Option(help=f"YAML file with settings; else ${CONFIG_VARIABLE}.")
    ] = None,
    data_dir: Annotated[str | None, typer.Option(help="Folder of journal and database.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Run the sample agents as well.")] = False,
    otlp_grpc: Annotated[str | None, typer.Option(help="OTLP/gRPC address, HOST:PORT.")] = None,
    otlp_http: Annotated[str | None, typer.Option(help="OTLP/HTTP address, HOST:PORT.")] = None,
    http: Annotated[str | None, typer.Option(help="HTTP API address, HOST:PORT.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample agents.")] = 1,
    ready_file: Annotated[
        Path | None,
        typer.Option(
            envvar="AGENTMON_READY_FILE", help="Written, as JSON, when everything listens."
        ),
    ] = None,
) -> None:
    """Start the monitor: OTLP receivers, journal, database and HTTP API, until Ctrl-C."""
    flags = {
        "--data-dir": data_dir,
        "--otlp-grpc": otlp_grpc,
        "--otlp-http": otlp_http,
        "--http": http,
    }
    settings = read_config(config, flags, os.environ)
    if demo and (settings.receive.tokens or settings.receive.tls):
        raise ConfigError(
            [
                "--demo: the sample agents cannot log in where receive.tokens or receive.tls is "
                "set; start them with `agentmon demo --token TOKEN`"
            ]
        )
    set_up_logging(settings.log)
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)  # one that a killed process has left is not true
    try:
        asyncio.run(_serve(settings, seed if demo else None, ready_file))
    finally:
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)


async def _serve(config: AgentmonConfig, demo_seed: int | None, ready_file: Path | None) -> None:
    # Imported late: the database engine takes 0.5 s and 290 MB, which `--help` need not pay.
    from otel_agentmon.app.wiring import start_demo, start_parts

    clock = SystemClock()
    try:
        async with Lifecycle(config.stop_timeout, clock) as lifecycle:
            addresses = await start_parts(config, lifecycle, build_registry(), clock)
            if demo_seed is not None:
                await start_demo(lifecycle, addresses.otlp_grpc, demo_seed)
            _announce(config, addresses, has_demo=demo_seed is not None)
            if ready_file is not None:
                _write_ready_file(ready_file, addresses)
            await lifecycle.wait()
    except ShuttingDownError:
        return  # a signal came before everything was up; what was started has been stopped
    except StopError as error:
        for line in (*getattr(error, "__notes__", ()), str(error)):
            typer.echo(f"agentmon: {line}", err=True)
        os._exit(1)  # a thread that does not stop would hold an ordinary exit up for ever


def _announce(config: AgentmonConfig, addresses: Addresses, *, has_demo: bool) -> None:
    lines = [
        f"agentmon {otel_agentmon.__version__} is up",
        f"  OTLP/gRPC  {addresses.otlp_grpc}",
        f"  OTLP/HTTP  http://{addresses.otlp_http}",
        f"  HTTP API   http://{addresses.http}",
        f"  data       {config.data_dir.absolute()}",
    ]
    if has_demo:
        lines.append("  agents     the sample agents are running")
    typer.echo("\n".join([*lines, "Ctrl-C stops it.", ""]))


def _write_ready_file(path: Path, addresses: Addresses) -> None:
    """The file appears complete or not at all, for programs that wait for it."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(json.dumps({**asdict(addresses), "pid": os.getpid()}), encoding="utf-8")
    draft.replace(path)

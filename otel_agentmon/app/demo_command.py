"""`agentmon demo`: the sample agents, sending to this monitor or any other OTLP/gRPC receiver."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from otel_agentmon.app.config import LogConfig
from otel_agentmon.app.logs import set_up_logging
from otel_agentmon.config.room import parse_duration


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(demo)


def demo(
    *,
    endpoint: Annotated[
        str, typer.Option(envvar="OTEL_EXPORTER_OTLP_ENDPOINT", help="OTLP/gRPC receiver.")
    ] = "http://127.0.0.1:4317",
    token: Annotated[
        str | None, typer.Option(envvar="AGENTMON_TOKEN", help="Bearer token, if it asks for one.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed and start, same spans.")] = 1,
    rate: Annotated[float, typer.Option(help="Runs a minute of each agent.")] = 6.0,
    backfill: Annotated[str, typer.Option(help="History to send first, such as 7d.")] = "0s",
    runs: Annotated[int | None, typer.Option(help="Stop after this many live runs.")] = None,
    agents: Annotated[str | None, typer.Option(help="Names, separated by commas.")] = None,
    content: Annotated[
        bool, typer.Option("--content", help="Send messages and tool arguments too.")
    ] = False,
) -> None:
    """Run sample agents on the OpenTelemetry SDK until Ctrl-C."""
    # Imported late: the SDK and its exporters are not needed by the other commands.
    from otel_agentmon.app.demo.runner import AGENTS, DemoSettings, run_demo

    try:
        settings = DemoSettings(
            endpoint=endpoint,
            token=token,
            seed=seed,
            rate=rate,
            backfill=parse_duration(backfill),
            runs=runs,
            agents=tuple(agents.split(",")) if agents else tuple(AGENTS),
            content=content,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    set_up_logging(LogConfig())
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    report = run_demo(settings, stop)
    typer.echo(
        f"{report.runs} runs; {report.spans_exported} of {report.spans_created} spans and "
        f"{report.log_records_exported} of {report.log_records_created} log records delivered"
    )

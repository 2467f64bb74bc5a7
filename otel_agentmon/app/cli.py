"""The command `agentmon`: what it is made of, and how its errors reach the person who typed it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import otel_agentmon
from otel_agentmon.app import client_commands, demo_command, reference_command, up_command
from otel_agentmon.app.config import AgentmonConfig
from otel_agentmon.config.document import read_document
from otel_agentmon.config.load import load_config
from otel_agentmon.errors import AgentmonError, ConfigError

app = typer.Typer(
    name="agentmon",
    help="Monitoring for AI agents: OTLP in, ClickHouse underneath, answers out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
check = typer.Typer(help="Say whether something is right, without starting anything.")

# One file per subject, each with a `register(app)`; a new subject is added to this list.
for subject in (up_command, client_commands, demo_command, reference_command):
    subject.register(app)
app.add_typer(check, name="check")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"agentmon {otel_agentmon.__version__}")


@check.callback()
def _keep_the_subcommand_name() -> None:
    """Say whether something is right, without starting anything."""


@check.command("config")
def check_config(
    file: Annotated[Path, typer.Argument(help="The configuration file.")],
) -> None:
    """Check a configuration file: every problem with its line, the setting and what to write."""
    load_config(AgentmonConfig, read_document(file, os.environ))
    typer.echo(f"{file}: ok")


def main() -> None:
    """Run one command. Exits with 1 on an error of ours, with 2 on a wrong command line."""
    try:
        app(prog_name="agentmon")
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(f"agentmon: {problem}", err=True)
        sys.exit(1)
    except AgentmonError as error:
        typer.echo(f"agentmon: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

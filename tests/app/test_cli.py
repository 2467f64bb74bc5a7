"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import otel_agentmon
from otel_agentmon.app import cli
from otel_agentmon.app.config import BINDINGS


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command as the shell would and return its exit code."""
    monkeypatch.setattr("sys.argv", ["agentmon", *arguments])
    try:
        cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_the_version_is_printed() -> None:
    """`agentmon version` is the package's version and nothing else."""
    result = CliRunner().invoke(cli.app, ["version"])

    assert result.stdout == f"agentmon {otel_agentmon.__version__}\n"


def test_a_good_file_is_said_to_be_good(tmp_path: Path) -> None:
    """Checking a file starts nothing and does not need what the file points to."""
    path = tmp_path / "agentmon.yaml"
    path.write_text("data_dir: does-not-exist\n", encoding="utf-8")

    result = CliRunner().invoke(cli.app, ["check", "config", str(path)])

    assert (result.exit_code, result.stdout) == (0, f"{path}: ok\n")


def test_a_bad_file_is_one_line_a_problem_on_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 1, standard output is empty and nothing looks like a traceback."""
    path = tmp_path / "agentmon.yaml"
    path.write_text("recieve:\nlog: {level: loud}\n", encoding="utf-8")

    code = run(monkeypatch, "check", "config", str(path))

    captured = capsys.readouterr()
    assert (code, captured.out) == (1, "")
    assert captured.err.splitlines() == [
        f"agentmon: {path}:2: log.level: must be one of 'debug', 'info', 'warning' or 'error', "
        "not 'loud'",
        f"agentmon: {path}:1: recieve: is not a setting; did you mean 'receive'?",
    ]


def test_up_refuses_a_bad_address_before_it_starts_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad configuration never starts the process and leaves no folder behind."""
    data_dir = tmp_path / "data"

    code = run(monkeypatch, "up", "--data-dir", str(data_dir), "--otlp-grpc", "4317")

    assert code == 1
    assert capsys.readouterr().err.startswith("agentmon: --otlp-grpc: receive.grpc.address: '4317'")
    assert not data_dir.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["up", "--nonsense"],
        ["check", "config"],
        ["reference"],
        ["demo", "--rate", "0"],
        ["demo", "--agents", "nobody"],
        ["demo", "--backfill", "a week"],
    ],
)
def test_a_wrong_command_line_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Usage errors are told from errors in the work."""
    assert run(monkeypatch, *arguments) == 2
    assert "Usage: agentmon" in capsys.readouterr().err


def test_the_sample_agents_do_not_start_where_they_cannot_log_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`up --demo` beside configured tokens names the command that can log in."""
    path = tmp_path / "agentmon.yaml"
    path.write_text(f"receive: {{tokens: [{{name: ci, sha256: {'a' * 64}}}]}}", encoding="utf-8")

    assert run(monkeypatch, "up", "--demo", "--config", str(path)) == 1
    assert "agentmon demo --token TOKEN" in capsys.readouterr().err


def test_the_flags_of_up_are_those_of_the_table() -> None:
    """Every flag in the settings reference exists, and is the setting's."""
    command = get_command(cli.app).commands["up"]  # type: ignore[attr-defined]  # a group has them
    flags = {flag for parameter in command.params for flag in parameter.opts}

    assert {binding.flag for binding in BINDINGS if binding.flag} <= flags


def test_the_reference_is_written_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What --write has written passes --check, and an edited page does not."""
    assert run(monkeypatch, "reference", "--write", str(tmp_path)) == 0
    assert run(monkeypatch, "reference", "--check", str(tmp_path)) == 0
    page = tmp_path / "settings.md"
    page.write_text(page.read_text(encoding="utf-8") + "edited\n", encoding="utf-8")

    assert run(monkeypatch, "reference", "--check", str(tmp_path)) == 1
    assert "settings.md is not what the code says; run `make docs`" in capsys.readouterr().err

"""Log lines in both formats."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from otel_agentmon.app.config import LogConfig
from otel_agentmon.app.logs import JsonFormatter, TextFormatter, set_up_logging


def record(
    message: str = "segment closed", name: str = "otel_agentmon.journal", **fields: Any
) -> logging.LogRecord:
    """A record at a fixed time, with `fields` as its variables."""
    made = logging.LogRecord(name, logging.INFO, __file__, 1, message, None, None)
    made.created = 1_800_000_000.25
    vars(made).update(fields)
    return made


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """The root logger and the servers' loggers are put back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)


def test_text_lines_are_for_people() -> None:
    """Time, level, room, the constant message, then the variables; quotes only where needed."""
    line = TextFormatter().format(record(bytes=7, path="a b", empty="", quote='"'))

    assert line == (
        "2027-01-15T08:00:00.250Z INFO    journal: segment closed "
        'bytes=7 path="a b" empty="" quote="\\""'
    )


def test_a_value_cannot_forge_a_second_line() -> None:
    """Line breaks and control characters inside a variable stay inside their quotes."""
    line = TextFormatter().format(record(reason="x\n2027 ERROR y\x1b[2J"))

    assert line.endswith('reason="x\\n2027 ERROR y\\u001b[2J"')


def test_json_lines_are_for_programs() -> None:
    """One object a line, with what json cannot hold as text; a variable cannot replace the time."""
    line = JsonFormatter().format(record(bytes=7, error=KeyError("k"), time="never"))

    assert json.loads(line) == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "info",
        "logger": "otel_agentmon.journal",
        "message": "segment closed",
        "bytes": 7,
        "error": "'k'",
    }


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_a_traceback_belongs_to_its_line(formatter: logging.Formatter) -> None:
    """Both formats carry the exception that was logged."""
    try:
        raise KeyError("lost")
    except KeyError:
        made = record(exc_info=sys.exc_info())

    assert "KeyError: 'lost'" in formatter.format(made)


@pytest.mark.usefixtures("logging_as_it_was")
def test_every_logger_writes_to_one_stream() -> None:
    """The servers below us write in our format, and only from warnings on."""
    stream = io.StringIO()
    set_up_logging(LogConfig(level="info", format="text"), stream)
    logging.getLogger("otel_agentmon.store").info("opened", extra={"mode": "embedded"})
    logging.getLogger("otel_agentmon.store").debug("not shown")
    logging.getLogger("uvicorn.access").info("not shown")
    logging.getLogger("uvicorn.error").warning("limit reached")

    lines = [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()]
    assert lines == ["INFO    store: opened mode=embedded", "WARNING uvicorn.error: limit reached"]

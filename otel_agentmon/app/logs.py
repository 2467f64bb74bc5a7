"""Log lines: one format for our rooms and for the servers they run on.

A line is a constant message and its variables as key-values, which callers give as
`logger.info("segment closed", extra={"bytes": 123})`.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from otel_agentmon.app.config import LogConfig

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


def set_up_logging(config: LogConfig, stream: TextIO = sys.stderr) -> None:
    """Send every logger's lines, those of uvicorn and grpc too, to `stream` in one format."""
    destination = logging.StreamHandler(stream)
    destination.setFormatter(JsonFormatter() if config.format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [destination]
    root.setLevel(config.level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "grpc"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, root.level))  # their INFO is one line a request
    logging.captureWarnings(True)


class TextFormatter(logging.Formatter):
    """`2026-01-01T00:00:00.000Z INFO journal: segment closed bytes=123`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {key}={_quote(value)}" for key, value in _fields(record).items())
        line = f"{_time(record)} {record.levelname:7} {_room(record)}: {record.getMessage()}"
        return f"{line}{fields}" + "".join(f"\n{text}" for text in _traceback(self, record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line; the variables stand beside `time`, `level`, `logger`, `message`."""

    def format(self, record: logging.LogRecord) -> str:
        entry = _fields(record) | {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        traceback = _traceback(self, record)
        if traceback:
            entry["traceback"] = "\n".join(traceback)
        return json.dumps(entry, default=str, ensure_ascii=False)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _room(record: logging.LogRecord) -> str:
    return record.name.removeprefix("otel_agentmon.")


def _quote(value: Any) -> str:
    text = str(value)
    is_plain = text and not any(c.isspace() or c in '"=' for c in text) and text.isprintable()
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    return formatter.formatException(record.exc_info).splitlines() if record.exc_info else []

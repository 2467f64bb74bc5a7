"""Answers as JSON: the dataclasses of `query`, written as they are."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from otel_agentmon.api.errors import Problem

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "model": Problem,
        "description": "A problem document, as `application/problem+json`.",
    }
}


class JsonAnswer(Response):
    """A response whose content is a dataclass, a list or a dictionary."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)

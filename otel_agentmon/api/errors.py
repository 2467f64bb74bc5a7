"""Every error as a problem document (RFC 9457); the only table of the API's status codes."""

from __future__ import annotations

import http
import json
import logging
import math
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from otel_agentmon.errors import (
    AgentmonError,
    InvalidQueryError,
    NotFoundError,
    OverloadedError,
    QueryError,
    QueryLimitError,
    RetryableError,
    ShuttingDownError,
    StoreUnavailableError,
    TooLargeError,
    UnsupportedError,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

# Error, HTTP status, the last part of the problem's type; the first match counts.
_TABLE: tuple[tuple[type[Exception], int, str], ...] = (
    (InvalidQueryError, 400, "invalid-query"),
    (NotFoundError, 404, "not-found"),
    (QueryLimitError, 422, "query-limit"),
    (QueryError, 400, "invalid-query"),
    (TooLargeError, 413, "too-large"),
    (UnsupportedError, 415, "unsupported-media-type"),
    (OverloadedError, 503, "overloaded"),
    (ShuttingDownError, 503, "shutting-down"),
    (StoreUnavailableError, 503, "store-unavailable"),
    (RetryableError, 503, "unavailable"),
)
_VALUE_LENGTH = 200


class FieldProblem(BaseModel):
    """What is wrong with one field of the question."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    field: str
    """Name of the parameter or key."""
    value: str | None
    """What was sent, shortened; null where nothing was."""
    remedy: str
    """What to send instead."""


class Problem(BaseModel):
    """Why there is no answer (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """A name for this kind of problem: `urn:agentmon:problem:…`."""
    title: str
    """The status in words."""
    status: int
    """The HTTP status."""
    detail: str
    """What is wrong with this request."""
    errors: list[FieldProblem] | None = None
    """The fields at fault, if fields are."""


def install_errors(app: FastAPI) -> None:
    """Every error that reaches the application leaves it as a problem document."""
    app.add_exception_handler(AgentmonError, _answer_own)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_unforeseen)


def problem_response(
    status: int,
    word: str,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem document as a response."""
    problem = Problem(
        type=f"urn:agentmon:problem:{word}",
        title=http.HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=list(errors) or None,
    )
    # Not orjson: what a client sent may hold half a surrogate pair, which only escapes can carry.
    body = json.dumps(problem.model_dump(exclude_none=True))
    return Response(body, status, headers=headers, media_type=MEDIA_TYPE)


def respond_to(error: AgentmonError) -> Response:
    """An error of ours as a response; one outside the table is our fault and stays inside."""
    entry = next(((s, word) for kind, s, word in _TABLE if isinstance(error, kind)), None)
    if entry is None:
        logger.error("a request failed", exc_info=error)
        return _internal()
    status, word = entry
    headers = {}
    if isinstance(error, RetryableError):
        headers["retry-after"] = str(math.ceil(error.retry_after_seconds))
    errors = []
    detail = str(error)
    if isinstance(error, InvalidQueryError) and error.field:
        errors = [FieldProblem(field=error.field, value=None, remedy=detail)]
        detail = f"{error.field}: {detail}"
    return problem_response(status, word, detail, errors, headers)


async def _answer_own(_: Request, error: Exception) -> Response:
    assert isinstance(error, AgentmonError)  # noqa: S101 - Starlette calls by exception class
    return respond_to(error)


async def _answer_validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the same
    problems = [_field_problem(detail) for detail in error.errors()]
    detail = "; ".join(f"{p.field}: {p.remedy}" for p in problems)
    return problem_response(400, "invalid-query", detail, problems)


async def _answer_http(_: Request, error: Exception) -> Response:
    """What the framework raises: no such path, another method, a body that is no JSON."""
    assert isinstance(error, HTTPException)  # noqa: S101 - the same
    phrase = http.HTTPStatus(error.status_code).phrase
    word = phrase.lower().replace(" ", "-")
    headers = dict(error.headers) if error.headers else None
    errors = []
    if error.status_code == http.HTTPStatus.BAD_REQUEST:  # a body that is no text
        errors = [FieldProblem(field="body", value=None, remedy="send valid JSON in UTF-8")]
    return problem_response(error.status_code, word, str(error.detail), errors, headers)


async def _answer_unforeseen(_: Request, __: Exception) -> Response:
    # The framework raises the error again behind this answer, and the server logs it.
    return _internal()


def _internal() -> Response:
    return problem_response(500, "internal", "internal error; see the monitor's log")


def _field_problem(detail: dict[str, Any]) -> FieldProblem:
    location = [str(part) for part in detail["loc"][1:]]
    if detail["type"] == "json_invalid":
        return FieldProblem(
            field="body", value=None, remedy=f"send valid JSON ({detail['ctx']['error']})"
        )
    if detail["type"] == "extra_forbidden":
        return FieldProblem(
            field=".".join(location), value=_shown(detail), remedy="no such parameter; leave it out"
        )
    message = detail["msg"].removeprefix("Value error, ")
    return FieldProblem(field=".".join(location) or "body", value=_shown(detail), remedy=message)


def _shown(detail: dict[str, Any]) -> str | None:
    value = detail.get("input")
    if detail["type"] == "missing" or value is None:
        return None
    return str(value)[:_VALUE_LENGTH]

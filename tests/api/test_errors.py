"""Every error is a problem document that says which field, what was sent and what to send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from otel_agentmon.api.config import ApiConfig
from otel_agentmon.api.errors import respond_to
from otel_agentmon.errors import (
    AgentmonError,
    NotFoundError,
    OverloadedError,
    QueryLimitError,
    ShuttingDownError,
    StoreError,
    StoreUnavailableError,
)
from tests.api.application import Api, serve
from tests.database import shared_database


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """An application that takes small bodies only."""
    with serve(shared_database(), ApiConfig(max_request_size=2048, concurrent_questions=1)) as api:
        yield api


def check_problem(answer: Any, status: int) -> dict[str, Any]:
    """The answer's document, after the checks that hold for each of them."""
    document: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, document["status"]) == (status, status), document
    assert document["type"].startswith("urn:agentmon:problem:")
    assert document["title"]
    assert document["detail"]
    return document


@pytest.mark.parametrize(
    ("path", "field", "value", "remedy"),
    [
        ("traces?limit=0", "limit", "0", "greater than or equal to 1"),
        ("traces?limit=1001", "limit", "1001", "less than or equal to 1000"),
        ("traces?limit=many", "limit", "many", "valid integer"),
        ("traces?status=bad", "status", "bad", "'ok' or 'error'"),
        ("traces?min_duration=5parsecs", "min_duration", "5parsecs", "500ms, 30s"),
        ("traces?min_cost=-1", "min_cost", "-1", "greater than or equal to 0"),
        ("traces?min_cost=NaN", "min_cost", "NaN", "finite number"),
        ("traces?min_cost=$2", "min_cost", "$2", "valid decimal"),
        ("traces?start=yesterday", "start", "yesterday", "2026-05-31T14:00:00Z"),
        ("traces?start=", "start", "", "2026-05-31T14:00:00Z"),
        ("traces?start=-1parsec", "start", "-1parsec", "500ms, 30s"),
        ("traces?end=1790000000000", "end", "1790000000000", "between 1970 and 2200"),
        ("traces?end=1969-12-31", "end", "1969-12-31", "between 1970 and 2200"),
        ("traces?end=2026-13-01", "end", "2026-13-01", "2026-05-31T14:00:00Z"),
        ("traces?agnet=x", "agnet", "x", "leave it out"),
        ("traces?cursor=abc", "cursor", None, "'abc' is not a cursor"),
        ("traces/xyz", "trace_id", None, "'xyz' is not a trace id; write 32 hex digits"),
        ("agents?start=x", "start", "x", "2026-05-31T14:00:00Z"),
        ("agents?agent=x", "agent", "x", "leave it out"),
        ("conversations?limit=1.5", "limit", "1.5", "valid integer"),
    ],
)
def test_a_bad_parameter_is_explained(
    api: Api, path: str, field: str, value: str | None, remedy: str
) -> None:
    """The field, the value and the remedy are in the document, and in its one-line detail."""
    document = check_problem(api.client.get(f"/api/v1/{path}"), 400)

    [error] = document["errors"]
    assert error["field"] == field
    assert error.get("value") == value
    assert remedy in error["remedy"]
    assert document["detail"].startswith(f"{field}: ")
    assert remedy in document["detail"]


def test_every_bad_parameter_is_told_at_once(api: Api) -> None:
    """Nobody mends one to be told of the next."""
    document = check_problem(api.client.get("/api/v1/traces?limit=0&start=x&agnet=y"), 400)

    assert {error["field"] for error in document["errors"]} == {"limit", "start", "agnet"}


@pytest.mark.parametrize(
    ("content", "field", "remedy"),
    [
        (b"{", "body", "valid JSON"),
        (b"\xff", "body", "valid JSON"),
        (b"", "body", "required"),
        (b"[]", "body", "dictionary"),
        (b"{}", "query", "required"),
        (b'{"query": 1}', "query", "valid string"),
        (b'{"query": ""}', "query", "at least 1 character"),
        (b'{"query": "select 1", "limit": 1}', "limit", "leave it out"),
        (b'{"query": "select 1", "format": "Xml"}', "format", "JSONCompactEachRow"),
        (b'{"query": "select file(1)"}', "query", "'file'"),
        (b'{"query": "select nonsense"}', "query", "nonsense"),
        (b'{"query": "\\ud800"}', "query", ""),
    ],
)
def test_a_bad_body_is_explained(api: Api, content: bytes, field: str, remedy: str) -> None:
    """The same shape as for parameters."""
    answer = api.client.post(
        "/api/v1/sql", content=content, headers={"content-type": "application/json"}
    )

    document = check_problem(answer, 400)
    assert document["errors"][0]["field"] == field
    assert remedy in document["errors"][0]["remedy"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status"),
    [
        ("GET", "/nothing", {}, b"", 404),
        ("GET", "/api/v1/traces/", {}, b"", 404),
        ("GET", f"/api/v1/traces/{'d' * 32}", {}, b"", 404),
        ("DELETE", "/api/v1/traces", {}, b"", 405),
        ("GET", "/api/v1/sql", {}, b"", 405),
        ("POST", "/api/v1/sql", {"content-type": "text/plain"}, b'{"query":"select 1"}', 415),
        ("POST", "/api/v1/sql", {}, b'{"query":"select 1"}', 415),
        ("POST", "/api/v1/sql", {"content-type": "application/json"}, b" " * 2049, 413),
        ("GET", "/-/healthy", {"host": "evil.example"}, b"", 421),
    ],
)
def test_what_never_reaches_a_question_is_a_problem_too(
    api: Api, method: str, path: str, headers: dict[str, str], content: bytes, status: int
) -> None:
    """Unknown paths, other methods, other content, too much of it, a foreign name."""
    answer = api.client.request(method, path, headers=headers, content=content)

    check_problem(answer, status)


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (NotFoundError("x"), 404, None),
        (QueryLimitError("x"), 422, None),
        (OverloadedError("x", "questions", 2.5), 503, "3"),
        (ShuttingDownError("x"), 503, "1"),
        (StoreUnavailableError("x"), 503, "1"),
    ],
)
def test_each_kind_of_error_has_its_status(
    error: AgentmonError, status: int, retry_after: str | None
) -> None:
    """Whoever may come back is told when."""
    response = respond_to(error)

    assert response.status_code == status
    assert response.headers.get("retry-after") == retry_after


def test_an_error_that_is_ours_stays_inside() -> None:
    """A client learns that it failed, and not what of our own SQL the engine disliked."""
    response = respond_to(StoreError("secret detail"))

    assert response.status_code == 500
    assert b"secret" not in response.body

"""`/api/v1/sql`: a user's own SQL, read-only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from otel_agentmon.api.answers import PROBLEMS
from otel_agentmon.api.bridge import QuestionBridge
from otel_agentmon.query.sql import DEFAULT_FORMAT, FORMATS, LONGEST_STATEMENT, run_sql
from otel_agentmon.store.connect import Database


class SqlQuestion(BaseModel):
    """One statement."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    query: Annotated[str, Field(min_length=1, max_length=LONGEST_STATEMENT)]
    """A SELECT, without FORMAT, SETTINGS or INTO OUTFILE; or SHOW TABLES, DESCRIBE TABLE and the
    like."""
    format: Annotated[str, Field(json_schema_extra={"enum": list(FORMATS)})] = DEFAULT_FORMAT
    """Output format, by ClickHouse's name."""


def build_router(database: Database, bridge: QuestionBridge) -> APIRouter:
    """The route for SQL."""
    router = APIRouter(tags=["sql"], responses=PROBLEMS)
    contents: dict[str, dict[str, str]] = {
        media_type: {} for media_type in sorted(set(FORMATS.values()))
    }

    @router.post(
        "/api/v1/sql",
        response_class=Response,
        responses={
            200: {"description": "The answer in the format asked for.", "content": contents}
        },
    )
    async def ask_sql(question: SqlQuestion) -> Response:
        """Run one read-only statement and answer in the format asked for."""
        body, media_type = await bridge.ask(run_sql, database, question.query, question.format)
        # Nothing in an answer is a page, whatever a span's attribute looks like.
        return Response(body, media_type=media_type, headers={"x-content-type-options": "nosniff"})

    return router

"""`/-/healthy` and `/-/ready`: for whoever decides to restart it, or to send it traffic."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from otel_agentmon.api.errors import problem_response


def build_router(readiness: Callable[[], list[str]]) -> APIRouter:
    """`readiness` says what is in the way, in a line each; it must not block."""
    router = APIRouter(tags=["health"])

    @router.get("/-/healthy", response_class=PlainTextResponse)
    async def show_health() -> Response:
        """200 as long as the process answers."""
        return PlainTextResponse("healthy\n")

    @router.get("/-/ready", response_class=PlainTextResponse)
    async def show_readiness() -> Response:
        """200 when everything works; 503 with what is in the way."""
        problems = readiness()
        if problems:
            return problem_response(503, "not-ready", "; ".join(problems), (), {"retry-after": "1"})
        return PlainTextResponse("ready\n")

    return router

"""The API as one ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry

import otel_agentmon
from otel_agentmon.api import agents, conversations, health, metrics, sql, traces
from otel_agentmon.api.bridge import QuestionBridge
from otel_agentmon.api.config import ApiConfig
from otel_agentmon.api.door import Door
from otel_agentmon.api.errors import install_errors
from otel_agentmon.api.telemetry import build_telemetry, start_at_zero
from otel_agentmon.clock import Clock, SystemClock
from otel_agentmon.store.connect import Database


def create_application(
    database: Database,
    registry: CollectorRegistry,
    readiness: Callable[[], list[str]],
    config: ApiConfig,
    clock: Clock = SystemClock(),  # noqa: B008 - it has no state
) -> FastAPI:
    """All routes. Its instruments join `registry`; the end of its lifespan ends its threads.

    `readiness` lists what is in the way of working, nothing if ready, and must not block.
    """
    telemetry = build_telemetry(registry)
    bridge = QuestionBridge(config.concurrent_questions, config.waiting_questions, telemetry)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(bridge.close)

    app = FastAPI(
        title="otel-agentmon",
        version=otel_agentmon.__version__,
        summary="Monitoring for AI agents: traces, tokens and cost.",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    install_errors(app)
    routers = (
        traces.build_router(database, bridge, clock),
        agents.build_router(database, bridge, clock),
        conversations.build_router(database, bridge, clock),
        sql.build_router(database, bridge),
        health.build_router(readiness),
        metrics.build_router(registry),
    )
    for router in routers:
        app.include_router(router)
    app.add_middleware(
        Door, max_request_bytes=config.max_request_size, telemetry=telemetry, clock=clock
    )
    routes = [r for router in routers for r in router.routes if isinstance(r, APIRoute)]
    start_at_zero(telemetry, {route.path: set(route.methods or ()) for route in routes})
    return app

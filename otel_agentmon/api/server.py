"""The API on its address."""

from __future__ import annotations

from fastapi import FastAPI

from otel_agentmon.api.config import ApiConfig
from otel_agentmon.serving import HttpServer


class ApiServer(HttpServer):
    """Serves the application in the running event loop; its threads end when it stops."""

    def __init__(self, app: FastAPI, config: ApiConfig) -> None:
        super().__init__(app, config.address, "api.address", {"lifespan": "on"})

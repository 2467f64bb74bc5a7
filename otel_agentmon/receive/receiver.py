"""Both doors and what stands behind them, built from the configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from otel_agentmon.clock import Clock
from otel_agentmon.receive import repair, validate
from otel_agentmon.receive.admission import Admission, ResidentMemory
from otel_agentmon.receive.config import ReceiveConfig
from otel_agentmon.receive.grpc import OTLPGrpcReceiver
from otel_agentmon.receive.http import OTLPHttpReceiver
from otel_agentmon.receive.intake import Intake
from otel_agentmon.receive.sink import Sink
from otel_agentmon.receive.telemetry import build_telemetry


class OTLPReceiver:
    """Starts and stops the two doors together; `memory_is_full` replaces the measurement."""

    def __init__(
        self,
        config: ReceiveConfig,
        sink: Sink,
        registry: CollectorRegistry,
        clock: Clock,
        memory_is_full: Callable[[], bool] | None = None,
    ) -> None:
        telemetry = build_telemetry(
            registry, validate.REJECTIONS, validate.REPAIRS + repair.REPAIRS
        )
        self.telemetry = telemetry
        self._admission = Admission(
            [bytes.fromhex(token.sha256) for token in config.tokens],
            config.max_in_flight,
            memory_is_full or ResidentMemory(config.memory_limit, clock),
            telemetry.in_flight_bytes,
        )
        self._intake = Intake(sink, self._admission, telemetry, clock, config.max_request_size)
        read_timeout = config.read_timeout.total_seconds()
        self.grpc = OTLPGrpcReceiver(config.grpc, config.tls, self._intake, read_timeout)
        self.http = OTLPHttpReceiver(config.http, config.tls, self._intake, read_timeout)

    async def start(self) -> None:
        """Listens on both addresses, or on none. Raises ConfigError."""
        try:
            await self.grpc.start()
            await self.http.start()
        except BaseException:
            await self.stop(0)
            raise

    async def stop(self, grace_seconds: float) -> None:
        """Refuses what comes from now on, lets the rest end; safe twice and without `start`."""
        self._admission.shut_down()
        await asyncio.gather(self.grpc.stop(grace_seconds), self.http.stop(grace_seconds))
        self._intake.close()

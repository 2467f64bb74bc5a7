"""What the receiver says about itself."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from otel_agentmon.signals import Signal

TRANSPORTS = ("grpc", "http")
REASONS = (
    "decode", "too_large", "unsupported", "unauthenticated", "shutting_down", "store_unavailable",
    "in_flight_bytes", "memory", "slow_body", "disconnected", "unknown_path", "retryable",
    "internal",
)  # fmt: skip
"""Why a request was refused. A sink's `OverloadedError` adds its own bounded words."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass(frozen=True)
class ReceiveTelemetry:
    """All instruments of the room; received items = accepted + refused + failed."""

    accepted: Mapping[Signal, Counter]
    """Items the sink made durable."""
    refused: Mapping[Signal, Counter]
    """Items turned down: by an id rule, or because the sink asked to come back later."""
    failed: Mapping[Signal, Counter]
    """Items nobody was told are durable: the sink met an unforeseen error or the sender left."""
    refused_requests: Counter
    request_bytes: Counter
    in_flight_bytes: Gauge
    duration: Histogram
    lowered_requests: Counter
    rejected_items: Counter
    repairs: Counter

    def count_rules(self, rejections: Tally[str], repairs: Tally[str]) -> None:
        """Adds what one request's items ran into, by rule."""
        for rule, count in rejections.items():
            self.rejected_items.labels(rule).inc(count)
        for rule, count in repairs.items():
            self.repairs.labels(rule).inc(count)


def _item_counters(registry: CollectorRegistry, word: str, text: str) -> Mapping[Signal, Counter]:
    return {
        signal: Counter(
            f"agentmon_receiver_{word}_{signal.item}",
            f"{signal.item.replace('_', ' ').capitalize()} {text}.",
            ["transport"],
            registry=registry,
        )
        for signal in Signal
    }


def build_telemetry(
    registry: CollectorRegistry, rejections: tuple[str, ...], repairs: tuple[str, ...]
) -> ReceiveTelemetry:
    """Registers every instrument, with each bounded label value at zero."""
    telemetry = ReceiveTelemetry(
        accepted=_item_counters(registry, "accepted", "made durable and acknowledged"),
        refused=_item_counters(registry, "refused", "turned down with a reason"),
        failed=_item_counters(
            registry, "failed", "never acknowledged: unforeseen error, or the sender left"
        ),
        refused_requests=Counter(
            "agentmon_receiver_refused_requests",
            "Requests answered with an error.",
            ["transport", "reason"],
            registry=registry,
        ),
        request_bytes=Counter(
            "agentmon_receiver_request_bytes",
            "Bytes of request bodies as received.",
            ["transport"],
            registry=registry,
        ),
        in_flight_bytes=Gauge(
            "agentmon_receiver_in_flight_bytes",
            "Bytes of requests held in memory, received and decompressed.",
            registry=registry,
        ),
        duration=Histogram(
            "agentmon_receiver_request_duration_seconds",
            "Time from the whole body having arrived to the answer, of accepted requests.",
            ["transport"],
            buckets=_SECONDS,
            registry=registry,
        ),
        lowered_requests=Counter(
            "agentmon_receiver_lowered_requests",
            "Requests whose nested attribute values were replaced by their JSON text.",
            ["signal"],
            registry=registry,
        ),
        rejected_items=Counter(
            "agentmon_receiver_rejected_items",
            "Items left out of an otherwise accepted request.",
            ["rule"],
            registry=registry,
        ),
        repairs=Counter(
            "agentmon_receiver_repairs",
            "Changes made so that an item could be kept.",
            ["rule"],
            registry=registry,
        ),
    )
    _start_at_zero(telemetry, rejections, repairs)
    return telemetry


def _start_at_zero(
    telemetry: ReceiveTelemetry, rejections: tuple[str, ...], repairs: tuple[str, ...]
) -> None:
    for transport in TRANSPORTS:
        for counters in (telemetry.accepted, telemetry.refused, telemetry.failed):
            for counter in counters.values():
                counter.labels(transport)
        for reason in REASONS:
            telemetry.refused_requests.labels(transport, reason)
        telemetry.request_bytes.labels(transport)
        telemetry.duration.labels(transport)
    for signal in Signal:
        telemetry.lowered_requests.labels(signal)
    for rule in rejections:
        telemetry.rejected_items.labels(rule)
    for rule in repairs:
        telemetry.repairs.labels(rule)

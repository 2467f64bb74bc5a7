"""What the API says about itself."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

UNMATCHED = "unmatched"
"""The route of a request that no route matches."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = ("GET", "POST", "other")
_CLASSES = ("2xx", "3xx", "4xx", "5xx")


@dataclass(frozen=True, slots=True)
class ApiTelemetry:
    """All instruments of the room."""

    requests: Counter
    request_seconds: Histogram
    questions_in_progress: Gauge
    refused_questions: Counter

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request; `route` is a template such as `/api/v1/traces/{trace_id}`."""
        known = method if method in _METHODS else "other"
        self.requests.labels(known, route, f"{status // 100}xx").inc()
        self.request_seconds.labels(route).observe(seconds)


def build_telemetry(registry: CollectorRegistry) -> ApiTelemetry:
    """Registers every instrument."""
    return ApiTelemetry(
        requests=Counter(
            "agentmon_api_requests",
            "Requests answered, by route and class of status.",
            ["method", "route", "status"],
            registry=registry,
        ),
        request_seconds=Histogram(
            "agentmon_api_request_duration_seconds",
            "From the head of a request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        ),
        questions_in_progress=Gauge(
            "agentmon_api_questions_in_progress",
            "Questions that the database works on or that wait for it.",
            registry=registry,
        ),
        refused_questions=Counter(
            "agentmon_api_refused_questions",
            "Questions turned away because too many were waiting.",
            registry=registry,
        ),
    )


def start_at_zero(telemetry: ApiTelemetry, routes: dict[str, set[str]]) -> None:
    """Shows every series before its first request; `routes` maps templates to their methods."""
    for route, methods in {**routes, UNMATCHED: set(_METHODS)}.items():
        telemetry.request_seconds.labels(route)
        for method in methods & set(_METHODS):
            for status in _CLASSES:
                telemetry.requests.labels(method, route, status)

"""What the process says about itself: the one registry that every room's instruments join."""

from __future__ import annotations

import platform

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

import otel_agentmon


def build_registry() -> CollectorRegistry:
    """A registry with the process's, Python's and the build's own metrics.

    `process_*` and `python_*` carry the names every Prometheus client uses; all others begin with
    `agentmon_`.
    """
    # A `_created` series for every counter doubles what is scraped and says nothing we need.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the package has no types for it
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    build = Info("agentmon_build", "The version that runs.", registry=registry)
    build.info({"version": otel_agentmon.__version__, "python": platform.python_version()})
    return registry

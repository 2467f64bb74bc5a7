"""The process's own registry."""

from __future__ import annotations

from prometheus_client import generate_latest

import otel_agentmon
from otel_agentmon.app.telemetry import build_registry


def test_the_registry_knows_the_process_and_the_build() -> None:
    """What runs, in which version, and what it uses is there before any room has joined."""
    registry = build_registry()
    text = generate_latest(registry).decode()

    assert f'version="{otel_agentmon.__version__}"' in text
    assert (registry.get_sample_value("process_resident_memory_bytes") or 0) > 0
    assert "python_gc_collections_total" in text


def test_two_registries_do_not_share_anything() -> None:
    """Every process, and every test, builds its own."""
    assert build_registry() is not build_registry()

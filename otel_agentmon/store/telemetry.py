"""What the store says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from otel_agentmon.signals import Signal

FAILURE_REASONS = ("unavailable", "refused", "undecodable", "unexpected")
_LOAD_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


@dataclass(frozen=True, slots=True)
class StoreTelemetry:
    """Every instrument of the room."""

    loaded_segments: Counter
    loaded_bytes: Counter
    load_failures: Counter
    load_seconds: Histogram
    repaired_segments: Counter
    unsynced_segments: Gauge

    @classmethod
    def build(cls, registry: CollectorRegistry) -> Self:
        """Registers every instrument, with every label value it can have, in `registry`."""
        telemetry = cls(
            loaded_segments=Counter(
                "agentmon_store_loaded_segments_total",
                "Journal segments whose rows are in the database.",
                ("signal",),
                registry=registry,
            ),
            loaded_bytes=Counter(
                "agentmon_store_loaded_bytes_total",
                "OTLP bytes whose rows are in the database.",
                ("signal",),
                registry=registry,
            ),
            load_failures=Counter(
                "agentmon_store_write_failures_total",
                "Attempts to load a segment that failed; the segment is kept.",
                ("reason",),
                registry=registry,
            ),
            load_seconds=Histogram(
                "agentmon_store_load_duration_seconds",
                "From handing a segment to the database until its rows can be queried.",
                ("signal",),
                registry=registry,
                buckets=_LOAD_SECONDS,
            ),
            repaired_segments=Counter(
                "agentmon_store_repaired_segments_total",
                "Segments that a crash left half loaded (repaired), or whose bytes the database "
                "took only in another form (rewritten).",
                ("outcome",),
                registry=registry,
            ),
            unsynced_segments=Gauge(
                "agentmon_store_unsynced_segments",
                "Segments that can be queried and wait for the disk before they leave the journal.",
                registry=registry,
            ),
        )
        for signal in Signal:
            telemetry.loaded_segments.labels(signal)
            telemetry.loaded_bytes.labels(signal)
            telemetry.load_seconds.labels(signal)
        for outcome in ("repaired", "rewritten"):
            telemetry.repaired_segments.labels(outcome)
        for reason in FAILURE_REASONS:
            telemetry.load_failures.labels(reason)
        return telemetry

"""What the journal says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from otel_agentmon.signals import Signal

REFUSAL_REASONS = ("journal_full", "journal_queue", "journal_error", "shutting_down")

_COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class JournalTelemetry:
    """Every instrument of the room. The gauges are read from the journal when they are scraped."""

    bytes: Gauge
    segments: Gauge
    oldest_age_seconds: Gauge
    quarantine_bytes: Gauge
    refused_bytes: Counter
    written_records: Counter
    written_bytes: Counter
    commits: Counter
    commit_failures: Counter
    commit_seconds: Histogram
    recovered_segments: Counter
    torn_bytes: Counter
    corrupt_records: Counter
    quarantined_segments: Counter
    unexpected_errors: Counter

    @classmethod
    def build(cls, registry: CollectorRegistry) -> Self:
        """Register every instrument, with every label value it can have, in `registry`."""

        def counter(name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
            return Counter(f"agentmon_journal_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"agentmon_journal_{name}", text, registry=registry)

        telemetry = cls(
            bytes=gauge("bytes", "Bytes held, on disk and queued; bounded by journal.max_size."),
            segments=gauge("segments", "Segments that are not yet safe in the database."),
            oldest_age_seconds=gauge(
                "oldest_age_seconds", "Age of the oldest request not yet safe in the database."
            ),
            quarantine_bytes=gauge("quarantine_bytes", "Bytes that wait for a human to look."),
            refused_bytes=counter(
                "refused_bytes_total", "Bytes senders were told to send again.", ("reason",)
            ),
            written_records=counter(
                "written_records_total", "Requests written and acknowledged.", ("signal",)
            ),
            written_bytes=counter(
                "written_bytes_total", "Bytes of the requests acknowledged.", ("signal",)
            ),
            commits=counter("commits_total", "Writes of one or more requests to one segment."),
            commit_failures=counter(
                "commit_failures_total", "Writes the disk refused; their senders were told."
            ),
            commit_seconds=Histogram(
                "agentmon_journal_commit_duration_seconds",
                "Time to write and sync one or more requests.",
                buckets=_COMMIT_SECONDS,
                registry=registry,
            ),
            recovered_segments=counter(
                "recovered_segments_total", "Segments found on disk at start."
            ),
            torn_bytes=counter(
                "torn_bytes_total", "Bytes of writes cut short before they were acknowledged."
            ),
            corrupt_records=counter(
                "corrupt_records_total", "Acknowledged requests lost to damage on the disk."
            ),
            quarantined_segments=counter(
                "quarantined_segments_total",
                "Segments the database will never take, or unreadable.",
            ),
            unexpected_errors=counter(
                "unexpected_errors_total", "Defects of ours the writer thread survived."
            ),
        )
        for reason in REFUSAL_REASONS:
            telemetry.refused_bytes.labels(reason)
        for signal in Signal:
            telemetry.written_records.labels(signal)
            telemetry.written_bytes.labels(signal)
        return telemetry

"""The three OpenTelemetry signals, always in this order."""

from __future__ import annotations

import enum


class Signal(enum.StrEnum):
    """What an OTLP request carries; the value is the word in paths, file names and labels."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"

    @property
    def item(self) -> str:
        """The word for one thing of this signal, as in OpenTelemetry's own metric names."""
        return _ITEMS[self]


_ITEMS = {
    Signal.TRACES: "spans",
    Signal.METRICS: "metric_points",
    Signal.LOGS: "log_records",
}

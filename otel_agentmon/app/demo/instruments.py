"""The metric instruments of a sample agent, one kind of each that OpenTelemetry has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from opentelemetry.metrics import (
    CallbackOptions,
    Counter,
    Histogram,
    Meter,
    Observation,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

from otel_agentmon import semconv

# The conventions' own buckets for both histograms.
_TOKEN_BUCKETS: Final = [4**exponent for exponent in range(14)]
_SECOND_BUCKETS: Final = [0.01 * 2**exponent for exponent in range(14)]

VIEWS: Final = [
    View(
        instrument_name=semconv.AGENTMON_DEMO_RUN_DURATION,
        aggregation=ExponentialBucketHistogramAggregation(),
    )
]
"""Views belong to the MeterProvider; this one turns a histogram into an exponential one."""


@dataclass(frozen=True)
class Instruments:
    """What an agent measures."""

    token_usage: Histogram
    operation_duration: Histogram
    run_duration: Histogram
    runs: Counter
    conversations: UpDownCounter

    @classmethod
    def create(cls, meter: Meter, queue_depth: Callable[[], int]) -> Instruments:
        """Register every instrument; `queue_depth` is asked at each collection."""

        def observe_queue(_options: CallbackOptions) -> Iterable[Observation]:
            return [Observation(queue_depth())]

        meter.create_observable_gauge(
            semconv.AGENTMON_DEMO_QUEUE_DEPTH,
            [observe_queue],
            unit="{request}",
            description="Requests that wait for the agent.",
        )
        return cls(
            token_usage=meter.create_histogram(
                semconv.GEN_AI_CLIENT_TOKEN_USAGE,
                unit="{token}",
                description="Number of input and output tokens used.",
                explicit_bucket_boundaries_advisory=_TOKEN_BUCKETS,
            ),
            operation_duration=meter.create_histogram(
                semconv.GEN_AI_CLIENT_OPERATION_DURATION,
                unit="s",
                description="GenAI operation duration.",
                explicit_bucket_boundaries_advisory=_SECOND_BUCKETS,
            ),
            run_duration=meter.create_histogram(
                semconv.AGENTMON_DEMO_RUN_DURATION, unit="s", description="Length of a run."
            ),
            runs=meter.create_counter(
                semconv.AGENTMON_DEMO_RUNS, unit="{run}", description="Runs that have ended."
            ),
            conversations=meter.create_up_down_counter(
                semconv.AGENTMON_DEMO_CONVERSATIONS,
                unit="{conversation}",
                description="Conversations that are open.",
            ),
        )

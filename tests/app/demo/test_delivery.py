"""Tests of delivery without loss."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from otel_agentmon.app.demo.delivery import LOG_RECORDS, SPANS, Delivery, ExporterWords

_OURS = "otel_agentmon.app.demo.delivery"
_EXPORTER = "opentelemetry.exporter.otlp.proto.grpc.exporter"


def succeeding_after(failures: int) -> Callable[[], bool]:
    """An attempt that fails so many times and then never again."""
    outcomes = iter([False] * failures)
    return lambda: next(outcomes, True)


def test_a_batch_is_tried_until_it_is_taken() -> None:
    """It counts as exported once, however often it was refused."""
    delivery = Delivery(ExporterWords(), retry_seconds=0)
    delivery.created[SPANS] += 7

    assert delivery.pending() == 7
    assert delivery.deliver(SPANS, 7, succeeding_after(3))
    assert delivery.exported[SPANS] == 7
    assert delivery.pending() == 0


def test_pending_is_that_of_the_longer_queue() -> None:
    """Spans that have arrived make no room for log records that have not."""
    delivery = Delivery(ExporterWords())
    delivery.created.update({SPANS: 10, LOG_RECORDS: 4})
    delivery.deliver(SPANS, 10, succeeding_after(0))

    assert delivery.pending() == 4


def test_after_the_close_a_batch_has_one_try() -> None:
    """What is refused then is given up, and stays pending."""
    delivery = Delivery(ExporterWords())
    delivery.created[SPANS] += 2
    delivery.close()

    assert delivery.deliver(SPANS, 1, succeeding_after(0))
    assert not delivery.deliver(SPANS, 1, succeeding_after(1))
    assert delivery.pending() == 1


def test_an_outage_is_one_warning_with_the_exporters_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """However often the exporter complains, its last words are logged once an outage."""
    caplog.set_level(logging.INFO)
    with ExporterWords() as words:
        delivery = Delivery(words, retry_seconds=0)
        for _outage in range(2):
            for _try in range(3):
                logging.getLogger(_EXPORTER).error("UNAVAILABLE")
            delivery.deliver(SPANS, 1, succeeding_after(5))

    warning = "the receiver does not take the demo's data, trying until it does: UNAVAILABLE"
    again = "the receiver takes the demo's data again"
    assert (
        caplog.record_tuples
        == [
            (_OURS, logging.WARNING, warning),
            (_OURS, logging.INFO, again),
        ]
        * 2
    )


def test_the_exporters_logger_is_given_back(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever runs a demo inside their own process hears their exporters again afterwards."""
    with ExporterWords():
        pass
    logging.getLogger(_EXPORTER).error("loud again")

    assert caplog.messages == ["loud again"]

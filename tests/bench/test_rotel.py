"""The anchor stores what it is sent, else its speed would mean nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.drive import Load, measure, write_load
from bench.rotel import AnchorMissingError, Rotel
from otel_agentmon.signals import Signal


@pytest.fixture(scope="module")
def rotel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotel]:
    try:
        running = Rotel(tmp_path_factory.mktemp("rotel"))
    except AnchorMissingError as error:
        pytest.skip(f"rotel: {error}")
    yield running
    running.stop()


@pytest.mark.acceptance
@pytest.mark.parametrize("signal", list(Signal))
def test_the_door_stores_what_rotel_sends(rotel: Rotel, signal: Signal, tmp_path: Path) -> None:
    """Every item that was acknowledged is in the tables once; `measure` counts them."""
    load = Load(signal, items=96, requests=12, senders=3)

    taken = measure(rotel, load, write_load(load, tmp_path))

    assert taken.sent.requests == 12


@pytest.mark.acceptance
def test_the_anchors_spans_have_their_content(rotel: Rotel, tmp_path: Path) -> None:
    """Ids, times and attributes arrive in the stock columns."""
    load = Load(Signal.TRACES, items=8, requests=1, senders=1)
    measure(rotel, load, write_load(load, tmp_path))

    rows = rotel.sql(
        "SELECT count(), min(length(TraceId)), min(length(SpanAttributes)), "
        "countIf(SpanAttributes['gen_ai.request.model'] = 'gpt-4o'), "
        "countIf(Timestamp > now() - INTERVAL 5 MINUTE) FROM otel.otel_traces"
    )

    count, id_length, attributes, model, recent = map(int, rows[0])
    assert count >= 8
    assert (id_length, attributes) == (32, 12)
    assert model == recent == count

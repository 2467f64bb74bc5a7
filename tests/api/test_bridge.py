"""From the event loop to the database: bounded, and never blocking the loop."""

from __future__ import annotations

import asyncio
import threading

import pytest
from prometheus_client import CollectorRegistry

from otel_agentmon.api.bridge import QuestionBridge
from otel_agentmon.api.telemetry import build_telemetry
from otel_agentmon.errors import OverloadedError


def build(registry: CollectorRegistry) -> QuestionBridge:
    """One thread, and room for one question that waits."""
    return QuestionBridge(threads=1, waiting=1, telemetry=build_telemetry(registry))


def test_one_question_more_than_fits_is_turned_away() -> None:
    """The others are answered, and their places are free again."""
    registry = CollectorRegistry()
    bridge = build(registry)
    gate = threading.Event()

    def question(number: int) -> int:
        gate.wait(10)
        return number

    async def ask() -> list[int]:
        waiting = [asyncio.create_task(bridge.ask(question, n)) for n in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError) as caught:
            await bridge.ask(question, 3)
        assert caught.value.reason == "questions"
        assert registry.get_sample_value("agentmon_api_questions_in_progress") == 2
        gate.set()
        answers = await asyncio.gather(*waiting)
        return [*answers, await bridge.ask(question, 4)]

    answers = asyncio.run(ask())
    bridge.close()

    assert answers == [0, 1, 4]
    assert registry.get_sample_value("agentmon_api_questions_in_progress") == 0
    assert registry.get_sample_value("agentmon_api_refused_questions_total") == 1


def test_a_client_that_leaves_frees_its_place_when_the_answer_is_there() -> None:
    """Not before, for the thread is busy until then; and not never."""
    registry = CollectorRegistry()
    bridge = build(registry)
    started, gate = threading.Event(), threading.Event()

    def question() -> None:
        started.set()
        gate.wait(10)

    async def leave() -> None:
        task = asyncio.create_task(bridge.ask(question))
        await asyncio.to_thread(started.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    assert registry.get_sample_value("agentmon_api_questions_in_progress") == 1
    gate.set()
    bridge.close()

    assert registry.get_sample_value("agentmon_api_questions_in_progress") == 0


def test_a_closed_bridge_turns_everybody_away() -> None:
    """A request that comes while the process stops is told to come back."""
    bridge = build(CollectorRegistry())
    bridge.close()
    bridge.close()

    with pytest.raises(OverloadedError, match="stopping"):
        asyncio.run(bridge.ask(int))

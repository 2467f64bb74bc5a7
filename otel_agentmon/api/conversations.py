"""`/api/v1/conversations`: what was said, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from otel_agentmon.api.agents import AgentQuestion
from otel_agentmon.api.answers import PROBLEMS, JsonAnswer
from otel_agentmon.api.bridge import QuestionBridge
from otel_agentmon.api.moments import window_between
from otel_agentmon.api.traces import Name
from otel_agentmon.clock import Clock
from otel_agentmon.query.answer import Answer
from otel_agentmon.query.conversations import (
    MOST_CONVERSATIONS,
    ConversationSummary,
    list_conversations,
)
from otel_agentmon.store.connect import Database


class ConversationQuestion(AgentQuestion):
    """Which conversations."""

    agent: Name = ""
    """Name of an agent that takes part."""
    limit: Annotated[int, Field(ge=1, le=MOST_CONVERSATIONS)] = 100
    """How many."""


@dataclass(frozen=True, slots=True)
class ConversationList(Answer):
    """Conversations with a span in the window."""

    conversations: list[ConversationSummary]
    """The one that spoke last first."""


def build_router(database: Database, bridge: QuestionBridge, clock: Clock) -> APIRouter:
    """The routes about conversations."""
    router = APIRouter(tags=["conversations"], responses=PROBLEMS)

    @router.get("/api/v1/conversations", response_model=ConversationList)
    async def show_conversations(
        question: Annotated[ConversationQuestion, Query()],
    ) -> JsonAnswer:
        """Turns, tokens and cost of each conversation."""
        window = window_between(question.start, question.end, clock.unix_nano())
        found = await bridge.ask(
            list_conversations, database, window, question.agent, question.limit
        )
        return JsonAnswer(ConversationList(found))

    return router

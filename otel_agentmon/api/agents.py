"""`/api/v1/agents`: what each agent did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from otel_agentmon.api.answers import PROBLEMS, JsonAnswer
from otel_agentmon.api.bridge import QuestionBridge
from otel_agentmon.api.moments import MomentParameter, window_between
from otel_agentmon.api.traces import A_DAY_AGO, NOW
from otel_agentmon.clock import Clock
from otel_agentmon.query.agents import AgentSummary, list_agents
from otel_agentmon.query.answer import Answer
from otel_agentmon.store.connect import Database


class AgentQuestion(BaseModel):
    """Which window of time."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    start: MomentParameter = A_DAY_AGO
    """Spans that start at this time or later count; a day ago if left out."""
    end: MomentParameter = NOW
    """Spans that start before this time count; now if left out."""


@dataclass(frozen=True, slots=True)
class AgentList(Answer):
    """Every agent with a run or a call in the window."""

    agents: list[AgentSummary]
    """Those with the most runs first."""


def build_router(database: Database, bridge: QuestionBridge, clock: Clock) -> APIRouter:
    """The routes about agents."""
    router = APIRouter(tags=["agents"], responses=PROBLEMS)

    @router.get("/api/v1/agents", response_model=AgentList)
    async def show_agents(question: Annotated[AgentQuestion, Query()]) -> JsonAnswer:
        """Runs, errors, durations, calls, tokens and cost of each agent."""
        window = window_between(question.start, question.end, clock.unix_nano())
        return JsonAnswer(AgentList(await bridge.ask(list_agents, database, window)))

    return router

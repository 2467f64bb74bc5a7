"""`/api/v1/traces`: finding traces, and reading one."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from otel_agentmon.api.answers import PROBLEMS, JsonAnswer
from otel_agentmon.api.bridge import QuestionBridge
from otel_agentmon.api.moments import (
    Moment,
    MomentParameter,
    duration_to_nano,
    window_between,
)
from otel_agentmon.clock import Clock
from otel_agentmon.config.room import Duration
from otel_agentmon.query.answer import NANOSECONDS
from otel_agentmon.query.traces import (
    MOST_TRACES,
    Trace,
    TraceFilter,
    TracePage,
    read_trace,
    search_traces,
)
from otel_agentmon.store.connect import Database

Name = Annotated[str, Field(max_length=1000)]
NOW = Moment(0, is_relative=True)
A_DAY_AGO = Moment(-86_400 * NANOSECONDS, is_relative=True)


class TraceQuestion(BaseModel):
    """Which traces; every filter that is given must apply."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    agent: Name = ""
    """Name of an agent that takes part."""
    model: Name = ""
    """A language model that was asked for or that answered."""
    tool: Name = ""
    """A tool that was used."""
    conversation: Name = ""
    """Id of a conversation it belongs to."""
    service: Name = ""
    """A service that takes part."""
    status: Literal["", "ok", "error"] = ""
    """`error`: some span has status Error; `ok`: none has."""
    min_duration: Duration = timedelta(0)
    """Shortest duration, such as `500ms` or `2m`."""
    min_cost: Annotated[Decimal, Field(ge=0, le=100_000, max_digits=18, decimal_places=12)] = (
        Decimal(0)
    )
    """Smallest known cost in US dollars."""
    text: Name = ""
    """Text in a span's name, status message or attribute values, or in a log record's body, in
    upper or lower case."""
    start: MomentParameter = A_DAY_AGO
    """Some span starts at this time or later; a day ago if left out."""
    end: MomentParameter = NOW
    """Some span starts before this time; now if left out."""
    limit: Annotated[int, Field(ge=1, le=MOST_TRACES)] = 50
    """How many."""
    cursor: Annotated[str, Field(max_length=1000)] = ""
    """`next_cursor` of the page before, with the same filters. It carries its own start and end."""

    def as_filter(self, now_unix_nano: int) -> TraceFilter:
        """The same as the query room puts it."""
        return TraceFilter(
            window=window_between(self.start, self.end, now_unix_nano),
            agent=self.agent,
            model=self.model,
            tool=self.tool,
            conversation=self.conversation,
            service=self.service,
            status=self.status,
            min_duration_nano=duration_to_nano(self.min_duration),
            min_cost_usd=self.min_cost,
            text=self.text,
            limit=self.limit,
            cursor=self.cursor,
        )


def build_router(database: Database, bridge: QuestionBridge, clock: Clock) -> APIRouter:
    """The routes about traces."""
    router = APIRouter(tags=["traces"], responses=PROBLEMS)

    @router.get("/api/v1/traces", response_model=TracePage)
    async def find_traces(question: Annotated[TraceQuestion, Query()]) -> JsonAnswer:
        """Traces to which every filter applies, newest first."""
        wanted = question.as_filter(clock.unix_nano())
        return JsonAnswer(await bridge.ask(search_traces, database, wanted))

    @router.get("/api/v1/traces/{trace_id}", response_model=Trace)
    async def show_trace(trace_id: str) -> JsonAnswer:
        """One trace: its spans as a tree, with what GenAI conventions say, events, links, logs."""
        return JsonAnswer(await bridge.ask(read_trace, database, trace_id))

    return router

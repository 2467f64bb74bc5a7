"""What was said in each conversation, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from otel_agentmon.query.answer import Answer, Window, with_known_cost
from otel_agentmon.store.connect import Database
from otel_agentmon.store.statements import query_text

MOST_CONVERSATIONS = 1000


@dataclass(frozen=True, slots=True)
class ConversationSummary(Answer):
    """One conversation, as far as it lies in the window."""

    conversation: str
    """`gen_ai.conversation.id`."""
    turns: int
    """Traces that belong to it."""
    agents: list[str]
    """Agents that take part, by name."""
    errors: int
    """Spans with status Error."""
    model_calls: int
    """Calls of a language model."""
    input_tokens: int
    """Input tokens of the model calls."""
    output_tokens: int
    """Output tokens of the model calls."""
    cost_usd: float | None
    """US dollars of the model calls whose cost is known; null where none is."""
    cost_unknown_calls: int
    """Model calls whose cost is not known, and is not in `cost_usd`."""
    first_time: str
    """When its first span started: ISO 8601, UTC, nanoseconds."""
    last_time: str
    """When its last span started."""


def list_conversations(
    database: Database, window: Window, agent: str = "", limit: int = 100
) -> list[ConversationSummary]:
    """Conversations with a span in the window, the one that spoke last first.

    `agent` asks for those in which this agent takes part. A span that names no conversation
    belongs to the one that its trace names first.
    """
    rows = database.query(
        query_text("summarize_conversations"),
        {**window.as_parameters(), "agent": agent, "limit": limit},
    ).dicts()
    return [ConversationSummary(**with_known_cost(row)) for row in rows]

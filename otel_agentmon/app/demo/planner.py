"""A trip planner: one agent that plans, sub-agents that research and write, tools in parallel."""

from __future__ import annotations

from functools import partial

from opentelemetry.trace import Link, SpanContext

from otel_agentmon import semconv
from otel_agentmon.app.demo.catalog import CLAUDE_SONNET, GPT_4O, GPT_4O_MINI
from otel_agentmon.app.demo.genai import AgentIdentity, Exchange, GenAIRecorder

_PLANNER = AgentIdentity("planner", "2.3.0")
_RESEARCHER = AgentIdentity("researcher", "1.4.1")
_WRITER = AgentIdentity("writer", "1.1.0")
_CITIES = ("Lisbon", "Kyoto", "Oaxaca", "Ljubljana", "Valparaíso")
_TOPICS = ("where to stay", "what to see", "how to get there")
_SEARCHES = ("web_search", "map_search", "price_search")


class Planner:
    """Plans a trip; about every third request changes the plan of the one before."""

    service = "trip-planner"
    version = "2.3.0"

    def __init__(self) -> None:
        self._previous: SpanContext | None = None
        self._city = _CITIES[0]

    def run(self, genai: GenAIRecorder) -> None:
        """Plan, let the topics be researched one after the other, let the writer write."""
        links = self._links_to_previous(genai)
        with genai.invoke_agent(_PLANNER, links) as span:
            question = f"Plan three days in {self._city}."
            tokens = genai.rng.randint(900, 1600)
            genai.chat(
                GPT_4O,
                Exchange(
                    input_tokens=tokens,
                    output_tokens=genai.rng.randint(120, 260),
                    finish_reason="tool_calls",
                    question=question,
                    answer=f"First I need to know about {self._city}.",
                ),
            )
            for topic in genai.rng.sample(_TOPICS, genai.rng.randint(1, 3)):
                self._research(genai, topic)
            self._write(genai)
            genai.chat(
                GPT_4O,
                Exchange(
                    input_tokens=tokens + genai.rng.randint(1500, 2500),
                    output_tokens=genai.rng.randint(60, 140),
                    cache_read_tokens=tokens // 128 * 128,
                    question=question,
                    answer="Your plan is ready.",
                ),
            )
            self._previous = span.get_span_context()

    def _links_to_previous(self, genai: GenAIRecorder) -> list[Link]:
        if self._previous is not None and genai.rng.random() < 0.3:
            return [Link(self._previous, {semconv.AGENTMON_LINK_REASON: "follow_up"})]
        self._city = genai.rng.choice(_CITIES)
        return []

    def _research(self, genai: GenAIRecorder, topic: str) -> None:
        question = f"{topic} in {self._city}"
        with genai.invoke_agent(_RESEARCHER):
            genai.chat(
                GPT_4O_MINI,
                Exchange(
                    input_tokens=genai.rng.randint(500, 900),
                    output_tokens=genai.rng.randint(40, 90),
                    finish_reason="tool_calls",
                    question=question,
                    answer="I will search.",
                ),
            )
            tools = genai.rng.sample(_SEARCHES, genai.rng.randint(2, 3))
            genai.clock.parallel(*(partial(self._search, genai, tool, question) for tool in tools))
            genai.chat(
                GPT_4O_MINI,
                Exchange(
                    input_tokens=genai.rng.randint(3000, 7000),
                    output_tokens=genai.rng.randint(200, 450),
                    question=question,
                    answer=f"Three good answers to {question}.",
                ),
            )

    def _search(self, genai: GenAIRecorder, tool: str, query: str) -> None:
        with genai.execute_tool(tool, {"query": query, "limit": 5}) as span:
            genai.clock.advance(genai.rng.uniform(0.2, 2.5))
            if genai.content:
                span.set_attribute(semconv.GEN_AI_TOOL_CALL_RESULT, {"hits": 5})

    def _write(self, genai: GenAIRecorder) -> None:
        with genai.invoke_agent(_WRITER):
            response_id = genai.chat(
                CLAUDE_SONNET,
                Exchange(
                    input_tokens=genai.rng.randint(5000, 9000),
                    output_tokens=genai.rng.randint(600, 1200),
                    cache_creation_tokens=2048,
                    finish_reason="tool_use",
                    question="Write the plan.",
                    answer=f"Day one in {self._city} …",
                ),
            )
            with genai.execute_tool("save_document", {"title": self._city}, "extension"):
                genai.clock.advance(genai.rng.uniform(0.05, 0.2))
            genai.record_evaluation(
                "Relevance", round(min(1.0, genai.rng.gauss(0.82, 0.15)), 2), response_id
            )

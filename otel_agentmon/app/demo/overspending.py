"""A code reviewer that puts the whole repository into the most expensive model, again and again."""

from __future__ import annotations

from otel_agentmon import semconv
from otel_agentmon.app.demo.catalog import CLAUDE_OPUS, GPT_5, PRIVATE_LLM
from otel_agentmon.app.demo.genai import AgentIdentity, Exchange, GenAIRecorder

_AGENT = AgentIdentity("code-reviewer", "3.1.4", hosted_id="agent_7f3a90c1")


class CodeReviewer:
    """Reviews one change a run; its context grows with every file it reads."""

    service = "code-reviewer"
    version = "3.1.4"

    def run(self, genai: GenAIRecorder) -> None:
        """Classify with the house's own model, read file after file, then judge."""
        change = f"change {genai.rng.randint(1000, 9999)}"
        with genai.invoke_agent(_AGENT) as span:
            span.set_attribute(semconv.GEN_AI_PROVIDER_NAME, CLAUDE_OPUS.provider)
            self._classify(genai, change)
            context_tokens = self._read(genai, change)
            self._judge(genai, change, context_tokens)

    def _classify(self, genai: GenAIRecorder, change: str) -> None:
        genai.chat(
            PRIVATE_LLM,
            Exchange(
                input_tokens=genai.rng.randint(200, 600),
                output_tokens=genai.rng.randint(4, 12),
                question=f"Is {change} risky?",
                answer="yes",
            ),
        )

    def _read(self, genai: GenAIRecorder, change: str) -> int:
        cached = 0
        context_tokens = genai.rng.randint(12_000, 20_000)
        for number in range(genai.rng.randint(4, 7)):
            genai.chat(
                CLAUDE_OPUS,
                Exchange(
                    input_tokens=context_tokens,
                    output_tokens=genai.rng.randint(80, 200),
                    cache_read_tokens=cached,
                    cache_creation_tokens=context_tokens - cached,
                    finish_reason="tool_use",
                    question=f"Review {change}.",
                    answer="I need to see another file.",
                ),
            )
            with genai.execute_tool("read_file", {"path": f"src/part_{number}.py"}):
                genai.clock.advance(genai.rng.uniform(0.01, 0.05))
            cached = context_tokens
            context_tokens += genai.rng.randint(6_000, 18_000)
        return context_tokens

    def _judge(self, genai: GenAIRecorder, change: str, context_tokens: int) -> None:
        reasoning = genai.rng.randint(1500, 4000)
        response_id = genai.chat(
            GPT_5,
            Exchange(
                input_tokens=context_tokens,
                output_tokens=reasoning + genai.rng.randint(300, 700),
                reasoning_tokens=reasoning,
                finish_reason="length" if genai.rng.random() < 0.1 else "stop",
                question=f"Give your judgement on {change}.",
                answer="Two findings, neither serious.",
            ),
        )
        genai.record_evaluation("Helpfulness", round(genai.rng.betavariate(3, 3), 2), response_id)

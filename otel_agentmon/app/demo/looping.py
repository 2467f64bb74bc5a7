"""A data janitor that calls the same tool with the same arguments until its step limit."""

from __future__ import annotations

from contextlib import suppress

from opentelemetry._logs import SeverityNumber

from otel_agentmon.app.demo.catalog import GPT_4O_MINI
from otel_agentmon.app.demo.genai import AgentError, AgentIdentity, Exchange, GenAIRecorder

_AGENT = AgentIdentity("data-janitor", "0.2.0")
_STEP_LIMIT = 12


class StepLimitError(AgentError):
    """The agent has used up its steps without an answer."""

    error_type = "step_limit"


class DataJanitor:
    """Looks for stale files; four times out of five it never understands the tool's answer."""

    service = "data-janitor"
    version = "0.2.0"

    def run(self, genai: GenAIRecorder) -> None:
        """Ask the model, do what it says, until it is content or the limit is reached."""
        steps_needed = genai.rng.randint(2, 4) if genai.rng.random() < 0.2 else None
        with suppress(AgentError), genai.invoke_agent(_AGENT):
            for step in range(1, _STEP_LIMIT + 1):
                is_done = step == steps_needed
                self._ask(genai, step, is_done)
                if is_done:
                    genai.log(SeverityNumber.INFO, "no stale files left")
                    return
                with genai.execute_tool("list_files", {"path": "/data/incoming", "days": 30}):
                    genai.clock.advance(genai.rng.uniform(0.02, 0.3))
            error = StepLimitError(f"no answer after {_STEP_LIMIT} steps")
            genai.log(SeverityNumber.ERROR, "run stopped", error)
            raise error

    def _ask(self, genai: GenAIRecorder, step: int, is_done: bool) -> None:
        genai.chat(
            GPT_4O_MINI,
            Exchange(
                input_tokens=600 + 350 * step,
                output_tokens=genai.rng.randint(25, 45),
                finish_reason="stop" if is_done else "tool_calls",
                question="Remove files that nobody has read for 30 days.",
                answer="Done." if is_done else "Let me list the files.",
            ),
        )

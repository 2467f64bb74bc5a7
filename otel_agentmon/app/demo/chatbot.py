"""A support chatbot: retrieval before each answer, several turns a conversation."""

from __future__ import annotations

from opentelemetry._logs import SeverityNumber

from otel_agentmon import semconv
from otel_agentmon.app.demo.catalog import GPT_4O_MINI, TEXT_EMBEDDING_3_SMALL
from otel_agentmon.app.demo.genai import AgentIdentity, Exchange, GenAIRecorder

_AGENT = AgentIdentity("support-chatbot", "4.0.2")
_KNOWLEDGE_BASE = "support-articles"
_SYSTEM_PROMPT_TOKENS = 1400
_QUESTIONS = (
    "My invoice shows a wrong address.",
    "How do I reset my password?",
    "Can I move my data to another region?",
    "Why was my card declined?",
)


class Chatbot:
    """Answers one question a run; a conversation ends after some turns and a new one begins."""

    service = "support-chatbot"
    version = "4.0.2"

    def __init__(self) -> None:
        self._conversation_id = ""
        self._user_id = ""
        self._turns_left = 0
        self._history_tokens = 0

    def run(self, genai: GenAIRecorder) -> None:
        """Embed the question, retrieve articles, answer from them."""
        if self._turns_left == 0:
            self._open_conversation(genai)
        genai.shared[semconv.GEN_AI_CONVERSATION_ID] = self._conversation_id
        genai.shared[semconv.USER_ID] = self._user_id
        with genai.invoke_agent(_AGENT):
            genai.embed(TEXT_EMBEDDING_3_SMALL, genai.rng.randint(8, 40))
            with genai.retrieve(_KNOWLEDGE_BASE):
                genai.clock.advance(genai.rng.uniform(0.01, 0.12))
            response_id = self._answer(genai)
            if genai.rng.random() < 0.25:
                score = round(genai.rng.betavariate(6, 2), 2)
                genai.record_evaluation("Groundedness", score, response_id)
        self._turns_left -= 1
        if self._turns_left == 0:
            genai.telemetry.instruments.conversations.add(-1)

    def _open_conversation(self, genai: GenAIRecorder) -> None:
        self._conversation_id = f"conv_{genai.rng.getrandbits(64):016x}"
        self._user_id = f"user-{genai.rng.randint(1, 40):03d}"
        self._turns_left = genai.rng.randint(2, 6)
        self._history_tokens = 0
        genai.telemetry.instruments.conversations.add(1)

    def _answer(self, genai: GenAIRecorder) -> str:
        known = _SYSTEM_PROMPT_TOKENS + self._history_tokens
        new = genai.rng.randint(700, 1800)
        output = genai.rng.randint(80, 320)
        response_id = genai.chat(
            GPT_4O_MINI,
            Exchange(
                input_tokens=known + new,
                output_tokens=output,
                # The provider caches in steps of 128 tokens, and nothing before the second turn.
                cache_read_tokens=known // 128 * 128 if self._history_tokens else 0,
                question=genai.rng.choice(_QUESTIONS),
                answer="Here is what our help page says about that …",
            ),
        )
        self._history_tokens += new + output
        genai.log(SeverityNumber.INFO, "question answered")
        return response_id

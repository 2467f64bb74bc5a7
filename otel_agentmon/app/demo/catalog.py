"""The language models that the sample agents call, with the speed they are simulated at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class LanguageModel:
    """One model of one provider."""

    provider: str
    """A value of `gen_ai.provider.name`, or the provider's own name where it has none."""
    name: str
    """What a request asks for."""
    snapshot: str
    """What the response says has answered."""
    server_address: str
    first_token_seconds: float
    tokens_per_second: float


_OPENAI = "api.openai.com"
_ANTHROPIC = "api.anthropic.com"

GPT_4O: Final = LanguageModel("openai", "gpt-4o", "gpt-4o-2024-08-06", _OPENAI, 0.6, 90)
GPT_4O_MINI: Final = LanguageModel(
    "openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", _OPENAI, 0.4, 120
)
GPT_5: Final = LanguageModel("openai", "gpt-5", "gpt-5-2025-08-07", _OPENAI, 1.2, 110)
TEXT_EMBEDDING_3_SMALL: Final = LanguageModel(
    "openai", "text-embedding-3-small", "text-embedding-3-small", _OPENAI, 0.08, 1
)
CLAUDE_SONNET: Final = LanguageModel(
    "anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", _ANTHROPIC, 0.9, 75
)
CLAUDE_OPUS: Final = LanguageModel(
    "anthropic", "claude-opus-4-1", "claude-opus-4-1-20250805", _ANTHROPIC, 1.5, 60
)
GEMINI_FLASH: Final = LanguageModel(
    "gcp.gemini",
    "gemini-2.5-flash",
    "gemini-2.5-flash",
    "generativelanguage.googleapis.com",
    0.3,
    180,
)
PRIVATE_LLM: Final = LanguageModel(
    "acme", "acme/private-llm-7b", "acme/private-llm-7b", "llm.acme.internal", 0.2, 40
)
"""A model that no price book knows: its cost has to show as unknown, not as zero."""

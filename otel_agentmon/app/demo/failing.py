"""An invoice extractor whose model and tool let it down more often than not."""

from __future__ import annotations

from contextlib import suppress

from opentelemetry._logs import SeverityNumber

from otel_agentmon.app.demo.catalog import GEMINI_FLASH
from otel_agentmon.app.demo.genai import AgentError, AgentIdentity, Exchange, GenAIRecorder

_AGENT = AgentIdentity("invoice-extractor", "0.9.7")
_ATTEMPTS = 3


class RateLimitError(AgentError):
    """The provider wants fewer requests."""

    error_type = "429"


class ModelTimeoutError(AgentError):
    """The provider did not answer in time."""

    error_type = "timeout"
    wait_seconds = 10.0


class LedgerConnectionError(AgentError):
    """The tool cannot reach the accounting system."""

    error_type = "LedgerConnectionError"


class InvoiceExtractor:
    """Reads one invoice a run and books it."""

    service = "invoice-extractor"
    version = "0.9.7"

    def run(self, genai: GenAIRecorder) -> None:
        """Extract, then book; a run that fails is over, the program is not."""
        with suppress(AgentError), genai.invoke_agent(_AGENT):
            invoice = f"INV-{genai.rng.randint(10_000, 99_999)}"
            self._extract(genai, invoice)
            self._book(genai, invoice)
            genai.log(SeverityNumber.INFO, "invoice booked")

    def _extract(self, genai: GenAIRecorder, invoice: str) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            exchange = Exchange(
                input_tokens=genai.rng.randint(2500, 6000),
                output_tokens=genai.rng.randint(150, 400),
                finish_reason="tool_calls",
                question=f"Extract the fields of {invoice}.",
                answer='{"total": "118.00", "currency": "EUR"}',
            )
            try:
                genai.chat(GEMINI_FLASH, exchange, self._draw_failure(genai))
            except AgentError as error:
                genai.log(SeverityNumber.WARN, "model call failed, trying again", error)
                if attempt == _ATTEMPTS:
                    raise
                genai.clock.advance(2**attempt * genai.rng.uniform(0.8, 1.2))
            else:
                return

    def _draw_failure(self, genai: GenAIRecorder) -> AgentError | None:
        draw = genai.rng.random()
        if draw < 0.3:
            return RateLimitError("quota exceeded for requests per minute")
        if draw < 0.5:
            return ModelTimeoutError("no response within 10 s")
        return None

    def _book(self, genai: GenAIRecorder, invoice: str) -> None:
        with genai.execute_tool("book_invoice", {"invoice": invoice}):
            genai.clock.advance(genai.rng.uniform(0.1, 0.9))
            if genai.rng.random() < 0.45:
                error = LedgerConnectionError("ledger.acme.internal refused the connection")
                genai.log(SeverityNumber.ERROR, "invoice not booked", error)
                raise error

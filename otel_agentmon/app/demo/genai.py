"""What an author writes once: spans, metrics, logs and events as the GenAI conventions name them.

Only OpenTelemetry's public API is used. The one thing a real program would leave out are the
explicit times (`start_time=`, `end_time=`, `timestamp=`): the sample agents live on a virtual
clock, so that a week of them can be sent in seconds.

Spans: https://github.com/open-telemetry/semantic-conventions-genai (docs/gen-ai).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, use_span
from opentelemetry.util.types import AnyValue

from otel_agentmon import semconv
from otel_agentmon.app.demo.catalog import LanguageModel
from otel_agentmon.app.demo.clock import VirtualClock
from otel_agentmon.app.demo.instruments import Instruments


class AgentError(Exception):
    """An agent, its model or its tool has failed."""

    error_type = "agent_error"
    """What `error.type` will say: bounded, so that it can be grouped by."""
    wait_seconds = 0.0
    """How long the caller waited in vain."""


@dataclass(frozen=True)
class Telemetry:
    """Where a program's telemetry goes; no-op ones make the program run in silence."""

    tracer: Tracer
    instruments: Instruments
    logger: Logger


@dataclass(frozen=True)
class AgentIdentity:
    """Who an agent is; `hosted_id` only where a provider hosts it under an id of its own."""

    name: str
    version: str
    hosted_id: str = ""


@dataclass(frozen=True)
class Exchange:
    """One request to a model and its response; the totals include what is cached or reasoning."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    reasoning_tokens: int = 0
    finish_reason: str = "stop"
    question: str = ""
    answer: str = ""


@dataclass
class GenAIRecorder:
    """One run of an agent: everything it does goes through here and is recorded."""

    telemetry: Telemetry
    clock: VirtualClock
    rng: random.Random
    content: bool = False
    """Whether messages, arguments and results are recorded; they may be personal, so off."""
    shared: dict[str, AnyValue] = field(default_factory=dict)
    """Attributes for every span of the run, such as the conversation's id."""

    @contextmanager
    def invoke_agent(self, agent: AgentIdentity, links: Sequence[Link] = ()) -> Iterator[Span]:
        """A run, or the run of a sub-agent inside one; what fails inside fails the run."""
        labels: dict[str, AnyValue] = {
            semconv.GEN_AI_OPERATION_NAME: semconv.Operation.INVOKE_AGENT.value,
            semconv.GEN_AI_AGENT_NAME: agent.name,
        }
        identity: dict[str, AnyValue] = {semconv.GEN_AI_AGENT_VERSION: agent.version}
        if agent.hosted_id:
            identity[semconv.GEN_AI_AGENT_ID] = agent.hosted_id
        kind = SpanKind.CLIENT if agent.hosted_id else SpanKind.INTERNAL
        instruments = self.telemetry.instruments
        started = self.clock.now()
        with self._span(f"invoke_agent {agent.name}", kind, labels | identity, links) as span:
            try:
                yield span
            except AgentError as error:
                labels[semconv.ERROR_TYPE] = error.error_type
                raise
            finally:
                instruments.runs.add(1, labels)
                instruments.run_duration.record(self._seconds_since(started), labels)

    def chat(
        self, model: LanguageModel, exchange: Exchange, failure: AgentError | None = None
    ) -> str:
        """Ask the model; returns the response's id, or raises `failure` as a real client would."""
        with self._call_model(semconv.Operation.CHAT, model) as span:
            if self.content:
                span.set_attribute(
                    semconv.GEN_AI_INPUT_MESSAGES, [_message("user", exchange.question)]
                )
            self.clock.advance(model.first_token_seconds * self.rng.uniform(0.7, 1.8))
            if failure is not None:
                self.clock.advance(failure.wait_seconds)
                raise failure
            self.clock.advance(exchange.output_tokens / model.tokens_per_second)
            response_id = f"resp_{self.rng.getrandbits(96):024x}"
            span.set_attributes(_response_attributes(response_id, exchange))
            if self.content:
                answer = _message("assistant", exchange.answer)
                answer["finish_reason"] = exchange.finish_reason
                span.set_attribute(semconv.GEN_AI_OUTPUT_MESSAGES, [answer])
            self._record_tokens(model, semconv.Operation.CHAT, exchange)
        return response_id

    def embed(self, model: LanguageModel, input_tokens: int) -> None:
        """Turn text into a vector."""
        with self._call_model(semconv.Operation.EMBEDDINGS, model) as span:
            self.clock.advance(model.first_token_seconds * self.rng.uniform(0.7, 1.8))
            span.set_attribute(semconv.GEN_AI_USAGE_INPUT_TOKENS, input_tokens)
            exchange = Exchange(input_tokens=input_tokens, output_tokens=0)
            self._record_tokens(model, semconv.Operation.EMBEDDINGS, exchange)

    @contextmanager
    def retrieve(self, data_source: str) -> Iterator[Span]:
        """Look something up in a knowledge base."""
        attributes: dict[str, AnyValue] = {
            semconv.GEN_AI_OPERATION_NAME: semconv.Operation.RETRIEVAL.value,
            semconv.GEN_AI_DATA_SOURCE_ID: data_source,
        }
        with self._span(f"retrieval {data_source}", SpanKind.CLIENT, attributes) as span:
            yield span

    @contextmanager
    def execute_tool(
        self, name: str, arguments: Mapping[str, AnyValue], tool_type: str = "function"
    ) -> Iterator[Span]:
        """Run a tool for the model; an exception inside is the tool's failure."""
        attributes: dict[str, AnyValue] = {
            semconv.GEN_AI_OPERATION_NAME: semconv.Operation.EXECUTE_TOOL.value,
            semconv.GEN_AI_TOOL_NAME: name,
            semconv.GEN_AI_TOOL_TYPE: tool_type,
            semconv.GEN_AI_TOOL_CALL_ID: f"call_{self.rng.getrandbits(64):016x}",
        }
        if self.content:
            attributes[semconv.GEN_AI_TOOL_CALL_ARGUMENTS] = dict(arguments)
        with self._span(f"execute_tool {name}", SpanKind.INTERNAL, attributes) as span:
            yield span

    def log(self, severity: SeverityNumber, body: str, error: Exception | None = None) -> None:
        """A log record that belongs to the span that is current now."""
        attributes: dict[str, AnyValue] = {}
        if error is not None:
            attributes[semconv.EXCEPTION_TYPE] = type(error).__qualname__
            attributes[semconv.EXCEPTION_MESSAGE] = str(error)
        self.telemetry.logger.emit(
            timestamp=self.clock.now(),
            observed_timestamp=self.clock.now(),
            severity_number=severity,
            severity_text=severity.name,
            body=body,
            attributes=attributes,
        )

    def record_evaluation(self, name: str, score: float, response_id: str) -> None:
        """An evaluation's result: an event about the response, in the span that is current now."""
        label = "pass" if score >= 0.5 else "fail"
        self.telemetry.logger.emit(
            timestamp=self.clock.now(),
            observed_timestamp=self.clock.now(),
            severity_number=SeverityNumber.INFO,
            severity_text=SeverityNumber.INFO.name,
            event_name=semconv.GEN_AI_EVALUATION_RESULT,
            attributes={
                semconv.GEN_AI_EVALUATION_NAME: name,
                semconv.GEN_AI_EVALUATION_SCORE_VALUE: score,
                semconv.GEN_AI_EVALUATION_SCORE_LABEL: label,
                semconv.GEN_AI_EVALUATION_EXPLANATION: f"{name} is {score:.2f} of 1",
                semconv.GEN_AI_RESPONSE_ID: response_id,
            },
        )

    @contextmanager
    def _call_model(self, operation: semconv.Operation, model: LanguageModel) -> Iterator[Span]:
        labels = _model_labels(operation, model)
        started = self.clock.now()
        with self._span(f"{operation.value} {model.name}", SpanKind.CLIENT, labels) as span:
            try:
                yield span
                span.set_attribute(semconv.GEN_AI_RESPONSE_MODEL, model.snapshot)
                labels[semconv.GEN_AI_RESPONSE_MODEL] = model.snapshot
            except AgentError as error:
                labels[semconv.ERROR_TYPE] = error.error_type
                raise
            finally:
                # Recorded while the span is current, so that the point's exemplar names it.
                duration = self.telemetry.instruments.operation_duration
                duration.record(self._seconds_since(started), labels)

    def _record_tokens(
        self, model: LanguageModel, operation: semconv.Operation, exchange: Exchange
    ) -> None:
        labels = _model_labels(operation, model) | {semconv.GEN_AI_RESPONSE_MODEL: model.snapshot}
        counted = {semconv.TokenType.INPUT: exchange.input_tokens}
        if operation is semconv.Operation.CHAT:
            counted[semconv.TokenType.OUTPUT] = exchange.output_tokens
        for token_type, count in counted.items():
            self.telemetry.instruments.token_usage.record(
                count, labels | {semconv.GEN_AI_TOKEN_TYPE: token_type.value}
            )

    @contextmanager
    def _span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, AnyValue],
        links: Sequence[Link] = (),
    ) -> Iterator[Span]:
        span = self.telemetry.tracer.start_span(
            name,
            kind=kind,
            attributes={**self.shared, **attributes},
            links=links,
            start_time=self.clock.now(),
        )
        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                yield span
        except AgentError as error:
            span.record_exception(error, timestamp=self.clock.now())
            span.set_attribute(semconv.ERROR_TYPE, error.error_type)
            span.set_status(Status(StatusCode.ERROR, str(error)))
            raise
        finally:
            span.end(end_time=self.clock.now())

    def _seconds_since(self, started: int) -> float:
        return (self.clock.now() - started) / 1e9


def _model_labels(operation: semconv.Operation, model: LanguageModel) -> dict[str, AnyValue]:
    return {
        semconv.GEN_AI_OPERATION_NAME: operation.value,
        semconv.GEN_AI_PROVIDER_NAME: model.provider,
        semconv.GEN_AI_REQUEST_MODEL: model.name,
        semconv.SERVER_ADDRESS: model.server_address,
    }


def _response_attributes(response_id: str, exchange: Exchange) -> dict[str, AnyValue]:
    attributes: dict[str, AnyValue] = {
        semconv.GEN_AI_RESPONSE_ID: response_id,
        semconv.GEN_AI_RESPONSE_FINISH_REASONS: [exchange.finish_reason],
        semconv.GEN_AI_USAGE_INPUT_TOKENS: exchange.input_tokens,
        semconv.GEN_AI_USAGE_OUTPUT_TOKENS: exchange.output_tokens,
    }
    special = {
        semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: exchange.cache_read_tokens,
        semconv.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS: exchange.cache_creation_tokens,
        semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: exchange.reasoning_tokens,
    }
    return attributes | {name: count for name, count in special.items() if count}


def _message(role: str, text: str) -> dict[str, AnyValue]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}

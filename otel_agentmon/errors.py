"""Every error this package raises on purpose. The branches are what the caller should do.

AgentmonError
├── ConfigError                the configuration is wrong; the process does not start
├── PermanentError             this data will never be accepted; do not send it again
│   ├── DecodeError            the bytes are not OTLP
│   ├── TooLargeError          the request is over the size limit
│   ├── UnsupportedError       an encoding or content type we do not speak
│   └── UnauthenticatedError   no valid credentials came with the request
├── RetryableError             the same data may be accepted later
│   ├── OverloadedError        a queue, the disk budget or the memory limit is full
│   ├── ShuttingDownError      the process is going away; another one, or the next, will take it
│   └── StoreUnavailableError  the database did not answer
├── StoreError                 the database refused a statement of ours
│   └── SchemaError            the database's schema is not one this version can use
└── QueryError                 a question we cannot answer
    ├── InvalidQueryError      the question is wrong
    ├── NotFoundError          what it asks for does not exist
    └── QueryLimitError        the answer would exceed a limit
"""

from __future__ import annotations


class AgentmonError(Exception):
    """Root of the tree; never raised itself."""


class ConfigError(AgentmonError):
    """The configuration is wrong; the process does not start. Carries every problem found."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class PermanentError(AgentmonError):
    """This data will never be accepted; do not send it again."""


class DecodeError(PermanentError):
    """The bytes are not OTLP."""


class TooLargeError(PermanentError):
    """The request is over the size limit, as received or after decompression."""


class UnsupportedError(PermanentError):
    """An encoding or content type we do not speak."""


class UnauthenticatedError(PermanentError):
    """No valid credentials came with the request."""


class RetryableError(AgentmonError):
    """The same data may be accepted later."""

    retry_after_seconds = 1.0
    """How long the sender is asked to wait."""


class OverloadedError(RetryableError):
    """A queue, the disk budget or the memory limit is full; `reason` is a bounded word."""

    def __init__(self, message: str, reason: str, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class ShuttingDownError(RetryableError):
    """The process is going away; another one, or the next, will take the data."""


class StoreUnavailableError(RetryableError):
    """The database did not answer."""


class StoreError(AgentmonError):
    """The database refused a statement of ours; `code` is ClickHouse's error number, 0 if none."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class SchemaError(StoreError):
    """The database's schema is not one this version can use."""


class QueryError(AgentmonError):
    """A question we cannot answer."""


class InvalidQueryError(QueryError):
    """The question is wrong; `field` names the parameter at fault, if one is."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class NotFoundError(QueryError):
    """What the question asks for does not exist."""


class QueryLimitError(QueryError):
    """The answer would exceed a limit (time, rows, memory)."""

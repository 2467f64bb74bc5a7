"""The running process's API, as its own command line asks it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from otel_agentmon.app.client_text import clean
from otel_agentmon.errors import AgentmonError

# The process stops a question after 30 seconds, and may let it wait as long before.
_TIMEOUT = httpx.Timeout(70.0, connect=5.0)


class ClientError(AgentmonError):
    """The process could not be asked, or has no answer; one line that says why."""


class ApiClient:
    """Questions to one running process. Raises ClientError for whatever is no answer."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        try:
            self._http = httpx.Client(base_url=self._url, timeout=_TIMEOUT, trust_env=False)
        except (httpx.InvalidURL, ValueError) as error:
            raise ClientError(f"{url!r} is not an address ({error}); write {_EXAMPLE}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def read(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer of a GET; parameters that are None or empty are left out."""
        sent = {k: v for k, v in (parameters or {}).items() if v not in (None, "")}
        response = self._send("GET", path, params=sent)
        try:
            return response.json()
        except ValueError as error:
            raise ClientError(f"{self._url} answered with something else than JSON") from error

    def ask_sql(self, query: str, output_format: str) -> bytes:
        """The answer to a statement, in ClickHouse's `output_format`."""
        question = {"query": query, "format": output_format}
        return self._send("POST", "/api/v1/sql", json=question).content

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **content)
        except httpx.ConnectError as error:
            raise ClientError(
                f"nothing listens on {self._url} ({error}); start it with `agentmon up`, or name "
                "another address with --url or AGENTMON_URL"
            ) from error
        except httpx.UnsupportedProtocol as error:
            raise ClientError(f"{self._url!r} is not an address; write {_EXAMPLE}") from error
        except httpx.TimeoutException as error:
            raise ClientError(f"{self._url} did not answer in time") from error
        except httpx.HTTPError as error:
            raise ClientError(f"{self._url} broke off: {error}") from error
        if response.is_success:
            return response
        raise ClientError(_problem(response))


_EXAMPLE = "http://127.0.0.1:8000"


def _problem(response: httpx.Response) -> str:
    """What the problem document says; the status where there is none."""
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"{response.url} answered {response.status_code}: is it agentmon?"
    return " ".join(clean(detail).split())

"""A document and what stands above it (environment, flags) to one validated, frozen model."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from otel_agentmon.config.document import Document, Location, Problem
from otel_agentmon.config.explain import explain_error
from otel_agentmon.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Override:
    """A value that wins over the file's, with the words that name its source to the user."""

    location: tuple[str, ...]
    value: Any
    origin: str


def load_config(
    model: type[Model], document: Document, overrides: Sequence[Override] = ()
) -> Model:
    """Validate; of two overrides of one setting the later wins.

    Raises ConfigError with every problem of the document and of the values at once.
    """
    values = copy.deepcopy(document.values)
    origins: dict[Location, str] = {}
    for override in overrides:
        _set_value(values, override)
        origins[override.location] = override.origin
    problems = list(document.problems)
    try:
        config = model.model_validate(values)
    except ValidationError as error:
        unread = {problem.location for problem in problems if problem.location}
        for details in error.errors(include_url=False):
            location, message = _find_culprit(details["loc"], explain_error(model, details))
            if location not in unread:
                origin = origins.get(location) or document.origin(location)
                problems.append(Problem(location, message, origin))
    if problems:
        raise ConfigError([str(problem) for problem in problems])
    return config


def _find_culprit(location: Location, message: str) -> tuple[Location, str]:
    """A rule over several settings may begin its message with the full path of the one at fault."""
    path, colon, rest = message.partition(": ")
    parts: Location = tuple(path.split("."))
    if colon and len(parts) > len(location) and parts[: len(location)] == location:
        return parts, rest
    return location, message


def _set_value(values: dict[str, Any], override: Override) -> None:
    *sections, key = override.location
    for section in sections:
        if values.get(section) is None:
            values[section] = {}
        if not isinstance(values[section], dict):
            return  # the file has a plain value where a section belongs; the model will say so
        values = values[section]
    values[key] = override.value

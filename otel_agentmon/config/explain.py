"""One validation error to one sentence: what is wrong, the value, what to write instead."""

from __future__ import annotations

import difflib
import re
from itertools import chain
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, SecretBytes, SecretStr

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from otel_agentmon.config.document import Location

_WANTED = {
    "missing": "is required; add it",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text in quotes",
    "path_type": "must be a path in quotes",
    "list_type": "must be a list, written [a, b]",
    "tuple_type": "must be a list, written [a, b]",
    "set_type": "must be a list, written [a, b]",
    "dict_type": "must be a section of `key: value` lines",
    "model_type": "must be a section of `key: value` lines",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "string_pattern_mismatch": "must match {pattern}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
}
_SECRET_WORD = re.compile(
    r"(^|_)(tokens?|passwords?|secrets?|credentials?|authorization|api_?keys?|private_key)(_|$)"
)
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*):[^/\s]*@")


def explain_error(model: type[BaseModel], details: ErrorDetails) -> str:
    """The sentence that follows the path in a problem. Values that look secret are not shown."""
    location, kind = details["loc"], details["type"]
    if kind == "extra_forbidden":
        return _explain_unknown_key(model, location)
    if kind == "value_error":
        text = str(details["ctx"]["error"])
    elif kind in _WANTED:
        text = _WANTED[kind].format(**details.get("ctx", {}))
    else:
        text = details["msg"].replace("Input should", "should", 1)
    return _URL_PASSWORD.sub(r"\1:***@", _with_value(text, details, _is_secret(model, location)))


def _with_value(text: str, details: ErrorDetails, is_secret: bool) -> str:
    value = details["input"]
    if details["type"] == "missing" or not isinstance(value, str | int | float):
        return text
    if is_secret:
        return text.replace(str(value), "(hidden)") if str(value) else text
    if details["type"] == "value_error" and str(value) in text:
        return text
    return f"{text}, not {value!r}"


def _is_secret(model: type[BaseModel], location: Location) -> bool:
    words = [part for part in location if isinstance(part, str)]
    if any(_SECRET_WORD.search(word) and not word.endswith("_file") for word in words):
        return True
    if not words:
        return False
    fields = [m.model_fields.get(words[-1]) for m in _models_at(model, location[:-1])]
    return any(
        {SecretStr, SecretBytes} & set(_parts(field.annotation)) for field in fields if field
    )


def _explain_unknown_key(model: type[BaseModel], location: Location) -> str:
    known = sorted(
        set(chain.from_iterable(m.model_fields for m in _models_at(model, location[:-1])))
    )
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    if close:
        return f"is not a setting; did you mean {close[0]!r}?"
    return f"is not a setting; there are {', '.join(known)}"


def _models_at(model: type[BaseModel], location: Location) -> list[type[BaseModel]]:
    """The models that may stand at a place; list indexes and union tags do not lead to new ones."""
    current = [model]
    for part in location:
        fields = [m.model_fields[part] for m in current if part in m.model_fields]
        below = [
            p
            for field in fields
            for p in _parts(field.annotation)
            if isinstance(p, type) and issubclass(p, BaseModel)
        ]
        current = below or current
    return current


def _parts(annotation: Any) -> list[Any]:
    """An annotation taken apart: `tuple[A, ...] | None` gives A, Ellipsis and NoneType."""
    arguments = get_args(annotation)
    if not arguments:
        return [annotation]
    return [part for argument in arguments for part in _parts(argument)]

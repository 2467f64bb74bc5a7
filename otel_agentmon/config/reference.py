"""Every setting of a model, as rows for a reference page; the words are the fields' docstrings."""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from otel_agentmon.config.room import parse_duration, parse_size, write_duration, write_size

_WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    SecretStr: "secret text",
}
_KINDS = {parse_size: "size", parse_duration: "duration"}


@dataclass(frozen=True)
class Setting:
    """One line of the reference. `path` has `[]` after a list and `.NAME` after a map."""

    path: str
    type: str
    default: str
    description: str


def list_settings(model: type[BaseModel], prefix: str = "") -> Iterator[Setting]:
    """Every setting at any depth, in field order. Raises ValueError for one without docstring."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if not field.description:
            raise ValueError(f"{model.__name__}.{name} has no docstring")
        below, mark = _section(field.annotation)
        if below is None or mark or not isinstance(_default(field), BaseModel):
            yield Setting(path, _type(field), _write_default(field), field.description)
        if below is not None:
            yield from list_settings(below, f"{path}{mark}.")


def _section(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The model below a field, and the mark that says how its path goes on."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    origin = get_origin(annotation)
    mark = {list: "[]", tuple: "[]", dict: ".NAME"}.get(origin, "")
    for argument in get_args(annotation):
        model, below = _section(argument)
        if model is not None:
            return model, mark + below
    return None, ""


def _default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True, validated_data={})


def _type(field: FieldInfo) -> str:
    return _kind(field.metadata) or _word(field.annotation)


def _kind(metadata: Iterable[Any]) -> str:
    """Sizes and durations are told from other numbers by the function that reads them."""
    kinds = (_KINDS.get(getattr(entry, "func", None)) for entry in metadata)  # type: ignore[arg-type]  # None is no key
    return next((kind for kind in kinds if kind), "")


def _word(annotation: Any) -> str:
    arguments = get_args(annotation)
    write = _SHAPES.get(get_origin(annotation))
    if write is not None:
        return write(arguments)
    if annotation in _WORDS:
        return _WORDS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    raise ValueError(f"the reference has no word for the type {annotation!r}")


def _write_union(arguments: tuple[Any, ...]) -> str:
    return " or ".join(_word(a) for a in arguments if a is not type(None))


def _write_list(arguments: tuple[Any, ...]) -> str:
    return f"list of {_word(arguments[0])}"


_SHAPES: dict[Any, Callable[[tuple[Any, ...]], str]] = {
    Union: _write_union,
    types.UnionType: _write_union,
    Literal: lambda arguments: ", ".join(f"`{a}`" for a in arguments),
    Annotated: lambda arguments: _kind(arguments[1:]) or _word(arguments[0]),
    list: _write_list,
    tuple: _write_list,
    set: _write_list,
    frozenset: _write_list,
    dict: lambda arguments: f"map to {_word(arguments[1])}",
}


def _write_default(field: FieldInfo) -> str:
    default = _default(field)
    if default is PydanticUndefined:
        return "required"
    if default is None:
        return "none"
    kind = _type(field)
    if kind == "size":
        return f"`{write_size(default)}`"
    if kind == "duration":
        return f"`{write_duration(default)}`"
    value = to_jsonable_python(default)
    return f"`{value}`" if isinstance(value, str) and value else f"`{json.dumps(value)}`"

"""A YAML file to plain values that remember the line they stand on.

Here: syntax, duplicate keys, references to the environment. Not here: what the keys mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from otel_agentmon.config.expand import expand_variables

Location = tuple[str | int, ...]
"""Where a value stands: keys and list indexes from the root."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where."""

    location: Location
    message: str
    origin: str
    """The file and line, variable or flag that the value came from; empty if it came from none."""

    def __str__(self) -> str:
        path = ".".join(str(part) for part in self.location)
        return ": ".join(part for part in (self.origin, path, self.message) if part)


@dataclass(frozen=True)
class Document:
    """What one file says."""

    name: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[Location, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def origin(self, location: Location) -> str:
        """`file:line` of the value, or of the nearest thing around it that the file has."""
        while location not in self.lines and location:
            location = location[:-1]
        line = self.lines.get(location)
        return self.name if line is None else f"{self.name}:{line}"


def read_document(path: Path, environ: Mapping[str, str]) -> Document:
    """Read one YAML file. What is wrong with it is in its `problems`; nothing is raised."""
    document = Document(name=str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        _refuse(document, f"cannot be read: {error.strerror}; check the path")
        return document
    except UnicodeDecodeError as error:
        _refuse(document, f"is not UTF-8 (byte {error.start}); save it as UTF-8")
        return document
    try:
        _read_text(document, text, environ)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        message = f"is not YAML: {error.problem or error.context}"
        document.problems.append(Problem((), message, f"{path}:{line}"))
    except yaml.YAMLError as error:
        _refuse(document, f"is not YAML: {' '.join(str(error).split())}")
    return document


def _read_text(document: Document, text: str, environ: Mapping[str, str]) -> None:
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is not None:
            _Reader(document, loader, environ).read_root(root)
    finally:
        loader.dispose()


def _refuse(document: Document, message: str) -> None:
    document.problems.append(Problem((), message, document.name))


class _Reader:
    """Walks the node tree of one document."""

    def __init__(
        self, document: Document, loader: yaml.SafeLoader, environ: Mapping[str, str]
    ) -> None:
        self._document = document
        self._loader = loader
        self._environ = environ
        self._open: list[yaml.Node] = []

    def read_root(self, root: yaml.Node) -> None:
        if root.tag == "tag:yaml.org,2002:null":
            return
        if not isinstance(root, yaml.MappingNode):
            self._problem((), root, "must be a mapping of room names to settings, as in `receive:`")
            return
        self._document.values.update(self._read_mapping(root, ()))

    def _read(self, node: yaml.Node, location: Location) -> Any:
        self._document.lines[location] = node.start_mark.line + 1
        if node in self._open:
            self._problem(location, node, "contains itself through its anchor; write it out")
            return None
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._read_mapping(node, location)
            if isinstance(node, yaml.SequenceNode):
                return [self._read(item, (*location, i)) for i, item in enumerate(node.value)]
            return self._read_scalar(node, location)
        finally:
            self._open.pop()

    def _read_mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        values: dict[str, Any] = {}
        first_lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                self._problem(location, key_node, "a key must be a plain word")
                continue
            here = (*location, key)
            if key in first_lines:
                message = f"is given twice, first on line {first_lines[key]}; keep one of the two"
                self._problem(here, key_node, message)
                continue
            first_lines[key] = key_node.start_mark.line + 1
            values[key] = self._read(value_node, here)
            self._document.lines[here] = first_lines[key]
        return values

    def _read_scalar(self, node: yaml.Node, location: Location) -> Any:
        try:
            value = self._loader.construct_object(node)
            if isinstance(value, str):
                return expand_variables(value, self._environ)
        except (ValueError, yaml.constructor.ConstructorError) as error:
            problem = getattr(error, "problem", None) or str(error)
            self._problem(location, node, problem)
            return None
        return value

    def _problem(self, location: Location, node: yaml.Node, message: str) -> None:
        origin = f"{self._document.name}:{node.start_mark.line + 1}"
        self._document.problems.append(Problem(location, message, origin))

"""Sizes, names and contents that hold for every file."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.checkout import ROOT, files, sources, text

MOST_LINES = 400
BOXES = frozenset(
    {
        *("utils", "util", "helpers", "helper", "common", "base", "core", "misc", "types"),
        *("models", "manager", "service", "handler"),
    }
)
FORBIDDEN_ENDINGS = ("Manager", "Handler", "Helper", "Impl")
# A home folder, a temporary folder or a checkout on somebody's machine.
MACHINE_PATH = re.compile(r"(?<![\w.:/$}])/(?:home|root|Users|work|mnt|tmp)/[\w.-]+")
# A path in here is what the file is about.
MAY_NAME_PATHS = {
    Path("tests/house/test_files.py"): "holds the pattern",
}


def test_the_checkout_is_seen() -> None:
    """The checks below look at this project's files, and not at none."""
    assert Path("pyproject.toml") in files()
    assert len(sources(".py")) > 20


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    """A file is one concept; one that outgrows the limit is two."""
    lengths = {str(path): len(text(path).splitlines()) for path in sources(".py", ".sql", ".proto")}
    too_long = {name: lines for name, lines in lengths.items() if lines > MOST_LINES}

    assert not too_long


def test_no_name_is_a_box() -> None:
    """A file or folder called after nothing in particular collects everything."""
    boxes = [
        str(path)
        for path in sources(".py", ".sql")
        if BOXES & {path.stem, *(part.name for part in path.parents)}
    ]

    assert not boxes


def test_no_class_is_called_after_its_pattern() -> None:
    """Classes end in the role they have in the flow."""
    bad = [
        f"{path}: {node.name}"
        for path in sources(".py")
        for node in ast.walk(ast.parse(text(path)))
        if isinstance(node, ast.ClassDef)
        and (node.name.endswith(FORBIDDEN_ENDINGS) or node.name.startswith(("Base", "Abstract")))
    ]

    assert not bad


def test_packages_hold_nothing_but_a_docstring() -> None:
    """What a room offers is found in its files, not behind its name."""
    full = [
        str(path)
        for path in sources(".py")
        if path.name == "__init__.py"
        and path != Path("otel_agentmon/__init__.py")  # holds the version
        and [node for node in ast.parse(text(path)).body if not isinstance(node, ast.Expr)]
    ]

    assert not full


def test_every_module_says_what_it_is() -> None:
    """The first thing in a file is a sentence about it; a folder of tests says it by its name."""
    mute = [
        str(path)
        for path in sources(".py")
        if not ast.get_docstring(ast.parse(text(path)))
        and not (path.parts[0] == "tests" and path.name == "__init__.py")
    ]

    assert not mute


def test_every_test_says_what_it_shows() -> None:
    """A test's docstring is the sentence that a failure contradicts."""
    mute = [
        f"{path}: {node.name}"
        for path in sources(".py")
        if path.name.startswith("test_")
        for node in ast.walk(ast.parse(text(path)))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert not mute


def test_no_file_names_a_place_on_one_machine() -> None:
    """Everything works in any checkout on any machine."""
    found = []
    for path in files():
        try:
            content = text(path)
        except UnicodeDecodeError:
            continue  # recorded data
        if path not in MAY_NAME_PATHS:
            found += [f"{path}: {match[0]}" for match in MACHINE_PATH.finditer(content)]

    assert not found


@pytest.mark.parametrize("path", sources(".md"), ids=str)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    """A relative link in a document names a file of this checkout."""
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text(path))
    broken = [target for target in targets if not (ROOT / path.parent / target).exists()]

    assert not broken


def test_every_decision_is_in_the_index() -> None:
    """The list of decisions is complete, and their numbers are used once."""
    pages = [path.name for path in files() if re.match(r"docs/adr/\d{4}-", str(path))]
    numbers = [name[:4] for name in pages]
    index = text(Path("docs/adr/README.md"))

    assert numbers == [f"{n:04}" for n in range(1, len(numbers) + 1)]
    assert [name for name in pages if f"]({name})" not in index] == []


def test_changelog_fragments_are_named_after_a_room_and_a_kind() -> None:
    """A release can be written from the file names alone."""
    rooms = "|".join(sorted(p.name for p in (ROOT / "otel_agentmon").iterdir() if p.is_dir()))
    pattern = re.compile(
        rf"({rooms}|project)-[a-z0-9-]+\.(added|changed|fixed|removed|breaking)\.md"
    )
    fragments = [path.name for path in files() if path.parent == Path("changelog.d")]

    assert [n for n in fragments if n != "README.md" and not pattern.fullmatch(n)] == []

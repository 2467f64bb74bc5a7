"""From a YAML file to a model, and from everything wrong with it to one list."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, SecretStr, model_validator

from otel_agentmon.config.document import read_document
from otel_agentmon.config.load import Override, load_config
from otel_agentmon.config.room import ByteSize, Duration, RoomConfig
from otel_agentmon.errors import ConfigError


class DoorConfig(RoomConfig):
    address: str = "127.0.0.1:1"
    limit: ByteSize = 64
    tokens: tuple[str, ...] = ()
    password: SecretStr = SecretStr("")
    key_file: Path = Path("key.pem")
    mode: Literal["open", "shut"] = "open"


class UserConfig(RoomConfig):
    name: str
    age: int = Field(default=1, ge=0)


class HouseConfig(RoomConfig):
    front: DoorConfig = DoorConfig()
    back: DoorConfig | None = None
    users: tuple[UserConfig, ...] = ()
    url: str = ""
    wait: Duration = timedelta(seconds=1)

    @model_validator(mode="after")
    def _has_a_way_out(self) -> HouseConfig:
        if self.back is not None and self.back.mode == "shut" and self.front.mode == "shut":
            raise ValueError("both doors are shut; open one")
        if self.front.limit > 100 and self.front.mode == "open":
            raise ValueError("front.limit: too much for an open door; shut it")
        return self


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "house.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def load(path: Path, *overrides: Override) -> HouseConfig:
    environ = {"ADDRESS": "127.0.0.1:7", "LIMIT": "2KiB", "YEARS": "44"}
    return load_config(HouseConfig, read_document(path, environ), overrides)


def problems(tmp_path: Path, text: str, *overrides: Override) -> list[str]:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path, *overrides)
    return [problem.replace(str(path), "F") for problem in caught.value.problems]


def test_a_file_becomes_a_model(tmp_path: Path) -> None:
    """Sections, lists, sizes, durations, anchors and references arrive as the model's types."""
    path = write(
        tmp_path,
        """
front: &door
  address: ${env:ADDRESS}
  limit: ${env:LIMIT}
  mode: shut
  tokens: [one, '${env:NONE:-two}']
back: {mode: open}
users:
  - &ann {name: ann, age: '${env:YEARS}'}
  - *ann
wait: 1m30s
""",
    )
    config = load(path)

    assert config.front.address == "127.0.0.1:7"
    assert config.front.limit == 2048
    assert config.front.tokens == ("one", "two")
    assert config.users == (UserConfig(name="ann", age=44),) * 2
    assert config.wait == timedelta(seconds=90)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "front:\nback: ~\nusers: []\n"])
def test_an_empty_file_means_the_defaults(tmp_path: Path, text: str) -> None:
    """A file, or a section, with nothing in it leaves every default as it is."""
    assert load(write(tmp_path, text)) == HouseConfig()


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    """Each problem has its file, line, path, value and remedy."""
    text = """front:
  adress: 127.0.0.1:5
  limit: 3 parsecs
  mode: ajar
users:
  - age: -1
wait: true
surprise: 1
"""
    assert problems(tmp_path, text) == [
        "F:3: front.limit: '3 parsecs' is not a size; write it like 64MiB, 2GB or 1048576",
        "F:4: front.mode: must be one of 'open' or 'shut', not 'ajar'",
        "F:2: front.adress: is not a setting; did you mean 'address'?",
        "F:6: users.0.name: is required; add it",
        "F:6: users.0.age: must be at least 0, not -1",
        "F:7: wait: True is not a duration; write it like 500ms, 30s, 1h30m or 7d",
        "F:8: surprise: is not a setting; there are back, front, url, users, wait",
    ]


def test_duplicate_keys_are_refused_at_any_depth(tmp_path: Path) -> None:
    """The second of two equal keys is an error, not a silent winner."""
    text = "front:\n  limit: 1\n  limit: 2\nurl: a\nurl: b\n"

    assert problems(tmp_path, text) == [
        "F:3: front.limit: is given twice, first on line 2; keep one of the two",
        "F:5: url: is given twice, first on line 4; keep one of the two",
    ]


def test_an_unset_variable_is_one_problem_and_hides_no_other(tmp_path: Path) -> None:
    """A value that could not be read is not complained about a second time."""
    text = "front:\n  address: ${env:NONE}\n  mode: 3\n"

    assert problems(tmp_path, text) == [
        "F:2: front.address: the environment variable NONE is not set; set it, or give a default: "
        "${env:NONE:-default}",
        "F:3: front.mode: must be one of 'open' or 'shut', not 3",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("front: [\n", "F:2: is not YAML: "),
        ("a: b: c\n", "F:1: is not YAML: mapping values are not allowed here"),
        ("\tfront: 1\n", "F:1: is not YAML: found character '\\t'"),
        ("url: \x07\n", "F: is not YAML: unacceptable character #x0007"),
        ("url: a\n---\nurl: b\n", "F:2: is not YAML: but found another document"),
        ("url: *nobody\n", "F:1: is not YAML: found undefined alias 'nobody'"),
        ("- a\n", "F:1: must be a mapping of room names to settings"),
        ("users: &u [*u]\n", "F:1: users.0: contains itself through its anchor"),
        ("? [a]\n: 1\n", "F:1: a key must be a plain word"),
        ("url: !!python/name:os.system x\n", "F:1: url: could not determine a constructor"),
        ("wait: 2026-13-45\n", "F:1: wait: month must be in 1..12"),
        ("front: 3\n", "F:1: front: must be a section of `key: value` lines, not 3"),
    ],
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """Broken YAML, foreign tags and loops are problems with a line, never a traceback."""
    assert problems(tmp_path, text)[0].startswith(problem)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A missing file and a file that is not text say so."""
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"url: \xff\n")

    with pytest.raises(ConfigError, match="No such file or directory; check the path"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"is not UTF-8 \(byte 5\)"):
        load(binary)


@pytest.mark.parametrize(
    "text",
    [
        "front: {password: [s3cret]}\n",
        "front: {tokens: s3cret}\n",
        "front: {tokens: [{s3cret: 1}]}\n",
        "pasword: s3cret\n",
        "url: [postgres://me:s3cret@host/db]\n",
        "users: [{name: 1, age: 'https://me:s3cret@host'}]\n",
    ],
)
def test_secrets_are_not_repeated(tmp_path: Path, text: str) -> None:
    """The value of a setting that looks secret, and the password in a URL, stay out of messages."""
    said = problems(tmp_path, text)

    assert said
    assert not [problem for problem in said if "s3cret" in problem]


def test_the_name_of_a_key_file_is_no_secret(tmp_path: Path) -> None:
    """A path that is wrong is shown, for its owner has to see the mistake."""
    assert problems(tmp_path, "front: {key_file: 7}\n") == [
        "F:1: front.key_file: must be a path in quotes, not 7"
    ]


def test_a_rule_over_several_settings_names_their_section(tmp_path: Path) -> None:
    """What no single setting is guilty of is said of the section that holds them."""
    text = "front: {mode: shut}\nback: {mode: shut}\n"

    assert problems(tmp_path, text) == ["F: both doors are shut; open one"]


def test_a_rule_over_several_settings_may_name_the_one_at_fault(tmp_path: Path) -> None:
    """A message that begins with a path is a problem of that setting, in its file or flag."""
    text = "front:\n  mode: open\n  limit: 101\n"
    flag = Override(("front", "limit"), "102", "--limit")

    message = "front.limit: too much for an open door; shut it"
    assert problems(tmp_path, text) == [f"F:3: {message}"]
    assert problems(tmp_path, text, flag) == [f"--limit: {message}"]


def test_later_overrides_win_over_earlier_ones_and_over_the_file(tmp_path: Path) -> None:
    """Values from outside the file take its value's place, also in a section it does not have."""
    path = write(tmp_path, "front: {limit: 1}\n")
    config = load(
        path,
        Override(("front", "limit"), "2", "LIMIT"),
        Override(("front", "limit"), "3", "--limit"),
        Override(("back", "limit"), "4", "--back-limit"),
    )

    assert config.front.limit == 3
    assert config.back is not None
    assert config.back.limit == 4


def test_a_bad_override_is_blamed_on_its_source(tmp_path: Path) -> None:
    """A flag or variable that is wrong is named instead of a line of the file."""
    override = Override(("front", "limit"), "much", "--limit")

    assert problems(tmp_path, "front: {limit: 1}\n", override) == [
        "--limit: front.limit: 'much' is not a size; write it like 64MiB, 2GB or 1048576"
    ]


def test_an_override_does_not_paper_over_a_broken_section(tmp_path: Path) -> None:
    """A plain value where a section belongs is still an error."""
    override = Override(("front", "limit"), "1", "--limit")

    assert problems(tmp_path, "front: 3\n", override) == [
        "F:1: front: must be a section of `key: value` lines, not 3"
    ]

"""The whole configuration: what wins over what, and what is said about bad files."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_agentmon.app.config import BINDINGS, AgentmonConfig, read_config
from otel_agentmon.errors import ConfigError

BAD = Path(__file__).parents[1] / "data" / "config" / "bad"
SIZES = "write it like 64MiB, 2GB or 1048576"
NO_FILE = "cannot be read (No such file or directory); name a PEM file this user may read"

# What follows the file's name, one line a problem.
EXPECTED = {
    "address_ipv6_without_brackets": [
        "3: receive.http.address: '::1:4318': write an IPv6 address in brackets, like [::1]:4317"
    ],
    "address_is_a_number": ["3: receive.grpc.address: must be text in quotes, not 4317"],
    "address_without_port": [
        "3: receive.grpc.address: '127.0.0.1' is not an address; write it like 127.0.0.1:4317"
    ],
    "bracket_not_closed": ["3: is not YAML: expected ',' or '}', but got '<scalar>'"],
    "database_name": [
        "2: store.database: 'my-database' is not a database name; use letters, digits and _"
    ],
    "duration_in_words": [
        "2: journal.commit_delay: '5 minutes' is not a duration; write it like 500ms, 30s, 1h30m "
        "or 7d"
    ],
    "list_at_the_top": ["1: must be a mapping of room names to settings, as in `receive:`"],
    "log_level_unknown": [
        "2: log.level: must be one of 'debug', 'info', 'warning' or 'error', not 'verbose'"
    ],
    "number_in_words": ["2: store.loaders: must be a whole number, not 'several'"],
    "open_to_the_network_without_login": [
        "3: receive.grpc.address: '0.0.0.0:4317' can be reached from other machines and nothing "
        "asks who is sending; add receive.tokens or receive.tls.client_ca_file, or listen on "
        "127.0.0.1"
    ],
    "password_is_a_list": ["2: store.password: must be text in quotes"],
    "reference_unknown": [
        "1: data_dir: ${file:/etc/agentmon} is not a reference; write ${env:NAME} or "
        "${env:NAME:-default}, or $${file:/etc/agentmon} for the plain text"
    ],
    "room_misspelt": ["1: recieve: is not a setting; did you mean 'receive'?"],
    "section_is_a_list": ["2: receive.grpc: must be a section of `key: value` lines"],
    "section_is_a_value": [
        "1: receive: must be a section of `key: value` lines, not '127.0.0.1:4317'"
    ],
    "segment_larger_than_journal": [
        "1: journal: segment_size must not be larger than max_size",
    ],
    "setting_misspelt": ["3: receive.grpc.adress: is not a setting; did you mean 'address'?"],
    "setting_twice": [
        "3: receive.read_timeout: is given twice, first on line 2; keep one of the two"
    ],
    "size_in_words": [f"2: receive.max_request_size: '64 megabytes' is not a size; {SIZES}"],
    "size_negative": [f"2: receive.max_request_size: -1 is not a size; {SIZES}"],
    "store_url_unknown_scheme": [
        "2: store.url: 'http://localhost:8123' is not a database; write 'embedded' or "
        "clickhouse://user@host:8123/otel"
    ],
    "store_url_with_password": [
        "2: store.url: 'postgres://me:***@localhost/otel' is not a database; write 'embedded' or "
        "clickhouse://user@host:8123/otel"
    ],
    "sync_unknown": [
        "2: journal.sync: must be one of 'always', 'interval' or 'never', not 'sometimes'"
    ],
    "tab": ["2: is not YAML: found character '\\t' that cannot start any token"],
    "tls_file_missing": [
        f"3: receive.tls.cert_file: no-such-certificate.pem {NO_FILE}",
        f"4: receive.tls.key_file: no-such-key.pem {NO_FILE}",
    ],
    "tls_without_key": [
        f"3: receive.tls.cert_file: no-such-certificate.pem {NO_FILE}",
        "2: receive.tls.key_file: is required; add it",
    ],
    "token_in_plain_text": ["4: receive.tokens.0.sha256: must match ^[0-9a-f]{64}$"],
    "variable_not_set": [
        "1: data_dir: the environment variable AGENTMON_TEST_NOT_SET is not set; set it, or give "
        "a default: ${env:AGENTMON_TEST_NOT_SET:-default}"
    ],
}


@pytest.mark.parametrize("name", sorted(path.stem for path in BAD.iterdir()))
def test_a_bad_file_is_refused_with_its_line_and_a_remedy(name: str) -> None:
    """Every file in the folder has its row above, and every problem in it is said."""
    path = BAD / f"{name}.yaml"
    with pytest.raises(ConfigError) as caught:
        read_config(path, {}, {})

    assert [problem.removeprefix(f"{path}:") for problem in caught.value.problems] == EXPECTED[name]


def test_no_row_is_without_its_file() -> None:
    """The table of expected messages is not longer than the folder."""
    assert [name for name in EXPECTED if not (BAD / f"{name}.yaml").is_file()] == []


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "agentmon.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_everything_has_its_default() -> None:
    """`agentmon up` needs no configuration."""
    assert read_config(None, {}, {}) == AgentmonConfig()


def test_a_flag_wins_over_a_variable_over_the_file_over_the_default(tmp_path: Path) -> None:
    """Each source takes its place, and one that is silent leaves the next its say."""
    path = write(tmp_path, "data_dir: from-file\nreceive: {grpc: {address: 127.0.0.1:1}}\n")
    variables = {"AGENTMON_OTLP_GRPC": "127.0.0.1:2", "AGENTMON_OTLP_HTTP": "127.0.0.1:2"}
    flags = {"--otlp-grpc": "127.0.0.1:3", "--otlp-http": None, "--data-dir": None}

    config = read_config(path, flags, variables)

    assert config.receive.grpc.address == "127.0.0.1:3"
    assert config.receive.http.address == "127.0.0.1:2"
    assert config.data_dir == Path("from-file")
    assert config.store.url == "embedded"


def test_the_file_may_be_named_by_a_variable(tmp_path: Path) -> None:
    """A flag names another file and wins here too."""
    variable = {"AGENTMON_CONFIG": str(write(tmp_path, "data_dir: by-variable\n"))}
    other = tmp_path / "other.yaml"
    other.write_text("data_dir: by-flag\n", encoding="utf-8")

    assert read_config(None, {}, variable).data_dir == Path("by-variable")
    assert read_config(other, {}, variable).data_dir == Path("by-flag")


def test_a_bad_flag_and_a_bad_variable_are_blamed_by_name() -> None:
    """The user is told where to look, also when no file is at fault."""
    with pytest.raises(ConfigError) as caught:
        read_config(None, {"--otlp-grpc": "4317"}, {"AGENTMON_LOG_LEVEL": "loud"})

    assert sorted(problem.split(":")[0] for problem in caught.value.problems) == [
        "--otlp-grpc",
        "AGENTMON_LOG_LEVEL",
    ]


def test_an_empty_variable_counts_as_not_set() -> None:
    """Deployments pass variables on that nobody has filled in."""
    assert read_config(None, {}, {"AGENTMON_CONFIG": "", "AGENTMON_OTLP_GRPC": ""}) == (
        AgentmonConfig()
    )


def test_the_store_password_does_not_show() -> None:
    """Printing a configuration does not print what is secret in it."""
    config = read_config(None, {}, {"AGENTMON_STORE_PASSWORD": "hunter2"})

    assert config.store.password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(config)


def test_every_flag_of_the_table_is_read() -> None:
    """A flag that the command has and the table lacks would fail here with a KeyError."""
    flags = {binding.flag: "127.0.0.1:0" for binding in BINDINGS if binding.flag}

    assert read_config(None, flags, {}).data_dir == Path("127.0.0.1:0")

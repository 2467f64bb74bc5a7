"""The whole configuration: the rooms' models nested under the rooms' names, and where it is read.

A flag wins over an environment variable, which wins over the file, which wins over the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from otel_agentmon.api.config import ApiConfig
from otel_agentmon.config.document import Document, read_document
from otel_agentmon.config.load import Override, load_config
from otel_agentmon.config.room import Duration, RoomConfig
from otel_agentmon.journal.config import JournalConfig
from otel_agentmon.receive.config import ReceiveConfig
from otel_agentmon.store.config import StoreConfig

CONFIG_VARIABLE = "AGENTMON_CONFIG"
"""The environment variable that names the configuration file."""


class LogConfig(RoomConfig):
    """What the process writes about itself on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important level that is written."""

    format: Literal["text", "json"] = "text"
    """`text` for people (message and key=value pairs), `json` for one object a line."""


class AgentmonConfig(RoomConfig):
    """Everything that can be configured."""

    data_dir: Path = Path("agentmon-data")
    """The folder that holds the journal and the embedded database; made where it is missing."""

    stop_timeout: Duration = timedelta(seconds=20)
    """How long the process may take to stop; what was acknowledged is safe in any case."""

    log: LogConfig = LogConfig()
    """What the process writes about itself on standard error."""

    receive: ReceiveConfig = ReceiveConfig()
    """How telemetry comes in."""

    journal: JournalConfig = JournalConfig()
    """How requests are kept between the socket and the database."""

    store: StoreConfig = StoreConfig()
    """Where the database is and how much of the machine it may use."""

    api: ApiConfig = ApiConfig()
    """Where questions are answered."""


@dataclass(frozen=True)
class Binding:
    """One setting that also has an environment variable and perhaps a flag of `agentmon up`."""

    location: tuple[str, ...]
    variable: str
    flag: str = ""

    @property
    def path(self) -> str:
        return ".".join(self.location)


BINDINGS = (
    Binding(("data_dir",), "AGENTMON_DATA_DIR", "--data-dir"),
    Binding(("receive", "grpc", "address"), "AGENTMON_OTLP_GRPC", "--otlp-grpc"),
    Binding(("receive", "http", "address"), "AGENTMON_OTLP_HTTP", "--otlp-http"),
    Binding(("api", "address"), "AGENTMON_HTTP", "--http"),
    Binding(("store", "url"), "AGENTMON_STORE_URL"),
    Binding(("store", "password"), "AGENTMON_STORE_PASSWORD"),
    Binding(("log", "level"), "AGENTMON_LOG_LEVEL"),
    Binding(("log", "format"), "AGENTMON_LOG_FORMAT"),
)


def read_config(
    file: Path | None, flags: Mapping[str, str | None], environ: Mapping[str, str]
) -> AgentmonConfig:
    """Read and validate. `flags` maps `--flag` to its value; None means it was not given.

    Without `file` the file that AGENTMON_CONFIG names is read, and without that none. Raises
    ConfigError with everything that is wrong.

    An empty variable counts as not set, as in OpenTelemetry's specification:
    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """
    if file is None and environ.get(CONFIG_VARIABLE):
        file = Path(environ[CONFIG_VARIABLE])
    document = read_document(file, environ) if file else Document()
    from_environment = [
        Override(binding.location, environ[binding.variable], binding.variable)
        for binding in BINDINGS
        if environ.get(binding.variable)
    ]
    by_flag = {binding.flag: binding for binding in BINDINGS if binding.flag}
    from_flags = [
        Override(by_flag[flag].location, value, flag)
        for flag, value in flags.items()
        if value is not None
    ]
    return load_config(AgentmonConfig, document, [*from_environment, *from_flags])

"""`${env:VAR}` in configuration values, as the OpenTelemetry Collector writes it.

`${env:VAR}` and `${VAR}` are replaced by the variable's value, `${env:VAR:-default}` by the default
where the variable is not set, and `$${` stands for a plain `${`. Unlike the Collector, a variable
that is neither set nor defaulted is refused: an empty address or token is never what was meant.
Source: https://opentelemetry.io/docs/collector/configuration/#environment-variables
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(\$\{)|\$\{([^}]*)\}")
_VARIABLE = re.compile(r"(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


def expand_variables(text: str, environ: Mapping[str, str]) -> str:
    """Replace the references in `text`. Raises ValueError with the remedy at the first bad one."""

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        variable = _VARIABLE.fullmatch(match[2])
        if variable is None:
            raise ValueError(
                f"{match[0]} is not a reference; write ${{env:NAME}} or ${{env:NAME:-default}}, "
                f"or $${match[0][1:]} for the plain text"
            )
        name, default = variable[1], variable[2]
        if name in environ:
            return environ[name]
        if default is None:
            raise ValueError(
                f"the environment variable {name} is not set; set it, or give a default: "
                f"${{env:{name}:-default}}"
            )
        return default

    return _REFERENCE.sub(replace, text)

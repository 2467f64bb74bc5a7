"""The journal's settings."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from otel_agentmon.journal.config import JournalConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"segment_size": "3GiB"}, "less than or equal to 1073741824"),
        ({"segment_size": "2MiB", "max_size": "1MiB"}, "segment_size must not be larger"),
        ({"queue_requests": 0}, "greater than or equal to 1"),
        ({"sync": "sometimes"}, "'always', 'interval' or 'never'"),
        ({"max_bytes": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings: dict[str, Any], message: str) -> None:
    """Bad configuration never starts the process."""
    with pytest.raises(ValidationError, match=message):
        JournalConfig(**settings)

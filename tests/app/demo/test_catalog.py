"""Tests of the language models that the sample agents call."""

from __future__ import annotations

import pytest
from genai_prices import Usage, calc_price

from otel_agentmon.app.demo import catalog
from otel_agentmon.app.demo.catalog import LanguageModel

_MODELS = [value for value in vars(catalog).values() if isinstance(value, LanguageModel)]
_USAGE = Usage(input_tokens=1000, output_tokens=100)


@pytest.mark.parametrize(
    "model", [m for m in _MODELS if m is not catalog.PRIVATE_LLM], ids=lambda m: m.name
)
def test_a_public_model_has_a_price(model: LanguageModel) -> None:
    """By the name that is asked for and by the name that answers, the price book knows a cost."""
    by_request = calc_price(_USAGE, model.name, provider_id=model.provider)
    by_response = calc_price(_USAGE, model.snapshot, provider_id=model.provider)

    assert by_request.total_price == by_response.total_price > 0


def test_the_private_model_has_no_price() -> None:
    """The price book does not know it, whoever is said to provide it."""
    with pytest.raises(LookupError):
        calc_price(_USAGE, catalog.PRIVATE_LLM.name)

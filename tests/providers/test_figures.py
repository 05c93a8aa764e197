"""Prices and capabilities come from data, and what is unknown stays unknown."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.model.conversation import UNKNOWN_COST, CostSource, Reasoning, Request, Tool, Usage, user
from tamma.providers.catalogue import models as catalogue
from tamma.providers.catalogue.prices import cost_of
from tamma.providers.common import tokens
from tamma.providers.interface import Price, ProviderSettings

ANTHROPIC = "anthropic-claude"


def test_a_price_counts_the_cache_at_its_own_rate() -> None:
    usage = Usage(input_total=1_000_000, cache_read=600_000, cache_write=100_000, output_total=100_000)
    cost = cost_of(ANTHROPIC, "claude-sonnet-5-5", usage, None)
    # 300k at $2, 600k at $0.10, 100k at $2.50, 100k at $10 a million
    assert cost.usd == Decimal("0.6") + Decimal("0.06") + Decimal("0.25") + Decimal(1)
    assert cost.source is CostSource.PRICES


def test_a_long_prompt_costs_more_where_it_does() -> None:
    short = cost_of(ANTHROPIC, "claude-haiku-5-5", Usage(input_total=100_000), None).usd
    long = cost_of(ANTHROPIC, "claude-haiku-5-5", Usage(input_total=200_000), None).usd
    assert short is not None
    assert long is not None
    assert long > 2 * short


@pytest.mark.parametrize(
    ("provider", "model", "usage"),
    [
        (ANTHROPIC, "glm-nobody-knows", Usage(10, output_total=1)),
        (ANTHROPIC, "claude-sonnet-5-5", Usage(10, cache_read=99)),
        ("local-llm", "claude-sonnet-5-5", Usage(10)),
        ("a-new-one", "m", Usage(10)),
    ],
)
def test_what_is_not_known_is_none_and_never_zero(provider: str, model: str, usage: Usage) -> None:
    assert cost_of(provider, model, usage, None) == UNKNOWN_COST


def test_the_users_price_goes_first() -> None:
    usage = Usage(input_total=3_000_000, cache_read=1_000_000, cache_write=1_000_000, output_total=1_000_000)
    plain = cost_of(ANTHROPIC, "claude-sonnet-5-5", usage, Price(Decimal(1), Decimal(5)))
    assert (plain.usd, plain.source) == (Decimal(8), CostSource.CONFIG)
    detailed = Price(Decimal(1), Decimal(5), cache_read_mtok=Decimal("0.1"), cache_write_mtok=Decimal(2))
    assert cost_of("local-llm", "m", usage, detailed).usd == Decimal("8.1")
    free = cost_of("local-llm", "m", usage, Price(Decimal(0), Decimal(0)))
    assert (free.usd, free.source) == (Decimal(0), CostSource.CONFIG)


def test_the_longest_prefix_wins() -> None:
    assert catalogue.lookup(ANTHROPIC, "claude-opus-5-5").capabilities.forced_tool is False
    assert catalogue.lookup(ANTHROPIC, "claude-opus-5").capabilities.forced_tool is True
    assert catalogue.lookup(ANTHROPIC, "claude-haiku-4-5-20251001").capabilities.context_window == 200_000
    unknown = catalogue.lookup(ANTHROPIC, "claude-next").capabilities
    assert unknown.model == "claude-next"
    assert unknown.context_window is None
    assert catalogue.lookup("a-new-one", "m").capabilities.source == "default"


def test_a_configured_window_says_that_it_is_one() -> None:
    settings = ProviderSettings("mine", ANTHROPIC, context_window=5)
    found = catalogue.capabilities_for(settings, "claude-opus-5-5")
    assert found.context_window == 5
    assert found.source.endswith("configuration")


def test_the_default_model_exists_is_priced_and_is_not_on_its_way_out() -> None:
    from anthropic.resources.messages.messages import DEPRECATED_MODELS
    from anthropic.types.model_param import ModelParam

    default = catalogue.default_model(ANTHROPIC)
    assert default is not None
    assert default in get_args(get_args(ModelParam)[0])
    assert default not in DEPRECATED_MODELS
    assert catalogue.lookup(ANTHROPIC, default).capabilities.lifecycle == "active"
    assert cost_of(ANTHROPIC, default, Usage(1000), None).usd


def test_the_catalogue_agrees_with_the_sdk_and_the_price_data() -> None:
    """Every model that the SDK names has an entry, deprecated ones say so, and the windows agree."""
    import genai_prices
    from anthropic.resources.messages.messages import DEPRECATED_MODELS
    from anthropic.types.model_param import ModelParam

    for model in get_args(get_args(ModelParam)[0]):
        if model == "claude-mythos-preview":  # over since 2026-06-30
            continue
        found = catalogue.lookup(ANTHROPIC, model).capabilities
        assert "cautious" not in found.source, model
        assert (model in DEPRECATED_MODELS) == (found.lifecycle == "deprecated"), model
        try:
            priced = genai_prices.calc_price(
                genai_prices.Usage(input_tokens=1), model, provider_id="anthropic"
            )
        except LookupError:
            continue
        assert priced.model.context_window == found.context_window, model


def test_openais_default_exists_is_priced_and_is_not_on_its_way_out() -> None:
    from openai.types import ChatModel

    default = catalogue.default_model("openai")
    assert default in get_args(ChatModel)
    assert default is not None
    assert catalogue.lookup("openai", default).capabilities.lifecycle == "active"
    assert cost_of("openai", default, Usage(1000), None).usd


def test_the_catalogue_of_openai_agrees_with_the_sdk_and_the_price_data() -> None:
    """Every GPT-5 and GPT-6 that the SDK names has an entry of its own, and the windows agree.

    The SDK tells the end of a model in words only, so those are compared by hand when it is reviewed.
    """
    import genai_prices
    from openai.types import ChatModel

    for model in get_args(ChatModel):
        if not model.startswith(("gpt-5", "gpt-6")) or "chat" in model:  # ended in August 2026
            continue
        found = catalogue.lookup("openai", model).capabilities
        assert "cautious" not in found.source, model
        try:
            priced = genai_prices.calc_price(genai_prices.Usage(input_tokens=1), model, provider_id="openai")
        except LookupError:
            assert "not in genai-prices" in found.source, model
            continue
        assert priced.model.context_window == found.context_window, model


def test_an_unknown_generation_is_not_taken_for_an_older_one() -> None:
    for model in ("gpt-5.9-nova", "gpt-6.9-sol", "gpt-7"):
        found = catalogue.lookup("openai", model).capabilities
        assert found.source.startswith("cautious")
        assert found.lifecycle == "unknown"
        assert found.context_window is None


def test_every_entry_names_its_source() -> None:
    for family in ("", "claude-opus-5-5", "claude-haiku-4-5"):
        assert catalogue.lookup(ANTHROPIC, family).capabilities.source


@given(st.text(), st.text())
def test_estimates_never_shrink_with_more_text(first: str, second: str) -> None:
    assert tokens.estimate(first) <= tokens.estimate(first + second)
    assert tokens.estimate(first + second) <= tokens.estimate(first) + tokens.estimate(second)


def test_an_estimate_counts_everything_that_is_sent() -> None:
    bare = Request("m", (user("hello"),))
    fuller: list[dict[str, Any]] = [
        {"system": "be brief"},
        {"tools": (Tool("run", "runs", {"type": "object"}),)},
        {"messages": (*bare.messages, user("more"))},
    ]
    for more in fuller:
        assert tokens.estimate_request(replace(bare, **more)) > tokens.estimate_request(bare)
    assert tokens.estimate_part(Reasoning("x" * 7)) == 2

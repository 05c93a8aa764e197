"""The Zen gateway: which protocol a model's name means, and what passes through to its adapter."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tamma.errors import (
    AuthFailed,
    InvalidRequest,
    ModelNotFound,
    ProviderError,
    QuotaExhausted,
    RateLimited,
)
from tamma.model.conversation import UNKNOWN_COST, CostSource, Request, user
from tamma.providers.interface import Price, ProviderSettings, complete
from tamma.providers.opencode.zen import BASE_URL, Family, Zen, family_of
from tests.providers.vendors.anthropic import AnthropicVendor
from tests.providers.vendors.base import KEY, Said, settings_for
from tests.providers.vendors.chat import LocalVendor
from tests.providers.vendors.gemini import GeminiVendor
from tests.providers.vendors.openai import OpenAIVendor
from tests.providers.vendors.zen import CHAT_MODEL, zen, zen_listing
from tests.support.raw_http import Answer, RawServer, json_answer

CLAUDE, GPT = "claude-sonnet-5-5", "gpt-5.4"
WIRE: dict[str, list[bytes]] = {
    CLAUDE: AnthropicVendor().wire(Said(["x"], usage=(1_000_000, 1_000))),
    GPT: OpenAIVendor().wire(Said(["x"], usage=(1_000_000, 1_000))),
    CHAT_MODEL: LocalVendor().wire(Said(["x"], usage=(1_000_000, 1_000))),
}
PATHS = {CLAUDE: "/zen/v1/messages", GPT: "/zen/v1/responses", CHAT_MODEL: "/zen/v1/chat/completions"}


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("claude-opus-5-5", "messages"),
        ("claude-3-5-haiku", "messages"),
        ("qwen3.6-plus", "messages"),
        ("gpt-5.3-codex-spark", "responses"),
        ("grok-4.5", "responses"),
        ("muse-spark-1.1", "responses"),
        ("gemini-3.1-pro", "google"),
        ("glm-5.3", "chat"),
        ("kimi-k2.5", "chat"),
        ("minimax-m2.5-free", "chat"),
        ("big-pickle", "chat"),
        ("nemotron-3-super-free", "chat"),
        ("a-new-one", "chat"),
        ("jev-1.13", "evaluation"),
    ],
)
def test_the_name_of_a_model_decides_its_protocol(model: str, family: Family) -> None:
    assert family_of(model) == family


@pytest.mark.parametrize(
    ("model", "kind", "address"),
    [
        (CLAUDE, "anthropic-claude", "https://opencode.ai/zen"),
        ("gpt-5.4", "openai", BASE_URL),
        ("gemini-3.1-pro", "gemini", "https://opencode.ai/zen"),
        (CHAT_MODEL, "opencode-zen", BASE_URL),
    ],
)
def test_each_adapter_is_made_with_its_own_address(model: str, kind: str, address: str) -> None:
    made = zen("https://opencode.ai/zen/v1/", options={"allowInsecureHttp": True}).adapter(model)
    assert (made.settings.type, made.settings.base_url) == (kind, address)
    assert made.settings.options.keys() <= {"allowInsecureHttp", "apiVersion"}
    assert made.settings.api_key == KEY


@pytest.mark.parametrize("model", WIRE)
@pytest.mark.parametrize("prefix", ["", "opencode/"])
async def test_a_call_goes_where_its_model_is_served(model: str, prefix: str) -> None:
    async with RawServer(Answer(WIRE[model])) as server:
        provider = zen(server.url + "/zen/v1")
        completion = await complete(provider, Request(prefix + model, (user("hi"),)))
        assert completion.message.text == "x"
        (call,) = server.received
        assert (call.path, call.body["model"]) == (PATHS[model], model)
        assert KEY in f"{call.headers.get('authorization')} {call.headers.get('x-api-key')}"
        await provider.close()


async def test_gemini_models_are_asked_in_the_version_that_the_gateway_serves() -> None:
    async with RawServer(Answer(GeminiVendor().wire(Said(["x"])))) as server:
        provider = zen(server.url + "/zen/v1")
        assert (await complete(provider, Request("gemini-3.1-pro", (user("hi"),)))).message.text == "x"
        assert server.received[0].path.startswith("/zen/v1/models/gemini-3.1-pro:streamGenerateContent")
        await provider.close()


@pytest.mark.parametrize("model", WIRE)
async def test_a_vendors_own_price_is_not_the_gateways(model: str) -> None:
    async with RawServer(Answer(WIRE[model])) as server:
        for price, expected in (
            (None, UNKNOWN_COST.source),
            (Price(Decimal(1), Decimal(0)), CostSource.CONFIG),
        ):
            provider = zen(server.url, price=price)
            cost = (await complete(provider, Request(model, (user("hi"),)))).finish.cost
            assert cost.source is expected
            assert cost.usd == (None if price is None else 1)
            await provider.close()


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("AuthError", 401, AuthFailed),
        ("CreditsError", 401, QuotaExhausted),
        ("MonthlyLimitError", 401, QuotaExhausted),
        ("UserLimitError", 401, QuotaExhausted),
        ("ModelError", 401, ModelNotFound),
        ("RateLimitError", 429, RateLimited),
        ("FreeUsageLimitError", 429, QuotaExhausted),
    ],
)
@pytest.mark.parametrize("model", WIRE)
async def test_the_gateways_own_errors(
    model: str, kind: str, status: int, expected: type[ProviderError]
) -> None:
    body = {"type": "error", "error": {"type": kind, "message": "because"}}
    async with RawServer(json_answer(body, status)) as server:
        provider = zen(server.url)
        with pytest.raises(expected) as caught:
            await complete(provider, Request(model, (user("hi"),)))
        assert type(caught.value) is expected
        await provider.close()


async def test_a_model_that_holds_no_conversation_is_refused_before_it_is_asked() -> None:
    async with RawServer(Answer([])) as server:
        with pytest.raises(InvalidRequest, match="evaluation"):
            await complete(zen(server.url), Request("jev-1.13", (user("hi"),)))
        assert server.received == []


async def test_an_adapter_is_made_once_and_closed_with_the_gateway() -> None:
    async with RawServer(Answer(WIRE[CLAUDE])) as server:
        provider = zen(server.url)
        for _ in range(2):
            await complete(provider, Request(CLAUDE, (user("hi"),)))
        assert server.connections == 1
        first = provider.adapter(CLAUDE)
        assert provider.adapter("claude-opus-5-5") is first
        await provider.close()
        assert provider.adapter(CLAUDE) is not first


async def test_without_a_key_nothing_is_asked() -> None:
    with pytest.raises(AuthFailed, match="no API key"):
        await zen("http://127.0.0.1:1", api_key=None).start()


def test_figures_are_those_of_the_vendor() -> None:
    provider = Zen(ProviderSettings("mine", "opencode", api_key=KEY))
    for model in (CLAUDE, f"opencode/{CLAUDE}"):
        found = provider.capabilities(model)
        assert (found.model, found.context_window) == (model, 1_000_000)
    assert provider.capabilities("big-pickle").context_window is None


@pytest.mark.parametrize(
    ("model", "asked"), [(None, "m1"), ("opencode/kimi-k2.5", "kimi-k2.5")], ids=["listed", "configured"]
)
async def test_a_check_asks_a_model_for_the_list_is_public(model: str | None, asked: str) -> None:
    async with RawServer(json_answer(zen_listing())) as server:
        provider = Zen(settings_for("opencode", server.url, model=model))
        checked = await provider.check()
        assert (checked.ok, checked.models) == (True, ("m1",))
        listing, call = server.received
        assert (listing.path, call.path) == ("/models", "/chat/completions")
        sent: dict[str, Any] = call.body
        assert (sent["model"], sent["max_tokens"]) == (asked, 16)
        await provider.close()


async def test_tokens_are_estimated_where_the_gateway_cannot_count() -> None:
    async with RawServer(json_answer({"error": {"type": "not_found_error"}}, 404)) as server:
        provider = zen(server.url)
        for model in WIRE:
            assert (await provider.count_tokens(Request(model, (user("hi"),)))).estimated
        await provider.close()

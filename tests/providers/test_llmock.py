"""The adapters against llmock, an independent implementation of their protocols that breaks on demand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from tamma.errors import (
    ContextOverflow,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    RateLimited,
    StreamInterrupted,
)
from tamma.model.conversation import FinishReason, Tool
from tamma.providers.interface import Provider, complete
from tests.providers.vendors.anthropic import AnthropicVendor
from tests.providers.vendors.base import HttpVendor, ask
from tests.providers.vendors.chat import LocalVendor
from tests.providers.vendors.gemini import GeminiVendor
from tests.providers.vendors.openai import OpenAIVendor

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

pytest.importorskip("llmock", reason="llmock is not installed")

TOOL = Tool("read", "reads", {"type": "object", "properties": {"path": {"type": "string"}}})
PATHS = {"anthropic-claude": "anthropic", "local-llm": "openai", "openai": "openai", "gemini": "gemini"}
VENDORS: list[HttpVendor] = [AnthropicVendor(), LocalVendor(), OpenAIVendor(), GeminiVendor()]


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name)
async def provider(request: pytest.FixtureRequest, llmock: LLMock) -> AsyncIterator[Provider]:
    vendor: HttpVendor = request.param
    made = vendor.provider(llmock.base_url(PATHS[vendor.name]))
    yield made
    await made.close()


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name)
async def hasty(request: pytest.FixtureRequest, llmock: LLMock) -> AsyncIterator[Provider]:
    """One that gives a silent stream up soon; a busy machine may be silent for as long."""
    vendor: HttpVendor = request.param
    made = vendor.provider(llmock.base_url(PATHS[vendor.name]), stall_timeout=0.5)
    yield made
    await made.close()


async def test_text(provider: Provider, llmock: LLMock) -> None:
    llmock.reply("Grüße, 世界! And a second sentence.")
    completion = await complete(provider, ask())
    assert completion.message.text == "Grüße, 世界! And a second sentence."
    assert completion.finish.usage.output_total > 0


async def test_a_tool_call(provider: Provider, llmock: LLMock) -> None:
    llmock.call_tool("read", {"path": "a/very/long/path/that/comes/in/pieces.py"}, text="I look.")
    completion = await complete(provider, ask(tools=(TOOL,)))
    (call,) = completion.message.tool_calls
    assert call.name == "read"
    assert "pieces.py" in call.args_json
    assert completion.finish.reason is FinishReason.TOOL_CALLS


async def test_broken_arguments(provider: Provider, llmock: LLMock) -> None:
    if why := next(v.lacks.get("broken arguments") for v in VENDORS if v.name == provider.settings.type):
        pytest.skip(why)
    llmock.call_tool("read", {"path": "a"}).break_tool_call()
    completion = await complete(provider, ask(tools=(TOOL,)))
    (call,) = completion.message.tool_calls
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        json.loads(call.args_json)


async def test_a_rate_limit_is_not_retried_here(provider: Provider, llmock: LLMock) -> None:
    llmock.rate_limit(retry_after=1.5)
    with pytest.raises(RateLimited) as caught:
        await complete(provider, ask())
    assert caught.value.retry_after == 1.5
    assert len(llmock.requests) == 1


@pytest.mark.parametrize(("status", "expected"), [(529, Overloaded), (503, Overloaded), (500, Overloaded)])
async def test_an_outage(
    provider: Provider, llmock: LLMock, status: int, expected: type[ProviderError]
) -> None:
    llmock.fail(status)
    with pytest.raises(expected):
        await complete(provider, ask())


async def test_a_full_context(provider: Provider, llmock: LLMock) -> None:
    llmock.limits(context_window=10)
    with pytest.raises(ContextOverflow):
        await complete(provider, ask("word " * 100))


@pytest.mark.parametrize("fault", ["disconnect", "truncate", "corrupt"])
async def test_a_broken_stream(provider: Provider, llmock: LLMock, fault: str) -> None:
    llmock.reply("one two three four five six")
    getattr(llmock, fault)(after_chunks=3)
    with pytest.raises(StreamInterrupted):
        await complete(provider, ask())
    llmock.reply("well again")
    assert (await complete(provider, ask())).message.text == "well again"


async def test_a_stall(hasty: Provider, llmock: LLMock) -> None:
    llmock.reply("one two three four five six").stall(after_chunks=3, seconds=5)
    with pytest.raises(ProviderTimeout):
        await complete(hasty, ask())


async def test_a_slow_first_token(hasty: Provider, llmock: LLMock) -> None:
    llmock.slow_first_token(5)
    with pytest.raises(ProviderTimeout):
        await complete(hasty, ask())


async def test_the_models_are_listed(provider: Provider) -> None:
    checked = await provider.check()
    assert checked.ok
    assert checked.models

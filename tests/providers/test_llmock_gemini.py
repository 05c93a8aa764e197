"""The Gemini adapter against llmock, an independent implementation of the API that breaks on demand."""

from __future__ import annotations

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
from tamma.model.conversation import FinishReason, Message, Role, Tool, ToolResult, user
from tamma.providers.gemini.provider import Gemini
from tamma.providers.interface import complete
from tests.providers.vendors.base import ask
from tests.providers.vendors.gemini import GeminiVendor

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

pytest.importorskip("llmock", reason="llmock is not installed")

TOOL = Tool("read", "reads", {"type": "object", "properties": {"path": {"type": "string"}}})


@pytest.fixture
async def provider(llmock: LLMock) -> AsyncIterator[Gemini]:
    made = GeminiVendor().provider(llmock.base_url("gemini"))
    yield made
    await made.close()


@pytest.fixture
async def hasty(llmock: LLMock) -> AsyncIterator[Gemini]:
    """One that gives a silent stream up soon; a busy machine may be silent for as long."""
    made = GeminiVendor().provider(llmock.base_url("gemini"), stall_timeout=0.5)
    yield made
    await made.close()


async def test_text(provider: Gemini, llmock: LLMock) -> None:
    llmock.reply("Grüße, 世界! And a second sentence.")
    completion = await complete(provider, ask())
    assert completion.message.text == "Grüße, 世界! And a second sentence."
    assert completion.finish.usage.output_total > 0


async def test_a_tool_call_and_its_result(provider: Gemini, llmock: LLMock) -> None:
    llmock.call_tool("read", {"path": "a/very/long/path.py"}, text="I look.")
    completion = await complete(provider, ask(tools=(TOOL,)))
    (call,) = completion.message.tool_calls
    assert (call.name, call.args_json) == ("read", '{"path": "a/very/long/path.py"}')
    assert completion.finish.reason is FinishReason.TOOL_CALLS
    llmock.reply("It is empty.")
    back = Message(Role.USER, (ToolResult(call.id, ""),))
    asked = ask(tools=(TOOL,))
    turns = (user("hello"), completion.message, back)
    answered = await complete(provider, type(asked)(model=asked.model, messages=turns, tools=asked.tools))
    assert answered.message.text == "It is empty."


async def test_a_rate_limit_is_not_retried_here(provider: Gemini, llmock: LLMock) -> None:
    llmock.rate_limit(retry_after=1.5)
    with pytest.raises(RateLimited) as caught:
        await complete(provider, ask())
    assert caught.value.retry_after == 1.5
    assert len(llmock.requests) == 1


@pytest.mark.parametrize(("status", "expected"), [(529, Overloaded), (503, Overloaded), (500, Overloaded)])
async def test_an_outage(
    provider: Gemini, llmock: LLMock, status: int, expected: type[ProviderError]
) -> None:
    llmock.fail(status)
    with pytest.raises(expected):
        await complete(provider, ask())


async def test_a_full_context(provider: Gemini, llmock: LLMock) -> None:
    llmock.limits(context_window=10)
    with pytest.raises(ContextOverflow):
        await complete(provider, ask("word " * 100))


@pytest.mark.parametrize("fault", ["disconnect", "truncate", "corrupt"])
async def test_a_broken_stream(provider: Gemini, llmock: LLMock, fault: str) -> None:
    llmock.reply("one two three four five six")
    getattr(llmock, fault)(after_chunks=3)
    with pytest.raises(StreamInterrupted):
        await complete(provider, ask())
    llmock.reply("well again")
    assert (await complete(provider, ask())).message.text == "well again"


async def test_a_stall(hasty: Gemini, llmock: LLMock) -> None:
    llmock.reply("one two three four five six").stall(after_chunks=3, seconds=5)
    with pytest.raises(ProviderTimeout):
        await complete(hasty, ask())


async def test_a_slow_first_token(hasty: Gemini, llmock: LLMock) -> None:
    llmock.slow_first_token(5)
    with pytest.raises(ProviderTimeout):
        await complete(hasty, ask())


async def test_the_models_are_listed(provider: Gemini) -> None:
    checked = await provider.check()
    assert checked.ok
    assert "gemini-2.5-pro" in checked.models


async def test_tokens_are_estimated_where_nobody_counts(provider: Gemini) -> None:
    assert (await provider.count_tokens(ask())).estimated

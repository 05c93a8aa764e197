"""What llmock shows of Gemini beyond what it shows of all (test_llmock): results, the list, no counting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

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


async def test_the_models_are_listed(provider: Gemini) -> None:
    checked = await provider.check()
    assert checked.ok
    assert "gemini-2.5-pro" in checked.models


async def test_tokens_are_estimated_where_nobody_counts(provider: Gemini) -> None:
    assert (await provider.count_tokens(ask())).estimated

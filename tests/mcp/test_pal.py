"""The real PAL MCP Server, behind it llmock as its model's server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tamma.errors import ModelNotFound, Overloaded
from tamma.model.conversation import FinishReason, Message, Request, Role, Text, user
from tamma.providers.interface import ProviderSettings, complete
from tamma.providers.mcp.provider import ZenMcp
from tests.support.peers import peer

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

pytest.importorskip("llmock", reason="llmock is not installed")
pytestmark = [pytest.mark.peers, pytest.mark.timeout(180)]
MODEL = "local-llama"
"""The name under which PAL's own registry knows whatever a custom endpoint serves."""


def settings(folder: Path, url: str) -> ProviderSettings:
    server = {
        "command": str(peer("pal/bin/pal-mcp-server")),
        "env": {"CUSTOM_API_URL": url, "DEFAULT_MODEL": MODEL, "HOME": str(folder)},
    }
    options = {"server": server, "apiKeyVariable": "CUSTOM_API_KEY"}
    return ProviderSettings("pal", "zen-mcp", api_key="canary-key-1", model=MODEL, options=options)


@pytest.fixture
async def provider(tmp_path: Path, llmock: LLMock) -> AsyncGenerator[ZenMcp]:
    made = ZenMcp(settings(tmp_path, llmock.base_url("openai")))
    yield made
    await made.close()


def ask(*messages: Message) -> Request:
    return Request("", messages, system="You are terse.")


async def test_it_answers_with_the_models_words_alone(provider: ZenMcp, llmock: LLMock) -> None:
    llmock.reply("Grüße, 世界!")
    completion = await complete(provider, ask(user("Say hello.")))
    assert completion.message.text == "Grüße, 世界!"
    assert completion.finish.reason is FinishReason.STOP
    assert completion.finish.usage.estimated
    assert completion.finish.usage.output_total > 0
    assert completion.finish.cost.usd is None


async def test_a_conversation_goes_on_where_the_server_has_it(provider: ZenMcp, llmock: LLMock) -> None:
    llmock.reply("I will remember 4711.")
    question = user("Remember the number 4711.")
    first = await complete(provider, ask(question))
    llmock.reply("It was 4711.")
    again = (question, Message(Role.ASSISTANT, (Text(first.message.text),)), user("Which one was it?"))
    assert (await complete(provider, ask(*again))).message.text == "It was 4711."
    sent = str(llmock.requests[-1])
    assert sent.count("Remember the number 4711.") == 1, "once, from the server's own record"
    assert "Which one was it?" in sent


async def test_a_conversation_that_the_server_lost_is_sent_whole(provider: ZenMcp, llmock: LLMock) -> None:
    llmock.reply("I will remember 4711.")
    question = user("Remember the number 4711.")
    first = await complete(provider, ask(question))
    await provider.close()  # and with the server goes its memory
    llmock.reply("It was 4711.")
    again = (question, Message(Role.ASSISTANT, (Text(first.message.text),)), user("Which one was it?"))
    assert (await complete(provider, ask(*again))).message.text == "It was 4711."
    assert "Remember the number 4711." in str(llmock.requests[-1])


async def test_a_prompt_of_100_000_characters_is_taken(provider: ZenMcp, llmock: LLMock) -> None:
    llmock.reply("long indeed")
    assert (await complete(provider, ask(user("word " * 20_000)))).message.text == "long indeed"


async def test_a_model_that_it_does_not_know(provider: ZenMcp, llmock: LLMock) -> None:
    with pytest.raises(ModelNotFound, match="gpt-77"):
        await complete(provider, Request("gpt-77", (user("hello"),)))


async def test_check_and_models(provider: ZenMcp, llmock: LLMock) -> None:
    checked = await provider.check()
    assert checked.ok, checked.detail
    assert MODEL in checked.models
    assert next(model for model in await provider.models() if model.id == MODEL).context_window == 128_000


async def test_a_model_server_that_is_down(tmp_path: Path) -> None:
    provider = ZenMcp(settings(tmp_path, "http://127.0.0.1:9/v1"))
    try:
        with pytest.raises(Overloaded, match="Connection error"):
            await complete(provider, ask(user("hello")))
    finally:
        await provider.close()

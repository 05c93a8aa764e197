"""The OpenAI adapter against a real model: llama.cpp serves a small one over the Responses API, too."""

from __future__ import annotations

import pytest

from tamma.errors import ContextOverflow
from tamma.model.conversation import FinishReason, Message, Request, Role, Text, TextDelta, user
from tamma.providers.interface import Folder, ProviderSettings, complete
from tamma.providers.openai.provider import OpenAI
from tests.support.local_model import local_model

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]
CONVERSATION = (
    user("Say hello in one short sentence."),
    Message(Role.ASSISTANT, (Text("Hello."),)),
    user("And now goodbye."),
)
ASKED = Request("smol", CONVERSATION, system="Be brief.", max_output_tokens=24)


async def test_a_real_model_answers_over_the_responses_api() -> None:
    """One server for all that is asked: loading the model takes longer than asking."""
    async with local_model() as url:
        settings = ProviderSettings("smol", "openai", api_key="canary-key", base_url=url, stall_timeout=120)
        # Each with connections of its own: the server hangs up after a stream, and a call that meets it doing
        # so is one for Temporal to repeat.
        for ask in (a_check, a_streamed_answer, a_count, too_long_a_prompt):
            provider = OpenAI(settings)
            try:
                await ask(provider)
            finally:
                await provider.close()


async def a_check(provider: OpenAI) -> None:
    assert (await provider.check()).ok


async def too_long_a_prompt(provider: OpenAI) -> None:
    with pytest.raises(ContextOverflow):
        await complete(provider, Request("smol", (user("word " * 4000),)))


async def a_streamed_answer(provider: OpenAI) -> None:
    folder, pieces = Folder(), 0
    async for event in provider.stream(ASKED):
        folder.add(event)
        pieces += isinstance(event, TextDelta)
    completion = folder.completion()
    assert pieces > 1, "the answer should come in pieces"
    assert completion.message.text.strip()
    assert completion.finish.reason in (FinishReason.STOP, FinishReason.LENGTH)
    assert 0 < completion.finish.usage.output_total <= 24
    assert completion.finish.usage.input_total > 5


async def a_count(provider: OpenAI) -> None:
    counted = await provider.count_tokens(ASKED)
    assert not counted.estimated
    assert counted.tokens > 5

"""The OpenAI adapter against a real model: llama.cpp serves a small one over the Responses API, too."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tamma.errors import ContextOverflow
from tamma.model.conversation import FinishReason, Message, Request, Role, Text, TextDelta, user
from tamma.providers.interface import Folder, ProviderSettings, complete
from tamma.providers.openai.provider import OpenAI
from tests.providers.test_local_model import STARTUP, gguf
from tests.support.peers import free_port

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]
CONVERSATION = (
    user("Say hello in one short sentence."),
    Message(Role.ASSISTANT, (Text("Hello."),)),
    user("And now goodbye."),
)
ASKED = Request("smol", CONVERSATION, system="Be brief.", max_output_tokens=24)


async def test_a_real_model_answers_over_the_responses_api() -> None:
    """One server for all that is asked: loading the model takes longer than asking."""
    model, port = gguf(), free_port()
    helper = Path(__file__).parent.parent / "support" / "serve_gguf.py"
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, str(helper), str(model), str(port)),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/v1"
    settings = ProviderSettings("smol", "openai", api_key="canary-key", base_url=url, stall_timeout=120)
    provider = OpenAI(settings)
    try:
        async with asyncio.timeout(STARTUP):
            while not (await provider.check()).ok:
                assert server.returncode is None, f"the model server ended with {server.returncode}"
                await asyncio.sleep(0.1)
        await a_streamed_answer(provider)
        await a_count(provider)
        with pytest.raises(ContextOverflow):
            await complete(provider, Request("smol", (user("word " * 4000),)))
    finally:
        await provider.close()
        server.terminate()
        await server.wait()


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

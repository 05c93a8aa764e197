"""One real model: SmolLM2 (135 million parameters) behind llama.cpp's own server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tamma.errors import ContextOverflow
from tamma.model.conversation import (
    CostSource,
    FinishReason,
    Message,
    Request,
    Role,
    Start,
    Text,
    TextDelta,
    user,
)
from tamma.providers.interface import Folder, ProviderSettings, complete
from tamma.providers.local.detect import root_of
from tamma.providers.local.provider import LocalLLM
from tests.support.local_model import local_model

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[str]:
    async with local_model() as url:
        yield url


@pytest_asyncio.fixture(loop_scope="module")
async def provider(server: str) -> AsyncIterator[LocalLLM]:
    """With connections of its own: the server hangs up after a stream, and the next call may meet it so."""
    made = LocalLLM(ProviderSettings("smol", "local-llm", base_url=server, stall_timeout=120))
    yield made
    await made.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_real_model_streams_an_answer(provider: LocalLLM) -> None:
    request = Request("", (user("Say hello in one short sentence."),), max_output_tokens=24, temperature=0.0)
    folder, pieces, starts = Folder(), 0, 0
    async for event in provider.stream(request):
        folder.add(event)
        pieces += isinstance(event, TextDelta)
        starts += isinstance(event, Start)
    completion = folder.completion()
    assert starts == 1
    assert pieces > 1, "the answer should come in pieces"
    assert completion.message.text.strip()
    assert completion.finish.reason in (FinishReason.STOP, FinishReason.LENGTH)
    assert 0 < completion.finish.usage.output_total <= 24
    assert completion.finish.usage.input_total > 5
    assert not completion.finish.usage.estimated
    assert completion.finish.cost.source is CostSource.UNKNOWN


@pytest.mark.asyncio(loop_scope="module")
async def test_the_server_says_what_it_can_do(provider: LocalLLM) -> None:
    """Found out as llama.cpp: a plain server would know neither its window nor count tokens."""
    (listed,) = await provider.models()
    assert not (await provider.count_tokens(Request("", (user("hello"),)))).estimated
    able = provider.capabilities(listed.id)
    assert (able.context_window, able.token_counting, able.vision) == (2048, True, False)
    assert able.tools is False  # its template knows none
    assert "llama.cpp" in able.source


@pytest.mark.asyncio(loop_scope="module")
async def test_tokens_are_counted_as_they_are_charged(provider: LocalLLM) -> None:
    request = Request(
        "",
        (
            user("How many tokens are this? Grüße, 世界!"),
            Message(Role.ASSISTANT, (Text("Some."),)),
            user("Sure?"),
        ),
        system="Be brief.",
        max_output_tokens=2,
    )
    counted = await provider.count_tokens(request)
    assert counted.tokens == (await complete(provider, request)).finish.usage.input_total


@pytest.mark.asyncio(loop_scope="module")
async def test_the_address_may_lack_its_v1(provider: LocalLLM) -> None:
    base_url = provider.settings.base_url
    assert base_url is not None
    bare = LocalLLM(replace(provider.settings, base_url=root_of(base_url)))
    request = Request("", (user("Say yes."),), max_output_tokens=4, temperature=0.0)
    assert (await complete(bare, request)).message.text
    await bare.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_real_context_overflows(provider: LocalLLM) -> None:
    with pytest.raises(ContextOverflow):
        await complete(provider, Request("", (user("word " * 4000),), max_output_tokens=8))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_real_model_can_be_held_to_a_schema(provider: LocalLLM) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": ["red", "blue"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    request = Request(
        "",
        (user("Which colour is the sky? Answer as JSON."),),
        output_schema=schema,
        max_output_tokens=40,
        temperature=0.0,
    )
    answer = json.loads((await complete(provider, request)).message.text)
    assert answer["colour"] in ("red", "blue")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_real_check_lists_the_model(provider: LocalLLM) -> None:
    checked = await provider.check()
    assert checked.ok
    assert len(checked.models) == 1

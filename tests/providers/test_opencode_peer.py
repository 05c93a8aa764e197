"""A real `opencode serve` in front of a model's service of ours that breaks: what the contract leaves out.

One sidecar serves nearly all tests: it takes seconds to start.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import psutil
import pytest
import pytest_asyncio

from tamma.errors import (
    AuthFailed,
    ModelNotFound,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    StreamInterrupted,
)
from tamma.model.conversation import (
    CostSource,
    FinishReason,
    Message,
    Request,
    Role,
    StreamEvent,
    Text,
    TextDelta,
    user,
)
from tamma.providers.interface import complete
from tamma.providers.opencode.server import OpenCodeServer
from tests.providers.refusals import REFUSALS
from tests.providers.vendors.base import KEY, Call, Refusal, Said, broken_off
from tests.providers.vendors.chat import DONE, LocalVendor, openai_chunk, openai_usage
from tests.providers.vendors.opencode import MODEL, settings
from tests.support.pace import PROMPT
from tests.support.processes import command_of, eventually
from tests.support.raw_http import Answer, RawServer, json_answer

pytestmark = [pytest.mark.peers, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]
CHAT = LocalVendor()


@dataclass
class World:
    """A provider with its sidecar, and the model's service behind it."""

    provider: OpenCodeServer
    model: RawServer

    def answers(self, *answers: Answer) -> None:
        self.model.answers = list(answers)
        self.model.received.clear()
        self.model.hung_up.clear()

    def says(self, *pieces: str, **more: Any) -> None:
        self.answers(Answer(CHAT.wire(Said(pieces, **more))))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[World]:
    async with RawServer(Answer([])) as model:
        provider = OpenCodeServer(settings(model.url))
        yield World(provider, model)
        await provider.close()


def family() -> list[psutil.Process]:
    """The sidecar's processes, the keeper first."""
    below = psutil.Process().children(recursive=True)
    return [process for process in below if "opencode" in command_of(process)]


def server() -> tuple[str, str]:
    """Address and password of the sidecar."""
    process = family()[-1]
    (port,) = {found.laddr.port for found in process.net_connections() if found.status == psutil.CONN_LISTEN}
    return f"http://127.0.0.1:{port}", process.environ()["OPENCODE_SERVER_PASSWORD"]


def sessions() -> list[Any]:
    """Those that the sidecar still has."""
    url, password = server()
    with httpx2.Client(trust_env=False, timeout=20) as client:
        return client.get(f"{url}/session", auth=("opencode", password)).json()


async def rest(stream: AsyncIterator[StreamEvent]) -> list[StreamEvent]:
    return [event async for event in stream]


def ask(*said: Message, **more: Any) -> Request:
    return Request(MODEL, said or (user("hello"),), **more)


async def test_the_model_gets_our_words_and_no_tool(world: World) -> None:
    world.says("Grüße, ", "世界!")
    history = (user("one"), Message(Role.ASSISTANT, (Text("two"),)), user("three"))
    completion = await complete(world.provider, ask(*history, system="Be brief."))
    assert completion.message.text == "Grüße, 世界!"
    assert completion.finish.cost.source is CostSource.UNKNOWN
    (request,) = world.model.received
    assert "tools" not in request.body
    system, question = request.body["messages"]
    assert "Be brief." in system["content"]
    assert "You are opencode" not in system["content"]
    assert "=== assistant\ntwo" in question["content"]
    assert request.headers["authorization"] == f"Bearer {KEY}"


async def test_usage_takes_in_cache_and_reasoning(world: World) -> None:
    usage = openai_usage(
        100,
        50,
        total_tokens=150,
        prompt_tokens_details={"cached_tokens": 40},
        completion_tokens_details={"reasoning_tokens": 20},
    )
    world.answers(Answer([openai_chunk({"content": "x"}), openai_chunk({}, "stop"), usage, DONE]))
    found = (await complete(world.provider, ask())).finish.usage
    assert (found.input_total, found.cache_read, found.output_total, found.reasoning) == (100, 40, 50, 20)


async def test_a_call_of_a_tool_runs_nothing_and_ends_the_answer(world: World) -> None:
    world.says("I look.", calls=[Call("c1", "bash", '{"command": "true"}')])
    completion = await complete(world.provider, ask())
    assert completion.message.tool_calls == ()
    assert completion.finish.reason is FinishReason.UNKNOWN
    # It goes on by itself until its session is ended, which takes a moment, and no longer.
    await eventually(lambda: not sessions())
    world.says("hello")
    assert (await complete(world.provider, ask())).message.text == "hello"
    assert len(world.model.received) == 1


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
async def test_each_refusal_is_told_and_not_retried(world: World, refusal: Refusal) -> None:
    error = CHAT.error_body(refusal.status, refusal.kind, f"{refusal.message}, {KEY}")
    world.answers(json_answer(error, refusal.status))
    with pytest.raises(ProviderError) as caught:
        await complete(world.provider, ask())
    assert type(caught.value) is refusal.expected
    assert KEY not in str(caught.value)
    assert len(world.model.received) == 1


async def test_a_truncated_stream_is_no_answer(world: World) -> None:
    world.answers(broken_off(CHAT))
    with pytest.raises((StreamInterrupted, Overloaded)):
        await complete(world.provider, ask())
    world.says("well again")
    assert (await complete(world.provider, ask())).message.text == "well again"


async def test_an_unknown_model(world: World) -> None:
    with pytest.raises(ModelNotFound):
        await complete(world.provider, replace(ask(), model="mock/m9"))


async def test_closing_the_iterator_hangs_up(world: World) -> None:
    world.answers(broken_off(CHAT, "hang"))
    async with aclosing(world.provider.stream(ask())) as stream:
        async for event in stream:
            if isinstance(event, TextDelta):
                break
    await asyncio.wait_for(world.model.hung_up.wait(), PROMPT)


async def test_cancelling_the_reader_hangs_up(world: World) -> None:
    world.answers(broken_off(CHAT, "hang"))
    reading = asyncio.Event()

    async def read() -> None:
        async for event in world.provider.stream(ask()):
            if isinstance(event, TextDelta):
                reading.set()

    task = asyncio.create_task(read())
    await asyncio.wait_for(reading.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(world.model.hung_up.wait(), PROMPT)


async def test_a_call_has_its_limit(world: World) -> None:
    world.answers(broken_off(CHAT, "hang"))
    with pytest.raises(ProviderTimeout):
        await complete(world.provider, ask(timeout=3.0))
    await asyncio.wait_for(world.model.hung_up.wait(), PROMPT)


async def test_a_stall_times_out(world: World) -> None:
    await world.provider.check()
    url, password = server()
    hasty = OpenCodeServer(
        replace(world.provider.settings, base_url=url, api_key=password, options={}, stall_timeout=5.0)
    )
    world.answers(broken_off(CHAT, "hang"))
    with pytest.raises(ProviderTimeout):
        await complete(hasty, ask())
    await asyncio.wait_for(world.model.hung_up.wait(), PROMPT)
    await hasty.close()


async def test_the_models_are_those_of_the_configured_provider(world: World) -> None:
    checked = await world.provider.check()
    assert checked.ok
    assert set(checked.models) == {"mock/m1", "mock/claude-sonnet-5-5"}


async def test_a_running_server_is_joined(world: World) -> None:
    await world.provider.check()
    url, password = server()
    joined = OpenCodeServer(replace(world.provider.settings, base_url=url, api_key=password, options={}))
    world.says("hello")
    assert (await complete(joined, ask())).message.text == "hello"
    await joined.close()
    stranger = OpenCodeServer(replace(joined.settings, api_key="canary-wrong"))
    with pytest.raises(AuthFailed):
        await complete(stranger, ask())
    await stranger.close()
    assert (await world.provider.check()).ok


async def test_no_secret_is_told_to_the_process_list(world: World) -> None:
    await world.provider.check()
    words = " ".join(" ".join(process.cmdline()) for process in family())
    assert "serve --pure" in words
    assert server()[1] not in words
    assert KEY not in words


async def test_one_that_dies_is_told_and_started_again_and_closing_leaves_nothing(world: World) -> None:
    world.answers(broken_off(CHAT, "hang"))
    stream = world.provider.stream(ask())
    while not isinstance(await anext(stream), TextDelta):
        pass
    os.kill(family()[-1].pid, signal.SIGKILL)
    with pytest.raises(StreamInterrupted, match="OpenCode ended"):
        await rest(stream)
    world.says("hello")
    assert (await complete(world.provider, ask())).message.text == "hello"
    processes = family()
    folders = {process.cwd() for process in processes}
    await world.provider.close()
    await eventually(lambda: not any(process.is_running() for process in processes))
    assert not any(map(os.path.exists, folders))

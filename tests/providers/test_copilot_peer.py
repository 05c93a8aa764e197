"""The real Copilot CLI, offline, in front of llmock or a server that breaks: what the contract leaves out."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tamma.errors import (
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    StreamInterrupted,
)
from tamma.model.conversation import (
    CostSource,
    Finish,
    FinishReason,
    Message,
    Request,
    Role,
    Start,
    StreamEvent,
    Text,
    TextDelta,
    Tool,
    UsageUpdate,
    user,
)
from tamma.providers.copilot.provider import GitHubCopilot
from tamma.providers.interface import complete
from tests.providers.refusals import REFUSALS
from tests.providers.vendors.base import KEY, Call, Said, ask, broken_off
from tests.providers.vendors.chat import LocalVendor
from tests.providers.vendors.copilot import settings
from tests.support.pace import PROMPT
from tests.support.peers import free_port
from tests.support.processes import command_of, eventually
from tests.support.raw_http import Answer, RawServer, json_answer

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

pytestmark = [pytest.mark.peers, pytest.mark.timeout(120)]
pytest.importorskip("llmock", reason="llmock is not installed")

TOOL = Tool("bash", "runs", {"type": "object", "properties": {"command": {"type": "string"}}})
CHAT = LocalVendor()


@pytest.fixture
async def provider(llmock: LLMock) -> AsyncIterator[GitHubCopilot]:
    made = GitHubCopilot(settings(llmock.url))
    yield made
    await made.close()


async def test_the_model_gets_our_words_and_nothing_else(provider: GitHubCopilot, llmock: LLMock) -> None:
    llmock.reply("Grüße, 世界!").reply("again")
    history = (user("one"), Message(Role.ASSISTANT, (Text("two"),)), user("three"))
    completion = await complete(provider, Request("m1", history, system="Be brief.", tools=(TOOL,)))
    assert completion.message.text == "Grüße, 世界!"
    assert completion.finish.cost.source is CostSource.UNKNOWN
    await complete(provider, Request("m1", (user("as it is"),)))
    first, second = (request.body for request in llmock.requests)
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    assert first["messages"][0]["content"] == "Be brief."
    assert "=== assistant\ntwo" in first["messages"][1]["content"]
    assert "datetime" not in json.dumps(first)
    assert [tool["function"]["name"] for tool in first["tools"]] == ["bash"]
    assert "tools" not in second
    assert second["messages"][-1]["content"] == "as it is"


async def test_a_call_of_a_tool_ends_the_turn(
    provider: GitHubCopilot, llmock: LLMock, tmp_path: Path
) -> None:
    llmock.call_tool("bash", {"command": f"touch {tmp_path}/ran"}, text="I look.")
    completion = await complete(provider, ask(tools=(TOOL,)))
    (call,) = completion.message.tool_calls
    assert json.loads(call.args_json)["command"].startswith("touch")
    assert completion.finish.reason is FinishReason.TOOL_CALLS
    await provider.close()
    assert len(llmock.requests) == 1
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("args", ['{"path": ', "[1, 2]", "{}"])
async def test_the_runtime_does_not_go_on_by_itself(args: str) -> None:
    """It would tell the model about an unknown tool or broken arguments, and call it again, and again."""
    async with RawServer(Answer(CHAT.wire(Said([], [Call("c1", "view", args)])))) as server:
        provider = GitHubCopilot(settings(server.url))
        completion = await complete(provider, ask())
        assert len(completion.message.tool_calls) == 1
        await provider.close()
        assert len(server.received) == 1


async def test_a_short_answer_is_not_continued() -> None:
    """The runtime asks for more by itself, up to twice. Here it may begin, so that there is one to stop."""
    cut = Answer(CHAT.wire(Said(["cut"], finish=FinishReason.LENGTH)))
    async with RawServer(cut, Answer(["hang"])) as server:
        provider = GitHubCopilot(settings(server.url))
        events: list[StreamEvent] = []
        async for event in provider.stream(ask()):
            events.append(event)
            if isinstance(event, UsageUpdate):
                await eventually(lambda: len(server.received) == 2)
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "cut"
        assert isinstance(events[-1], Finish)
        assert events[-1].reason is FinishReason.LENGTH
        await asyncio.wait_for(server.hung_up.wait(), 30)  # while the runtime lives
        assert family()
        await provider.close()
        assert len(server.received) == 2


async def test_each_refusal_is_told_and_not_retried() -> None:
    async with RawServer(Answer([])) as server:
        provider = GitHubCopilot(settings(server.url))
        for number, refusal in enumerate(REFUSALS, start=1):
            error = CHAT.error_body(refusal.status, refusal.kind, f"{refusal.message}, {KEY}")
            server.answers = [json_answer(error, refusal.status)]
            with pytest.raises(ProviderError) as caught:
                await complete(provider, ask())
            assert (type(caught.value), len(server.received)) == (refusal.expected, number), str(refusal)
            assert KEY not in str(caught.value)
        await provider.close()
        assert len(server.received) == len(REFUSALS)


@pytest.mark.parametrize("fault", ["disconnect", "truncate", "corrupt"])
async def test_a_broken_stream(provider: GitHubCopilot, llmock: LLMock, fault: str) -> None:
    llmock.reply("one two three four five six")
    getattr(llmock, fault)(after_chunks=3)
    with pytest.raises(StreamInterrupted):
        await complete(provider, ask())
    llmock.reply("well again")
    assert (await complete(provider, ask())).message.text == "well again"


async def test_nobody_there() -> None:
    provider = GitHubCopilot(settings(f"http://127.0.0.1:{free_port()}"))
    with pytest.raises((ProviderUnreachable, StreamInterrupted)):
        await complete(provider, ask())
    await provider.close()


async def test_closing_the_iterator_hangs_up() -> None:
    async with RawServer(broken_off(CHAT, "hang")) as server:
        provider = GitHubCopilot(settings(server.url))
        async with aclosing(provider.stream(ask())) as stream:
            async for event in stream:
                if isinstance(event, TextDelta):
                    break
        await asyncio.wait_for(server.hung_up.wait(), PROMPT)
        await provider.close()


async def test_cancelling_the_reader_hangs_up() -> None:
    async with RawServer(broken_off(CHAT, "hang")) as server:
        provider = GitHubCopilot(settings(server.url))
        reading = asyncio.Event()

        async def read() -> None:
            async for event in provider.stream(ask()):
                if isinstance(event, TextDelta):
                    reading.set()

        task = asyncio.create_task(read())
        await asyncio.wait_for(reading.wait(), 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.hung_up.wait(), PROMPT)
        await provider.close()


async def test_a_stall_times_out() -> None:
    async with RawServer(broken_off(CHAT, "hang")) as server:
        provider = GitHubCopilot(replace(settings(server.url), stall_timeout=3.0))
        with pytest.raises(ProviderTimeout):
            await complete(provider, ask())
        await provider.close()


async def rest(stream: AsyncIterator[StreamEvent]) -> list[StreamEvent]:
    return [event async for event in stream]


def family() -> list[psutil.Process]:
    """The CLI's processes and their keepers, below ours."""
    return [child for child in psutil.Process().children(recursive=True) if "copilot" in command_of(child)]


async def test_a_runtime_that_dies_is_told_and_started_again() -> None:
    async with RawServer(broken_off(CHAT, "hang")) as server:
        provider = GitHubCopilot(settings(server.url))
        stream = provider.stream(ask())
        while not isinstance(await anext(stream), TextDelta):
            pass
        os.kill(family()[-1].pid, signal.SIGKILL)
        with pytest.raises(StreamInterrupted, match="runtime ended"):
            await rest(stream)
        async with aclosing(provider.stream(ask())) as stream:
            assert isinstance(await anext(stream), Start)  # by another one
        await provider.close()


async def test_closing_leaves_no_process_and_no_folder(provider: GitHubCopilot, llmock: LLMock) -> None:
    llmock.reply("hello")
    await complete(provider, ask())
    processes = family()
    folders = {process.cwd() for process in processes}
    assert processes
    await provider.close()
    await eventually(lambda: not any(process.is_running() for process in processes))
    assert not any(map(os.path.exists, folders))


async def test_its_environment_holds_no_secret_of_ours(
    provider: GitHubCopilot, llmock: LLMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "canary-token")
    llmock.reply("hello")
    await complete(provider, ask())
    for process in family():
        assert "canary" not in json.dumps(process.environ())
        assert KEY not in " ".join(process.cmdline())


async def test_the_check_names_the_model(provider: GitHubCopilot) -> None:
    checked = await provider.check()
    assert checked.ok
    assert checked.models == (provider.settings.model,)

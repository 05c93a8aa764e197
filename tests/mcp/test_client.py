"""The MCP client against servers that do what they should not."""

from __future__ import annotations

import asyncio
import json
import resource
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from tamma.errors import (
    ConfigError,
    InvalidRequest,
    ProviderTimeout,
    ProviderUnreachable,
    StreamInterrupted,
    TammaError,
)
from tamma.mcp.client import MOST_TOOLS, McpClient
from tamma.mcp.server import McpServer, problems
from tests.mcp.scripts import scripted
from tests.support.pace import PROMPT

CANARY = "canary-0123456789"


@asynccontextmanager
async def client_of(server: McpServer, max_traffic: int = 4_000_000) -> AsyncGenerator[McpClient]:
    client = McpClient(server, max_traffic=max_traffic)
    try:
        yield client
    finally:
        await client.close()


async def pid_of(client: McpClient) -> int:
    return int((await client.call("chat", {})).text)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(120):
        while not condition():  # noqa: ASYNC110 - processes are no events
            await asyncio.sleep(0.01)


async def gone(pid: int) -> None:
    await until(lambda: not psutil.pid_exists(pid))


def children() -> list[psutil.Process]:
    """The scripts that run for this test. A child that another test left, and that has ended, is none."""
    return [child for child in psutil.Process().children() if "mcp_script" in command_of(child)]


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


async def test_a_tool_is_called_and_answers() -> None:
    async with client_of(scripted(mode="echo")) as client:
        answer = await client.call("chat", {"prompt": "Grüße 🦜\u2028\n"})
        assert json.loads(answer.text) == {"prompt": "Grüße 🦜\u2028\n"}
        assert not answer.is_error


async def test_calls_run_side_by_side() -> None:
    async with client_of(scripted(mode="echo")) as client:
        answers = await asyncio.gather(*(client.call("chat", {"n": n}) for n in range(20)))
        assert [json.loads(answer.text)["n"] for answer in answers] == list(range(20))


async def test_all_pages_of_tools_are_read() -> None:
    tools = [
        {
            "name": f"t{n}",
            "inputSchema": {"type": "object"},
            "annotations": {"readOnlyHint": n == 1},
        }
        for n in range(7)
    ]
    async with client_of(scripted(tools=tools, page=3)) as client:
        found = await client.tools()
        assert [tool.name for tool in found] == [f"t{n}" for n in range(7)]
        assert [tool.read_only for tool in found[:3]] == [False, True, False]


async def test_pages_without_end_are_not_read_for_ever() -> None:
    async with client_of(scripted(endless=True)) as client:
        assert len(await client.tools()) <= MOST_TOOLS


async def test_content_that_is_no_text_is_named() -> None:
    content = [
        {"type": "text", "text": "a"},
        {"type": "image", "data": "AAAA", "mimeType": "image/png"},
        {"type": "resource", "resource": {"uri": "file:///x", "text": "inside"}},
    ]
    result = {"content": content, "structuredContent": {"k": 1}}
    async with client_of(scripted(answers=[result])) as client:
        answer = await client.call("chat", {})
        assert answer.text == "a\n[image of type image/png, not shown]\ninside"
        assert answer.data == {"k": 1}


# --- the child -----------------------------------------------------------------------------------


async def test_the_child_sees_a_minimal_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    async with client_of(scripted(mode="environment", env={"DECLARED": "yes"})) as client:
        seen, folder = json.loads((await client.call("chat", {})).text)
        assert seen.pop("DECLARED") == "yes"
        assert set(seen) <= {"PATH", "HOME", "LANG", "LC_CTYPE"}  # Python itself sets the last one
        assert folder == str(Path(seen["HOME"]).resolve())  # noqa: ASYNC240 - a look at the disk


async def test_closing_ends_the_child() -> None:
    async with client_of(scripted(mode="pid")) as client:
        pid = await pid_of(client)
        assert psutil.pid_exists(pid)
        await client.close()
        await gone(pid)
        assert await pid_of(client) != pid  # and it may be used again


async def test_a_child_that_will_not_end_is_killed() -> None:
    async with client_of(scripted(mode="pid", undying=True)) as client:
        pid = await pid_of(client)
        await client.close()
        await gone(pid)


async def test_a_cancelled_start_leaves_no_child() -> None:
    client = McpClient(scripted(deaf=True))
    starting = asyncio.create_task(client.connect())
    await until(children)
    (child,) = children()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await gone(child.pid)


# --- what goes wrong -----------------------------------------------------------------------------


async def test_a_server_that_dies_is_an_error_and_starts_again() -> None:
    async with client_of(scripted(mode="die", env={"CANARY": CANARY})) as client:
        for _ in range(2):
            with pytest.raises(StreamInterrupted, match=r"ended with 3.*out of cheese") as caught:
                await client.call("chat", {})
            assert CANARY not in str(caught.value)
            assert caught.value.may_retry
        assert [tool.name for tool in await client.tools()] == ["chat"]


async def test_a_death_fails_all_calls_under_way() -> None:
    async with client_of(scripted(mode="silent")) as client:
        calls = [asyncio.create_task(client.call("chat", {})) for _ in range(3)]
        await client.tools()
        (child,) = children()
        child.kill()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(outcome, StreamInterrupted) for outcome in outcomes), outcomes


@pytest.mark.parametrize("mode", ["garbage", "line", "notes", "questions", "stderr", "huge"])
async def test_a_flood_is_bounded(mode: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with client_of(scripted(mode=mode)) as client:
        begun = time.monotonic()
        with pytest.raises(InvalidRequest, match="more than"):
            await client.call("chat", {})
        assert time.monotonic() - begun < PROMPT * 2
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 150_000, f"{grown} kB"  # 4 MB of traffic; the SDK's import is most of it
        assert [tool.name for tool in await client.tools()] == ["chat"]


async def test_an_answer_that_never_comes_is_a_timeout() -> None:
    async with client_of(scripted(mode="silent", timeout=0.2)) as client:
        with pytest.raises(ProviderTimeout, match=r"within 0\.2 s"):
            await client.call("chat", {})


async def test_a_call_can_be_cancelled() -> None:
    async with client_of(scripted(mode="silent")) as client:
        await client.connect()
        call = asyncio.create_task(client.call("chat", {}))
        await client.tools()  # answered, so the call before it was sent
        begun = time.monotonic()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert time.monotonic() - begun < PROMPT


@pytest.mark.parametrize(
    ("mode", "expected", "words"),
    [("refuse", InvalidRequest, "Unknown tool"), ("nonsense", StreamInterrupted, "not MCP")],
)
async def test_bad_answers(mode: str, expected: type[TammaError], words: str) -> None:
    async with client_of(scripted(mode=mode)) as client:
        with pytest.raises(expected, match=words):
            await client.call("chat", {})
        assert await client.tools()


async def test_a_handshake_that_never_comes() -> None:
    server = scripted(deaf=True)
    hasty = McpServer("mine", command=server.command, args=server.args, start_timeout=0.3)
    async with client_of(hasty) as client:
        with pytest.raises(ProviderUnreachable, match="handshake"):
            await client.connect()


async def test_a_command_that_is_not_there() -> None:
    async with client_of(McpServer("mine", command="no-such-command-anywhere")) as client:
        with pytest.raises(ConfigError, match="cannot be started"):
            await client.connect()


async def test_a_command_that_ends_at_once() -> None:
    async with client_of(McpServer("mine", command="false")) as client:
        with pytest.raises(StreamInterrupted, match="ended with 1"):
            await client.connect()


async def test_an_old_answer_does_not_count_against_the_next_call() -> None:
    async with client_of(scripted(mode="large"), max_traffic=1_000_000) as client:
        for _ in range(4):
            assert len((await client.call("chat", {})).text) == 900_000


# --- configuration -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (McpServer("a"), "either a `command` or a `url`"),
        (McpServer("a", command="x", url="https://h"), "either a `command` or a `url`"),
        (McpServer("a", command="x", headers={"a": "b"}), "`headers`"),
        (McpServer("a", url="https://h", args=("x",)), "`args` or `env`"),
        (McpServer("a", url="http://example.com/mcp"), "plain http to 'example.com'"),
        (McpServer("a", url="ftp://h"), "no http"),
        (McpServer("a", url="https://h/mcp"), ""),
        (McpServer("a", url="http://127.0.0.1:1/mcp"), ""),
        (McpServer("a", url="http://[::1]:1/mcp"), ""),
        (McpServer("a", url="http://localhost:1/mcp"), ""),
        (McpServer("a", url="http://localhost.example.com/mcp"), "plain http"),
    ],
)
def test_what_is_wrong_with_a_server_is_said(server: McpServer, words: str) -> None:
    assert words in "; ".join(problems(server)) if words else problems(server) == []


def test_secrets_are_not_shown() -> None:
    server = McpServer("a", url=f"https://u:{CANARY}@h/mcp?k={CANARY}", headers={"authorization": CANARY})
    assert CANARY not in server.place
    assert CANARY not in server.clean(f"it said {CANARY}")
    assert f"'authorization': '{CANARY}'" not in repr(server)

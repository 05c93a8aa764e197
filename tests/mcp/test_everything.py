"""The client against the protocol's own demonstration server, over both transports."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tamma.errors import ProviderTimeout, ProviderUnreachable
from tamma.mcp.client import McpClient
from tamma.mcp.server import McpServer
from tests.support.peers import free_port, node, peer, running

pytestmark = [pytest.mark.peers, pytest.mark.timeout(180)]
PATH = "node_modules/@modelcontextprotocol/server-everything/dist/index.js"


@asynccontextmanager
async def everything(transport: str, folder: Path) -> AsyncGenerator[McpServer]:
    script = str(peer(PATH))
    if transport == "stdio":
        yield McpServer("everything", command=node(), args=(script, "stdio"), start_timeout=60)
        return
    port = free_port()

    async def ready() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    log = folder / "everything.log"
    async with running(node(), script, "streamableHttp", ready=ready, log=log, env={"PORT": str(port)}):
        yield McpServer("everything", url=f"http://127.0.0.1:{port}/mcp", start_timeout=60)


@pytest.fixture(params=["stdio", "http"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[McpClient]:
    async with everything(request.param, tmp_path) as server:
        made = McpClient(server)
        yield made
        await made.close()


async def test_its_tools_are_listed_and_called(client: McpClient) -> None:
    tools = {tool.name: tool for tool in await client.tools()}
    assert {"echo", "get-sum"} <= tools.keys()
    assert tools["echo"].input_schema["type"] == "object"
    assert (await client.call("echo", {"message": "Grüße 🦜"})).text == "Echo: Grüße 🦜"
    answers = await asyncio.gather(*(client.call("get-sum", {"a": n, "b": 1}) for n in range(8)))
    assert [str(n + 1) in answer.text for n, answer in enumerate(answers)] == [True] * 8


async def test_wrong_arguments_are_the_tools_error(client: McpClient) -> None:
    answer = await client.call("echo", {"wrong": 1})
    assert answer.is_error
    assert "message" in answer.text


async def test_images_are_named(client: McpClient) -> None:
    assert "[image of type image/png, not shown]" in (await client.call("get-tiny-image", {})).text


async def test_a_long_call_is_given_up_and_the_connection_stays(client: McpClient) -> None:
    slow = {"duration": 30, "steps": 30}
    with pytest.raises(ProviderTimeout):
        await client.call("trigger-long-running-operation", slow, timeout=0.5)
    assert (await client.call("echo", {"message": "still here"})).text == "Echo: still here"


async def test_a_call_with_progress_ends(client: McpClient) -> None:
    answer = await client.call("trigger-long-running-operation", {"duration": 1, "steps": 20})
    assert "completed" in answer.text


async def test_a_path_without_mcp(tmp_path: Path) -> None:
    async with everything("http", tmp_path) as server:
        client = McpClient(McpServer("wrong", url=f"{server.url}-not"))
        with pytest.raises(ProviderUnreachable, match="no MCP endpoint there"):
            await client.connect()
        await client.close()

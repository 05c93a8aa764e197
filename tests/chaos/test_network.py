"""The harness's own tools: a connection that is cut, a process that lost its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess

import pytest

from tests.chaos.orphans import descendants, inherited, orphans
from tests.chaos.proxy import proxy
from tests.support.processes import eventually


async def test_nothing_passes_while_it_is_cut_and_all_of_it_afterwards() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, proxy(f"127.0.0.1:{port}") as between:
        host, _, own = between.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(own))
        writer.write(b"one\n")
        assert await reader.readline() == b"one\n"
        between.cut()
        writer.write(b"two\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readline(), 0.2)
        between.heal()
        assert await reader.readline() == b"two\n"
        writer.close()


def test_what_a_killed_process_leaves_behind_is_found() -> None:
    before = descendants()
    with inherited():
        parent = subprocess.Popen(["sh", "-c", "sleep 61.3 & wait"], start_new_session=True)
        asyncio.run(eventually(lambda: len(orphans(before)) == 2))
        parent.kill()
        parent.wait()
        asyncio.run(eventually(lambda: list(orphans(before).values()) == ["sleep 61.3"]))
        (left,) = orphans(before)
        os.kill(left, signal.SIGKILL)
        os.waitpid(left, 0)
    assert not orphans(before)

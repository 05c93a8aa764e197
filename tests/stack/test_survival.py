"""kill -9 of everything, one after the other, on one real stack: nothing is lost, nothing is left over."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tamma.errors import ConfigError
from tamma.stack.interface import StackInfo, StackRequest, StackStatus
from tamma.stack.process import birth_of
from tamma.stack.stack import ensure_stack, stack_status
from tamma.store.database import connect as sql
from tamma.temporal.client import connect
from tests.support.processes import eventually
from tests.support.stack import idle_worker, until_gone

REQUEST = StackRequest(worker=idle_worker())


async def join(home: Path, request: StackRequest = REQUEST) -> StackInfo:
    return await ensure_stack(home, request)


async def came_back(home: Path, name: str, killed: int) -> StackStatus:
    """Wait until `name` runs again under another pid."""
    while True:
        status = await stack_status(home)
        service = next(s for s in status.services if s.name == name)
        if service.state == "running" and service.pid != killed:
            return status
        await asyncio.sleep(0.05)


def proc(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


async def test_join_gives_working_servers(stack_home: Path) -> None:
    info = await join(stack_home)

    client = await connect(info.temporal_address, info.namespace)
    connection = await sql(info.database_url)
    try:
        migrated = await connection.fetchval("SELECT max(version) FROM tamma_schema")
        superuser = await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    finally:
        await connection.close()

    assert client.namespace == "default"
    assert migrated >= 1
    assert superuser is False
    assert info.ui_url
    assert set(info.pids) == {"supervisor", "temporal", "postgres", "worker"}


async def test_join_again_starts_nothing(stack_home: Path) -> None:
    assert (await join(stack_home)).pids == (await join(stack_home)).pids


async def test_killed_temporal_comes_back_with_its_workflows(stack_home: Path) -> None:
    info = await join(stack_home)
    client = await connect(info.temporal_address, info.namespace)
    handle = await client.start_workflow("Nobody", id="survivor", task_queue="nobody-polls-here")

    os.kill(info.pids["temporal"], signal.SIGKILL)
    await came_back(stack_home, "temporal", info.pids["temporal"])

    again = await join(stack_home)
    assert again.temporal_address == info.temporal_address
    description = (
        await (await connect(again.temporal_address, again.namespace))
        .get_workflow_handle(handle.id)
        .describe()
    )
    assert description.status is not None
    assert description.status.name == "RUNNING"
    await handle.terminate()


async def test_killed_postgres_comes_back_with_its_rows(stack_home: Path) -> None:
    info = await join(stack_home)
    connection = await sql(info.database_url)
    await connection.execute("CREATE TABLE survivor (word text); INSERT INTO survivor VALUES ('kept')")
    await connection.close()

    os.kill(info.pids["postgres"], signal.SIGKILL)
    await came_back(stack_home, "postgres", info.pids["postgres"])

    connection = await sql((await join(stack_home)).database_url)
    try:
        assert await connection.fetchval("SELECT word FROM survivor") == "kept"
        await connection.execute("DROP TABLE survivor")
    finally:
        await connection.close()


async def test_killed_worker_comes_back(stack_home: Path) -> None:
    info = await join(stack_home)
    os.kill(info.pids["worker"], signal.SIGKILL)
    status = await came_back(stack_home, "worker", info.pids["worker"])
    assert next(s for s in status.services if s.name == "worker").restarts == 1


async def test_killed_supervisor_is_succeeded_by_one_that_adopts(stack_home: Path) -> None:
    before = await join(stack_home)
    os.kill(before.pids["supervisor"], signal.SIGKILL)
    await until_gone(before.pids["supervisor"])

    orphaned = await stack_status(stack_home)
    after = await join(stack_home)

    servers = {"temporal", "postgres", "worker"}
    assert not orphaned.running
    assert orphaned.orphans == {name: before.pids[name] for name in servers}
    assert {name: after.pids[name] for name in servers} == orphaned.orphans
    assert after.pids["supervisor"] != before.pids["supervisor"]
    status = await stack_status(stack_home)
    assert all(service.adopted for service in status.services)


@pytest.mark.parametrize("name", ["worker", "postgres", "temporal"])
async def test_adopted_servers_are_started_again_too(stack_home: Path, name: str) -> None:
    info = await join(stack_home)
    os.kill(info.pids[name], signal.SIGKILL)
    status = await came_back(stack_home, name, info.pids[name])
    assert not next(s for s in status.services if s.name == name).adopted


async def test_the_end_of_the_terminal_session_changes_nothing(stack_home: Path) -> None:
    info = await join(stack_home)
    supervisor = info.pids["supervisor"]
    os.kill(supervisor, signal.SIGHUP)
    assert (await join(stack_home)).pids == info.pids
    assert os.getsid(supervisor) != os.getsid(0)
    assert os.getsid(supervisor) != supervisor, "a session's leader could be given a terminal"


async def test_worker_is_replaced_when_its_configuration_changes(stack_home: Path) -> None:
    first = await join(stack_home)
    changed = StackRequest(worker=idle_worker("two", {"SOME_KEY": "canary-5f1c"}))

    await join(stack_home, changed)
    await came_back(stack_home, "worker", first.pids["worker"])

    await until_gone(first.pids["worker"])
    await eventually(lambda: "canary-5f1c" in (stack_home / "worker-env").read_text())
    settled = await join(stack_home, changed)
    assert (await join(stack_home, changed)).pids == settled.pids


async def test_a_command_without_the_key_leaves_the_worker_alone(stack_home: Path) -> None:
    with_key = StackRequest(worker=idle_worker("four;SOME_KEY=1", {"SOME_KEY": "canary-1b2e"}))
    await join(stack_home, with_key)
    await eventually(lambda: "canary-1b2e" in (stack_home / "worker-env").read_text())
    pids = (await join(stack_home, with_key)).pids
    assert (await join(stack_home, StackRequest(worker=idle_worker("four")))).pids == pids


async def test_worker_is_told_where_the_servers_are(stack_home: Path) -> None:
    info = await join(stack_home, StackRequest(worker=idle_worker("five", {"DATABASE_URL": "elsewhere"})))
    told = (
        f"'TAMMA_TEMPORAL_ADDRESS': '{info.temporal_address}'",
        "'TAMMA_TEMPORAL_NAMESPACE': 'default'",
        f"'DATABASE_URL': '{info.database_url}'",
        f"'TAMMA_HOME': '{stack_home}'",
    )
    await eventually(lambda: all(word in (stack_home / "worker-env").read_text() for word in told))


async def test_secrets_stay_out_of_files_and_arguments(stack_home: Path) -> None:
    info = await join(stack_home, StackRequest(worker=idle_worker("three", {"SOME_KEY": "canary-77aa"})))
    await eventually(lambda: "canary-77aa" in (stack_home / "worker-env").read_text())
    password = info.database_url.partition("://tamma:")[2].partition("@")[0]
    assert len(password) >= 32

    assert password not in repr(info)
    for name in ("state.json", "stack.log"):
        text = (stack_home / name).read_text()
        assert "canary-77aa" not in text
        assert password not in text
    for pid in (await join(stack_home, StackRequest())).pids.values():
        assert birth_of(pid)
        arguments = proc(pid, "cmdline")
        assert b"canary-77aa" not in arguments
        assert password.encode() not in arguments
    assert b"canary-77aa" not in proc(info.pids["supervisor"], "environ")


async def test_files_are_private(stack_home: Path) -> None:
    info = await join(stack_home)
    for name in ("stack.lock", "stack.log", "state.json", "postgres/password", "run/stack.sock"):
        assert (stack_home / name).stat().st_mode & 0o077 == 0, name
    with pytest.raises(ConfigError):
        await sql(info.database_url.replace("://tamma:", "://tamma:x"))
    with pytest.raises(ConfigError):
        await sql(info.database_url.replace("://tamma:", "://postgres:"))

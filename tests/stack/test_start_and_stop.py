"""Starting, joining and stopping in homes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tamma.errors import ConfigError, StackError
from tamma.stack.interface import StackRequest, WorkerSpec
from tamma.stack.paths import StackPaths
from tamma.stack.ports import next_free
from tamma.stack.process import birth_of
from tamma.stack.settings import dev_server_settings
from tamma.stack.stack import ensure_stack, stack_status, stop_stack
from tamma.store.database import connect as sql
from tests.support.processes import eventually
from tests.support.stack import idle_worker, short_home, stranger, until_gone

REQUEST = StackRequest(worker=idle_worker())
ELSEWHERE = StackRequest("127.0.0.1:1", "postgresql://nobody@127.0.0.1:1/x", idle_worker())
"""Both servers are somebody else's: a start takes no time."""


async def test_commands_at_once_start_one_stack_and_stop_leaves_nothing(fresh_home: Path) -> None:
    infos = await asyncio.gather(*(ensure_stack(fresh_home, REQUEST) for _ in range(3)))
    assert infos[0].pids == infos[1].pids == infos[2].pids

    connection = await sql(infos[0].database_url)
    await connection.execute("CREATE TABLE kept (n int)")
    await connection.close()
    assert await stop_stack(fresh_home) is True
    assert {name: birth_of(pid) for name, pid in infos[0].pids.items()} == dict.fromkeys(infos[0].pids)
    assert await stop_stack(fresh_home) is False
    status = await stack_status(fresh_home)
    assert (status.running, status.orphans) == (False, {})

    again = await ensure_stack(fresh_home, StackRequest())
    connection = await sql(again.database_url)
    assert await connection.fetchval("SELECT count(*) FROM kept") == 0
    await connection.close()


def test_processes_at_once_start_one_stack(fresh_home: Path) -> None:
    code = """
import asyncio, sys
from pathlib import Path
from tamma.stack.interface import StackRequest
from tamma.stack.stack import ensure_stack
request = StackRequest("127.0.0.1:1", "postgresql://x")
print(asyncio.run(ensure_stack(Path(sys.argv[1]), request)).pids["supervisor"])
"""
    root = Path(__file__).parents[2]
    argv = [sys.executable, "-c", code, str(fresh_home)]
    commands = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(4)]
    supervisors = {command.communicate(timeout=60)[0].strip() for command in commands}
    assert [command.returncode for command in commands] == [0] * 4
    assert len(supervisors) == 1


async def test_servers_from_outside_are_not_started(fresh_home: Path) -> None:
    info = await ensure_stack(fresh_home, ELSEWHERE)
    assert set(info.pids) == {"supervisor", "worker"}
    assert info.ui_url is None
    assert info.temporal_address == "127.0.0.1:1"
    await eventually((fresh_home / "worker-env").exists)
    await eventually(lambda: "postgresql://nobody@127.0.0.1:1/x" in (fresh_home / "worker-env").read_text())


async def test_stop_also_ends_what_a_killed_supervisor_left(fresh_home: Path) -> None:
    info = await ensure_stack(fresh_home, ELSEWHERE)
    os.kill(info.pids["supervisor"], signal.SIGKILL)
    await until_gone(info.pids["supervisor"])
    assert birth_of(info.pids["worker"])

    assert await stop_stack(fresh_home) is True
    assert birth_of(info.pids["worker"]) is None


async def test_supervisor_that_hangs_is_ended_by_stop(
    fresh_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamma.stack.stack.STOP_TIMEOUT", 0.5)
    monkeypatch.setattr("tamma.stack.stack.STATUS_TIMEOUT", 0.5)
    info = await ensure_stack(fresh_home, ELSEWHERE)
    os.kill(info.pids["supervisor"], signal.SIGSTOP)

    with pytest.raises(StackError, match="does not answer"):
        await stack_status(fresh_home)
    assert await stop_stack(fresh_home) is True
    assert [birth_of(pid) for pid in info.pids.values()] == [None, None]


async def test_recycled_pid_is_neither_adopted_nor_killed(fresh_home: Path) -> None:
    with stranger() as pid:
        old = {"pid": pid, "birth": "an earlier one"}
        state = {"supervisor": old, "services": {"worker": old}, "ports": None, "workerFingerprint": "one"}
        (fresh_home / "state.json").write_text(json.dumps(state))
        (fresh_home / "stack.lock").touch()

        info = await ensure_stack(fresh_home, ELSEWHERE)
        assert info.pids["worker"] != pid
        await stop_stack(fresh_home)
        assert birth_of(pid)


async def test_broken_state_and_stale_socket_do_not_matter(fresh_home: Path) -> None:
    (fresh_home / "state.json").write_text("{ not json")
    (fresh_home / "run").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(fresh_home / "run" / "stack.sock"))
    assert (await ensure_stack(fresh_home, ELSEWHERE)).pids["worker"]


async def test_taken_ports_are_stepped_over(fresh_home: Path) -> None:
    settings = dev_server_settings()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken = next_free(settings.ip, settings.port)
        other.bind((settings.ip, taken))
        other.listen()
        request = StackRequest(database_url="postgresql://somebody.else")
        info = await ensure_stack(fresh_home, request)
    assert int(info.temporal_address.rpartition(":")[2]) != taken
    assert (await stack_status(fresh_home)).ui_url == info.ui_url


async def test_data_of_another_postgres_is_refused(fresh_home: Path) -> None:
    data = fresh_home / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(StackError, match="PostgreSQL 16's; this version brings 18") as caught:
        await ensure_stack(fresh_home, StackRequest(temporal_address="127.0.0.1:1"))
    assert "pg_dump" in (caught.value.hint or "")


@pytest.mark.slow
async def test_lost_password_is_set_anew(fresh_home: Path) -> None:
    request = StackRequest(temporal_address="127.0.0.1:1")
    first = await ensure_stack(fresh_home, request)
    await stop_stack(fresh_home)
    (fresh_home / "postgres" / "password").unlink()

    second = await ensure_stack(fresh_home, request)
    assert second.database_url != first.database_url
    await (await sql(second.database_url)).close()


@pytest.mark.parametrize("home", ["/dev/null/tamma", "/proc/tamma"])
async def test_unwritable_home(home: str) -> None:
    with pytest.raises(ConfigError, match="cannot write to TAMMA_HOME") as caught:
        await ensure_stack(Path(home), StackRequest())
    assert "TAMMA_HOME" in (caught.value.hint or "")
    assert await stop_stack(Path(home)) is False


async def test_full_disk_is_told_before_anything_starts(
    fresh_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(fresh_home)._replace(free=10 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    with pytest.raises(StackError, match="only 10 MB left"):
        await ensure_stack(fresh_home, StackRequest())
    assert not (fresh_home / "stack.log").exists()


async def test_worker_that_cannot_start_is_told(fresh_home: Path) -> None:
    worker = WorkerSpec("x", {}, (str(fresh_home / "absent"),))
    with pytest.raises(StackError, match="worker could not be started") as caught:
        await ensure_stack(fresh_home, StackRequest("127.0.0.1:1", "postgresql://x", worker))
    assert "No such file" in str(caught.value)


async def test_home_with_a_long_path_gets_short_sockets() -> None:
    parent = short_home()
    home = parent / ("long" * 20) / "home"
    paths = StackPaths(home)
    try:
        assert len(os.fsencode(paths.postgres_socket_dir / ".s.PGSQL.5432")) <= 100
        info = await ensure_stack(home, StackRequest(temporal_address="127.0.0.1:1"))
        await (await sql(info.database_url)).close()
        assert paths.run.stat().st_mode & 0o077 == 0
    finally:
        await stop_stack(home)
        shutil.rmtree(parent)
        shutil.rmtree(paths.run, ignore_errors=True)


@pytest.mark.slow
async def test_removing_the_home_ends_the_stack(fresh_home: Path) -> None:
    info = await ensure_stack(fresh_home, ELSEWHERE)
    shutil.rmtree(fresh_home)
    await until_gone(*info.pids.values())

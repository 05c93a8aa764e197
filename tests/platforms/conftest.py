"""The platforms the contract suite runs over."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from tamma.model.repository import RepoRef
from tests.platforms.harness import (
    AnyHarness,
    EmulateHarness,
    GitHubHarness,
    MemoryHarness,
    PlainGitHarness,
    make_bare,
)
from tests.support.github_server import GitHubServer
from tests.support.openapi import github_description, specs_folder

_PEERS = Path(__file__).resolve().parents[2] / ".peers"
_repositories = count(1)


@pytest.fixture
def github_server(tmp_path: Path) -> Iterator[GitHubServer]:
    """An in-process GitHub; the test fails where a request or an answer is not as published."""
    description = github_description()
    if description is None:
        pytest.skip(f"GitHub's published description is not in {specs_folder()}: set TAMMA_SPECS")
    with GitHubServer(description, make_bare(tmp_path)) as server:
        yield server
    assert server.violations == []


@pytest.fixture(scope="session")
def emulate_url() -> Iterator[str]:
    """npm's emulate, for the whole session; every test gets a repository of its own."""
    node = _PEERS / "bin" / "node"
    program = _PEERS / "node_modules" / "emulate" / "dist" / "index.js"
    if not (node.exists() and program.exists()):
        pytest.skip("emulate is not installed below .peers (see tests/platforms/README.md)")
    seeds = "".join(f"    - {{owner: bot, name: hello{index}}}\n" for index in range(1, 60))
    config = _PEERS / "emulate-tests.yaml"
    config.write_text(
        "tokens:\n  bot-token: {login: bot, scopes: [repo, user]}\n"
        "github:\n  users:\n    - {login: bot}\n    - {login: other}\n  repos:\n" + seeds
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
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


@pytest.fixture(params=["memory", "github", pytest.param("emulate", marks=pytest.mark.peers)])
async def harness(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AnyHarness]:
    """Every platform with pull requests."""
    made: AnyHarness
    if request.param == "memory":
        made = MemoryHarness(tmp_path)
    elif request.param == "github":
        made = GitHubHarness(request.getfixturevalue("github_server"))
    else:
        repo = RepoRef("github", "bot", f"hello{next(_repositories)}")
        made = EmulateHarness(request.getfixturevalue("emulate_url"), repo)
    await made.platform.start()
    yield made
    await made.platform.close()


@pytest.fixture(params=["memory", "github", "plain-git", pytest.param("emulate", marks=pytest.mark.peers)])
async def forge(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[AnyHarness | PlainGitHarness]:
    """Every platform."""
    made: AnyHarness | PlainGitHarness
    if request.param == "plain-git":
        made = PlainGitHarness(tmp_path)
    elif request.param == "memory":
        made = MemoryHarness(tmp_path)
    elif request.param == "github":
        made = GitHubHarness(request.getfixturevalue("github_server"))
    else:
        repo = RepoRef("github", "bot", f"hello{next(_repositories)}")
        made = EmulateHarness(request.getfixturevalue("emulate_url"), repo)
    await made.platform.start()
    yield made
    await made.platform.close()

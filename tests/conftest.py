"""The ground every test stands on: no network, nothing of the user's, and no process left behind.

`make live` (`-m live`) is the exception: it keeps the network and the keys.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

from tests.guards import environment, network, processes

# An example that a busy machine makes slow is no fault. In CI Hypothesis has such a profile of its own.
hypothesis.settings.register_profile("unhurried", deadline=None)
if "CI" not in os.environ:
    hypothesis.settings.load_profile("unhurried")

_guard = pytest.StashKey[network.NetworkGuard]()
_home = pytest.StashKey[Path]()


def network_guard(config: pytest.Config) -> network.NetworkGuard:
    """The guard of this session; for tests that break the rule on purpose."""
    return config.stash[_guard]


def pytest_configure(config: pytest.Config) -> None:
    # Temporal's client may abort in its native threads when the interpreter ends right after its last call.
    atexit.register(time.sleep, 0.1)
    os.environ[processes.MARK] = uuid.uuid4().hex
    if config.getoption("markexpr") == "live":
        return
    # Directly below /tmp: a unix socket's path has 107 characters, and pytest's own folders use most of them.
    home = Path(tempfile.mkdtemp(prefix="tamma-t-", dir="/tmp"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    environment.prepare(home)
    config.stash[_home] = home
    config.stash[_guard] = network.install()


_LONG_FIRST = ("crash", "scenarios", "chaos", "workflows", "cli", "stack", "real_projects", "workspace")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Folders whose tests take seconds each come first: a long file that starts last is waited for."""
    here = Path(__file__).parent
    ranks = {here / name: rank for rank, name in enumerate(_LONG_FIRST)}

    def rank(item: pytest.Item) -> int:
        return next((ranks[each] for each in item.path.parents if each in ranks), len(ranks))

    items.sort(key=rank)


@pytest.fixture(scope="session", autouse=True)
def no_process_left_behind() -> Iterator[None]:
    """Fails the session when a process that a test started still runs. Set up first, so torn down last."""
    yield
    found = processes.leftovers(os.environ[processes.MARK], patience=20)
    processes.end(found)
    if found:
        listed = "\n".join(f"  {leftover}" for leftover in found)
        pytest.fail(f"still running when the last test had ended (now killed):\n{listed}", pytrace=False)


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test whose code tried to leave the machine, even if that code swallowed the refusal."""
    yield
    guard = request.config.stash.get(_guard, None)
    if guard is not None and (refused := guard.take_refusals()):
        pytest.fail(f"tests stay on this machine, but: {', '.join(refused)}", pytrace=False)


@pytest.fixture(autouse=True)
def tamma_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """TAMMA_HOME of this test: new, empty, and short enough for a socket below it."""
    parent = request.config.stash.get(_home, None)
    home = Path(tempfile.mkdtemp(prefix="h", dir=parent))
    monkeypatch.setenv("TAMMA_HOME", str(home))
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """A command that a test runs in this process configures logging for all that comes after it."""
    yield
    structlog.reset_defaults()

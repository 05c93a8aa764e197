"""Real repositories, real sandboxes, real git: nothing here is mocked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tamma.errors import SandboxUnavailable
from tamma.model.conversation import ToolCall
from tamma.store.memory import MemoryStore
from tamma.workspace.interface import ToolOutcome, WorkspaceSpec
from tamma.workspace.local import LocalWorkspace, LocalWorkspaces
from tamma.workspace.sandbox.host import choose_tier
from tamma.workspace.sandbox.profile import SandboxPolicy
from tamma.workspace.sandbox.tiers import Tier

BRANCH = "tamma/7-fix"


def quiet(_line: str) -> None:
    """Progress that nobody reads."""


def git(folder: Path, *arguments: str) -> str:
    """Plain git as a user would run it, untouched by the machine's configuration."""
    env = os.environ | {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@dataclass(frozen=True, slots=True)
class Origin:
    """The repository that workspaces are cloned from."""

    path: Path

    @property
    def sha(self) -> str:
        return git(self.path, "rev-parse", "main")

    def spec(self, workspace_id: str = "task-1", **changes: object) -> WorkspaceSpec:
        values: dict[str, object] = {
            "id": workspace_id,
            "clone_url": str(self.path),
            "base_branch": "main",
            "base_sha": self.sha,
            "branch": BRANCH,
        }
        return WorkspaceSpec(**(values | changes))  # pyright: ignore[reportArgumentType]  (test data)

    def commit(self, files: Mapping[str, str | bytes], message: str = "change") -> str:
        write(self.path, files)
        git(self.path, "add", "-A", "-f")
        git(self.path, "commit", "-qm", message)
        return self.sha


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


FILES: dict[str, str | bytes] = {
    "README.md": "# Sample\n",
    "src/app.py": "def add(a, b):\n    return a - b\n\n\ndef twice(a):\n    return a + a\n",
    "src/windows.txt": b"one\r\ntwo\r\nthree\r\n",
    "run.sh": "#!/bin/sh\necho run\n",
    ".gitignore": "ignored/\n*.log\n",
}


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short path that holds no secret of the test's own."""
    folder = Path(tempfile.mkdtemp(prefix="tw-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def origin(short: Path) -> Origin:
    path = short / "origin"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    found = Origin(path)
    write(path, FILES)
    (path / "run.sh").chmod(0o755)
    (path / "link").symlink_to("src/app.py")
    found.commit({}, "first")
    git(path, "tag", "v1.0")
    return found


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def workspaces(short: Path, store: MemoryStore) -> AsyncIterator[LocalWorkspaces]:
    """The best tier of this machine, nothing started ahead: most tests run one command."""
    found = LocalWorkspaces(short / "a/ws", store, sandbox=SandboxPolicy(prewarm=False))
    yield found
    await found.aclose()


@pytest.fixture
async def workspace(workspaces: LocalWorkspaces, origin: Origin) -> LocalWorkspace:
    spec = origin.spec()
    await workspaces.prepare(spec, quiet)
    return await workspaces.open(spec.id)


def tree_of(workspaces: LocalWorkspaces, workspace_id: str = "task-1") -> Path:
    return workspaces._layout(workspace_id).tree  # pyright: ignore[reportPrivateUsage]


def contents(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Every file below `folder` but git's: kind and mode, and content."""
    found: dict[str, tuple[str, bytes]] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name == ".git" or name.startswith(".git/"):
            continue
        if path.is_symlink():
            found[name] = ("link", os.fsencode(os.readlink(path)))
        elif path.is_file():
            kind = "executable" if path.stat().st_mode & 0o100 else "file"
            found[name] = (kind, path.read_bytes())
    return found


async def use(workspace: LocalWorkspace, tool: str, **arguments: object) -> ToolOutcome:
    return await workspace.execute(ToolCall("c1", tool, json.dumps(arguments)), quiet)


async def tier_or_skip(name: str, scratch: Path) -> Tier:
    """The tier `name`, or a visible skip that says why it does not work here."""
    try:
        return await choose_tier(SandboxPolicy(tiers=(name,), allow_none=True), scratch)
    except SandboxUnavailable as error:
        pytest.skip(f"the tier {name} does not work here: {error}")


def running(marker: str) -> list[int]:
    """Pids of this machine whose command line holds `marker`."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in line:
                found.append(int(entry.name))
    return found

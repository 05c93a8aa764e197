"""Clones that leave older contents out: what is fetched, what works, and what says that it is not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tamma.errors import CloneFailed
from tamma.platforms.interface import GitCredentials
from tamma.store.memory import MemoryStore
from tamma.workspace.history import affordable, changed_blobs, is_partial
from tamma.workspace.interface import ReplaySpec, WorkspaceSpec
from tamma.workspace.local import LocalWorkspaces
from tamma.workspace.sandbox.profile import SandboxPolicy
from tests.support.git_http import Answer, HttpGit, allow, serving
from tests.workspace.conftest import BRANCH, Origin, contents, git, quiet, tree_of, use, write

LOGIN = ("oauth2", "t0ken-canary")
CREDENTIALS = GitCredentials(*LOGIN)
OLD = "the oldest content, long gone\n"


@pytest.fixture
def server(origin: Origin) -> Iterator[HttpGit]:
    """The origin over HTTP, with a history: an old content, then many commits that do not touch it."""
    origin.commit({"old.txt": OLD}, "old")
    origin.commit({"old.txt": "new\n"}, "new")
    for number in range(4):
        origin.commit({"counter.txt": f"{number}\n" * 50}, f"count {number}")
    git(origin.path, "tag", "-am", "two", "v2.0")
    allow(origin.path)
    with serving(HttpGit(origin.path.parent, login=LOGIN)) as found:
        yield found


def spec_of(origin: Origin, server: HttpGit, **changes: Any) -> WorkspaceSpec:
    return replace(origin.spec(clone_url=server.url("origin/.git"), credentials=CREDENTIALS), **changes)


def lacks(folder: Path, sha: str) -> bool:
    """Whether the object is not in the repository itself."""
    listed = git(folder, "--git-dir=.", "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    return sha not in listed.split()


@pytest.fixture
def nothing_recent(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a history longer than what is fetched of it."""
    monkeypatch.setattr("tamma.workspace.history._COMMITS", 2)


async def test_the_newest_history_is_there_and_the_rest_says_that_it_is_not(
    workspaces: LocalWorkspaces, origin: Origin, server: HttpGit, nothing_recent: None
) -> None:
    spec = spec_of(origin, server)
    await workspaces.prepare(spec, quiet)
    workspace, folder = await workspaces.open(spec.id), tree_of(workspaces).parent
    assert is_partial(folder / "git")
    assert contents(folder / "tree") == contents(origin.path)
    old = git(origin.path, "rev-parse", "HEAD~5:old.txt")
    assert lacks(folder / "git", old)
    assert len([seen for seen in server.seen if seen.method == "POST"]) <= 7  # batches, not one by one
    shown = await use(
        workspace, "bash", command="git log -p -2 --format=%s; git describe; git log --oneline | wc -l"
    )
    assert shown.error_kind is None
    assert "+3" in shown.result.content
    assert shown.result.content.splitlines()[-2:] == ["v2.0", "7"]
    asked = len(server.seen)
    failed = await use(workspace, "bash", command="git log -p; echo $?; git blame old.txt")
    assert failed.result.content.count("older-contents-are-not-in-this-clone") == 2
    assert len(server.seen) == asked
    for command in ("git status --short", "git diff HEAD", "git diff --stat HEAD~1", "git show --stat HEAD"):
        assert (await use(workspace, "bash", command=command)).error_kind is None, command


async def test_a_change_is_put_onto_a_base_that_moved(
    workspaces: LocalWorkspaces, store: MemoryStore, origin: Origin, server: HttpGit, short: Path
) -> None:
    spec = spec_of(origin, server)
    await workspaces.prepare(spec, quiet)
    workspace = await workspaces.open(spec.id)
    write(tree_of(workspaces), {"counter.txt": "ours\n" * 50, "own.txt": "own\n"})
    published = await workspace.commit("Count", "op-1")
    await workspace.push(CREDENTIALS, None)
    for number in range(3):
        origin.commit({"counter.txt": f"{number} theirs\n" * 50, "more.txt": f"{number}\n"}, f"more {number}")
    other = LocalWorkspaces(short / "b/ws", store, sandbox=SandboxPolicy(prewarm=False))
    await other.prepare(spec, quiet)  # where the published commit has never been
    replay = ReplaySpec(spec.id, published, spec.base_sha, CREDENTIALS)
    for where in (workspaces, other):
        found = await where.replay(replay, quiet)
        assert (found.base_sha, found.marked, found.whole) == (origin.sha, ("counter.txt",), ())
        assert (tree_of(where) / "counter.txt").read_text().startswith("<<<<<<< main\n2 theirs\n")
        assert (tree_of(where) / "more.txt").read_text() == "2\n"
        assert (tree_of(where) / "own.txt").read_text() == "own\n"
    await other.aclose()


async def test_a_short_history_is_there_as_a_whole(
    workspaces: LocalWorkspaces, origin: Origin, server: HttpGit
) -> None:
    spec = spec_of(origin, server)
    await workspaces.prepare(spec, quiet)
    workspace = await workspaces.open(spec.id)
    shown = await use(workspace, "bash", command="git log -p --format=; git blame old.txt")
    assert (shown.error_kind, OLD in shown.result.content) == (None, True)


async def test_work_goes_out_of_a_partial_clone_also_where_it_brings_back_what_is_not_in_it(
    workspaces: LocalWorkspaces,
    store: MemoryStore,
    origin: Origin,
    server: HttpGit,
    short: Path,
    nothing_recent: None,
) -> None:
    spec = spec_of(origin, server)
    await workspaces.prepare(spec, quiet)
    workspace, tree = await workspaces.open(spec.id), tree_of(workspaces)
    await workspace.begin_batch(1)
    await use(workspace, "create", path="src/scratch.py", content="x = 1\n")
    await workspace.begin_batch(1)
    assert not (tree / "src/scratch.py").exists()
    write(tree, {"old.txt": OLD, "copy.py": (tree / "src/app.py").read_bytes()})
    (tree / "counter.txt").rename(tree / "renamed.txt")
    asked = len(server.seen)
    diff = await workspace.diff()
    assert {file.path: file.status for file in diff.files} == {
        "copy.py": "A",
        "old.txt": "M",
        "renamed.txt": "R",
    }
    assert await workspace.findings() == ()
    head = await workspace.commit("Bring it back", "op-1")
    write(tree, {"untracked.txt": "u"})
    checkpoint = await workspace.checkpoint()
    assert len(server.seen) == asked  # all of that without the network
    assert await workspace.push(CREDENTIALS, None) == head
    git(origin.path, "fsck", "--connectivity-only", head)
    assert git(origin.path, "show", f"{BRANCH}:old.txt") == OLD.strip()

    other = LocalWorkspaces(short / "b/ws", store, sandbox=SandboxPolicy(prewarm=False))
    try:
        assert (await other.prepare(spec_of(origin, server, checkpoint=checkpoint), quiet)).restored
        assert contents(tree_of(other)) == contents(tree)
        restored = await other.open(spec.id)
        write(tree_of(other), {"more.txt": "m"})
        second = await restored.commit("More", "op-2")
        assert await restored.push(CREDENTIALS, head) == second
    finally:
        await other.aclose()


async def test_a_server_without_partial_clones_gives_all(
    workspaces: LocalWorkspaces, origin: Origin, server: HttpGit
) -> None:
    git(origin.path, "config", "uploadpack.allowFilter", "false")
    spec = spec_of(origin, server)
    await workspaces.prepare(spec, quiet)
    shown = await use(await workspaces.open(spec.id), "bash", command="git log -p --format=")
    assert OLD in shown.result.content


async def test_a_server_that_breaks_its_promise_is_cloned_as_a_whole(
    workspaces: LocalWorkspaces, origin: Origin, server: HttpGit
) -> None:
    # Without protocol 2 a server may filter and yet not give what is asked for by its name.
    git(origin.path, "config", "uploadpack.allowAnySHA1InWant", "false")
    server.protocol = False
    spec = spec_of(origin, server)
    said: list[str] = []
    await workspaces.prepare(spec, said.append)
    assert any("cloning all" in line for line in said)
    folder = tree_of(workspaces).parent
    assert not is_partial(folder / "git")
    shown = await use(await workspaces.open(spec.id), "bash", command="git log -p --format=")
    assert OLD in shown.result.content


async def test_a_server_that_fails_in_between_is_tried_again(
    workspaces: LocalWorkspaces, origin: Origin, server: HttpGit
) -> None:
    server.instead["git-upload-pack"] = Answer(503)
    with pytest.raises(CloneFailed) as caught:
        await workspaces.prepare(spec_of(origin, server), quiet)
    assert caught.value.may_retry
    server.instead.clear()
    await workspaces.prepare(spec_of(origin, server), quiet)


async def test_an_older_base_is_checked_out(
    workspaces: LocalWorkspaces, origin: Origin, server: HttpGit
) -> None:
    sha = git(origin.path, "rev-parse", "HEAD~4")
    await workspaces.prepare(spec_of(origin, server, base_sha=sha), quiet)
    assert (tree_of(workspaces) / "old.txt").read_text() == "new\n"
    with pytest.raises(CloneFailed, match="not our ref") as caught:
        await workspaces.prepare(spec_of(origin, server, base_sha="1" * 40), quiet)
    assert not caught.value.may_retry
    assert "base commit is gone" in (caught.value.hint or "")


def test_how_much_of_the_history_is_fetched() -> None:
    assert affordable(0, 0) == 20_000
    assert affordable(1_000_000, 2_000) == 20_000
    assert affordable(64_000_000, 100) == 25
    assert affordable(64_000_000, 1) == 0
    raw = (
        ":100644 100644 a1 b2 M\tf",
        ":160000 000000 c3 00 D\tsub",
        ":000000 100755 00 d4 A\tg",
        "",
        ":100644 100644 b0 a1 M\tf",
    )
    assert changed_blobs("\n".join(raw)) == ["b2", "a1", "d4", "b0"]

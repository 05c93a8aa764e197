"""Preparing, finding again, rebuilding, and travelling to another host."""

from __future__ import annotations

import asyncio
import base64
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamma.errors import BlobMissing, CloneFailed, PathDenied, WorkspaceLost
from tamma.model.ids import BlobId
from tamma.platforms.interface import GitCredentials
from tamma.store.memory import MemoryStore
from tamma.workspace.checkpoint import Manifest
from tamma.workspace.layout import folder_name
from tamma.workspace.local import LocalWorkspaces
from tamma.workspace.sandbox.profile import SandboxPolicy
from tests.workspace.conftest import BRANCH, Origin, contents, git, quiet, running, tree_of, use, write


async def test_prepare_is_done_once_and_found_again(workspaces: LocalWorkspaces, origin: Origin) -> None:
    spec = origin.spec("dev/github.com/o/r/1")
    info = await workspaces.prepare(spec, quiet)
    assert (info.base_sha, info.branch, info.restored) == (origin.sha, BRANCH, False)
    marker = tree_of(workspaces, spec.id) / "work.txt"
    marker.write_text("in progress")
    assert await workspaces.prepare(spec, quiet) == info
    assert marker.exists()
    tree = contents(tree_of(workspaces, spec.id))
    del tree["work.txt"]
    assert tree == contents(origin.path)


async def test_a_half_made_folder_is_rebuilt(workspaces: LocalWorkspaces, origin: Origin) -> None:
    spec = origin.spec()
    await workspaces.prepare(spec, quiet)
    folder = tree_of(workspaces).parent
    (folder / "meta.json").unlink()  # written last: this is how a crash leaves it
    shutil.rmtree(folder / "git/refs")
    (folder / "tree/README.md").unlink()
    with pytest.raises(WorkspaceLost):
        await workspaces.open(spec.id)
    await workspaces.prepare(spec, quiet)
    assert contents(folder / "tree") == contents(origin.path)


async def test_a_workspace_of_another_base_is_rebuilt(workspaces: LocalWorkspaces, origin: Origin) -> None:
    await workspaces.prepare(origin.spec(), quiet)
    await workspaces.open("task-1")
    origin.commit({"later.txt": "later"})
    info = await workspaces.prepare(origin.spec(), quiet)
    assert info.base_sha == origin.sha
    assert (tree_of(workspaces) / "later.txt").exists()
    assert (await (await workspaces.open("task-1")).diff()).empty


async def test_an_older_base_than_the_branch_has(workspaces: LocalWorkspaces, origin: Origin) -> None:
    old = origin.sha
    origin.commit({"later.txt": "later"})
    await workspaces.prepare(origin.spec(base_sha=old), quiet)
    assert not (tree_of(workspaces) / "later.txt").exists()


async def test_release_removes_all_and_may_be_called_again(
    workspaces: LocalWorkspaces, origin: Origin
) -> None:
    await workspaces.prepare(origin.spec(), quiet)
    workspace = await workspaces.open("task-1")
    await use(workspace, "bash", command="mkdir -p deep/er; touch deep/er/f; chmod 000 deep")
    folder = tree_of(workspaces).parent
    await workspaces.release("task-1")
    await workspaces.release("task-1")
    assert not folder.exists()
    with pytest.raises(WorkspaceLost, match="no prepared workspace"):
        await workspaces.open("task-1")


@pytest.mark.parametrize(
    ("changes", "says", "hint"),
    [
        ({"clone_url": "/nowhere/at/all"}, "/nowhere/at/all", "address"),
        ({"base_branch": "absent"}, "absent", "--base"),
        ({"base_sha": "1" * 40}, "1" * 12, "base commit is gone"),
        ({"clone_url": "ext::sh -c touch% /tmp/x"}, "ext", "https://"),
        ({"clone_url": "--upload-pack=touch /tmp/x"}, "upload-pack", None),
    ],
)
async def test_what_cannot_be_cloned_says_why(
    workspaces: LocalWorkspaces, origin: Origin, changes: dict[str, str], says: str, hint: str | None
) -> None:
    with pytest.raises(CloneFailed) as caught:
        await workspaces.prepare(origin.spec(**changes), quiet)
    assert says in caught.value.message
    assert not caught.value.may_retry
    if hint:
        assert hint in (caught.value.hint or "")
    with pytest.raises(WorkspaceLost):
        await workspaces.open("task-1")


async def test_a_server_that_does_not_answer_is_tried_again(
    workspaces: LocalWorkspaces, origin: Origin
) -> None:
    with pytest.raises(CloneFailed) as caught:
        await workspaces.prepare(origin.spec(clone_url="http://127.0.0.1:9/x.git"), quiet)
    assert caught.value.may_retry


# --- credentials -------------------------------------------------------------------------------------


class _Server(http.server.ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.headers_seen: list[str | None] = []
        self.lines_seen: list[str] = []
        self.commands_seen: list[str] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        server.headers_seen.append(self.headers.get("Authorization"))
        server.lines_seen.append(self.path)
        server.commands_seen += [
            Path(f"/proc/{pid}/cmdline").read_text() for pid in running("git-remote-http") + running("fetch")
        ]
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@pytest.fixture
def server() -> Iterator[_Server]:
    found = _Server()
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.mark.parametrize("inside", [False, True])
async def test_credentials_travel_in_a_header_and_are_seen_nowhere_else(
    workspaces: LocalWorkspaces, origin: Origin, server: _Server, inside: bool
) -> None:
    token = "tok-3f9a7c"
    address = f"127.0.0.1:{server.server_port}/o/r.git"
    url = f"http://bot:{token}@{address}" if inside else f"http://{address}"
    credentials = GitCredentials() if inside else GitCredentials("bot", token)
    with pytest.raises(CloneFailed) as caught:
        await workspaces.prepare(origin.spec(clone_url=url, credentials=credentials), quiet)
    expected = "Basic " + base64.b64encode(f"bot:{token}".encode()).decode()
    assert expected in server.headers_seen
    assert server.commands_seen
    everything = [str(caught.value), repr(caught.value.hint), *server.commands_seen, *server.lines_seen]
    folder = tree_of(workspaces).parent
    everything += [file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file()]
    assert not [text for text in everything if token in text or expected in text]
    assert "credentials" in (caught.value.hint or "")
    assert not caught.value.may_retry


# --- reading -------------------------------------------------------------------------------------------


async def test_texts_are_read_beneath_the_tree(workspaces: LocalWorkspaces, origin: Origin) -> None:
    await workspaces.prepare(origin.spec(), quiet)
    workspace = await workspaces.open("task-1")
    assert await workspace.read_text("src/app.py", 9) == "def add(a"
    with pytest.raises(PathDenied):
        await workspace.read_text("../meta.json", 100)


def test_any_id_makes_a_folder_name() -> None:
    assert folder_name("task-1.x_Y") == "task-1.x_Y"
    names = {folder_name(name) for name in ("a/b", "a-b", "..", ".", "", "a" * 300, "ä", "-x")}
    assert len(names) == 8
    assert all("/" not in name and not name.startswith(".") and len(name) < 90 for name in names)


# --- checkpoints ---------------------------------------------------------------------------------------


async def test_a_checkpoint_rebuilds_the_workspace_elsewhere(
    workspaces: LocalWorkspaces, store: MemoryStore, origin: Origin, short: Path
) -> None:
    await workspaces.prepare(origin.spec(), quiet)
    workspace, tree = await workspaces.open("task-1"), tree_of(workspaces)
    empty = await workspace.checkpoint()
    write(tree, {"new.py": "x = 1\n", "data.bin": bytes(range(256))})
    (tree / "new.py").chmod(0o755)
    (tree / "up").symlink_to("src/app.py")
    first = await workspace.checkpoint()
    head = await workspace.commit("Add", "op-1")
    (tree / "README.md").unlink()
    write(tree, {"untracked/deep.txt": "u", "ignored/i": "i"})
    second = await workspace.checkpoint()
    assert await workspace.checkpoint() == second
    assert len({empty, first, second}) == 3
    manifest = Manifest.from_json(await store.get_blob(second))
    assert len(manifest.bundles) == 2
    sizes = [len(await store.get_blob(bundle)) for bundle in manifest.bundles]
    assert max(sizes) < 3000  # incremental: not the repository

    expected = contents(tree)
    del expected["ignored/i"]
    other = LocalWorkspaces(short / "b/ws", store, sandbox=SandboxPolicy(prewarm=False))
    try:
        info = await other.prepare(origin.spec(checkpoint=second), quiet)
        assert info.restored
        restored = await other.open("task-1")
        assert contents(tree_of(other)) == expected
        assert await restored.commit("Add", "op-1") != head  # the rest of the work is new
        assert await restored.checkpoint() != second
        # And on from there: a third host.
        third = LocalWorkspaces(short / "c/ws", store, sandbox=SandboxPolicy(prewarm=False))
        await third.prepare(origin.spec(checkpoint=await restored.checkpoint()), quiet)
        assert contents(tree_of(third)) == expected
        log = await use(await third.open("task-1"), "bash", command="git log --format=%s")
        assert log.result.content.splitlines() == ["Add", "Add", "first"]
        await third.aclose()
    finally:
        await other.aclose()


async def test_batches_go_on_after_a_restore(
    workspaces: LocalWorkspaces, store: MemoryStore, origin: Origin, short: Path
) -> None:
    await workspaces.prepare(origin.spec(), quiet)
    workspace = await workspaces.open("task-1")
    await workspace.begin_batch(1)
    await use(workspace, "create", path="a", content="1")
    checkpoint = await workspace.checkpoint()
    other = LocalWorkspaces(short / "b/ws", store, sandbox=SandboxPolicy(prewarm=False))
    await other.prepare(origin.spec(checkpoint=checkpoint), quiet)
    restored = await other.open("task-1")
    await restored.begin_batch(2)
    await use(restored, "create", path="a", content="2")
    await restored.begin_batch(2)
    assert (tree_of(other) / "a").read_text() == "1"
    await other.aclose()


async def test_a_checkpoint_that_cannot_serve_is_refused(
    workspaces: LocalWorkspaces, store: MemoryStore, origin: Origin
) -> None:
    with pytest.raises(BlobMissing):
        await workspaces.prepare(origin.spec(checkpoint=BlobId("sha256:" + "0" * 64)), quiet)
    nonsense = await store.put_blob(b"{}")
    with pytest.raises(WorkspaceLost, match="manifest"):
        await workspaces.prepare(origin.spec(checkpoint=nonsense), quiet)
    await workspaces.prepare(origin.spec("other", branch="tamma/other"), quiet)
    foreign = await (await workspaces.open("other")).checkpoint()
    with pytest.raises(WorkspaceLost, match="belongs to"):
        await workspaces.prepare(origin.spec(checkpoint=foreign), quiet)


async def test_two_prepares_at_once_make_one_workspace(workspaces: LocalWorkspaces, origin: Origin) -> None:
    first, second = await asyncio.gather(
        workspaces.prepare(origin.spec(), quiet), workspaces.prepare(origin.spec(), quiet)
    )
    assert first == second
    assert contents(tree_of(workspaces)) == contents(origin.path)


async def test_a_preparation_cancelled_at_any_moment_can_be_done_again(
    workspaces: LocalWorkspaces, origin: Origin
) -> None:
    spec = origin.spec()
    for milliseconds in (0, 1, 3, 6, 10, 20, 40):
        task = asyncio.create_task(workspaces.prepare(spec, quiet))
        await asyncio.sleep(milliseconds / 1000)
        task.cancel()
        await asyncio.wait((task,), timeout=10)
        assert task.done()
    await workspaces.prepare(spec, quiet)
    assert contents(tree_of(workspaces)) == contents(origin.path)


async def test_versions_by_tag_can_be_told_in_the_sandbox(
    workspaces: LocalWorkspaces, origin: Origin
) -> None:
    await workspaces.prepare(origin.spec(), quiet)
    workspace = await workspaces.open("task-1")
    described = await use(workspace, "bash", command="git describe --dirty --tags --long --match '*[0-9]*'")
    assert described.result.content == f"v1.0-0-g{git(origin.path, 'rev-parse', '--short', 'main')}"
    await use(workspace, "create", path="README.md", content="changed\n")
    dirty = await use(workspace, "bash", command="git describe --dirty --tags")
    assert dirty.result.content == "v1.0-dirty"


async def test_release_removes_what_lies_very_deep(workspaces: LocalWorkspaces, origin: Origin) -> None:
    await workspaces.prepare(origin.spec(), quiet)
    workspace = await workspaces.open("task-1")
    dig = "import os\nfor _ in range(1500): os.mkdir('d'); os.chdir('d')"
    assert (await use(workspace, "bash", command=f'python3 -c "{dig}"')).error_kind is None
    folder = tree_of(workspaces).parent
    await workspaces.release("task-1")
    assert folder.name not in os.listdir(folder.parent)

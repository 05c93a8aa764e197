"""The work as a patch: exact, noted in the store, and as a suggestion held to what a push is held to."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.interface.suggesting import MakePatch
from activities.suggesting import PatchActivities
from tamma.cli import patching
from tamma.model.ids import TaskId
from tamma.model.suggestion import PatchRef, PatchStage
from tamma.model.tries import try_workspace
from tamma.store.memory import MemoryStore
from tamma.workspace.local import LocalWorkspace, LocalWorkspaces
from tests.workspace.conftest import Origin, git, quiet, tree_of, write


@pytest.fixture
def tree(workspace: LocalWorkspace, workspaces: LocalWorkspaces) -> Path:
    return tree_of(workspaces)


class Maker:
    def __init__(self, workspaces: LocalWorkspaces) -> None:
        self.store = MemoryStore()
        locks = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._does = PatchActivities(workspaces, self.store, locks.__getitem__)

    async def make(self, stage: PatchStage, workspace_id: str = "task-1") -> PatchRef:
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, activity_id=f"{stage}")
        return await environment.run(self._does.make_patch, MakePatch(workspace_id, stage))


async def test_the_patch_makes_the_tree_whatever_the_files_hold(
    workspace: LocalWorkspace, tree: Path, origin: Origin
) -> None:
    write(
        tree,
        {
            "logo.bin": bytes(range(256)) * 40,
            "src/windows.txt": b"one\r\n2\r\nthree\r\n",
            "no-end.txt": "no line end",
            "latin1.txt": b"caf\xe9\n",
            "tab\tin ä name.txt": "x\n",
            "empty": "",
            "big.txt": "a line of text\n" * 40_000,
            "ignored/left-out.txt": "x",
        },
    )
    (tree / "run.sh").chmod(0o644)
    (tree / "README.md").rename(tree / "READ.md")
    (tree / "link").unlink()
    (tree / "link").symlink_to("src/windows.txt")
    patch = await workspace.patch()
    assert len(patch.content) > 400_000, "longer than a diff for people may be"
    file = origin.path.parent / "a.patch"
    file.write_bytes(patch.content)
    git(origin.path, "apply", "--index", "--whitespace=nowarn", str(file))
    sha = await workspace.commit("All of it", "op-1")
    assert git(origin.path, "write-tree") == git(tree.parent / "git", "rev-parse", f"{sha}^{{tree}}")
    assert "ignored/left-out.txt" not in [each.path for each in patch.files]
    assert os.readlink(origin.path / "link") == "src/windows.txt"


async def test_what_no_push_may_carry_is_no_suggestion(
    workspace: LocalWorkspace, workspaces: LocalWorkspaces, tree: Path
) -> None:
    maker = Maker(workspaces)
    write(tree, {"new.py": "x = 1\n", "settings.py": "TOKEN = 'glpat-canary0123456789abcdef'\n"})
    unfinished = await maker.make(PatchStage.UNFINISHED)
    assert await patching.newest(maker.store, "task-1") == (unfinished, False)
    assert (unfinished.files_total, unfinished.base_sha) == (2, workspace.info.base_sha)
    with pytest.raises(ApplicationError, match=r"settings\.py: secret") as refused:
        await maker.make(PatchStage.SUGGESTION)
    assert refused.value.type == "PolicyRefused"
    assert await patching.newest(maker.store, "task-1") == (unfinished, False)
    (tree / "settings.py").unlink()
    suggestion = await maker.make(PatchStage.SUGGESTION)
    content = await maker.store.get_blob(suggestion.blob)
    assert (suggestion.files, suggestion.size) == (("new.py",), len(content))
    assert b"canary" not in content


async def test_the_patch_of_a_try_that_was_taken_is_the_runs(
    workspace: LocalWorkspace, workspaces: LocalWorkspaces, tree: Path, origin: Origin
) -> None:
    maker = Maker(workspaces)
    write(tree, {"failing.py": "x = 1\n"})
    await maker.make(PatchStage.FAILING_TEST)
    second = try_workspace(TaskId("task-1"), 2)
    await workspaces.prepare(origin.spec(second), quiet)
    write(tree_of(workspaces, second), {"taken.py": "x = 2\n"})
    taken = await maker.make(PatchStage.CHANGE, second)
    assert taken.files == ("taken.py",)
    assert await patching.newest(maker.store, "task-1") == (taken, False)

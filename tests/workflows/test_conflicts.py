"""A base that moves on while a change is under way: the change is put onto it, and git says whether it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from temporalio.client import Client

from tamma.model.repository import Target
from tamma.model.task import Approval, ApprovePolicy, Gate, Steer, TaskStatus, TaskView
from tests.support.loop import (
    FILES,
    FIX_TURNS,
    RED_TURNS,
    REPO,
    Handle,
    Loop,
    call,
    git,
    running_loop,
    script,
    turn,
)
from tests.workflows.test_mending_checks import told
from tests.workflows.test_reviews_of_people import forge

THEIRS = {
    "calc.py": "def mean(values):\n    total = float(sum(values))\n    return total / (len(values) + 1)\n",
    "other.py": "other = 1\n",
}
"""What somebody else makes of the base: it conflicts with the run's change in calc.py."""
SOLVED = "def mean(values):\n    total = float(sum(values))\n    return total / len(values)\n"


pytestmark = pytest.mark.timeout(300)
PATIENCE = 240
"""Seconds for what takes a few: the machine may be busy."""


def write(text: str, path: str = "calc.py") -> dict[str, Any]:
    return turn(call("create", path=path, content=text))


DONE = turn(call("finish", summary="both changes are in"))
NOTHING = [turn(call("view", path="calc.py")), DONE]
"""A model that says that it is done, and has done nothing."""


def move_main(loop: Loop, files: Mapping[str, str]) -> str:
    """Somebody pushes to `main`; its commit."""
    return push(loop, "main", files)


def push(loop: Loop, branch: str, files: Mapping[str, str]) -> str:
    """Somebody pushes a commit to a branch; that commit."""
    work = Path(mkdtemp(dir=loop.folder, prefix="somebody-"))
    git(loop.folder, "clone", "-q", "-b", branch, str(loop.remote), str(work))
    for name, text in files.items():
        (work / name).write_text(text)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "somebody's work")
    git(work, "push", "-q", "origin", branch)
    return git(work, "rev-parse", "HEAD")


async def at_the_merge(loop: Loop) -> Handle:
    """A run that waits for the merge to be approved."""
    handle = await loop.submit(approve=ApprovePolicy.MERGE)
    await loop.until(handle, lambda view: view.waiting_for, seconds=PATIENCE)
    return handle


async def conflicting(loop: Loop, files: Mapping[str, str] = THEIRS) -> tuple[Handle, str]:
    """A run that waits for its merge when the base moves; what it had published."""
    handle = await at_the_merge(loop)
    branch = (await loop.view(handle)).branch
    published = git(loop.remote, "rev-parse", branch)
    move_main(loop, files)
    await handle.signal("platform_event")
    return handle, published


async def on_the_new_base(loop: Loop, handle: Handle) -> TaskView:
    """The run, once it waits for its merge again with a change that stands on `main` as it is now."""

    def stands(view: TaskView) -> bool:
        waits = view.waiting_for is not None and "approval" in view.waiting_for.reason
        return waits and parent(loop, view.branch) == git(loop.remote, "rev-parse", "main")

    return await loop.until(handle, stands, seconds=PATIENCE)


def parent(loop: Loop, branch: str) -> str:
    return git(loop.remote, "rev-parse", f"{branch}^")


async def at_gate(loop: Loop, handle: Handle, gate: Gate) -> TaskView:
    return await loop.until(
        handle, lambda view: view.waiting_for and view.waiting_for.gate is gate, seconds=PATIENCE
    )


async def approve(handle: Handle, gate: Gate = Gate.MERGE) -> None:
    await handle.execute_update("approve", Approval(gate, "approve", by="ada"))  # pyright: ignore[reportUnknownMemberType]


def agent(*turns: dict[str, Any]) -> dict[str, object]:
    return script(agent=[*RED_TURNS, *FIX_TURNS, *turns])


@pytest.mark.slow
async def test_a_branch_behind_its_base_costs_no_model_anything(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path, upToDate=True) as loop:
        handle = await at_the_merge(loop)
        turns = (await loop.view(handle)).spend.turns
        move_main(loop, {"other.py": "other = 1\n"})
        await approve(handle)
        seen = await on_the_new_base(loop, handle)
        assert seen.spend.turns == turns
        assert loop.effects("merge_pr") == 0, "the approval was of another commit"
        await approve(handle)
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert loop.show("main:other.py") == "other = 1"
        assert "len(values)" in loop.show("main:calc.py")
        assert loop.effects("ensure_pr") == 1


async def test_a_conflict_is_solved_and_looked_at_again(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path, turns=agent(write(SOLVED), DONE)) as loop:
        handle, _ = await conflicting(loop)
        seen = await on_the_new_base(loop, handle)
        assert loop.show(f"{seen.branch}:calc.py") == SOLVED.strip()
        assert loop.show(f"{seen.branch}:other.py") == "other = 1"
        assert seen.diff is not None
        assert set(seen.diff.files) == {"calc.py", "tests/test_mean.py"}, "against the base as it is now"
        assert seen.session_id is not None
        heard = await told(loop, seen.session_id)
        assert "- calc.py" in heard
        assert "somebody's work" in heard
        await approve(handle)
        assert (await handle.result()).status is TaskStatus.COMPLETED


@pytest.mark.slow
async def test_markers_that_are_left_go_back_to_the_agent(client: Client, tmp_path: Path) -> None:
    turns = agent(*NOTHING, write(SOLVED), DONE)
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle, _ = await conflicting(loop)
        seen = await on_the_new_base(loop, handle)
        assert seen.session_id is not None
        heard = await told(loop, seen.session_id)
        assert "conflict markers are left in it" in heard
        assert "attempt 2 of 3" in heard
        assert loop.show(f"{seen.branch}:calc.py") == SOLVED.strip()


@pytest.mark.slow
async def test_what_was_not_in_conflict_may_not_be_dropped(client: Client, tmp_path: Path) -> None:
    drops = turn(call("bash", command="rm other.py"))
    turns = agent(write(SOLVED), drops, DONE, write("other = 1\n", "other.py"), DONE)
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle, _ = await conflicting(loop)
        seen = await on_the_new_base(loop, handle)
        assert seen.session_id is not None
        assert "other.py: it was not in conflict, and main changed it" in await told(loop, seen.session_id)
        assert loop.show(f"{seen.branch}:other.py") == "other = 1"


@pytest.mark.slow
async def test_red_tests_go_back_before_anything_is_pushed(client: Client, tmp_path: Path) -> None:
    wrong = SOLVED.replace("len(values)", "(len(values) + 2)")
    turns = agent(write(wrong), DONE, write(SOLVED), DONE)
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle, published = await conflicting(loop)
        seen = await on_the_new_base(loop, handle)
        assert git(loop.remote, "rev-parse", seen.branch) != published
        assert loop.show(f"{seen.branch}:calc.py") == SOLVED.strip()
        assert seen.session_id is not None
        assert "Not done yet: `python3 -m unittest" in await told(loop, seen.session_id)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["told", "anew", "by hand"])
async def test_what_is_never_solved_goes_to_a_person(client: Client, tmp_path: Path, way: str) -> None:
    turns = agent(*NOTHING, *NOTHING, *NOTHING, write(SOLVED), DONE)
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle, published = await conflicting(loop)
        seen = await loop.until(
            handle,
            lambda view: view.waiting_for and "3 attempts" in view.waiting_for.reason,
            seconds=PATIENCE,
        )
        platform = await forge(loop)
        (comment,) = await platform.list_comments(REPO, Target("pull_request", seen.pull_request))
        assert "needs a person" in comment.body
        assert "calc.py: conflict markers" in comment.body
        assert (await platform.get_pr(REPO, seen.pull_request)).labels == ("needs-human-review",)
        assert git(loop.remote, "rev-parse", seen.branch) == published, "no attempt was pushed"
        if way == "by hand":
            git(loop.remote, "update-ref", "refs/heads/main", "main~1")
            await platform.somebody_merges(REPO, seen.pull_request)
            await handle.signal("platform_event")
        else:
            if way == "told":
                await handle.execute_update("steer", Steer("keep both", by="ada"))  # pyright: ignore[reportUnknownMemberType]
            else:
                await approve(handle)
            await on_the_new_base(loop, handle)
            await approve(handle)
        assert (await handle.result()).status is TaskStatus.COMPLETED


MOVES = """\
#!/bin/sh
while read -r old new ref; do
    case "$ref" in
    refs/heads/tamma/*)
        export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@x
        theirs=$(git commit-tree -p main -m theirs 'main^{tree}')
        git update-ref refs/heads/main "$theirs"
        ;;
    esac
done
"""
"""A hook: whenever a run's branch is pushed, somebody was quicker, and the branch is behind again."""


@pytest.mark.slow
async def test_a_base_that_always_moves_faster_is_followed_ten_times_and_then_asked_about(
    client: Client, tmp_path: Path
) -> None:
    untested = {"calc.py": FILES["calc.py"]}
    turns = script(agent=[FIX_TURNS[0], FIX_TURNS[-1]])
    async with running_loop(client, tmp_path, turns=turns, files=untested, upToDate=True) as loop:
        hook = loop.remote / "hooks" / "post-receive"
        hook.write_text(MOVES)
        hook.chmod(0o755)
        handle = await loop.submit()
        await at_gate(loop, handle, Gate.PLAN)  # as nothing tests it
        await approve(handle, Gate.PLAN)
        seen = await at_gate(loop, handle, Gate.MERGE)
        assert seen.waiting_for is not None
        assert "'main' moved 10 times before it could be merged" in seen.waiting_for.reason
        assert sum("was put onto main at" in note for note in seen.notes) == 10
        theirs = git(loop.remote, "rev-parse", "main")
        assert git(loop.remote, "rev-list", "--count", theirs) == "12", "the first, and one for each push"
        assert seen.spend.turns == 4, "no model was asked"

        hook.unlink()
        await approve(handle)
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert parent(loop, "main") == theirs
        assert "len(values)" in loop.show("main:calc.py")


@pytest.mark.slow
async def test_a_push_of_somebody_else_is_not_overwritten(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await at_the_merge(loop)
        branch = (await loop.view(handle)).branch
        theirs = push(loop, branch, {"notes.txt": "mine\n"})
        move_main(loop, THEIRS)
        await handle.signal("platform_event")
        seen = await loop.until(
            handle,
            lambda view: view.waiting_for and "somebody else's commits" in view.waiting_for.reason,
            seconds=PATIENCE,
        )
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.MERGE
        assert git(loop.remote, "rev-parse", branch) == theirs


@pytest.mark.slow
async def test_a_push_between_replay_and_push_is_not_overwritten(client: Client, tmp_path: Path) -> None:
    slow = turn(call("bash", command="cd $TMPDIR; touch begun; until test -e go; do sleep 0.05; done"))
    async with running_loop(client, tmp_path, turns=agent(slow, write(SOLVED), DONE)) as loop:
        handle, _ = await conflicting(loop)
        branch = (await loop.view(handle)).branch
        folder = await begun(loop)
        theirs = push(loop, branch, {"notes.txt": "mine\n"})
        (folder / "tmp/go").touch()
        seen = await loop.until(
            handle,
            lambda view: view.waiting_for and view.waiting_for.gate is Gate.PLATFORM,
            seconds=PATIENCE,
        )
        assert git(loop.remote, "rev-parse", seen.branch) == theirs


@pytest.mark.slow
async def test_a_worker_that_is_lost_takes_no_replay_with_it(client: Client, tmp_path: Path) -> None:
    slow = turn(call("bash", command="cd $TMPDIR; touch begun; until test -e go; do sleep 0.05; done"))
    async with running_loop(client, tmp_path, turns=agent(slow, write(SOLVED), DONE)) as loop:
        handle, _ = await conflicting(loop)
        folder = await begun(loop)
        (folder / "meta.json").unlink()
        (folder / "tmp/go").touch()
        seen = await on_the_new_base(loop, handle)
        assert json.loads((folder / "meta.json").read_text())["restored"], "it was built again"
        assert loop.show(f"{seen.branch}:calc.py") == SOLVED.strip()
        assert loop.show(f"{seen.branch}:other.py") == "other = 1"


async def begun(loop: Loop) -> Path:
    """The workspace's folder, once a command in it has begun."""
    (folder,) = (path for path in (loop.folder / "workspaces").iterdir() if (path / "meta.json").exists())
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread((folder / "tmp/begun").exists):  # noqa: ASYNC110  (in a sandbox)
            await asyncio.sleep(0.05)
    return folder

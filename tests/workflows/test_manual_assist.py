"""A run that only assists: a person at every gate, a patch instead of a branch, and nothing pushed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError

from tamma.cli import patching
from tamma.model.ids import TaskId
from tamma.model.repository import PullRequestSpec, Target
from tamma.model.suggestion import PatchStage
from tamma.model.task import Approval, Control, Gate, Phase, Reply, Steer, TaskStatus, TaskView
from tamma.platforms.memory.platform import MemoryPlatform
from tests.support.loop import (
    FILES,
    FIX_TURNS,
    QUICK,
    RED_COMMAND,
    RED_TURNS,
    REPO,
    Handle,
    Loop,
    call,
    git,
    platform_settings,
    running_loop,
    script,
    tell,
    turn,
)
from tests.workflows.test_going_on import begin, request_at_the_end

ALL_KINDS = turn(
    call(
        "bash",
        command="printf '\\000\\001\\377' > logo.bin; printf 'caf\\351\\r\\n' > latin1.txt; : > empty.txt; "
        "mkdir -p bin; printf '#!/bin/sh\\n' > bin/run; chmod +x bin/run; ln -s bin/run link; "
        "mv README.md READ.md; rm old.txt; echo a >> 'with space.txt'",
    )
)
"""Binary, in another encoding, empty, executable, a link, moved, deleted, with a space in its name."""
MORE_FILES = {**FILES, "README.md": "line\n" * 20, "old.txt": "gone soon\n", "with space.txt": "a\n"}


async def say_yes(handle: Handle, gate: Gate = Gate.PATCH) -> None:
    await tell(handle, "approve", Approval(gate, "approve", by="ada"))


async def resume(handle: Handle) -> str:
    """What `tamma resume` is told: going on is not agreeing."""
    reply: Reply = await handle.execute_update("resume", Control("ada"), result_type=Reply)  # pyright: ignore[reportUnknownMemberType]
    return reply.message


async def assist(loop: Loop, **changes: Any) -> Handle:
    return await loop.submit(workflow_type="manual-assist", **changes)


async def at(loop: Loop, handle: Handle, stage: PatchStage) -> TaskView:
    """The view where the run waits with this stage's patch."""

    def waits(view: TaskView) -> bool:
        there = view.waiting_for is not None and view.waiting_for.gate is Gate.PATCH
        return there and view.patch is not None and view.patch.stage is stage

    return await loop.until(handle, waits)


async def to(loop: Loop, handle: Handle, stage: PatchStage) -> TaskView:
    """Say yes until the run waits with this stage's patch."""
    await loop.until(handle, lambda view: view.waiting_for and view.waiting_for.gate is Gate.PLAN)
    await say_yes(handle, Gate.PLAN)
    for earlier in (PatchStage.FAILING_TEST, PatchStage.CHANGE):
        if earlier is stage:
            break
        await at(loop, handle, earlier)
        await say_yes(handle)
    return await at(loop, handle, stage)


async def patch(loop: Loop, task: TaskId) -> bytes:
    """What `tamma patch` prints."""
    found, _ = await patching.newest(loop.parts.store, task)
    return await loop.parts.store.get_blob(found.blob)


def writes(loop: Loop) -> list[str]:
    """What had an effect on the platform, by name."""
    ledger = loop.folder / "ledger.jsonl"
    lines = map(json.loads, ledger.read_text().splitlines()) if ledger.exists() else ()
    return [line["op"] for line in lines if line["effect"]]


def refs(loop: Loop) -> str:
    return git(loop.remote, "for-each-ref", "--format=%(refname) %(objectname)")


def applied(loop: Loop, content: bytes) -> str:
    """The tree that the patch makes of the base."""
    clone = loop.folder / "clone"
    git(loop.folder, "clone", "-q", str(loop.remote), str(clone))
    (loop.folder / "suggestion.patch").write_bytes(content)
    git(clone, "apply", "--index", "--whitespace=nowarn", str(loop.folder / "suggestion.patch"))
    return git(clone, "write-tree")


@pytest.mark.timeout(300)
async def test_a_person_at_every_gate_and_a_patch_that_makes_the_same_tree(
    client: Client, tmp_path: Path
) -> None:
    turns = script(agent=[*RED_TURNS, ALL_KINDS, *FIX_TURNS])
    async with running_loop(client, tmp_path, turns=turns, files=MORE_FILES) as loop:
        before = refs(loop)
        handle = await assist(loop)
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert (seen.waiting_for.gate, seen.patch) == (Gate.PLAN, None)
        assert await resume(handle) == "it waits for an approval (plan): use `tamma approve`"
        await say_yes(handle, Gate.PLAN)

        seen = await at(loop, handle, PatchStage.FAILING_TEST)
        assert seen.waiting_for is not None
        assert (seen.phase, seen.status) == (Phase.RED_TEST, TaskStatus.PAUSED)
        assert seen.waiting_for.reason == (
            f"the failing test: 1 file, +8 -0; `{RED_COMMAND}` is red, as it must be"
        )
        test_alone = await patch(loop, seen.task_id)
        assert b"MeanValueTest" in test_alone
        assert b"calc.py" not in test_alone.replace(b"test_calc.py", b"")
        assert await resume(handle) == "it waits for an approval (patch): use `tamma approve`"
        await say_yes(handle)

        seen = await at(loop, handle, PatchStage.CHANGE)
        assert seen.phase is Phase.IMPLEMENT
        change = await patch(loop, seen.task_id)
        assert b"-    return sum(values) / (len(values) + 1)" in change
        yes_to_change = Approval(Gate.PATCH, "approve", by="ada", patch=seen.patch)
        await tell(handle, "approve", yes_to_change)

        seen = await at(loop, handle, PatchStage.SUGGESTION)
        assert seen.waiting_for is not None
        assert seen.phase is Phase.SUGGEST
        assert "review: small and right; a yes writes it on #1" in seen.waiting_for.reason
        workspace = tmp_path / "workspaces" / seen.task_id / "git"
        tree = git(tmp_path, "--git-dir", str(workspace), "write-tree")
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await tell(handle, "approve", replace(yes_to_change, by="bob"))
        assert "another patch waits now (the suggestion)" in str(refused.value.cause)
        await handle.signal("approve", Approval(Gate.PATCH, "approve", by="web", patch=seen.patch))
        seen = await loop.until(handle, lambda view: "a signal cannot" in str(view.notes))
        assert "a signal cannot approve a suggestion: use `tamma approve`" in seen.notes
        assert writes(loop) == [], "before the last yes nobody else sees anything"
        await say_yes(handle)

        result = await handle.result()
        assert (result.status, result.suggested) == (TaskStatus.COMPLETED, True)
        assert (result.branch, result.pull_request_url, result.merge_sha) == ("", "", "")
        assert applied(loop, await patch(loop, seen.task_id)) == tree
        assert (await patching.newest(loop.parts.store, seen.task_id))[1], "it was suggested"
        assert writes(loop) == ["ensure_comment"], "nothing was pushed, opened, merged or closed"
        assert refs(loop) == before

        platform = await loop.parts.platforms.get("memory")
        (comment,) = await platform.list_comments(REPO, Target("issue", "1"))
        assert "**Suggested change**: 10 files, +13 -2" in comment.body
        assert f"tamma patch {seen.task_id} > suggestion.patch" in comment.body
        assert "+    return sum(values) / len(values)" in comment.body
        assert "GIT binary patch" not in comment.body
        assert (await platform.get_issue(REPO, "1")).state == "open"
        seen = await loop.view(handle)
        assert (seen.branch, seen.suggested, seen.workflow_type) == ("", True, "manual-assist")
        assert not list((tmp_path / "workspaces").glob("*/tree"))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_word_at_each_gate_changes_its_patch(client: Client, tmp_path: Path) -> None:
    another_test = [
        turn(call("bash", command="sed -i 's/test_mean(self)/test_mean_of_two(self)/' tests/test_mean.py")),
        turn(call("finish", summary="renamed")),
    ]
    documented = [
        turn(call("insert", path="calc.py", line=1, text='    """The arithmetic mean."""')),
        turn(call("finish", summary="documented")),
    ]
    noted = [
        turn(call("create", path="NEWS", content="mean() is right now\n")),
        turn(call("finish", summary="with news")),
    ]
    turns = script(agent=[*RED_TURNS, *another_test, *FIX_TURNS, *documented, *noted])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await assist(loop)
        seen = await to(loop, handle, PatchStage.FAILING_TEST)
        first = seen.patch
        await tell(handle, "steer", Steer("name it after what it tests"))
        seen = await loop.until(handle, lambda view: view.waiting_for and view.patch != first)
        assert b"test_mean_of_two" in await patch(loop, seen.task_id)
        assert seen.red_test is not None
        assert (seen.red_test.command, seen.red_test.exit_code) == (RED_COMMAND, 1)
        await say_yes(handle)

        second = (await at(loop, handle, PatchStage.CHANGE)).patch
        await tell(handle, "steer", Steer("say what it does"))
        seen = await loop.until(handle, lambda view: view.waiting_for and view.patch != second)
        assert seen.patch is not None
        assert seen.patch.stage is PatchStage.CHANGE
        assert b"The arithmetic mean." in await patch(loop, seen.task_id)
        await say_yes(handle)

        third = (await at(loop, handle, PatchStage.SUGGESTION)).patch
        await tell(handle, "steer", Steer("and tell people"))
        seen = await loop.until(handle, lambda view: view.waiting_for and view.patch != third)
        assert b"mean() is right now" in await patch(loop, seen.task_id)
        assert writes(loop) == []
        await say_yes(handle)
        assert (await handle.result()).suggested
        assert writes(loop) == ["ensure_comment"]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_suggestion_that_the_policy_refuses_is_mended(client: Client, tmp_path: Path) -> None:
    mended = [turn(call("bash", command="rm dump")), turn(call("finish", summary="without the dump"))]
    turns = script(agent=[*RED_TURNS, *FIX_TURNS, *mended])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await assist(loop)
        seen = await to(loop, handle, PatchStage.CHANGE)
        dump = tmp_path / "workspaces" / seen.task_id / "tree" / "dump"
        dump.write_bytes(bytes(5_000_001))
        await say_yes(handle)
        await at(loop, handle, PatchStage.SUGGESTION)
        assert not dump.exists(), "the agent was told, and nobody asked"
        assert b"dump" not in await patch(loop, seen.task_id)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_no_at_any_gate_ends_it_and_leaves_the_patch(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        before = refs(loop)
        handle = await assist(loop)
        seen = await loop.until(handle, lambda view: view.waiting_for)
        await tell(handle, "approve", Approval(Gate.PLAN, "reject", by="ada"))
        assert (await handle.result()).status is TaskStatus.CANCELLED
        with pytest.raises(patching.NoPatch, match="has made no patch"):
            await patch(loop, seen.task_id)
        for stage, holds in (
            (PatchStage.FAILING_TEST, b"MeanValueTest"),
            (PatchStage.CHANGE, b"+    return sum(values) / len(values)"),
            (PatchStage.SUGGESTION, b"+    return sum(values) / len(values)"),
        ):
            handle = await assist(loop)
            seen = await to(loop, handle, stage)
            await tell(handle, "approve", Approval(Gate.PATCH, "reject", by="ada", text="not so"))
            result = await handle.result()
            assert (result.status, result.suggested) == (TaskStatus.CANCELLED, False)
            assert "ada rejected it: not so" in result.summary
            assert holds in await patch(loop, seen.task_id)
            left = await loop.view(handle)
            assert left.patch is not None
            assert left.patch.stage is PatchStage.UNFINISHED
            assert any("is kept as a patch" in note for note in left.notes)
        assert writes(loop) == []
        assert refs(loop) == before


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_what_was_agreed_to_is_not_asked_again_by_a_retry(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await assist(loop)
        old = await to(loop, handle, PatchStage.CHANGE)
        await tell(handle, "cancel", Control("ada", "tomorrow"))
        assert (await handle.result()).status is TaskStatus.CANCELLED
        again = await begin(loop, await request_at_the_end(loop, old.task_id))
        seen = await loop.until(again, lambda view: view.waiting_for)
        assert seen.patch is not None
        assert seen.patch.stage is PatchStage.CHANGE, "the plan and the failing test were agreed to"
        assert seen.workflow_type == "manual-assist"
        await say_yes(again)
        await at(loop, again, PatchStage.SUGGESTION)
        await say_yes(again)
        assert (await again.result()).suggested
        assert writes(loop) == ["ensure_comment"]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_on_a_pull_request_s_branch_it_is_a_review(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        seed = tmp_path / "seed"
        git(seed, "checkout", "-q", "-b", "feature")
        (seed / "calc.py").write_text(FILES["calc.py"] + "\n\n# more to come\n")
        git(seed, "commit", "-q", "-a", "-m", "announce")
        git(seed, "push", "-q", str(loop.remote), "feature")
        before = refs(loop)
        platform = cast("MemoryPlatform", await loop.parts.platforms.get("memory"))
        pull = await platform.somebody_opens(REPO, PullRequestSpec("feature", "main", "News", ""), "ada")
        handle = await assist(loop, base="feature")
        seen = await to(loop, handle, PatchStage.SUGGESTION)
        assert seen.waiting_for is not None
        assert f"a yes writes it as a review of the pull request {pull.number}" in seen.waiting_for.reason
        await say_yes(handle)
        assert (await handle.result()).suggested
        assert writes(loop) == ["submit_review"]
        assert refs(loop) == before
        (thread,) = await platform.list_threads(REPO, pull.number)
        assert (thread.path, thread.line) == ("calc.py", 2)
        assert thread.comments[0].body == "```suggestion\n    return sum(values) / len(values)\n```"
        (review,) = await platform.list_reviews(REPO, pull.number)
        assert "+class MeanValueTest" in review.body, "the new file stands in the patch alone"


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_suggestion_outlives_the_host_that_made_it(client: Client, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    async with running_loop(client, here) as loop:
        handle = await assist(loop, limits=replace(QUICK, worker_lost_after=1))
        await to(loop, handle, PatchStage.CHANGE)
        shown = await patch(loop, (await loop.view(handle)).task_id)
        loop.handles.clear()  # it goes on elsewhere
    forge = platform_settings(here, loop.remote), loop.remote
    async with running_loop(client, there, store=loop.parts.store, forge=forge, host="there") as other:
        other.handles.append(handle)
        await other.until(handle, lambda view: view.waiting_for)
        await say_yes(handle)
        await at(other, handle, PatchStage.SUGGESTION)
        assert await patch(other, (await other.view(handle)).task_id) == shown
        await say_yes(handle)
        assert (await handle.result()).suggested
        assert writes(loop) == ["ensure_comment"]

"""From an issue to a merged, tested change on every platform that has pull requests."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.model.task import TaskStatus
from tamma.platforms.interface import ISSUES
from tests.platforms.forge_harness import ForgeHarness
from tests.platforms.registry import ENTRIES, Entry
from tests.support.forge.repository import Repo
from tests.support.forge.server import ApiServer
from tests.support.forge.world import World
from tests.support.loop import ISSUE, QUICK, make_repository, running_loop

FORGES = [entry for entry in ENTRIES if entry.face is not None and not entry.slow]


@pytest.mark.parametrize("entry", FORGES, ids=lambda entry: entry.name)
async def test_an_issue_becomes_a_merged_tested_change(client: Client, tmp_path: Path, entry: Entry) -> None:
    assert entry.face is not None
    face = entry.face()
    if face is None:
        pytest.skip(f"{entry.name}: its published description is not there: set TAMMA_TEST_SPECS")
    remote = make_repository(tmp_path)
    world = World(tmp_path / "world", hello=remote, shared_numbers=entry.shared_numbers)
    with ApiServer(world, face) as server:
        harness = (entry.harness or ForgeHarness)(entry.name, server, entry.type)
        # Pushes go straight into the world's repository: how they travel is shown elsewhere.
        account = replace(harness.platform.settings, clone_url=str(remote))
        has_issues = ISSUES in await harness.platform.capabilities()
        async with running_loop(client, tmp_path, forge=(account, remote)) as loop:
            [number] = await harness.add_issues(1, "mean() is too small", ISSUE) if has_issues else ["1"]
            ci = asyncio.create_task(_report_green(world.hello))
            handle = await loop.submit(
                number,
                repo=harness.repo,
                issue_text=None if has_issues else ISSUE,
                limits=replace(QUICK, checks_grace=30),
            )
            result = await asyncio.wait_for(handle.result(), 120)
            await ci
            assert result.status is TaskStatus.COMPLETED, await loop.view(handle)
            assert "len(values) + 1" not in loop.show("main:calc.py")
            assert "test_mean" in loop.show("main:tests/test_mean.py")
        await harness.close()
    assert server.violations == []
    _was_done_once(world, has_issues=has_issues)


async def _report_green(repo: Repo) -> None:
    """CI, which reports on a pull request a moment after it was opened."""
    while not repo.pulls:  # noqa: ASYNC110 - the world is a plain object: nothing tells when it changes
        await asyncio.sleep(0.05)
    [pull] = repo.pulls.values()
    repo.report_check(pull.head_sha, "ci", "success")


def _was_done_once(world: World, *, has_issues: bool) -> None:
    effects = world.effects
    assert (effects["pull"], effects["merge"]) == (1, 1), effects
    [pull] = world.hello.pulls.values()
    assert pull.merge_sha is not None
    assert "Tests" in (pull.body or "")
    assert set(world.hello.branches()) == {"main"}
    if has_issues:
        [issue] = world.hello.issues.values()
        assert issue.state == "closed"
        assert len(issue.comments) == effects["comment"] == 1

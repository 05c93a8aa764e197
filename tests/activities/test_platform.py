"""Calls to Git platforms: what is refused before a run begins, and where a shortened text says to read on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.interface import AcceptIssue, CloseIssue
from activities.platform import PlatformActivities
from tamma.errors import Conflict, Forbidden, PlatformError, StaleHead
from tamma.model.ids import new_task_id
from tamma.model.repository import RepoRef
from tamma.platforms.interface import Platform, PlatformSettings
from tamma.platforms.memory.platform import MemoryPlatform
from tamma.store.memory import MemoryStore
from tests.platforms.harness import git, make_bare

REPO = RepoRef("memory", "octo", "hello")
GIVEN = AcceptIssue(new_task_id(), REPO, "1", None, None, "1")
PULL = "https://forge.example.test/octo/hello/pull/2"


class OnePlatform:
    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    async def get(self, name: str) -> Platform:
        return self.platform


def activities(repository: Path, **options: object) -> tuple[PlatformActivities, MemoryPlatform]:
    there = {"repositories": {"octo/hello": str(repository)}, "issues": {"octo/hello": {"1": "# A bug\nIt."}}}
    settings = PlatformSettings("memory", "memory", options={**there, **options})
    platform = MemoryPlatform(settings)
    return PlatformActivities(OnePlatform(platform), MemoryStore()), platform


async def accept(repository: Path, given: AcceptIssue = GIVEN, **options: object) -> Any:
    return await ActivityEnvironment().run(activities(repository, **options)[0].accept_issue, given)


async def test_an_issue_of_a_usual_repository_is_accepted(tmp_path: Path) -> None:
    assert (await accept(make_bare(tmp_path))).base_branch == "main"


async def test_an_archived_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ApplicationError, match="octo/hello is archived") as caught:
        await accept(make_bare(tmp_path), archived=["octo/hello"])
    assert (caught.value.type, caught.value.non_retryable) == ("Forbidden", True)


async def test_an_empty_repository_says_what_to_do(tmp_path: Path) -> None:
    git("init", "-q", "--bare", "-b", "trunk", "empty.git", cwd=tmp_path)
    with pytest.raises(ApplicationError, match=r"no branch 'trunk'.*empty") as caught:
        await accept(tmp_path / "empty.git")
    assert "first commit" in str(caught.value.details)
    with pytest.raises(ApplicationError, match="no branch 'other'"):
        await accept(make_bare(tmp_path), replace(GIVEN, base="other"))


async def test_a_closing_comment_that_is_too_long_leads_to_the_pull_request(tmp_path: Path) -> None:
    called, platform = activities(make_bare(tmp_path), longest=400)
    given = CloseIssue(
        GIVEN.task_id, REPO, "1", "word " * 500, "tamma/1", "0" * 40, False, pull_request_url=PULL
    )
    await ActivityEnvironment().run(called.close_issue, given)
    issue = await platform.get_issue(REPO, "1")
    assert issue.state == "closed"
    assert issue.comments[0].body.endswith(PULL)


@pytest.mark.parametrize("kind", [Forbidden, Conflict, StaleHead])
async def test_a_merged_change_is_no_failure_for_a_branch_that_stays(
    tmp_path: Path, kind: type[PlatformError]
) -> None:
    class Protected(MemoryPlatform):
        async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
            raise kind(f"{name} is protected")

    _, plain = activities(make_bare(tmp_path))
    called = PlatformActivities(OnePlatform(Protected(plain.settings)), MemoryStore())
    given = CloseIssue(GIVEN.task_id, REPO, "1", "Solved.", "tamma/1", "0" * 40, True, pull_request_url=PULL)
    done = await ActivityEnvironment().run(called.close_issue, given)
    assert "tamma/1" in done.notes[0]
    assert "kept" in done.notes[0]

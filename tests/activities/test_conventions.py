"""How a team wants pull requests to look, and that texts never close a forge's issue for a tracker's."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.interface import AcceptIssue, OpenPullRequest
from activities.platform import PlatformActivities
from tamma.model.conventions import Conventions
from tamma.model.ids import new_task_id
from tamma.model.repository import PullRequest, RepoRef
from tamma.model.task import AgentChoice, Spend
from tamma.platforms.interface import Platform
from tamma.store.memory import MemoryStore
from tests.activities.test_platform import OnePlatform, activities
from tests.platforms.harness import MemoryHarness, make_bare
from tests.platforms.steps import BRANCH, commit
from workflows.words import commit_message

TASK = new_task_id()
FILE = "docs/pull-request.md"


def opening(repo: RepoRef) -> OpenPullRequest:
    return OpenPullRequest(
        task_id=TASK,
        repo=repo,
        head=BRANCH,
        base="main",
        issue="1",
        issue_title="mean() is wrong",
        plan=None,
        summary="Divides by the number of values.",
        red_test=None,
        tests=None,
        sandbox_tier="bwrap",
        spend=Spend(turns=9, cost_usd=Decimal("0.1")),
        agent=AgentChoice("scripted", ""),
        review="",
    )


async def opened(folder: Path, wanted: Conventions) -> PullRequest:
    harness = MemoryHarness(folder)
    await commit(harness)
    platform: Platform = harness.platform
    called = PlatformActivities(OnePlatform(platform), MemoryStore(), lambda _: wanted)
    made = await ActivityEnvironment().run(called.open_pull_request, opening(harness.repo))
    return await platform.get_pr(harness.repo, made.number)


async def test_labels_and_a_text_of_the_teams_own(tmp_path: Path) -> None:
    text = "## Checklist\n- [ ] the changelog is written"
    found = await opened(tmp_path, Conventions(pull_request_labels=("tamma",), pull_request_template=text))
    assert found.labels == ("tamma",)
    assert text in found.body
    assert "Closes #1" in found.body


async def test_a_template_in_the_repository(tmp_path: Path) -> None:
    found = await opened(tmp_path, Conventions(pull_request_template="README.md"))
    assert "hello" in found.body


async def test_a_template_that_is_not_there_is_no_reason_to_open_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await opened(tmp_path, Conventions(pull_request_template=FILE))
    assert "Divides by the number of values." in found.body
    assert FILE in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "number", "name"),
    [
        ("jira", "SHOP-12", "SHOP-12"),
        ("azure-devops", "12", "AB#12"),
        ("gitlab", "12", "board issue 12"),
    ],
)
async def test_an_issue_elsewhere_is_never_closed_by_its_number(
    tmp_path: Path, kind: str, number: str, name: str
) -> None:
    wanted = Conventions(tracker="board", tracker_type=kind)
    assert wanted.issue_name(number) == name
    assert wanted.closing(number) == f"Solves {name}"
    assert "Closes" not in commit_message("Fix it", wanted.issue_name(number), "Done.")
    assert "Closes" not in (await opened(tmp_path, wanted)).body


async def test_what_is_accepted_carries_the_name_for_texts(tmp_path: Path) -> None:
    own, platform = activities(make_bare(tmp_path))
    given = AcceptIssue(TASK, RepoRef("memory", "octo", "hello"), "1", None, None, "1")
    beside = PlatformActivities(
        OnePlatform(platform),
        MemoryStore(),
        lambda _: Conventions(tracker="board", tracker_type="azure-devops"),
    )
    first = await ActivityEnvironment().run(own.accept_issue, given)
    second = await ActivityEnvironment().run(beside.accept_issue, given)
    assert (first.number, second.number) == ("1", "AB#1")
    assert replace(second, number="1") == first

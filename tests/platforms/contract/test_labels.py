"""Labels: only the difference is written."""

from __future__ import annotations

from tamma.model.repository import Target
from tamma.platforms.interface import ISSUES, LABELS, PULL_REQUESTS
from tests.platforms.harness import Harness
from tests.platforms.steps import needs, open_pr

pytestmark = needs(LABELS)


@needs(ISSUES)
async def test_labels_are_set_by_their_difference(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    target = Target("issue", number)
    await harness.platform.set_labels(harness.repo, target, ("bug", "in progress"))
    await harness.platform.set_labels(harness.repo, target, ("bug",), ("in progress", "never there"))
    await harness.platform.set_labels(harness.repo, target, ("bug",), ("in progress",))
    assert (await harness.platform.get_issue(harness.repo, number)).labels == ("bug",)


@needs(ISSUES)
async def test_labels_of_all_names(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    names = ("type: bug", "häßlich", "a/b", "c++ & co", "100%")
    await harness.platform.set_labels(harness.repo, Target("issue", number), names)
    found = await harness.platform.get_issue(harness.repo, number)
    assert sorted(found.labels) == sorted(names)
    await harness.platform.set_labels(harness.repo, Target("issue", number), (), names)
    assert (await harness.platform.get_issue(harness.repo, number)).labels == ()


@needs(PULL_REQUESTS)
async def test_pull_requests_have_labels(harness: Harness) -> None:
    number = (await open_pr(harness)).number
    target = Target("pull_request", number)
    await harness.platform.set_labels(harness.repo, target, ("tamma", "bug"))
    await harness.platform.set_labels(harness.repo, target, ("tamma",), ("bug",))
    assert (await harness.platform.get_pr(harness.repo, number)).labels == ("tamma",)

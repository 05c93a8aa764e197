"""Issues: listed, read, closed; assignees."""

from __future__ import annotations

import pytest

from tamma.errors import NotFound
from tamma.model.repository import IssueFilter, Target
from tamma.platforms.interface import ASSIGNEES, ISSUES, LABELS, PULL_REQUESTS
from tests.platforms.harness import Harness
from tests.platforms.registry import FILTERS
from tests.platforms.steps import needs, open_pr

pytestmark = needs(ISSUES)


async def numbers(harness: Harness, query: IssueFilter) -> list[str]:
    """Of all pages."""
    found: list[str] = []
    cursor: str | None = None
    for _ in range(50):
        page = await harness.platform.list_issues(harness.repo, query, cursor)
        found += [issue.number for issue in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found
    pytest.fail("the pages have no end")


async def test_all_issues_of_many_pages_are_listed_once(harness: Harness) -> None:
    made = await harness.add_issues(harness.many)
    assert await numbers(harness, IssueFilter()) == made


async def test_no_issues_are_one_page(harness: Harness) -> None:
    page = await harness.platform.list_issues(harness.repo, IssueFilter())
    assert (page.items, page.next_cursor) == ((), None)


@needs(PULL_REQUESTS)
async def test_pull_requests_are_not_issues(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    pull = await open_pr(harness)
    assert await numbers(harness, IssueFilter()) == [number]
    if pull.number != number:  # they share their numbers: no issue has this one
        with pytest.raises(NotFound):
            await harness.platform.get_issue(harness.repo, pull.number)


async def test_an_issue_is_read_as_it_was_written(harness: Harness) -> None:
    [number] = await harness.add_issues(1, "Ünïcode „quotes“ 🐛", "line\n\n```py\nx = '<b>'\n```")
    issue = await harness.platform.get_issue(harness.repo, number)
    assert (issue.title, issue.body) == ("Ünïcode „quotes“ 🐛", "line\n\n```py\nx = '<b>'\n```")
    assert (issue.number, issue.state, issue.comments) == (number, "open", ())
    with pytest.raises(NotFound):
        await harness.platform.get_issue(harness.repo, "99999")


async def test_an_issue_is_closed_once_and_reopened(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    await harness.platform.close_issue(harness.repo, number)
    await harness.platform.close_issue(harness.repo, number)
    assert (await harness.platform.get_issue(harness.repo, number)).state == "closed"
    assert await numbers(harness, IssueFilter()) == []
    assert await numbers(harness, IssueFilter("closed")) == [number]
    await harness.platform.reopen_issue(harness.repo, number)
    await harness.platform.reopen_issue(harness.repo, number)
    assert (await harness.platform.get_issue(harness.repo, number)).state == "open"
    assert await numbers(harness, IssueFilter("closed")) == []
    with pytest.raises(NotFound):
        await harness.platform.close_issue(harness.repo, "99999")


@needs(LABELS, ASSIGNEES)
async def test_issues_are_found_by_all_that_must_hold(harness: Harness) -> None:
    login = (await harness.platform.check_credentials()).login
    one, two, three = await harness.add_issues(3)
    for number, labels in ((one, ("bug", "ui")), (two, ("bug",)), (three, ("ui",))):
        await harness.platform.set_labels(harness.repo, Target("issue", number), labels)
    await harness.platform.set_assignees(harness.repo, two, (login,))
    assert await numbers(harness, IssueFilter(labels=("bug",))) == [one, two]
    assert await numbers(harness, IssueFilter(labels=("bug", "ui"))) == [one]
    assert await numbers(harness, IssueFilter(assignee=login)) == [two]
    assert await numbers(harness, IssueFilter(labels=("ui",), assignee=login)) == []
    await harness.platform.close_issue(harness.repo, one)
    assert await numbers(harness, IssueFilter(labels=("bug",))) == [two]
    assert await numbers(harness, IssueFilter("all", labels=("bug",))) == [one, two]


@needs(FILTERS)
async def test_issues_are_found_by_author_and_by_their_last_change(harness: Harness) -> None:
    one, two = await harness.add_issues(2)
    await harness.platform.close_issue(harness.repo, one)
    changed = (await harness.platform.get_issue(harness.repo, one)).updated_at
    assert changed is not None
    assert await numbers(harness, IssueFilter("all", updated_since=changed)) == [one]
    author = (await harness.platform.get_issue(harness.repo, two)).author
    assert await numbers(harness, IssueFilter("all", author=author)) == [one, two]
    assert await numbers(harness, IssueFilter("all", author=harness.login("reader"))) == []


@needs(ASSIGNEES)
async def test_assignees_are_set_by_their_difference(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    login = (await harness.platform.check_credentials()).login
    await harness.platform.set_assignees(harness.repo, number, (login,))
    await harness.platform.set_assignees(harness.repo, number, (login,))
    assert (await harness.platform.get_issue(harness.repo, number)).assignees == (login,)
    await harness.platform.set_assignees(harness.repo, number, (), (login,))
    await harness.platform.set_assignees(harness.repo, number, (), (login,))
    assert (await harness.platform.get_issue(harness.repo, number)).assignees == ()

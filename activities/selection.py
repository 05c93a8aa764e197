"""Looks at a repository's issues and runs, and makes an issue ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from temporalio import activity

from activities.failures import failing_well
from activities.heartbeat import heard
from activities.interface.selection import (
    LOOK_FOR_ISSUES,
    TAKE_ISSUE,
    IssueTaken,
    LookForIssues,
    TakeIssue,
)
from activities.issues import find_issue
from activities.pools import PlatformPool
from tamma.agents.pinning import resolve
from tamma.errors import Forbidden, NotFound, Unsupported
from tamma.model.ids import WorkflowId, forge_run_id, new_task_id
from tamma.model.references import RepoRef
from tamma.model.repository import Issue, IssueFilter
from tamma.model.selection import MOST_LEFT, FoundIssue, IssuesSeen, LeftIssue, Traffic
from tamma.platforms.interface import ASSIGNEES, ISSUES, Platform
from tamma.selection.choosing import unfit
from tamma.selection.dependencies import issues_before
from tamma.selection.files import files_named
from tamma.store.interface import AgentStore

MOST_PAGES = 20
"""Pages of issues that a look reads."""
MOST_FOUND = 100
"""Issues that fit which a look returns, oldest first: they go through a history."""
MOST_LOOKED_UP = 50
"""Issues that others depend on and that are not in the list, which a look reads one by one."""
_LONGEST_TITLE = 200


class RepositoryRuns(Protocol):
    """Where the runs of a repository are looked up."""

    async def traffic(
        self, repo: RepoRef, issue_files: dict[WorkflowId, tuple[str, ...]], now: datetime
    ) -> Traffic:
        """Live runs, and past ones of the issues of `issue_files`; those are the files that an open issue's
        text names, by the id of its run. Raises TammaError, retryable where the server does not answer."""
        ...


class SelectionActivities:
    """Holds the platform accounts, the index of runs and the agents."""

    def __init__(self, platforms: PlatformPool, runs: RepositoryRuns, agents: AgentStore) -> None:
        self._platforms = platforms
        self._runs = runs
        self._agents = agents

    @activity.defn(name=LOOK_FOR_ISSUES.name)
    @failing_well
    @heard
    async def look_for_issues(self, given: LookForIssues) -> IssuesSeen:
        """List the open issues, put those aside that the rules alone leave, and look at the runs."""
        platform = await self._with_issues(given.repo)
        bot = await self._login(platform)
        found: list[FoundIssue] = []
        left: list[LeftIssue] = []
        before: dict[str, tuple[str, ...]] = {}
        files: dict[WorkflowId, tuple[str, ...]] = {}
        issues, notes = await _open_issues(platform, given)
        for issue in issues:
            # On one line: whoever wrote it must not write lines of a report.
            title = " ".join(issue.title.split())[:_LONGEST_TITLE]
            named = files_named(f"{issue.title}\n{issue.body}")
            files[forge_run_id(given.repo, issue.number)] = named
            if reason := unfit(given.rules, bot, issue):
                left.append(LeftIssue(issue.number, title, reason))
            else:
                found.append(FoundIssue(issue.number, title, issue.created_at, named))
                before[issue.number] = issues_before(issue.body, given.repo.full_name, issue.number)
        taken = found[:MOST_FOUND]
        still = await _open_ones(
            platform, given.repo, {issue.number for issue in issues}, [before[each.number] for each in taken]
        )
        left += [LeftIssue(each.number, each.title, "older ones come first") for each in found[MOST_FOUND:]]
        traffic = await self._runs.traffic(given.repo, files, activity.info().current_attempt_scheduled_time)
        return IssuesSeen(
            tuple(
                replace(each, before=tuple(one for one in before[each.number] if one in still))
                for each in taken
            ),
            tuple(left[:MOST_LEFT]),
            max(len(left) - MOST_LEFT, 0),
            traffic,
            notes,
        )

    @activity.defn(name=TAKE_ISSUE.name)
    @failing_well
    @heard
    async def take_issue(self, given: TakeIssue) -> IssueTaken:
        """Read the issue again, assign it to us where that is possible, and look the agent's version up."""
        platform = await self._with_issues(given.repo)
        task, bot = new_task_id(), await self._login(platform)
        try:
            issue = await platform.get_issue(given.repo, given.issue)
        except NotFound as error:
            return IssueTaken(task, refused=error.message)
        if reason := unfit(given.rules, bot, issue):
            return IssueTaken(task, refused=f"by now {reason}")
        agent = await resolve(self._agents, given.agent_name) if given.agent_name else None
        return IssueTaken(task, agent, note=await _assign(platform, given, bot))

    async def _with_issues(self, repo: RepoRef) -> Platform:
        platform = await self._platforms.get(repo.platform_id)
        if ISSUES not in await platform.capabilities():
            raise Unsupported(ISSUES, platform=repo.platform_id)
        return platform

    async def _login(self, platform: Platform) -> str:
        """Ours; empty where issues cannot be assigned, or the credentials belong to no user."""
        if ASSIGNEES not in await platform.capabilities():
            return ""
        return (await platform.check_credentials()).login


async def _open_issues(platform: Platform, given: LookForIssues) -> tuple[tuple[Issue, ...], tuple[str, ...]]:
    """All open ones with the labels, oldest first; a note where there are more than are read."""
    query = IssueFilter(labels=given.rules.labels)
    issues: list[Issue] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await platform.list_issues(given.repo, query, cursor)
        issues += page.items
        cursor = page.next_cursor
        if cursor is None:
            return tuple(issues), ()
    return tuple(issues), (f"only the {len(issues)} oldest issues were looked at",)


async def _open_ones(
    platform: Platform, repo: RepoRef, listed: set[str], before: Sequence[tuple[str, ...]]
) -> set[str]:
    """Which of the issues that others depend on are open; `listed` are.

    Those that there are not, or that we may not read, hold up nobody. Beyond `MOST_LOOKED_UP` all do.
    """
    still, looked_up = set(listed), 0
    for number in dict.fromkeys(each for numbers in before for each in numbers):
        if number in listed:
            continue
        looked_up += 1
        if looked_up > MOST_LOOKED_UP:
            still.add(number)
            continue
        issue = await find_issue(platform, repo, number)
        if issue is not None and issue.state == "open":
            still.add(number)
    return still


async def _assign(platform: Platform, given: TakeIssue, bot: str) -> str:
    """A note where we cannot be assigned: that keeps nobody from work, since an issue has one run."""
    if not bot:
        return ""
    try:
        await platform.set_assignees(given.repo, given.issue, (bot,))
    except (NotFound, Forbidden) as error:
        return f"#{given.issue} could not be assigned to {bot}: {error.message}"
    return ""

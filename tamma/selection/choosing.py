"""Which issues are taken now, and why the others not. Pure: the workflow, and a table of tests, ask it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tamma.model.ids import WorkflowId, forge_run_id
from tamma.model.references import RepoRef
from tamma.model.repository import Issue
from tamma.model.selection import Choice, FoundIssue, KnownRun, LeftIssue, SelectionRules, Traffic
from tamma.model.task import TaskStatus
from tamma.selection.dependencies import circle, depending
from tamma.selection.files import meeting

DAY = timedelta(days=1)


def unfit(rules: SelectionRules, bot: str, issue: Issue) -> str:
    """Why the rules leave this issue whatever else goes on; empty where they let it through.

    Labels and logins are compared without regard to case, as platforms do. `bot` is our login; empty where
    the credentials belong to no user: then an issue that is assigned to anybody is somebody's.
    """
    if issue.state != "open":
        return "it is closed"
    has = {label.casefold() for label in issue.labels}
    if missing := [label for label in rules.labels if label.casefold() not in has]:
        return f"it lacks the label {missing[0]!r}"
    if excluded := [label for label in rules.exclude_labels if label.casefold() in has]:
        return f"it has the label {excluded[0]!r}"
    ours = bool(bot) and bot.casefold() in {login.casefold() for login in issue.assignees}
    if issue.assignees and not ours:
        return f"it is assigned to {', '.join(issue.assignees[:3])}"
    return ""


def oldest_first(issues: Sequence[FoundIssue]) -> tuple[FoundIssue, ...]:
    """By creation, then by number; those whose creation the platform does not tell come last."""
    latest = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(issues, key=lambda each: (each.created_at or latest, _natural(each.number))))


def choose(
    rules: SelectionRules, repo: RepoRef, issues: Sequence[FoundIssue], traffic: Traffic, now: datetime
) -> Choice:
    """What to take now, oldest first. `issues` are those that `unfit` lets through.

    Issues that wait for something of their own do not hold up younger ones.
    """
    take: list[FoundIssue] = []
    left: list[LeftIssue] = []
    before = {issue.number: issue.before for issue in issues}
    # What waits for an issue must not keep that very issue from being taken.
    working = tuple(run for run in traffic.live if not run.waits)
    for issue in oldest_first(issues):
        reason = (
            _of_its_runs(rules, forge_run_id(repo, issue.number), traffic, now)
            or _of_issues_before(issue, before)
            or _of_its_files(issue, working, take)
            or _of_limits(rules, traffic, len(working), len(take), now)
        )
        if reason:
            left.append(LeftIssue(issue.number, issue.title, reason))
        else:
            take.append(issue)
    return Choice(tuple(take), tuple(left))


def had_run(repo: RepoRef, issue: str, traffic: Traffic) -> bool:
    """Whether an earlier run may have left a branch behind."""
    workflow = forge_run_id(repo, issue)
    return any(run.workflow_id == workflow for run in traffic.past)


def _of_its_runs(rules: SelectionRules, workflow: WorkflowId, traffic: Traffic, now: datetime) -> str:
    if live := next((run for run in traffic.live if run.workflow_id == workflow), None):
        return f"a run is under way (task {live.task_id})"
    runs = sorted((run for run in traffic.past if run.workflow_id == workflow), key=lambda run: run.moved_at)
    if not runs:
        return ""
    last = runs[-1]
    if last.status is not TaskStatus.FAILED:
        ended = "was cancelled" if last.status is TaskStatus.CANCELLED else "completed"
        return f"its run {ended} (task {last.task_id}); `tamma submit --again` starts another"
    failures = sum(run.status is TaskStatus.FAILED for run in runs)
    if failures >= rules.attempts:
        return f"its runs failed {failures} times: a person has to look (task {last.task_id})"
    again = last.moved_at + timedelta(seconds=rules.retry_after)
    return f"its run failed; it is tried again from {_at(again)} on" if again > now else ""


def _of_issues_before(issue: FoundIssue, before: Mapping[str, tuple[str, ...]]) -> str:
    if not issue.before:
        return ""
    if other := circle(issue.number, before):
        return f"it depends on #{other}, which depends on it: a person has to look"
    return depending(issue.before)


def _of_its_files(issue: FoundIssue, live: Sequence[KnownRun], take: Sequence[FoundIssue]) -> str:
    for run in live:
        if path := meeting(issue.files, run.files):
            return f"it is about {path}, which the run of #{run.issue} changes"
    for other in take:
        if path := meeting(issue.files, other.files):
            return f"it is about {path}, as #{other.number} is, which comes first"
    return ""


def _of_limits(rules: SelectionRules, traffic: Traffic, working: int, taken: int, now: datetime) -> str:
    pause = timedelta(seconds=rules.cool_down)
    if pause and traffic.moved_at is not None and traffic.moved_at + pause > now:
        return f"the repository cools down until {_at(traffic.moved_at + pause)}"
    if working + taken >= rules.concurrency:
        return f"{working + taken} of {rules.concurrency} runs at once are open"
    if traffic.begun_today + taken >= rules.most_a_day:
        return f"{traffic.begun_today + taken} of {rules.most_a_day} runs of 24 hours have begun"
    most = min(rules.most, 1) if pause else rules.most
    if taken >= most:
        return f"a pass takes {most} at most"
    return ""


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _natural(number: str) -> tuple[str, int]:
    """`SHOP-9` before `SHOP-12`."""
    found = re.fullmatch(r"(.*?)(\d{0,18})", number)
    return (found[1], int(found[2] or 0)) if found else (number, 0)

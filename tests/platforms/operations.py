"""Every writing operation, as the crash matrix does it: what has to be there first, and the call.

Nothing here knows a platform.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from tamma.model.repository import (
    Branch,
    ChangeKind,
    CheckState,
    CiRun,
    CiTrigger,
    Comment,
    CommitRef,
    EnsuredPullRequest,
    FileChange,
    InlineComment,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    PullRequest,
    PullRequestSpec,
    Review,
    ReviewEvent,
    ReviewSpec,
    Status,
    Target,
)
from tamma.platforms import interface as i
from tamma.platforms.interface import Platform
from tests.platforms.harness import Harness
from tests.platforms.registry import MERGES_LATER
from tests.platforms.steps import BRANCH, base_sha, branch_of_others, open_pr, write


@dataclass
class Ready:
    """What a call needs to know of what was prepared."""

    sha: str = ""
    number: str = ""
    id: str = ""


Prepare = Callable[[Harness], Awaitable[Ready]]
Call = Callable[[Harness, Platform, Ready], Awaitable[object]]


@dataclass(frozen=True)
class Writing:
    name: str
    method: str
    needs: tuple[str, ...]
    prepare: Prepare
    call: Call


def shown(result: object) -> object:
    """A result without what differs from run to run: ids, commits, and who was first."""
    match result:
        case Branch():
            return result.name
        case CommitRef():
            return "a commit"
        case Comment() | Review():
            return type(result).__name__, result.author, result.body, result.trusted
        case EnsuredPullRequest():
            return shown(result.pull_request)
        case PullRequest():
            told = (result.title, result.body, result.state, result.head, result.base, result.draft)
            return *told, sorted(result.labels), sorted(result.reviewers)
        case MergeResult():
            return result.outcome, result.sha is None
        case CiRun():
            return result.name, result.state, result.branch, result.attempt
        case _:
            return result


# --- what is there first ------------------------------------------------------------------------------


async def nothing(harness: Harness) -> Ready:
    return Ready(await base_sha(harness))


async def a_branch(harness: Harness) -> Ready:
    ready = await nothing(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, ready.sha)
    return ready


async def a_pushed_branch(harness: Harness) -> Ready:
    return Ready(await branch_of_others(harness, content=b"one\ntwo\nthree\n"))


async def an_issue(harness: Harness) -> Ready:
    [number] = await harness.add_issues(1)
    return Ready(number=number)


async def a_commented_issue(harness: Harness) -> Ready:
    ready = await an_issue(harness)
    target = Target("issue", ready.number)
    await harness.platform.ensure_comment(harness.repo, target, "before", "op-c")
    return ready


async def a_labelled_issue(harness: Harness) -> Ready:
    ready = await an_issue(harness)
    await harness.platform.set_labels(harness.repo, Target("issue", ready.number), ("old", "older", "stays"))
    return ready


async def an_assigned_issue(harness: Harness) -> Ready:
    ready = await an_issue(harness)
    await harness.platform.set_assignees(harness.repo, ready.number, (harness.login("writer"),))
    return ready


async def a_closed_issue(harness: Harness) -> Ready:
    ready = await an_issue(harness)
    await harness.platform.close_issue(harness.repo, ready.number)
    return ready


async def a_pull(harness: Harness) -> Ready:
    pull = await open_pr(harness, content=b"one\ntwo\nthree\n")
    return Ready(pull.head_sha, pull.number)


async def a_rebasing_pull(harness: Harness) -> Ready:
    harness.merges_by("rebase")
    return await a_pull(harness)


async def a_draft(harness: Harness) -> Ready:
    head = await branch_of_others(harness)
    spec = PullRequestSpec(BRANCH, "main", "Fix", "b", draft=True)
    pull = (await harness.platform.ensure_pr(harness.repo, spec, "op-pr")).pull_request
    return Ready(head, pull.number)


async def an_asked_pull(harness: Harness) -> Ready:
    ready = await a_pull(harness)
    await harness.platform.request_reviewers(harness.repo, ready.number, (harness.login("writer"),))
    return ready


async def a_pull_that_waits(harness: Harness) -> Ready:
    harness.protect("main", checks=("ci",))
    ready = await a_pull(harness)
    await harness.report(ready.sha, "ci", CheckState.PENDING)
    return ready


async def a_slow_pull(harness: Harness) -> Ready:
    ready = await a_pull(harness)
    harness.merge_later(1)
    return ready


async def their_pull(harness: Harness) -> Ready:
    ready = await a_pushed_branch(harness)
    return Ready(ready.sha, await harness.open_pr(BRANCH, "main"))


async def a_thread(harness: Harness) -> Ready:
    ready = await a_pull(harness)
    await harness.remark(ready.number, "fix.txt", 2, "Why?")
    [thread] = await harness.platform.list_threads(harness.repo, ready.number)
    return Ready(ready.sha, ready.number, thread.id)


async def an_answered_thread(harness: Harness) -> Ready:
    ready = await a_thread(harness)
    await harness.platform.reply(harness.repo, ready.number, ready.id, "before", "op-a")
    return ready


async def a_run(harness: Harness) -> Ready:
    await branch_of_others(harness)
    await harness.start_run(BRANCH, ("build", "test"))
    run = (await harness.platform.list_runs(harness.repo, branch=BRANCH)).items[0]
    return Ready(run.sha, id=run.id)


async def a_failed_run(harness: Harness) -> Ready:
    ready = await a_run(harness)
    await harness.finish_run(CheckState.FAILURE)
    return ready


# --- the calls ----------------------------------------------------------------------------------------

_CHANGES = (
    write("fix.txt"),
    write("binary.bin", b"\0\xff"),
    write("run.sh", b"#!/bin/sh\n"),
    FileChange("README.md", ChangeKind.DELETE),
)
_SPEC = PullRequestSpec(BRANCH, "main", "Fix it", "Because.", labels=("tamma", "bug"))
_PLAIN = PullRequestSpec(BRANCH, "main", "Fix it", "Because.")


def _comment(kind: str, body: str) -> Call:
    async def call(harness: Harness, platform: Platform, ready: Ready) -> object:
        target = Target("issue" if kind == "issue" else "pull_request", ready.number)
        return await platform.ensure_comment(harness.repo, target, body, "op-c")

    return call


def _labels(kind: str, add: tuple[str, ...], remove: tuple[str, ...]) -> Call:
    async def call(harness: Harness, platform: Platform, ready: Ready) -> object:
        target = Target("issue" if kind == "issue" else "pull_request", ready.number)
        return await platform.set_labels(harness.repo, target, add, remove)

    return call


def _merge(method: MergeMethod, *, when_ready: bool = False) -> Call:
    async def call(harness: Harness, platform: Platform, ready: Ready) -> object:
        message = "Fix\n\nWhole."
        if when_ready:
            return await platform.merge_pr(
                harness.repo, ready.number, method, ready.sha, message, when_ready=True
            )
        return await platform.merge_pr(harness.repo, ready.number, method, ready.sha, message)

    return call


def _review(event: ReviewEvent, comments: tuple[InlineComment, ...] = ()) -> Call:
    async def call(harness: Harness, platform: Platform, ready: Ready) -> object:
        review = ReviewSpec(event, "Hm.", ready.sha, comments)
        return await platform.submit_review(harness.repo, ready.number, review, "op-r")

    return call


async def _merge_slowly(harness: Harness, platform: Platform, ready: Ready) -> object:
    """Asked until it is done, as a run asks."""
    for _ in range(6):
        result = await platform.merge_pr(harness.repo, ready.number, "merge", ready.sha)
        if result.outcome is not MergeOutcome.PENDING:
            return result
    raise AssertionError("the merge is never done")


async def _commit(harness: Harness, platform: Platform, ready: Ready) -> object:
    return await platform.commit_files(harness.repo, BRANCH, _CHANGES, "Fix", ready.sha, "op-1")


async def _assign(harness: Harness, platform: Platform, ready: Ready) -> object:
    add, remove = (harness.login("octo"),), (harness.login("writer"),)
    return await platform.set_assignees(harness.repo, ready.number, add, remove)


async def _ask(harness: Harness, platform: Platform, ready: Ready) -> object:
    add, remove = (harness.login("octo"),), (harness.login("writer"),)
    return await platform.request_reviewers(harness.repo, ready.number, add, remove)


async def _trigger(harness: Harness, platform: Platform, ready: Ready) -> object:
    """A run that has no name yet is asked for until it has one, as a run's next step does."""
    trigger = CiTrigger(BRANCH, harness.workflow, (("mode", "fast"),))
    run = await platform.trigger_ci(harness.repo, trigger, "op-ci")
    return run if run.id else await platform.trigger_ci(harness.repo, trigger, "op-ci")


_TWO = (InlineComment("fix.txt", 1, "one?"), InlineComment("fix.txt", 3, "three?", start_line=2))


async def _merge_branch(harness: Harness, platform: Platform, ready: Ready) -> object:
    return await platform.merge_branch(harness.repo, BRANCH, "main", ready.sha, "Merge")


async def _status(harness: Harness, platform: Platform, ready: Ready) -> object:
    status = Status("tamma/run", CheckState.FAILURE, "so", "https://example.test/")
    return await platform.set_status(harness.repo, ready.sha, status)


async def _reply(harness: Harness, platform: Platform, ready: Ready) -> object:
    return await platform.reply(harness.repo, ready.number, ready.id, "So.", "op-a")


async def _resolve(harness: Harness, platform: Platform, ready: Ready) -> object:
    return await platform.resolve_thread(harness.repo, ready.number, ready.id)


async def _edit(harness: Harness, platform: Platform, ready: Ready) -> object:
    return await platform.update_pr(harness.repo, ready.number, title="New", body="New.")


def _open(spec: PullRequestSpec) -> Call:
    return lambda h, p, r: p.ensure_pr(h.repo, spec, "op-pr")


def _table() -> Iterator[tuple[str, str, tuple[str, ...], Prepare, Call]]:
    """Name, method, what it needs, what is there first, the call."""
    yield "branch", "ensure_branch", (), nothing, lambda h, p, r: p.ensure_branch(h.repo, BRANCH, r.sha)
    yield "branch gone", "delete_branch", (), a_branch, lambda h, p, r: p.delete_branch(h.repo, BRANCH, r.sha)
    yield "commit", "commit_files", (i.API_COMMITS,), a_branch, _commit

    issue = (i.ISSUES,)
    said = (i.COMMENTS, *issue)
    yield "comment", "ensure_comment", said, an_issue, _comment("issue", "hello")
    yield "comment edited", "ensure_comment", said, a_commented_issue, _comment("issue", "after")
    labelled = (i.LABELS, *issue)
    yield "labels", "set_labels", labelled, a_labelled_issue, _labels("issue", ("a", "b"), ("old", "older"))
    yield "assignees", "set_assignees", (i.ASSIGNEES, *issue), an_assigned_issue, _assign
    yield "issue closed", "close_issue", issue, an_issue, lambda h, p, r: p.close_issue(h.repo, r.number)
    yield "reopened", "reopen_issue", issue, a_closed_issue, lambda h, p, r: p.reopen_issue(h.repo, r.number)

    pull = (i.PULL_REQUESTS,)
    yield "pull request", "ensure_pr", pull, a_pushed_branch, _open(_PLAIN)
    yield "pull request with labels", "ensure_pr", (*pull, i.LABELS), a_pushed_branch, _open(_SPEC)
    yield "labels of theirs", "ensure_pr", (*pull, i.LABELS), their_pull, _open(_SPEC)
    yield "pull request edited", "update_pr", pull, a_pull, _edit
    yield "its comment", "ensure_comment", (*pull, i.COMMENTS), a_pull, _comment("pull", "hello")
    yield "its labels", "set_labels", (*pull, i.LABELS), a_pull, _labels("pull", ("new", "newer"), ())
    draft = (*pull, i.DRAFTS)
    yield "made a draft", "set_draft", draft, a_pull, lambda h, p, r: p.set_draft(h.repo, r.number, True)
    yield "made ready", "set_draft", draft, a_draft, lambda h, p, r: p.set_draft(h.repo, r.number, False)
    yield "reviewers", "request_reviewers", (*pull, i.REVIEWERS), an_asked_pull, _ask
    closed = (*pull, "close_pr")
    yield "pull request closed", "close_pr", closed, a_pull, lambda h, p, r: p.close_pr(h.repo, r.number)

    yield "merge", "merge_pr", pull, a_pull, _merge("merge")
    yield "squash", "merge_pr", pull, a_pull, _merge("squash")
    yield "rebase", "merge_pr", pull, a_rebasing_pull, _merge("rebase")
    yield "slow merge", "merge_pr", (*pull, MERGES_LATER), a_slow_pull, _merge_slowly
    left = _merge("squash", when_ready=True)
    yield "merge left to the platform", "merge_pr", (*pull, i.AUTO_MERGE), a_pull_that_waits, left
    yield "merge of a branch", "merge_branch", (i.LOCAL_MERGE,), a_pushed_branch, _merge_branch

    review = (*pull, i.REVIEWS)
    yield "approval", "submit_review", review, their_pull, _review(ReviewEvent.APPROVE)
    yield "refusal", "submit_review", review, their_pull, _review(ReviewEvent.REQUEST_CHANGES, _TWO)
    yield "remarks", "submit_review", review, their_pull, _review(ReviewEvent.COMMENT, _TWO)
    yield "reply", "reply", review, a_thread, _reply
    yield "reply edited", "reply", review, an_answered_thread, _reply
    yield "resolved", "resolve_thread", (*review, i.RESOLVE_THREADS), a_thread, _resolve

    yield "status", "set_status", (i.STATUSES,), nothing, _status
    runs = (i.CI_RUNS,)
    yield "CI started", "trigger_ci", (i.CI_TRIGGER, *runs), a_pushed_branch, _trigger
    yield "CI again", "rerun", (i.CI_RERUN, *runs), a_failed_run, lambda h, p, r: p.rerun(h.repo, r.id)
    yield "CI stopped", "cancel_run", (i.CI_CANCEL, *runs), a_run, lambda h, p, r: p.cancel_run(h.repo, r.id)


WRITINGS: tuple[Writing, ...] = tuple(Writing(*row) for row in _table())

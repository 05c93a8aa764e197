"""The memory platform's deeds: plain functions over its state and real Git repositories. Blocking.

Each returns its result and whether it changed anything, which is what the ledger counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pygit2

from tamma.errors import Conflict, NotFound, PlatformError, StaleHead
from tamma.model.repository import (
    CheckState,
    Comment,
    CommitRef,
    EnsuredPullRequest,
    FileChange,
    Issue,
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    MergeState,
    PullRequest,
    PullRequestSpec,
)
from tamma.platforms.common.marks import has_trailer, with_trailer
from tamma.platforms.git import objects as gitdb
from tamma.platforms.memory.state import PendingMerge, RepoState, StoredComment, StoredPull

AUTHOR = "tamma"
"""Who the memory platform says we are."""


def require_issue(state: RepoState, number: str) -> Issue:
    """With its comments. Raises NotFound."""
    issue = state.issues.get(number)
    if issue is None:
        raise NotFound(f"there is no issue {number!r}", hint="check the number", status=404)
    comments = tuple(stored.comment for stored in state.comments.get(number, []))
    return replace(issue, comments=comments)


def require_pull(state: RepoState, repo: pygit2.Repository, number: str) -> StoredPull:
    """While it is open its head is wherever the branch is now. Raises NotFound."""
    stored = state.pulls.get(number)
    if stored is None:
        raise NotFound(f"there is no pull request {number!r}", hint="check the number", status=404)
    if stored.pull.state == "open":
        head = gitdb.branch_sha(repo, stored.pull.head)
        if head is not None and head != stored.pull.head_sha:
            stored.pull = replace(stored.pull, head_sha=head)
    return stored


def ensure_comment(state: RepoState, number: str, body: str, op_id: str) -> tuple[Comment, bool]:
    if number not in state.issues and number not in state.pulls:
        raise NotFound(f"there is no issue or pull request {number!r}", status=404)
    comments = state.comments.setdefault(number, [])
    for stored in comments:
        if stored.op_id == op_id:
            changed = stored.comment.body != body
            stored.comment = replace(stored.comment, body=body)
            return stored.comment, changed
    total = sum(len(there) for there in state.comments.values())
    comment = Comment(str(total + 1), AUTHOR, body, datetime.now(UTC), trusted=True)
    comments.append(StoredComment(comment, op_id))
    return comment, True


def set_words(
    state: RepoState, number: str, what: str, add: tuple[str, ...], remove: tuple[str, ...]
) -> bool:
    """Labels or assignees of an issue; labels of a pull request."""
    issue, stored = state.issues.get(number), state.pulls.get(number)
    if issue is None and (stored is None or what != "labels"):
        raise NotFound(f"there is no issue {number!r}", status=404)
    if issue is not None:
        before = issue.labels if what == "labels" else issue.assignees
    else:
        assert stored is not None
        before = stored.labels
    after = tuple(dict.fromkeys(word for word in (*before, *add) if word not in remove))
    if issue is None:
        assert stored is not None
        stored.labels = after
    elif what == "labels":
        state.issues[number] = replace(issue, labels=after)
    else:
        state.issues[number] = replace(issue, assignees=after)
    return after != before


def commit_files(
    repo: pygit2.Repository,
    branch: str,
    changes: tuple[FileChange, ...],
    message: str,
    expected_head: str,
    op_id: str,
) -> tuple[CommitRef, bool]:
    head = gitdb.require_branch(repo, branch)
    if has_trailer(gitdb.require_commit(repo, head).message, op_id):
        return CommitRef(head, created=False), False
    if head != expected_head:
        raise StaleHead(f"the branch {branch!r} is at {head[:12]}, not at {expected_head[:12]}")
    made = gitdb.commit_changes(repo, head, changes, with_trailer(message, op_id))
    gitdb.move_branch(repo, branch, head, made, "tamma: commit")
    return CommitRef(made, created=True), True


def find_pull(state: RepoState, repo: pygit2.Repository, head: str, base: str) -> list[StoredPull]:
    """Open ones first, then newest first."""
    found = [
        require_pull(state, repo, number)
        for number, stored in state.pulls.items()
        if (stored.pull.head, stored.pull.base) == (head, base)
    ]
    return sorted(found, key=lambda stored: (stored.pull.state != "open", -int(stored.pull.number)))


def ensure_pr(
    state: RepoState, repo: pygit2.Repository, spec: PullRequestSpec, op_id: str, url: str
) -> tuple[EnsuredPullRequest, bool]:
    for stored in find_pull(state, repo, spec.head, spec.base):
        if stored.pull.state == "open" or stored.op_id == op_id:
            return EnsuredPullRequest(stored.pull, created=False), False
    head, base = gitdb.require_branch(repo, spec.head), gitdb.require_branch(repo, spec.base)
    if gitdb.is_merged(repo, base, head):
        raise PlatformError(f"no commits between {spec.base!r} and {spec.head!r}", status=422)
    state.last_number += 1
    number = str(state.last_number)
    pull = PullRequest(
        number=number,
        title=spec.title,
        body=spec.body,
        state="open",
        head=spec.head,
        base=spec.base,
        head_sha=head,
        url=f"{url}/pull/{number}",
        draft=spec.draft,
        author=AUTHOR,
    )
    state.pulls[number] = StoredPull(pull, op_id, labels=spec.labels)
    return EnsuredPullRequest(pull, created=True), True


def merge_readiness(state: RepoState, repo: pygit2.Repository, number: str, checks: CheckState) -> MergeState:
    pull = require_pull(state, repo, number).pull
    if pull.state != "open":
        return MergeState(MergeCategory.TERMINAL, f"already {pull.state}", pull.state)
    if pull.draft:
        return MergeState(MergeCategory.RECOVERABLE, "it is a draft", "draft")
    merged = gitdb.merge(repo, gitdb.require_branch(repo, pull.base), pull.head_sha, "probe")
    if isinstance(merged, gitdb.Conflicting):
        return MergeState(MergeCategory.RECOVERABLE, str(merged), "dirty")
    if checks is CheckState.PENDING:
        return MergeState(MergeCategory.IN_PROGRESS, "checks are running", "unstable")
    if checks is CheckState.FAILURE:
        return MergeState(MergeCategory.RECOVERABLE, "a check failed", "unstable")
    return MergeState(MergeCategory.READY, "it can be merged", "clean")


def merge_pr(
    state: RepoState,
    repo: pygit2.Repository,
    number: str,
    method: MergeMethod,
    expected_head: str,
    message: str,
    checkpoint: Callable[[], None],
) -> tuple[MergeResult, bool]:
    """`checkpoint` saves the state before the base moves."""
    stored = require_pull(state, repo, number)
    pull = stored.pull
    if pull.state == "merged" and pull.head_sha != expected_head:
        raise Conflict(f"#{number} was merged at {pull.head_sha[:12]}, not at {expected_head[:12]}")
    if pull.state == "merged":
        return MergeResult(MergeOutcome.MERGED, pull.merge_sha), False
    if pull.state == "closed":
        return MergeResult(MergeOutcome.REFUSED, None, f"#{number} was closed without a merge"), False
    if pull.head_sha != expected_head:
        raise StaleHead(f"the head of #{number} is at {pull.head_sha[:12]}, not at {expected_head[:12]}")
    if pull.draft:
        return MergeResult(MergeOutcome.REFUSED, None, f"#{number} is a draft"), False
    base = gitdb.require_branch(repo, pull.base)
    if stored.merging is None or not gitdb.is_merged(repo, base, stored.merging.new):
        text = message or f"Merge pull request #{number} from {pull.head}"
        merged = gitdb.merge(repo, base, pull.head_sha, text, method)
        if isinstance(merged, gitdb.Conflicting):
            return MergeResult(MergeOutcome.REFUSED, None, str(merged)), False
        stored.merging = PendingMerge(base, merged)
        checkpoint()
        gitdb.move_branch(repo, pull.base, base, merged, f"tamma: merge #{number}")
    stored.pull = replace(pull, state="merged", merge_sha=stored.merging.new)
    return MergeResult(MergeOutcome.MERGED, stored.merging.new), True

"""The fake that ships: a whole platform in memory (or one JSON file), over real bare Git repositories.

Branches, commits and merges are real Git, so pushes by git arrive. Every writing call that returns is a line
in a ledger with the effect it had, and faults can be asked for: crash tests count and strike with them.

Options: `repositories` {"owner/name": path of a bare repository}, `issues` {"owner/name": {number: text}},
`checks` (the state of commits nobody reported on: none, pending, success, failure), `state` (path of the
JSON file), `ledger` (path), `faults` (see faults).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from tamma.errors import NotFound
from tamma.model.repository import (
    Branch,
    Check,
    CheckState,
    CheckSummary,
    Comment,
    CommitRef,
    EnsuredPullRequest,
    FileChange,
    Identity,
    Issue,
    IssueFilter,
    MergeMethod,
    MergeResult,
    MergeState,
    Page,
    PullRequest,
    PullRequestSpec,
    RateLimit,
    RepoRef,
    Repository,
    Target,
)
from tamma.platforms.common.checks import summarise
from tamma.platforms.git import objects as gitdb
from tamma.platforms.interface import (
    API_COMMITS,
    ASSIGNEES,
    CHECKS,
    COMMENTS,
    GIT_PUSH,
    ISSUES,
    LABELS,
    LOCAL_MERGE,
    PULL_REQUESTS,
    GitCredentials,
    PlatformSettings,
)
from tamma.platforms.memory import deeds
from tamma.platforms.memory.faults import faults_from, strike, take
from tamma.platforms.memory.state import RepoState, StateStore, StoredComment
from tamma.platforms.plain.local import LocalGit
from tamma.platforms.plain.markdown_issue import issue_from_markdown

T = TypeVar("T")
_PAGE = 100


class MemoryPlatform:
    """The platform `memory`."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings
        options = settings.options
        self._repositories = cast("Mapping[str, str]", options.get("repositories", {}))
        self._seed = cast("Mapping[str, Mapping[str, str]]", options.get("issues", {}))
        self._default_check = CheckState(str(options.get("checks", "none")))
        self._faults = faults_from(options)
        self._store = StateStore(_path(options, "state"), _path(options, "ledger"))

    @property
    def settings(self) -> PlatformSettings:
        return self._settings

    async def start(self) -> None:
        """Nothing to make."""

    async def close(self) -> None:
        """Nothing to close."""

    async def capabilities(self) -> frozenset[str]:
        return frozenset(
            {ISSUES, COMMENTS, LABELS, ASSIGNEES, PULL_REQUESTS, CHECKS, API_COMMITS, GIT_PUSH, LOCAL_MERGE}
        )

    async def check_credentials(self) -> Identity:
        return Identity(deeds.AUTHOR)

    async def rate_limit(self) -> RateLimit:
        return RateLimit()

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        return GitCredentials()

    # --- issues ------------------------------------------------------------------------------------

    async def list_issues(self, repo: RepoRef, query: IssueFilter, cursor: str | None = None) -> Page[Issue]:
        """Up to 100 issues, in the order of their numbers; the cursor is a position."""

        def deed(state: RepoState) -> tuple[Page[Issue], bool]:
            wanted = [
                issue
                for _, issue in sorted(state.issues.items(), key=lambda entry: int(entry[0]))
                if query.state in ("all", issue.state)
                and set(query.labels) <= set(issue.labels)
                and (query.assignee is None or query.assignee in issue.assignees)
            ]
            start = int(cursor or 0)
            following = str(start + _PAGE) if len(wanted) > start + _PAGE else None
            return Page(tuple(wanted[start : start + _PAGE]), following), False

        return await self._read("list_issues", repo, deed)

    async def get_issue(self, repo: RepoRef, number: str) -> Issue:
        return await self._read("get_issue", repo, lambda state: (deeds.require_issue(state, number), False))

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]:
        def deed(state: RepoState) -> tuple[tuple[Comment, ...], bool]:
            return tuple(stored.comment for stored in state.comments.get(target.number, [])), False

        return await self._read("list_comments", repo, deed)

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        def deed(state: RepoState) -> tuple[Comment, bool]:
            return deeds.ensure_comment(state, target.number, body, op_id)

        return await self._write("ensure_comment", repo, target.number, deed)

    async def set_labels(
        self, repo: RepoRef, target: Target, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        def deed(state: RepoState) -> tuple[None, bool]:
            return None, deeds.set_words(state, target.number, "labels", add, remove)

        await self._write("set_labels", repo, target.number, deed)

    async def set_assignees(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        def deed(state: RepoState) -> tuple[None, bool]:
            return None, deeds.set_words(state, number, "assignees", add, remove)

        await self._write("set_assignees", repo, number, deed)

    async def close_issue(self, repo: RepoRef, number: str) -> None:
        await self._set_state("close_issue", repo, number, "closed")

    async def reopen_issue(self, repo: RepoRef, number: str) -> None:
        await self._set_state("reopen_issue", repo, number, "open")

    async def _set_state(
        self, op: str, repo: RepoRef, number: str, wanted: Literal["open", "closed"]
    ) -> None:
        def deed(state: RepoState) -> tuple[None, bool]:
            deeds.require_issue(state, number)
            changed = state.issues[number].state != wanted
            state.issues[number] = replace(state.issues[number], state=wanted)
            return None, changed

        await self._write(op, repo, number, deed)

    # --- repository --------------------------------------------------------------------------------

    async def get_repository(self, repo: RepoRef) -> Repository:
        def deed(state: RepoState) -> tuple[Repository, bool]:
            path = self._path(repo)
            template = self._settings.clone_url
            clone_url = template.format(owner=repo.owner, name=repo.name) if template else path
            default = gitdb.default_branch(gitdb.open_repository(path), path)
            return Repository(repo, default, clone_url, web_url=_url(repo)), False

        return await self._read("get_repository", repo, deed)

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        return await self._read("get_file", repo, lambda _: (self._local(repo).read_file(path, ref), False))

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        def deed(state: RepoState) -> tuple[Branch, bool]:
            return Branch(name, gitdb.require_branch(self._local(repo).open(), name)), False

        return await self._read("get_branch", repo, deed)

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        def deed(state: RepoState) -> tuple[Branch, bool]:
            created = gitdb.ensure_branch(self._local(repo).open(), name, from_sha)
            return Branch(name, from_sha), created

        return await self._write("ensure_branch", repo, name, deed)

    async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
        def deed(state: RepoState) -> tuple[None, bool]:
            return None, gitdb.delete_branch(self._local(repo).open(), name, expected_sha)

        await self._write("delete_branch", repo, name, deed)

    async def commit_files(
        self,
        repo: RepoRef,
        branch: str,
        changes: tuple[FileChange, ...],
        message: str,
        expected_head: str,
        op_id: str,
    ) -> CommitRef:
        def deed(state: RepoState) -> tuple[CommitRef, bool]:
            git = self._local(repo).open()
            return deeds.commit_files(git, branch, changes, message, expected_head, op_id)

        return await self._write("commit_files", repo, branch, deed)

    async def merge_branch(
        self, repo: RepoRef, branch: str, base: str, expected_head: str, message: str
    ) -> MergeResult:
        def deed(state: RepoState) -> tuple[MergeResult, bool]:
            local = self._local(repo)
            before = local.branch_sha(base)
            result = local.merge(branch, base, expected_head, message)
            return result, local.branch_sha(base) != before

        return await self._write("merge_branch", repo, f"{branch} into {base}", deed)

    # --- pull requests -------------------------------------------------------------------------------

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None:
        def deed(state: RepoState) -> tuple[PullRequest | None, bool]:
            found = deeds.find_pull(state, self._local(repo).open(), head, base)
            return (found[0].pull if found else None), False

        return await self._read("find_pr", repo, deed)

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest:
        def deed(state: RepoState) -> tuple[EnsuredPullRequest, bool]:
            return deeds.ensure_pr(state, self._local(repo).open(), spec, op_id, _url(repo))

        return await self._write("ensure_pr", repo, spec.head, deed)

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest:
        def deed(state: RepoState) -> tuple[PullRequest, bool]:
            return deeds.require_pull(state, self._local(repo).open(), number).pull, False

        return await self._read("get_pr", repo, deed)

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        def deed(state: RepoState) -> tuple[PullRequest, bool]:
            stored = deeds.require_pull(state, self._local(repo).open(), number)
            before = stored.pull
            stored.pull = replace(
                before,
                title=before.title if title is None else title,
                body=before.body if body is None else body,
            )
            return stored.pull, stored.pull != before

        return await self._write("update_pr", repo, number, deed)

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState:
        def deed(state: RepoState) -> tuple[MergeState, bool]:
            git = self._local(repo).open()
            head = deeds.require_pull(state, git, number).pull.head_sha
            return deeds.merge_readiness(state, git, number, self._checks(state, head).state), False

        return await self._read("merge_readiness", repo, deed)

    async def merge_pr(
        self, repo: RepoRef, number: str, method: MergeMethod, expected_head: str, message: str = ""
    ) -> MergeResult:
        def deed(state: RepoState, save: Callable[[], None]) -> tuple[MergeResult, bool]:
            git = self._local(repo).open()
            return deeds.merge_pr(state, git, number, method, expected_head, message, save)

        return await self._run("merge_pr", repo, number, deed, write=True)

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary:
        return await self._read("get_checks", repo, lambda state: (self._checks(state, sha), False))

    def _checks(self, state: RepoState, sha: str) -> CheckSummary:
        reported = state.checks.get(sha)
        if reported is None and self._default_check is not CheckState.NONE:
            reported = [Check("ci", self._default_check)]
        return summarise(sha, reported or [])

    # --- what other people and services do; not part of the protocol, not in the ledger -------------------

    async def add_issue(self, repo: RepoRef, issue: Issue) -> None:
        """Somebody writes an issue."""

        def deed(state: RepoState) -> tuple[None, bool]:
            state.issues[issue.number] = issue
            state.last_number = max(state.last_number, int(issue.number))
            return None, True

        await self._read("add_issue", repo, deed)

    async def add_comment(self, repo: RepoRef, number: str, comment: Comment) -> None:
        """Somebody else writes a comment."""

        def deed(state: RepoState) -> tuple[None, bool]:
            state.comments.setdefault(number, []).append(StoredComment(comment))
            return None, True

        await self._read("add_comment", repo, deed)

    async def set_checks(self, repo: RepoRef, sha: str, checks: tuple[Check, ...]) -> None:
        """CI reports on a commit."""

        def deed(state: RepoState) -> tuple[None, bool]:
            state.checks[sha] = list(checks)
            return None, True

        await self._read("set_checks", repo, deed)

    async def close_pr(self, repo: RepoRef, number: str) -> None:
        """Somebody closes it without a merge."""

        def deed(state: RepoState) -> tuple[None, bool]:
            stored = deeds.require_pull(state, self._local(repo).open(), number)
            stored.pull = replace(stored.pull, state="closed")
            return None, True

        await self._read("close_pr", repo, deed)

    # --- running a deed ------------------------------------------------------------------------------

    async def _read(self, op: str, repo: RepoRef, deed: Callable[[RepoState], tuple[T, bool]]) -> T:
        return await self._run(op, repo, "", lambda state, _: deed(state), write=False)

    async def _write(
        self, op: str, repo: RepoRef, detail: str, deed: Callable[[RepoState], tuple[T, bool]]
    ) -> T:
        return await self._run(op, repo, detail, lambda state, _: deed(state), write=True)

    async def _run(
        self,
        op: str,
        repo: RepoRef,
        detail: str,
        deed: Callable[[RepoState, Callable[[], None]], tuple[T, bool]],
        *,
        write: bool,
    ) -> T:
        await self._strike(op, "before")

        def act() -> T:
            with self._store.transaction() as state:
                result, effect = deed(
                    self._state_of(repo, state.repos), lambda: self._store.checkpoint(state)
                )
                if write:
                    state.record(op, repo.full_name, effect=effect, detail=detail)
                return result

        result = await asyncio.to_thread(act)
        await self._strike(op, "after")
        return result

    async def _strike(self, op: str, when: str) -> None:
        if any((fault.on, fault.when) == (op, when) for fault in self._faults):
            with self._store.transaction() as state:
                fault = take(self._faults, state, op, when)
            if fault is not None:
                await strike(fault)

    def _state_of(self, repo: RepoRef, repos: dict[str, RepoState]) -> RepoState:
        """The repository's state, seeded with the configured issues when it is first asked for."""
        name = repo.full_name
        self._path(repo)
        if name not in repos:
            seeded = {
                number: replace(issue_from_markdown(text, number), url=f"{_url(repo)}/issues/{number}")
                for number, text in self._seed.get(name, {}).items()
            }
            repos[name] = RepoState(issues=seeded, last_number=max(map(int, seeded), default=0))
        return repos[name]

    def _local(self, repo: RepoRef) -> LocalGit:
        return LocalGit(self._path(repo))

    def _path(self, repo: RepoRef) -> str:
        path = self._repositories.get(repo.full_name)
        if path is None:
            there = ", ".join(sorted(self._repositories)) or "none"
            raise NotFound(
                f"there is no repository {repo.full_name!r}", hint=f"repositories: {there}", status=404
            )
        return path


def _path(options: Mapping[str, Any], name: str) -> Path | None:
    value = options.get(name)
    return Path(str(value)) if value else None


def _url(repo: RepoRef) -> str:
    return f"memory://{repo.full_name}"

"""A repository without a platform: a local path, or a URL that git can reach.

Issues come from Markdown files; the work is delivered as a branch, and merged into its base where asked. What
needs a service (pull requests, checks, comments) raises Unsupported and says what to use instead.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, cast
from urllib.parse import unquote, urlsplit

from tamma.errors import ConfigError, NotFound, Unsupported
from tamma.model.repository import (
    Branch,
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
from tamma.platforms.plain.local import LocalGit
from tamma.platforms.plain.markdown_issue import issue_from_markdown
from tamma.platforms.plain.remote import RemoteGit

_SCP_FORM = re.compile(r"^[\w.-]+@[\w.-]+:(?!//)")
_USE_A_FORGE = "use a forge (GitHub), or deliver a branch and merge it with merge_branch"
_ISSUE_IS_A_FILE = "the issue is a file of yours: edit it there"


def is_url(name: str) -> bool:
    """Whether a repository's name is something to reach over a network, not a path."""
    return _SCP_FORM.match(name) is not None or ("://" in name and not name.startswith("file://"))


def local_path(name: str) -> str:
    """The absolute path of a local repository, from a path or a file:// URL."""
    path = unquote(urlsplit(name).path) if name.startswith("file://") else name
    return str(Path(path).expanduser().resolve())


class PlainGit:
    """The platform `plain-git`. `options["issues"]` maps an issue's number to its Markdown text."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings

    @property
    def settings(self) -> PlatformSettings:
        return self._settings

    async def start(self) -> None:
        """Nothing to make: git is started for each call."""

    async def close(self) -> None:
        """Nothing to close."""

    async def capabilities(self) -> frozenset[str]:
        """Without ISSUES: issues can be read from the configuration, but there is no tracker to write to."""
        return frozenset({GIT_PUSH, LOCAL_MERGE})

    async def check_credentials(self) -> Identity:
        """Who git says we are is decided by the remote at each call: there is nothing to ask."""
        return Identity(login="")

    async def rate_limit(self) -> RateLimit:
        return RateLimit()

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        """The configured token for https; nothing for paths and SSH."""
        return self._credentials(repo)

    def _credentials(self, repo: RepoRef) -> GitCredentials:
        if repo.name.startswith("https://") and self._settings.token:
            return GitCredentials("x-access-token", self._settings.token)
        return GitCredentials()

    # --- repository --------------------------------------------------------------------------------

    async def get_repository(self, repo: RepoRef) -> Repository:
        """The default branch is what HEAD names. Raises NotFound, Conflict for an empty repository."""
        git = self._git(repo)
        default = await asyncio.to_thread(git.default_branch)
        address = git.url if isinstance(git, RemoteGit) else git.path
        return Repository(repo, default, clone_url=address)

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        return await asyncio.to_thread(self._git(repo).read_file, path, ref)

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        sha = await asyncio.to_thread(self._git(repo).branch_sha, name)
        if sha is None:
            raise NotFound(f"{repo.name!r} has no branch {name!r}", platform=self._settings.id)
        return Branch(name, sha)

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        await asyncio.to_thread(self._git(repo).ensure_branch, name, from_sha)
        return Branch(name, from_sha)

    async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
        await asyncio.to_thread(self._git(repo).delete_branch, name, expected_sha)

    async def merge_branch(
        self, repo: RepoRef, branch: str, base: str, expected_head: str, message: str
    ) -> MergeResult:
        """Fast-forward `base`, or merge; REFUSED names conflicting files or a checkout with changes."""
        return await asyncio.to_thread(self._git(repo).merge, branch, base, expected_head, message)

    def _git(self, repo: RepoRef) -> LocalGit | RemoteGit:
        if not is_url(repo.name):
            return LocalGit(local_path(repo.name))
        if urlsplit(repo.name).password is not None:
            raise ConfigError(
                "a repository's URL carries a password",
                hint="take it out of the URL and configure it as the platform's token",
            )
        token = self._credentials(repo).token
        return RemoteGit(repo.name, token, timeout=max(self._settings.timeout, 300.0))

    # --- issues ------------------------------------------------------------------------------------

    async def list_issues(self, repo: RepoRef, query: IssueFilter, cursor: str | None = None) -> Page[Issue]:
        """The configured issues that match, on one page."""
        issues = (issue_from_markdown(text, number) for number, text in self._issues().items())
        return Page(tuple(issue for issue in issues if _matches(issue, query)))

    async def get_issue(self, repo: RepoRef, number: str) -> Issue:
        text = self._issues().get(number)
        if text is None:
            raise NotFound(
                f"there is no issue {number!r}: plain Git has no tracker",
                hint="give the issue as a Markdown file: tamma submit PATH --issue FILE.md",
                platform=self._settings.id,
            )
        return issue_from_markdown(text, number)

    def _issues(self) -> dict[str, str]:
        configured = self._settings.options.get("issues", {})
        if not isinstance(configured, Mapping):
            raise ConfigError("options.issues must map an issue's number to its Markdown text")
        entries = cast("Mapping[object, object]", configured)
        return {str(number): str(text) for number, text in entries.items()}

    # --- what plain Git does not have ------------------------------------------------------------------

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]:
        self._refuse(COMMENTS, _ISSUE_IS_A_FILE)

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        self._refuse(COMMENTS, _ISSUE_IS_A_FILE)

    async def set_labels(
        self, repo: RepoRef, target: Target, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        self._refuse(LABELS, _ISSUE_IS_A_FILE)

    async def set_assignees(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        self._refuse(ASSIGNEES, _ISSUE_IS_A_FILE)

    async def close_issue(self, repo: RepoRef, number: str) -> None:
        self._refuse(ISSUES, _ISSUE_IS_A_FILE)

    async def reopen_issue(self, repo: RepoRef, number: str) -> None:
        self._refuse(ISSUES, _ISSUE_IS_A_FILE)

    async def commit_files(
        self,
        repo: RepoRef,
        branch: str,
        changes: tuple[FileChange, ...],
        message: str,
        expected_head: str,
        op_id: str,
    ) -> CommitRef:
        self._refuse(API_COMMITS, "push the branch with git")

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None:
        self._refuse(PULL_REQUESTS, _USE_A_FORGE)

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest:
        self._refuse(PULL_REQUESTS, _USE_A_FORGE)

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest:
        self._refuse(PULL_REQUESTS, _USE_A_FORGE)

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        self._refuse(PULL_REQUESTS, _USE_A_FORGE)

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState:
        self._refuse(PULL_REQUESTS, _USE_A_FORGE)

    async def merge_pr(
        self, repo: RepoRef, number: str, method: MergeMethod, expected_head: str, message: str = ""
    ) -> MergeResult:
        self._refuse(PULL_REQUESTS, _USE_A_FORGE)

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary:
        self._refuse(CHECKS, "the tests that Tamma runs in its workspace decide")

    def _refuse(self, capability: str, hint: str) -> NoReturn:
        raise Unsupported(capability, platform="plain-git", hint=hint)


def _matches(issue: Issue, query: IssueFilter) -> bool:
    return (
        query.state in ("all", issue.state)
        and set(query.labels) <= set(issue.labels)
        and (query.assignee is None or query.assignee in issue.assignees)
    )

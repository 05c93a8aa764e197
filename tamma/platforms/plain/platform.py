"""A repository without a platform: a local path, or a URL that git can reach.

Issues come from Markdown files; the work is delivered as a branch, and merged into its base where asked. What
needs a service (pull requests, checks, comments) raises Unsupported and says what to use instead.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

from tamma.errors import ConfigError, NotFound
from tamma.git.remote import Remote
from tamma.model.repository import (
    Branch,
    Identity,
    Issue,
    IssueFilter,
    MergeResult,
    Page,
    RateLimit,
    RepoRef,
    Repository,
)
from tamma.platforms.common.filters import issue_fits
from tamma.platforms.common.lacking import lacking, lacking_at_once
from tamma.platforms.interface import (
    API_COMMITS,
    ASSIGNEES,
    CHECKS,
    CI_CANCEL,
    CI_LOGS,
    CI_RERUN,
    CI_RUNS,
    CI_TRIGGER,
    COMMENTS,
    DRAFTS,
    GIT_PUSH,
    ISSUES,
    LABELS,
    LOCAL_MERGE,
    PULL_REQUESTS,
    RESOLVE_THREADS,
    REVIEWERS,
    REVIEWS,
    STATUSES,
    WEBHOOKS,
    GitCredentials,
    PlatformSettings,
)
from tamma.platforms.plain.local import LocalGit
from tamma.platforms.plain.markdown_issue import issue_from_markdown
from tamma.platforms.plain.remote import RemoteGit

_SCP_FORM = re.compile(r"^[\w.-]+@[\w.-]+:(?!//)")
_USE_A_FORGE = "use a forge (GitHub), or deliver a branch and merge it with merge_branch"
_ISSUE_IS_A_FILE = "the issue is a file of yours: edit it there"
_OWN_TESTS = "the tests that Tamma runs in its workspace decide"


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

    async def server_version(self) -> str:
        return ""

    async def check_credentials(self) -> Identity:
        """Who git says we are is decided by the remote at each call: there is nothing to ask."""
        return Identity(login="")

    async def rate_limit(self) -> RateLimit:
        return RateLimit()

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        """What is configured: a token counts for https, a key for ssh; nothing for paths."""
        if not is_url(repo.name):
            return GitCredentials()
        found = self._settings
        token = await found.tokens.token() if found.tokens is not None else found.token
        return GitCredentials(
            found.username, token, found.ssh_key, found.known_hosts, found.ca_file, found.proxy
        )

    # --- repository --------------------------------------------------------------------------------

    async def get_repository(self, repo: RepoRef) -> Repository:
        """The default branch is the configured one, else what HEAD names.

        Raises NotFound, and Conflict where HEAD names none, as in an empty repository behind a URL.
        """
        git = await self._git(repo)
        default = self._settings.default_branch or await asyncio.to_thread(git.default_branch)
        address = git.url if isinstance(git, RemoteGit) else git.path
        return Repository(repo, default, clone_url=address)

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        return await asyncio.to_thread((await self._git(repo)).read_file, path, ref)

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        sha = await asyncio.to_thread((await self._git(repo)).branch_sha, name)
        if sha is None:
            raise NotFound(f"{repo.name!r} has no branch {name!r}", platform=self._settings.id)
        return Branch(name, sha)

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        await asyncio.to_thread((await self._git(repo)).ensure_branch, name, from_sha)
        return Branch(name, from_sha)

    async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
        await asyncio.to_thread((await self._git(repo)).delete_branch, name, expected_sha)

    async def merge_branch(
        self, repo: RepoRef, branch: str, base: str, expected_head: str, message: str
    ) -> MergeResult:
        """Fast-forward `base`, or merge; REFUSED names conflicting files or a checkout with changes."""
        return await asyncio.to_thread((await self._git(repo)).merge, branch, base, expected_head, message)

    async def _git(self, repo: RepoRef) -> LocalGit | RemoteGit:
        if not is_url(repo.name):
            return LocalGit(local_path(repo.name))
        if urlsplit(repo.name).password is not None:
            raise ConfigError(
                "a repository's URL carries a password",
                hint="take it out of the URL and configure it as the platform's token",
            )
        remote = Remote.of(repo.name, await self.git_credentials(repo))
        return RemoteGit(remote, timeout=max(self._settings.timeout, 300.0))

    # --- issues ------------------------------------------------------------------------------------

    async def list_issues(self, repo: RepoRef, query: IssueFilter, cursor: str | None = None) -> Page[Issue]:
        """The configured issues that match, on one page."""
        issues = (issue_from_markdown(text, number) for number, text in self._issues().items())
        return Page(tuple(issue for issue in issues if issue_fits(issue, query)))

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

    list_comments = ensure_comment = lacking(COMMENTS, _ISSUE_IS_A_FILE)
    set_labels = lacking(LABELS, _ISSUE_IS_A_FILE)
    set_assignees = lacking(ASSIGNEES, _ISSUE_IS_A_FILE)
    close_issue = reopen_issue = lacking(ISSUES, _ISSUE_IS_A_FILE)
    commit_files = lacking(API_COMMITS, "push the branch with git")

    find_pr = ensure_pr = get_pr = list_prs = update_pr = close_pr = lacking(PULL_REQUESTS, _USE_A_FORGE)
    get_diff = merge_readiness = merge_pr = lacking(PULL_REQUESTS, _USE_A_FORGE)
    set_draft = lacking(DRAFTS, _USE_A_FORGE)
    request_reviewers = lacking(REVIEWERS, _USE_A_FORGE)
    submit_review = list_reviews = list_threads = reply = lacking(REVIEWS, _USE_A_FORGE)
    resolve_thread = lacking(RESOLVE_THREADS, _USE_A_FORGE)

    get_checks = lacking(CHECKS, _OWN_TESTS)
    set_status = lacking(STATUSES, _OWN_TESTS)
    trigger_ci = lacking(CI_TRIGGER, _OWN_TESTS)
    list_runs = get_run = list_jobs = lacking(CI_RUNS, _OWN_TESTS)
    get_job_log = lacking(CI_LOGS, _OWN_TESTS)
    rerun = lacking(CI_RERUN, _OWN_TESTS)
    cancel_run = lacking(CI_CANCEL, _OWN_TESTS)

    verify_webhook = parse_webhook = lacking_at_once(WEBHOOKS, "nobody calls for plain Git: submit again")

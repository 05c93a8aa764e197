"""Pull requests, merging and checks on GitHub."""

from __future__ import annotations

from tamma.errors import Conflict, NotFound, PlatformError, StaleHead, Transient
from tamma.model.repository import (
    CheckState,
    CheckSummary,
    EnsuredPullRequest,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    MergeState,
    PullRequest,
    PullRequestSpec,
    RepoRef,
)
from tamma.platforms.common.checks import summarise
from tamma.platforms.common.marks import mark_of, with_mark
from tamma.platforms.github.client import repo_path
from tamma.platforms.github.issues import GitHubIssues
from tamma.platforms.github.models import CheckRun, MergeAnswer, PullAnswer, StatusAnswer, merge_state

_BASE_MOVED = "base branch was modified"
"""GitHub's words for a merge that lost a race and may simply be tried again."""


class GitHubPulls(GitHubIssues):
    """The pull requests' part of the adapter; they are issues too (labels, comments)."""

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None:
        """The open one, else the newest of those that were closed or merged."""
        found = await self._pulls(repo, head, base)
        return found[0].pull_request() if found else None

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest:
        existing = await self._ours(repo, spec, op_id)
        created = existing is None
        if existing is None:
            body = {
                "title": spec.title,
                "head": spec.head,
                "base": spec.base,
                "body": with_mark(spec.body, op_id),
                "draft": spec.draft,
            }
            try:
                existing = await self._api.send(PullAnswer, "POST", repo_path(repo, "/pulls"), body)
            except PlatformError as error:
                # "A pull request already exists": another attempt was between our look and our write.
                existing = await self._ours(repo, spec, op_id) if error.status in (409, 422) else None
                if existing is None:
                    raise
                created = False
        there = {label.name.lower() for label in existing.labels}
        missing = [name for name in spec.labels if name.lower() not in there]
        if missing:
            path = repo_path(repo, f"/issues/{existing.number}/labels")
            await self._api.do("POST", path, {"labels": missing})
        return EnsuredPullRequest(existing.pull_request(), created)

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest:
        return (await self._pull(repo, number)).pull_request()

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        pull = await self._pull(repo, number)
        wanted: dict[str, object] = {}
        if title is not None and title != pull.title:
            wanted["title"] = title
        if body is not None and body != pull.pull_request().body:
            mark = mark_of(pull.body)
            wanted["body"] = with_mark(body, mark) if mark else body
        if wanted:
            pull = await self._api.send(PullAnswer, "PATCH", repo_path(repo, f"/pulls/{number}"), wanted)
        return pull.pull_request()

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState:
        pull = await self._pull(repo, number)
        checks: CheckState | None = None
        if pull.state == "open" and pull.mergeable_state in ("blocked", "unstable"):
            checks = (await self.get_checks(repo, pull.head.sha)).state
        return merge_state(pull, checks)

    async def merge_pr(
        self, repo: RepoRef, number: str, method: MergeMethod, expected_head: str, message: str = ""
    ) -> MergeResult:
        settled = self._settled(await self._pull(repo, number), expected_head)
        if settled is not None:
            return settled
        body: dict[str, object] = {"sha": expected_head, "merge_method": method}
        if message and method != "rebase":
            title, _, rest = message.partition("\n")
            body |= {"commit_title": title, "commit_message": rest.strip("\n")}
        try:
            path = repo_path(repo, f"/pulls/{number}/merge")
            answer = await self._api.send(MergeAnswer, "PUT", path, body)
        except PlatformError as error:
            return await self._after_failed_merge(repo, number, expected_head, error)
        return MergeResult(MergeOutcome.MERGED, answer.sha)

    async def _after_failed_merge(
        self, repo: RepoRef, number: str, expected_head: str, error: PlatformError
    ) -> MergeResult:
        """Read again: the merge may have happened (a lost answer), or the head may have moved."""
        if not (isinstance(error, Transient | Conflict) or error.status in (405, 422)):
            raise error
        try:
            settled = self._settled(await self._pull(repo, number), expected_head)
        except Transient:
            raise error from None
        if settled is not None:
            return settled
        if isinstance(error, Transient):
            raise error
        if error.status == 409 or _BASE_MOVED in error.message.lower():
            raise Transient(error.message, platform=self._settings.id, status=error.status) from error
        return MergeResult(MergeOutcome.REFUSED, None, error.message)

    def _settled(self, pull: PullAnswer, expected_head: str) -> MergeResult | None:
        """The result where nothing is left to do; None where it can be merged at `expected_head`."""
        if pull.is_merged and pull.head.sha != expected_head:
            raise Conflict(
                f"#{pull.number} was merged at {pull.head.sha[:12]}, not at {expected_head[:12]}",
                hint="somebody pushed to the branch and merged it: look at what was merged",
                platform=self._settings.id,
            )
        if pull.is_merged:
            return MergeResult(MergeOutcome.MERGED, pull.merge_commit_sha)
        if pull.state == "closed":
            return MergeResult(MergeOutcome.REFUSED, None, f"#{pull.number} was closed without a merge")
        if pull.head.sha != expected_head:
            raise StaleHead(
                f"the head of #{pull.number} is at {pull.head.sha[:12]}, not at {expected_head[:12]}",
                platform=self._settings.id,
            )
        return None

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary:
        """Check runs and commit statuses united. Raises Forbidden where the token may not read them.

        `options["commit_statuses"] = False` is for servers that lack the older statuses altogether.
        """
        where = repo_path(repo, f"/commits/{sha}")
        runs = await self._all(CheckRun, f"{where}/check-runs", {"filter": "latest"}, key="check_runs")
        # With no status at all GitHub's combined state says pending: only the list is read.
        statuses: list[StatusAnswer] = []
        if self._settings.options.get("commit_statuses", True):
            statuses = await self._all(StatusAnswer, f"{where}/status", key="statuses")
        return summarise(sha, [*(run.check() for run in runs), *(status.check() for status in statuses)])

    async def _pull(self, repo: RepoRef, number: str) -> PullAnswer:
        if not (number.isascii() and number.isdigit()):
            raise NotFound(f"{number!r} is not a number of a pull request")
        return await self._api.get(PullAnswer, repo_path(repo, f"/pulls/{number}"))

    async def _pulls(self, repo: RepoRef, head: str, base: str) -> list[PullAnswer]:
        """Open ones first, then newest first."""
        query = {
            "state": "all",
            "head": f"{repo.owner}:{head}",
            "base": base,
            "sort": "created",
            "direction": "desc",
        }
        found = await self._all(PullAnswer, repo_path(repo, "/pulls"), query)
        exact = [pull for pull in found if pull.head.ref == head and pull.base.ref == base]
        return sorted(exact, key=lambda pull: (pull.state != "open", -pull.number))

    async def _ours(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> PullAnswer | None:
        """An open one for these branches, or one of this operation that somebody closed or merged since.

        One of an earlier operation that is closed is history: a new one is made beside it.
        """
        for pull in await self._pulls(repo, spec.head, spec.base):
            if pull.state == "open" or mark_of(pull.body) == op_id:
                return pull
        return None

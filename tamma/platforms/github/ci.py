"""Checks, statuses and GitHub Actions."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import BaseModel

from tamma.errors import ConfigError, NotFound, PlatformError
from tamma.model.repository import (
    CheckState,
    CheckSummary,
    CiJob,
    CiRun,
    CiTrigger,
    LogTail,
    Page,
    RepoRef,
    Status,
)
from tamma.platforms.common.checks import summarise
from tamma.platforms.github.client import repo_path
from tamma.platforms.github.issues import GitHubIssues
from tamma.platforms.github.models import CheckRun, JobAnswer, RunAnswer, StatusAnswer
from tamma.platforms.http.connection import cursor_of, from_cursor, link_header
from tamma.platforms.http.messages import Query, Request
from tamma.platforms.interface import LOG_TAIL

_DESCRIPTION_LIMIT = 140
"""Characters of a status's description (docs.github.com/rest/commits/statuses)."""
_DISPATCH = "workflow_dispatch"


class _Dispatched(BaseModel):
    workflow_run_id: int


class GitHubCi(GitHubIssues):
    """The part of the adapter that knows what CI says."""

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary:
        """Check runs and commit statuses united. Raises Forbidden where the token may not read them.

        `options["commit_statuses"] = False` is for servers that lack the older statuses altogether.
        """
        runs = await self._all(
            CheckRun,
            repo_path(repo, f"/commits/{quote(sha, safe='')}/check-runs"),
            {"filter": "latest"},
            key="check_runs",
        )
        statuses = await self._statuses(repo, sha)
        return summarise(sha, [*(run.check() for run in runs), *(status.check() for status in statuses)])

    async def _statuses(self, repo: RepoRef, sha: str) -> list[StatusAnswer]:
        """The newest of each context. With none GitHub's combined state says pending: the list is read."""
        if not self._settings.options.get("commit_statuses", True):
            return []
        return await self._all(
            StatusAnswer, repo_path(repo, f"/commits/{quote(sha, safe='')}/status"), key="statuses"
        )

    async def set_status(self, repo: RepoRef, sha: str, status: Status) -> None:
        wanted = {
            "state": status.state.value,
            "context": status.name,
            "description": status.description[:_DESCRIPTION_LIMIT],
            **({"target_url": status.url} if status.url else {}),
        }
        for there in await self._statuses(repo, sha):
            same = (there.state, there.description or "", there.target_url or "")
            if there.context == status.name and same == (
                wanted["state"],
                wanted["description"],
                status.url,
            ):
                return
        await self._api.do("POST", repo_path(repo, f"/statuses/{quote(sha, safe='')}"), wanted)

    # --- runs ----------------------------------------------------------------------------------------

    async def trigger_ci(self, repo: RepoRef, trigger: CiTrigger, op_id: str) -> CiRun:
        """Dispatch a workflow. A run of that workflow on that commit that we dispatched before is the one:
        GitHub keeps nothing by which two of them could be told apart. `rerun` runs it again."""
        if trigger.workflow is None:
            raise ConfigError(
                "GitHub wants to know which workflow to run",
                hint="name its file, e.g. ci.yml; it needs `on: workflow_dispatch`",
            )
        sha = trigger.sha or (await self.get_branch(repo, trigger.branch)).sha
        where = repo_path(repo, f"/actions/workflows/{quote(trigger.workflow, safe='')}")
        found = await self._dispatched(repo, where, sha)
        if found is not None:
            return found
        body = {"ref": trigger.branch, "inputs": dict(trigger.inputs), "return_run_details": True}
        request = Request("POST", f"{where}/dispatches", json=body)
        response = await self._api.call(request)
        if response.status == 200:
            made = self._api.parse(_Dispatched, self._api.json(request, response), request.path)
            return await self.get_run(repo, str(made.workflow_run_id))
        # Servers that do not know `return_run_details` yet answer 204 and begin a little later.
        return await self._dispatched(repo, where, sha) or CiRun(
            "", trigger.workflow, CheckState.PENDING, sha, trigger.branch, event=_DISPATCH
        )

    async def _dispatched(self, repo: RepoRef, workflow: str, sha: str) -> CiRun | None:
        query: Query = {"event": _DISPATCH, "head_sha": sha, "per_page": "100"}
        runs, _ = await self._api.page(RunAnswer, f"{workflow}/runs", query, link_header, "workflow_runs")
        for run in runs:
            if run.actor is not None and await self._is_us(run.actor.login):
                return run.run()
        return None

    async def list_runs(
        self, repo: RepoRef, *, sha: str | None = None, branch: str | None = None, cursor: str | None = None
    ) -> Page[CiRun]:
        asked: Query = {"per_page": "100"}
        if sha is not None:
            asked = {**asked, "head_sha": sha}
        if branch is not None:
            asked = {**asked, "branch": branch}
        if cursor is not None:
            asked = from_cursor(cursor)
        path = repo_path(repo, "/actions/runs")
        runs, following = await self._api.page(RunAnswer, path, asked, link_header, "workflow_runs")
        return Page(tuple(run.run() for run in runs), cursor_of(following))

    async def get_run(self, repo: RepoRef, run_id: str) -> CiRun:
        return (await self._api.get(RunAnswer, self._run_path(repo, run_id))).run()

    async def list_jobs(self, repo: RepoRef, run_id: str) -> tuple[CiJob, ...]:
        path = self._run_path(repo, run_id, "/jobs")
        jobs = await self._all(JobAnswer, path, {"filter": "latest"}, key="jobs")
        return tuple(job.job() for job in jobs)

    async def get_job_log(self, repo: RepoRef, job_id: str, tail: int = LOG_TAIL) -> LogTail:
        """GitHub sends one to the storage of its logs, where our token must not go."""
        where = repo_path(repo, f"/actions/jobs/{quote(job_id, safe='')}")
        try:
            response = await self._api.call(Request("GET", f"{where}/logs", tail=tail))
        except NotFound:
            await self._api.get(JobAnswer, where)  # no job, or one that has not written yet?
            return LogTail("", truncated=False)
        return LogTail(response.text, response.truncated)

    async def rerun(self, repo: RepoRef, run_id: str) -> CiRun:
        run = await self.get_run(repo, run_id)
        if run.state is CheckState.PENDING:
            return run
        what = "rerun-failed-jobs" if run.state is CheckState.FAILURE else "rerun"
        await self._api.do("POST", self._run_path(repo, run_id, f"/{what}"))
        return await self.get_run(repo, run_id)

    async def cancel_run(self, repo: RepoRef, run_id: str) -> None:
        if (await self.get_run(repo, run_id)).state is not CheckState.PENDING:
            return
        try:
            await self._api.do("POST", self._run_path(repo, run_id, "/cancel"))
        except PlatformError as error:
            if error.status != 409:  # it ended between our look and our write: as wanted
                raise

    def _run_path(self, repo: RepoRef, run_id: str, rest: str = "") -> str:
        return repo_path(repo, f"/actions/runs/{quote(run_id, safe='')}{rest}")

"""Checks, statuses and Actions."""

from __future__ import annotations

from dataclasses import replace

from tamma.errors import ConfigError, Conflict, NotFound, PlatformError
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
from tamma.platforms.common.names import segment
from tamma.platforms.gitea.client import PAGE_SIZE, pages, repo_path
from tamma.platforms.gitea.issues import GiteaIssues
from tamma.platforms.gitea.profile import RERUN_FAILED, RUN_JOBS, RUN_NAMED
from tamma.platforms.gitea.runs import (
    IN_ACTIONS,
    Dispatched,
    JobAnswer,
    RunAnswer,
    StatusAnswer,
    TaskAnswer,
    newest_jobs,
    reports,
)
from tamma.platforms.http.connection import cursor_of, from_cursor
from tamma.platforms.http.messages import Query, Request
from tamma.platforms.interface import (
    CI_CANCEL,
    CI_LOGS,
    CI_RERUN,
    CI_RUNS,
    CI_TRIGGER,
    LOG_TAIL,
    PlatformSettings,
)

_DISPATCH = "workflow_dispatch"
_REMEMBERED = 1000


class GiteaCi(GiteaIssues):
    """The part of the adapter that knows what CI says."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._begun: dict[tuple[str, int], str] = {}
        """Runs that operations of this process dispatched or found: repository and run, to operation."""

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary:
        """Commit statuses: the jobs of Actions report there too. A failed one of these gets its job's id."""
        checks = [status.check() for status in await self._statuses(repo, sha)]
        failed = [c for c in checks if c.state is CheckState.FAILURE and IN_ACTIONS in c.url]
        if failed and (await self._server()).has(CI_LOGS):
            jobs = await self._failed_jobs(repo, sha)
            ids = {c.name: job.id for c in failed for job in jobs if reports(c, job.name)}
            checks = [replace(check, job_id=ids.get(check.name)) for check in checks]
        return summarise(sha, checks)

    async def _statuses(self, repo: RepoRef, sha: str) -> list[StatusAnswer]:
        """The newest of each context, in the order they first came."""
        path = repo_path(repo, f"/commits/{segment(sha)}/statuses")
        found = sorted(await self._all(StatusAnswer, path), key=lambda status: status.id)
        return list({status.context: status for status in found}.values())

    async def _failed_jobs(self, repo: RepoRef, sha: str) -> list[CiJob]:
        runs = (await self.list_runs(repo, sha=sha)).items
        return [
            job
            for run in runs
            if run.state is CheckState.FAILURE
            for job in await self.list_jobs(repo, run.id)
            if job.state is CheckState.FAILURE
        ]

    async def set_status(self, repo: RepoRef, sha: str, status: Status) -> None:
        for there in await self._statuses(repo, sha):
            same = (there.status, there.description or "", there.target_url or "")
            if there.context == status.name and same == (
                status.state.value,
                status.description,
                status.url,
            ):
                return
        wanted = {
            "state": status.state.value,
            "context": status.name,
            "description": status.description,
            **({"target_url": status.url} if status.url else {}),
        }
        await self._api.do("POST", repo_path(repo, f"/statuses/{segment(sha)}"), wanted)

    # --- runs ----------------------------------------------------------------------------------------

    async def trigger_ci(self, repo: RepoRef, trigger: CiTrigger, op_id: str) -> CiRun:
        """Dispatch a workflow. A run of that workflow on that commit that we dispatched before is the one,
        unless this process knows that it is another operation's: the service keeps nothing of ours by which
        two of them could be told apart."""
        server = await self._needs(CI_TRIGGER)
        if trigger.workflow is None:
            raise ConfigError(
                f"{server.name} wants to know which workflow to run",
                hint="name its file, e.g. ci.yml; it needs `on: workflow_dispatch`",
            )
        head = (await self.get_branch(repo, trigger.branch)).sha
        sha = trigger.sha or head
        found = await self._dispatched(repo, trigger.workflow, sha, op_id)
        if found is not None:
            return found
        if sha != head:
            raise self._stale(f"the branch {trigger.branch!r}", head, sha)
        path = repo_path(repo, f"/actions/workflows/{segment(trigger.workflow)}/dispatches")
        body: dict[str, object] = {"ref": trigger.branch, "inputs": dict(trigger.inputs)}
        query: Query = {}
        if server.has(RUN_NAMED):
            if server.kind == "forgejo":
                body["return_run_info"] = True
            else:
                query = {"return_run_details": "true"}
        request = Request("POST", path, query, json=body)
        response = await self._api.call(request)
        if response.body.strip():
            made = self._api.parse(Dispatched, self._api.json(request, response), path)
            self._remember(repo, made.id, op_id)
            return await self.get_run(repo, str(made.id))
        return await self._dispatched(repo, trigger.workflow, sha, op_id) or CiRun(
            "", trigger.workflow, CheckState.PENDING, sha, trigger.branch, event=_DISPATCH
        )

    async def _dispatched(self, repo: RepoRef, workflow: str, sha: str, op_id: str) -> CiRun | None:
        query: Query = {"event": _DISPATCH, "head_sha": sha, "limit": str(PAGE_SIZE)}
        path = repo_path(repo, "/actions/runs")
        runs, _ = await self._api.page(RunAnswer, path, query, pages, "workflow_runs")
        us = await self._login()
        file = workflow.rpartition("/")[2]
        for run in runs:
            ours = run.by is not None and run.by.login.lower() == us.lower()
            whose = self._begun.get((repo.full_name, run.id), op_id)
            if ours and whose == op_id and (run.file, run.event, run.sha) == (file, _DISPATCH, sha):
                self._remember(repo, run.id, op_id)
                return run.run()
        return None

    def _remember(self, repo: RepoRef, run_id: int, op_id: str) -> None:
        self._begun[repo.full_name, run_id] = op_id
        while len(self._begun) > _REMEMBERED:
            del self._begun[next(iter(self._begun))]

    async def list_runs(
        self, repo: RepoRef, *, sha: str | None = None, branch: str | None = None, cursor: str | None = None
    ) -> Page[CiRun]:
        server = await self._needs(CI_RUNS)
        asked = {"limit": str(PAGE_SIZE)}
        if sha is not None:
            asked["head_sha"] = sha
        if branch is not None:
            asked |= {"ref": f"refs/heads/{branch}"} if server.kind == "forgejo" else {"branch": branch}
        path = repo_path(repo, "/actions/runs")
        runs, following = await self._api.page(
            RunAnswer, path, from_cursor(cursor) if cursor else asked, pages, "workflow_runs"
        )
        # Forgejo before 16 passes over filters that it does not know.
        kept = [run.run() for run in runs if sha in (None, run.sha) and branch in (None, run.branch)]
        return Page(tuple(kept), cursor_of(following))

    async def get_run(self, repo: RepoRef, run_id: str) -> CiRun:
        return (await self._run(repo, run_id)).run()

    async def _run(self, repo: RepoRef, run_id: str) -> RunAnswer:
        await self._needs(CI_RUNS)
        return await self._api.get(RunAnswer, _run_path(repo, run_id))

    async def list_jobs(self, repo: RepoRef, run_id: str) -> tuple[CiJob, ...]:
        """The id of a job is `run/job`: Forgejo has no way to look one up without its run."""
        jobs = newest_jobs(await self._jobs(repo, run_id))
        return tuple(answer.job(f"{run_id}/{answer.id}") for answer in jobs)

    async def _jobs(self, repo: RepoRef, run_id: str) -> list[JobAnswer]:
        server = await self._needs(CI_RUNS)
        if not server.has(RUN_JOBS):
            number = (await self._run(repo, run_id)).number
            tasks = await self._all(TaskAnswer, repo_path(repo, "/actions/tasks"), key="workflow_runs")
            return [task for task in tasks if task.run_number == number]
        path = _run_path(repo, run_id, "/jobs")
        if server.kind == "forgejo":
            return await self._list(JobAnswer, path)
        return await self._all(JobAnswer, path, key="jobs")

    async def get_job_log(self, repo: RepoRef, job_id: str, tail: int = LOG_TAIL) -> LogTail:
        await self._needs(CI_LOGS)
        run_id, _, number = job_id.rpartition("/")
        path = repo_path(repo, f"/actions/jobs/{segment(number)}/logs")
        try:
            response = await self._api.call(Request("GET", path, tail=tail))
        except NotFound:
            # No job, or one that has not written yet?
            if run_id and any(str(job.id) == number for job in await self._jobs(repo, run_id)):
                return LogTail("", truncated=False)
            raise
        return LogTail(response.text, response.truncated)

    async def rerun(self, repo: RepoRef, run_id: str) -> CiRun:
        server = await self._needs(CI_RERUN)
        run = await self.get_run(repo, run_id)
        if run.state is CheckState.PENDING:
            return run
        only_failed = run.state is CheckState.FAILURE and server.has(RERUN_FAILED)
        what = "rerun-failed-jobs" if only_failed else "rerun"
        try:
            await self._api.do("POST", _run_path(repo, run_id, f"/{what}"))
        except Conflict:
            now = await self.get_run(repo, run_id)
            if now.state is not CheckState.PENDING:
                raise
            return now  # it began between our look and our write: as wanted
        return await self.get_run(repo, run_id)

    async def cancel_run(self, repo: RepoRef, run_id: str) -> None:
        await self._needs(CI_CANCEL)
        if (await self.get_run(repo, run_id)).state is not CheckState.PENDING:
            return
        try:
            await self._api.do("POST", _run_path(repo, run_id, "/cancel"))
        except PlatformError as error:
            if error.status != 409:  # it ended between our look and our write: as wanted
                raise


def _run_path(repo: RepoRef, run_id: str, rest: str = "") -> str:
    return repo_path(repo, f"/actions/runs/{segment(run_id)}{rest}")

"""GitHub Actions: workflows that are dispatched, their runs, jobs and logs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from tamma.errors import ConfigError, Forbidden, NotFound, PlatformError
from tamma.model.repository import CheckState, CiJob, CiRun, CiTrigger, LogTail, Page, RepoRef
from tamma.platforms.common.names import segment
from tamma.platforms.github.checks import GitHubChecks
from tamma.platforms.github.client import repo_path
from tamma.platforms.github.runs import JobAnswer, RunAnswer
from tamma.platforms.http.connection import cursor_of, from_cursor, link_header
from tamma.platforms.http.messages import Query, Request, Response
from tamma.platforms.interface import LOG_TAIL

OP_INPUT = "tamma_op"
"""The input by which a workflow can show whose a run is: `run-name: CI ${{ inputs.tamma_op }}`."""
_MARK = "tamma:op="
_MARKED = re.compile(rf"{_MARK}(\S+)")
_INPUTS = 25
"""How many inputs a dispatch takes."""
_DETAILS = "return_run_details"
_DISPATCH = "workflow_dispatch"


class _Dispatched(BaseModel):
    workflow_run_id: int


class GitHubCi(GitHubChecks):
    """The part of the adapter that runs CI."""

    async def trigger_ci(self, repo: RepoRef, trigger: CiTrigger, op_id: str) -> CiRun:
        """Dispatch a workflow, or find the run that was dispatched.

        GitHub keeps nothing by which two runs of a workflow on a commit could be told apart but their
        `run-name`. Where that shows no operation, a run that we dispatched for the commit is the one, and
        `rerun` runs it again. Raises StaleHead where `trigger.sha` is not the branch's head.
        """
        if trigger.workflow is None:
            raise ConfigError(
                "GitHub wants to know which workflow to run",
                hint="name its file, e.g. ci.yml; it needs `on: workflow_dispatch`",
            )
        sha = trigger.sha or (await self.get_branch(repo, trigger.branch)).sha
        where = repo_path(repo, f"/actions/workflows/{segment(trigger.workflow)}")
        found = await self._dispatched(where, sha, op_id)
        if found is not None:
            return found
        if trigger.sha is not None:  # GitHub runs a branch's head, whatever it is
            head = (await self.get_branch(repo, trigger.branch)).sha
            if head != sha:
                raise self._stale(f"the branch {trigger.branch!r}", head, sha)
        path = f"{where}/dispatches"
        response = await self._dispatch(path, trigger, op_id)
        unknown = CiRun("", trigger.workflow, CheckState.PENDING, sha, trigger.branch, event=_DISPATCH)
        if response.status != 200:  # the run begins a little later, and nobody says which it is
            return await self._dispatched(where, sha, op_id) or unknown
        made = self._api.parse(_Dispatched, self._api.json(Request("POST", path), response), path)
        try:
            return await self.get_run(repo, str(made.workflow_run_id))
        except NotFound:
            return replace(unknown, id=str(made.workflow_run_id))

    async def _dispatch(self, path: str, trigger: CiTrigger, op_id: str) -> Response:
        """What a workflow or server does not know, it refuses by name, and does nothing: that is left out."""
        inputs = dict(trigger.inputs)
        if len(inputs) < _INPUTS:
            inputs = {OP_INPUT: f"{_MARK}{op_id}", **inputs}
        body: dict[str, Any] = {"ref": trigger.branch, "inputs": inputs, _DETAILS: True}
        while True:
            try:
                return await self._api.do("POST", path, body)
            except PlatformError as error:
                less = without_unknown(body, error.message) if error.status == 422 else None
                if less is None:
                    raise
                body = less

    async def _dispatched(self, workflow: str, sha: str, op_id: str) -> CiRun | None:
        """The run of that operation, else one of ours of which nobody can say whose it is."""
        query: Query = {"event": _DISPATCH, "head_sha": sha, "per_page": "100"}
        unnamed: CiRun | None = None
        for run in await self._api.every(RunAnswer, f"{workflow}/runs", query, link_header, "workflow_runs"):
            if run.actor is None or not await self._is_us(run.actor.login):
                continue
            shown = _MARKED.search(run.display_title)
            if shown is not None and shown[1] == op_id:
                return run.run()
            if shown is None and unnamed is None:
                unnamed = run.run()
        return unnamed

    async def list_runs(
        self, repo: RepoRef, *, sha: str | None = None, branch: str | None = None, cursor: str | None = None
    ) -> Page[CiRun]:
        asked = {"per_page": "100"}
        if sha is not None:
            asked["head_sha"] = sha
        if branch is not None:
            asked["branch"] = branch
        path = repo_path(repo, "/actions/runs")
        runs, following = await self._api.page(
            RunAnswer, path, from_cursor(cursor) if cursor else asked, link_header, "workflow_runs"
        )
        return Page(tuple(run.run() for run in runs), cursor_of(following))

    async def get_run(self, repo: RepoRef, run_id: str) -> CiRun:
        return (await self._api.get(RunAnswer, self._run_path(repo, run_id))).run()

    async def list_jobs(self, repo: RepoRef, run_id: str) -> tuple[CiJob, ...]:
        path = self._run_path(repo, run_id, "/jobs")
        jobs = await self._all(JobAnswer, path, {"filter": "latest"}, key="jobs")
        return tuple(job.job() for job in jobs)

    async def get_job_log(self, repo: RepoRef, job_id: str, tail: int = LOG_TAIL) -> LogTail:
        """GitHub sends one to the storage of its logs, where our token must not go. Logs show when the job
        is over. Raises NotFound, also where the log was deleted for its age."""
        where = repo_path(repo, f"/actions/jobs/{segment(job_id)}")
        try:
            response = await self._api.call(Request("GET", f"{where}/logs", tail=tail))
        except NotFound as error:
            if error.status == 410:
                raise
            await self._api.get(JobAnswer, where)  # no job, or one that has not written yet?
            return LogTail("", truncated=False)
        return LogTail(response.text, response.truncated)

    async def rerun(self, repo: RepoRef, run_id: str) -> CiRun:
        run = await self.get_run(repo, run_id)
        if run.state is CheckState.PENDING:
            return run
        what = "rerun-failed-jobs" if run.state is CheckState.FAILURE else "rerun"
        try:
            await self._api.do("POST", self._run_path(repo, run_id, f"/{what}"))
        except Forbidden as error:
            if "already running" not in error.message:  # GitHub shows a new attempt a little late
                raise
        now = await self.get_run(repo, run_id)
        if now.attempt > run.attempt:
            return now
        return replace(now, state=CheckState.PENDING, attempt=run.attempt + 1, detail="requested")

    async def cancel_run(self, repo: RepoRef, run_id: str) -> None:
        if (await self.get_run(repo, run_id)).state is not CheckState.PENDING:
            return
        try:
            await self._api.do("POST", self._run_path(repo, run_id, "/cancel"))
        except PlatformError as error:
            if error.status != 409:  # it ended between our look and our write: as wanted
                raise

    def _run_path(self, repo: RepoRef, run_id: str, rest: str = "") -> str:
        return repo_path(repo, f"/actions/runs/{segment(run_id)}{rest}")


def without_unknown(body: dict[str, Any], refusal: str) -> dict[str, Any] | None:
    """The dispatch without what `refusal` says is not known; None where that is not what it says. Pure.

    `Unexpected inputs provided: ["tamma_op"]` comes from workflows that do not declare the input, and
    `"return_run_details" is not a permitted key.` from Enterprise servers up to 3.19.
    """
    if _DETAILS in refusal and _DETAILS in body:
        return {name: value for name, value in body.items() if name != _DETAILS}
    if OP_INPUT in refusal and OP_INPUT in body["inputs"]:
        return {**body, "inputs": {n: v for n, v in body["inputs"].items() if n != OP_INPUT}}
    return None

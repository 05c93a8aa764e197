"""Pipelines, their jobs and logs on GitLab."""

from __future__ import annotations

from pydantic import BaseModel

from tamma.errors import Forbidden, NotFound, PlatformError, Unsupported
from tamma.model.repository import CheckState, CiJob, CiRun, CiTrigger, LogTail, Page, RepoRef
from tamma.platforms.common.ensuring import find_or_make
from tamma.platforms.common.names import number_of
from tamma.platforms.gitlab.checks import GitLabChecks
from tamma.platforms.gitlab.client import next_page, project
from tamma.platforms.gitlab.git import GitLabGit
from tamma.platforms.gitlab.models import PipelineAnswer
from tamma.platforms.gitlab.runs import JobAnswer, state_of
from tamma.platforms.http.connection import cursor_of, from_cursor
from tamma.platforms.http.messages import Request
from tamma.platforms.interface import CI_TRIGGER, LOG_TAIL

_OP = "TAMMA_OP"
"""The pipeline's variable that names the operation."""
_LOOKED_AT = 20
"""Pipelines that are searched for an operation's: those that were started by the API last."""


class _Variable(BaseModel):
    key: str
    value: str = ""


class GitLabCi(GitLabChecks, GitLabGit):
    """The part of the adapter that knows GitLab CI."""

    async def trigger_ci(self, repo: RepoRef, trigger: CiTrigger, op_id: str) -> CiRun:
        if trigger.workflow is not None:
            raise Unsupported(
                f"{CI_TRIGGER} of the workflow {trigger.workflow!r}",
                platform="gitlab",
                hint="a project has one pipeline: leave the workflow out, and choose jobs by variables",
            )
        variables = [{"key": key, "value": value} for key, value in (*trigger.inputs, (_OP, op_id))]
        body = {"ref": trigger.branch, "variables": variables}

        async def start() -> PipelineAnswer:
            await self._require_tip(repo, trigger)
            return await self._api.send(PipelineAnswer, "POST", project(repo, "/pipeline"), body)

        try:
            found, _ = await find_or_make(lambda: self._started(repo, trigger.branch, op_id), start)
        except PlatformError as error:
            raise _explained(error) from error
        return run_of(found)

    async def list_runs(
        self, repo: RepoRef, *, sha: str | None = None, branch: str | None = None, cursor: str | None = None
    ) -> Page[CiRun]:
        asked = {"order_by": "id", "sort": "desc", "per_page": "100"}
        if sha is not None:
            asked["sha"] = sha
        if branch is not None:
            asked["ref"] = branch
        found, following = await self._api.page(
            PipelineAnswer, project(repo, "/pipelines"), from_cursor(cursor) if cursor else asked, next_page
        )
        return Page(tuple(run_of(pipeline) for pipeline in found), cursor_of(following))

    async def get_run(self, repo: RepoRef, run_id: str) -> CiRun:
        return run_of(await self._pipeline(repo, run_id))

    async def list_jobs(self, repo: RepoRef, run_id: str) -> tuple[CiJob, ...]:
        """GitLab leaves out those that were tried again. In the order in which they were made."""
        found = await self._all(JobAnswer, _run(repo, run_id, "/jobs"))
        return tuple(
            CiJob(str(job.id), job.name, job.check().state, job.web_url, job.status)
            for job in sorted(found, key=lambda job: job.id)
        )

    async def get_job_log(self, repo: RepoRef, job_id: str, tail: int = LOG_TAIL) -> LogTail:
        where = project(repo, f"/jobs/{number_of(job_id, 'a job', None)}/trace")
        answer = await self._api.call(Request("GET", where, tail=tail))
        return LogTail(answer.text, answer.truncated)

    async def rerun(self, repo: RepoRef, run_id: str) -> CiRun:
        there = await self._pipeline(repo, run_id)
        if state_of(there.status) is not CheckState.PENDING:
            there = await self._api.send(PipelineAnswer, "POST", _run(repo, run_id, "/retry"))
        return run_of(there)

    async def cancel_run(self, repo: RepoRef, run_id: str) -> None:
        there = await self._pipeline(repo, run_id)
        if state_of(there.status) is CheckState.PENDING and there.status != "canceling":
            await self._api.do("POST", _run(repo, run_id, "/cancel"))

    # --- within ------------------------------------------------------------------------------------------

    async def _pipeline(self, repo: RepoRef, run_id: str) -> PipelineAnswer:
        return await self._api.get(PipelineAnswer, _run(repo, run_id))

    async def _require_tip(self, repo: RepoRef, trigger: CiTrigger) -> None:
        """A pipeline runs on the branch's head. Raises StaleHead where that is another commit."""
        if trigger.sha is None:
            return
        now = (await self.get_branch(repo, trigger.branch)).sha
        if now != trigger.sha:
            raise self._stale(f"the branch {trigger.branch!r}", now, trigger.sha)

    async def _started(self, repo: RepoRef, branch: str, op_id: str) -> PipelineAnswer | None:
        """The pipeline that this operation started."""
        query = {
            "ref": branch,
            "source": "api",
            "order_by": "id",
            "sort": "desc",
            "per_page": str(_LOOKED_AT),
        }
        found, _ = await self._api.page(PipelineAnswer, project(repo, "/pipelines"), query, next_page)
        for pipeline in found:
            try:
                variables = await self._all(_Variable, _run(repo, str(pipeline.id), "/variables"))
            except (Forbidden, NotFound):
                continue  # somebody else's: a user sees the variables of their own
            if any((variable.key, variable.value) == (_OP, op_id) for variable in variables):
                return pipeline
        return None


def run_of(pipeline: PipelineAnswer) -> CiRun:
    return CiRun(
        id=str(pipeline.id),
        name=pipeline.name or "pipeline",
        state=state_of(pipeline.status),
        sha=pipeline.sha,
        branch=pipeline.ref,
        url=pipeline.web_url,
        event=pipeline.source,
        detail=pipeline.status,
        created_at=pipeline.created_at,
    )


def _explained(error: PlatformError) -> PlatformError:
    """GitLab's 400 where the project lets nobody of our role set variables (docs.gitlab.com/ci/variables)."""
    if error.status == 400 and "variables" in error.message.lower():
        return Forbidden(
            error.message,
            hint="let the token's role use pipeline variables (Settings > CI/CD > Variables): "
            f"the run is found again by {_OP}",
            platform=error.platform,
            status=error.status,
        )
    return error


def _run(repo: RepoRef, run_id: str, rest: str = "") -> str:
    return project(repo, f"/pipelines/{number_of(run_id, 'a pipeline', None)}{rest}")

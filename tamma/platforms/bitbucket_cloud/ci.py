"""Build statuses, and Bitbucket Pipelines."""

from __future__ import annotations

from tamma.errors import Forbidden, NotFound, PlatformError
from tamma.model.repository import (
    Check,
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
from tamma.platforms.bitbucket_cloud.checks import (
    STATES,
    TEXT_LIMIT,
    check_of_pipeline,
    check_of_status,
    is_of_pipeline,
    key_of,
    newest,
    newest_of_names,
)
from tamma.platforms.bitbucket_cloud.ci_models import PipelineAnswer, StatusAnswer, StepAnswer, state_of
from tamma.platforms.bitbucket_cloud.client import PAGE_SIZE, pages, repo_path
from tamma.platforms.bitbucket_cloud.pulls import BitbucketPulls
from tamma.platforms.common.checks import summarise
from tamma.platforms.common.names import segment
from tamma.platforms.http.connection import cursor_of, from_cursor
from tamma.platforms.http.messages import Query, Request
from tamma.platforms.interface import LOG_TAIL, PlatformSettings

OP_VARIABLE = "TAMMA_OP"
"""By this a run that an operation started is found again."""
_REMEMBERED = 1000


class BitbucketCi(BitbucketPulls):
    """The part of the adapter for checks and CI."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._begun: dict[str, str] = {}
        """Pipelines to the operations that began them, should Bitbucket not give the variables back."""

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary:
        statuses = await self._statuses(repo, sha)
        try:
            pipelines = newest(await self._pipelines_on(repo, sha))
        except (Forbidden, NotFound):
            # Not allowed, or Pipelines are off: what pipelines report of themselves has to do.
            return summarise(sha, map(check_of_status, newest_of_names(statuses)))
        checks = [check_of_status(status) for status in statuses if not is_of_pipeline(status)]
        checks += [await self._check(repo, pipeline) for pipeline in pipelines]
        return summarise(sha, checks)

    async def set_status(self, repo: RepoRef, sha: str, status: Status) -> None:
        key = key_of(status.name)
        # An address is required. Braces would be filled in by Bitbucket: `{commit}`.
        url = status.url or self._web(repo, f"/commits/{segment(sha)}")
        body: dict[str, object] = {
            "type": "build",
            "key": key,
            "name": status.name[:TEXT_LIMIT],
            "state": STATES[status.state],
            "description": status.description[:TEXT_LIMIT],
            "url": url.replace("{", "%7B").replace("}", "%7D"),
        }
        told = ("state", "name", "description", "url")
        for there in await self._statuses(repo, sha):
            if there.key == key and all(getattr(there, name) == body[name] for name in told):
                return
        await self._api.do("POST", repo_path(repo, f"/commit/{segment(sha)}/statuses/build"), body)

    async def _statuses(self, repo: RepoRef, sha: str) -> list[StatusAnswer]:
        return await self._all(StatusAnswer, repo_path(repo, f"/commit/{segment(sha)}/statuses"))

    async def _pipelines_on(self, repo: RepoRef, sha: str) -> list[PipelineAnswer]:
        path, query = repo_path(repo, "/pipelines"), {"target.commit.hash": sha, "sort": "-created_on"}
        found = await self._all(PipelineAnswer, path, query)
        return [pipeline for pipeline in found if pipeline.sha == sha]

    async def _check(self, repo: RepoRef, pipeline: PipelineAnswer) -> Check:
        """A failed one names the step whose log says why."""
        failed: str | None = None
        if state_of(pipeline.state) is CheckState.FAILURE:
            jobs = await self.list_jobs(repo, pipeline.uuid)
            failed = next((job.id for job in jobs if job.state is CheckState.FAILURE), None)
        return check_of_pipeline(pipeline, self._page_of(repo, pipeline), failed)

    # --- runs ----------------------------------------------------------------------------------------

    async def trigger_ci(self, repo: RepoRef, trigger: CiTrigger, op_id: str) -> CiRun:
        """`workflow` names a custom pipeline; without it what bitbucket-pipelines.yml has for the branch."""
        sha = trigger.sha or (await self.get_branch(repo, trigger.branch)).sha
        found = await self._begun_by(repo, sha, trigger, op_id)
        if found is not None:
            return self._shown_run(repo, found)
        target: dict[str, object] = {
            "type": "pipeline_ref_target",
            "ref_type": "branch",
            "ref_name": trigger.branch,
            "commit": {"type": "commit", "hash": sha},
        }
        if trigger.workflow:
            target["selector"] = {"type": "custom", "pattern": trigger.workflow}
        variables = [*trigger.inputs, (OP_VARIABLE, op_id)]
        made = await self._start(repo, target, variables)
        self._begun[made.uuid] = op_id
        while len(self._begun) > _REMEMBERED:
            del self._begun[next(iter(self._begun))]
        return self._shown_run(repo, made)

    async def _start(
        self, repo: RepoRef, target: dict[str, object], variables: list[tuple[str, str]]
    ) -> PipelineAnswer:
        given = [{"type": "pipeline_variable", "key": key, "value": value} for key, value in variables]
        body = {"type": "pipeline", "target": target, "variables": given}
        return await self._api.send(PipelineAnswer, "POST", repo_path(repo, "/pipelines"), body)

    async def _begun_by(
        self, repo: RepoRef, sha: str, trigger: CiTrigger, op_id: str
    ) -> PipelineAnswer | None:
        """By the variable, or, where variables are not told, by all that is."""
        for run in await self._pipelines_on(repo, sha):
            if run.variables:
                whose = run.variable(OP_VARIABLE)
            else:
                alike = run.branch == trigger.branch and trigger.workflow in (None, run.name)
                manual = run.trigger is not None and run.trigger.name == "MANUAL"
                ours = alike and manual and await self._is_us(run.creator)
                whose = self._begun.get(run.uuid, op_id) if ours else None
            if whose == op_id:
                return run
        return None

    async def list_runs(
        self, repo: RepoRef, *, sha: str | None = None, branch: str | None = None, cursor: str | None = None
    ) -> Page[CiRun]:
        asked: Query = {"sort": "-created_on", "pagelen": str(PAGE_SIZE)}
        if sha is not None:
            asked = {**asked, "target.commit.hash": sha}
        if branch is not None:
            asked = {**asked, "target.branch": branch}
        if cursor is not None:
            asked = from_cursor(cursor)
        found, following = await self._api.page(
            PipelineAnswer, repo_path(repo, "/pipelines"), asked, pages, "values"
        )
        return Page(tuple(self._shown_run(repo, run) for run in found), cursor_of(following))

    async def get_run(self, repo: RepoRef, run_id: str) -> CiRun:
        return self._shown_run(repo, await self._run(repo, run_id))

    async def list_jobs(self, repo: RepoRef, run_id: str) -> tuple[CiJob, ...]:
        """Steps. The id of a job is `pipeline/step`: a step cannot be looked up without its pipeline."""
        steps = await self._all(StepAnswer, _run_path(repo, run_id, "/steps"))
        if not steps:
            await self._run(repo, run_id)  # none yet, or no such pipeline
        return tuple(
            CiJob(
                f"{run_id}/{step.uuid}",
                step.name or f"step {index + 1}",
                state_of(step.state),
                detail=step.state.word if step.state else "",
            )
            for index, step in enumerate(steps)
        )

    async def get_job_log(self, repo: RepoRef, job_id: str, tail: int = LOG_TAIL) -> LogTail:
        """Its end alone is asked for (RFC 9110, section 14). What is over is kept elsewhere: the answer leads
        there, and neither our credentials nor the range go along."""
        run_id, _, step_id = job_id.rpartition("/")
        if not run_id:
            raise NotFound(f"{job_id!r} is no job", hint="take it from list_jobs", platform=self._settings.id)
        step = _run_path(repo, run_id, f"/steps/{segment(step_id)}")
        wanted = {"range": f"bytes=-{tail}"} if tail > 0 else {}
        try:
            response = await self._api.call(Request("GET", f"{step}/log", headers=wanted, tail=tail))
        except NotFound:
            await self._api.get(StepAnswer, step)  # no such step, or one that has not written yet
            return LogTail("", truncated=False)
        except PlatformError as error:
            if error.status == 416:  # there is nothing in it
                return LogTail("", truncated=False)
            raise
        cut = response.headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
        return LogTail(response.text, response.truncated or cut not in ("", "0"))

    async def rerun(self, repo: RepoRef, run_id: str) -> CiRun:
        """There is no second attempt of a pipeline: the same is started anew, all of it. A newer one of the
        same definition on the same commit is taken for what somebody, or we, started in its place."""
        run = await self._run(repo, run_id)
        if state_of(run.state) is CheckState.PENDING:
            return self._shown_run(repo, run)
        for other in await self._pipelines_on(repo, run.sha):
            if other.what == run.what and other.build_number > run.build_number:
                return self._shown_run(repo, other)
        variables = run.variables or ()
        secret = [variable.key for variable in variables if variable.secured]
        if secret:
            raise PlatformError(
                f"the pipeline {run_id} had secured variables, which nobody can read: {', '.join(secret)}",
                hint="start it again by hand, or keep such variables in the repository's settings",
                platform=self._settings.id,
            )
        given = [(each.key, each.value) for each in variables]
        made = await self._start(repo, run.target.again(), given)
        return self._shown_run(repo, made)

    async def cancel_run(self, repo: RepoRef, run_id: str) -> None:
        if state_of((await self._run(repo, run_id)).state) is not CheckState.PENDING:
            return
        try:
            await self._api.do("POST", _run_path(repo, run_id, "/stopPipeline"))
        except PlatformError as error:
            if error.status != 400:  # it ended between our look and our write: as wanted
                raise

    async def _run(self, repo: RepoRef, run_id: str) -> PipelineAnswer:
        return await self._api.get(PipelineAnswer, _run_path(repo, run_id))

    def _shown_run(self, repo: RepoRef, run: PipelineAnswer) -> CiRun:
        return run.run(self._page_of(repo, run))

    def _page_of(self, repo: RepoRef, run: PipelineAnswer) -> str:
        return self._web(repo, f"/pipelines/results/{run.build_number}")


def _run_path(repo: RepoRef, run_id: str, rest: str = "") -> str:
    """Ids are in braces, which are escaped."""
    return repo_path(repo, f"/pipelines/{segment(run_id)}{rest}")

"""GitHub Actions: dispatched workflows, runs, jobs, and logs that lie elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tamma.errors import NotFound
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.github.common import ROUTES, R, date, page_of, repo_of, user
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Job, Run, State, Workflow

STORAGE = "/storage-of-logs"
"""On another name of this host, which is another origin: no token belongs there."""


@ROUTES(f"POST {R}/actions/workflows/{{workflow_id}}/dispatches")
def dispatch(call: Call) -> Reply:
    """A workflow's `extra` says which inputs it declares (all, where it says nothing), and how old the server
    is: `details` is "unknown" up to 3.19, and "ignored" by what answers 204 whatever is asked."""
    repo = repo_of(call)
    workflow = _workflow(call, repo)
    details = workflow.extra.get("details", "given")
    if details == "unknown" and "return_run_details" in call.body:
        raise ApiError(422, 'Invalid request.\n\n"return_run_details" is not a permitted key.')
    inputs: dict[str, str] = call.body.get("inputs", {})
    declared: Sequence[str] = workflow.extra.get("inputs", tuple(inputs))
    if unexpected := [name for name in inputs if name not in declared]:
        names = ", ".join(f'"{name}"' for name in unexpected)
        raise ApiError(422, f"Unexpected inputs provided: [{names}]")
    if workflow.extra.get("trigger") == "push":
        raise ApiError(422, "Workflow does not have 'workflow_dispatch' trigger")
    branch = call.body["ref"]
    if repo.branch(branch) is None:
        raise ApiError(422, f"No ref found for: {branch}")
    run = repo.start_run(branch, workflow, event="workflow_dispatch", inputs=inputs, by=call.login)
    if details != "given" or not call.body.get("return_run_details"):
        return Reply(204)
    here = f"{call.world.url}{R.format(owner=repo.owner, repo=repo.name)}/actions/runs/{run.id}"
    return Reply(200, {"workflow_run_id": run.id, "run_url": here, "html_url": here})


def _workflow(call: Call, repo: Repo) -> Workflow:
    """By its number or the name of its file, not by its own."""
    asked = call.at["workflow_id"]
    for found in repo.workflows:
        if asked in (str(found.id), found.path.rpartition("/")[2]):
            return found
    raise ApiError(404, "Not Found")


@ROUTES(f"GET {R}/actions/workflows/{{workflow_id}}/runs", f"GET {R}/actions/runs")
def list_runs(call: Call) -> Reply:
    repo = repo_of(call)
    only = _workflow(call, repo) if "workflow_id" in call.at else None
    found = [run for run in repo.list_runs() if only in (None, run.workflow) and _wanted(call.query, run)]
    shown = [_run_json(call, repo, run) for run in page_of(call, found)]
    return Reply(200, {"total_count": len(found), "workflow_runs": shown})


def _wanted(query: dict[str, str], run: Run) -> bool:
    return (
        query.get("event", run.event) == run.event
        and query.get("head_sha", run.sha) == run.sha
        and query.get("branch", run.branch) == run.branch
    )


@ROUTES(f"GET {R}/actions/runs/{{run_id}}")
def get_run(call: Call) -> Reply:
    repo = repo_of(call)
    return Reply(200, _run_json(call, repo, repo.run(call.number("run_id"))))


@ROUTES(f"GET {R}/actions/runs/{{run_id}}/jobs")
def list_jobs(call: Call) -> Reply:
    repo = repo_of(call)
    run = repo.run(call.number("run_id"))
    found = repo.jobs_of(run) if call.query.get("filter", "latest") == "latest" else run.jobs
    shown = [_job_json(call, run, job) for job in page_of(call, found)]
    return Reply(200, {"total_count": len(found), "jobs": shown})


@ROUTES(f"GET {R}/actions/jobs/{{job_id}}")
def get_job(call: Call) -> Reply:
    return Reply(200, _job_json(call, *repo_of(call).job(call.number("job_id"))))


@ROUTES(f"GET {R}/actions/jobs/{{job_id}}/logs")
def job_log(call: Call) -> Reply:
    run, job = repo_of(call).job(call.number("job_id"))
    if run.extra.get("expired"):
        raise ApiError(410, "Server Error")
    if job.state == "pending":
        raise ApiError(404, "Not Found")
    storage = call.world.url.replace("//127.0.0.1", "//localhost")
    return Reply(302, None, {"Location": f"{storage}{STORAGE}/{job.id}?sig=canary%2Fsignature"})


@ROUTES(f"GET {STORAGE}/{{job_id}}", undescribed="another service's")
def storage(call: Call) -> Reply:
    """Like Azure's: whoever shows another service's token is refused."""
    if "authorization" in call.request.headers or not call.query.get("sig"):
        raise ApiError(401, "InvalidAuthenticationInfo")
    for repo in call.world.repos:
        try:
            return Reply(200, repo.job(call.number("job_id"))[1].log, media="text/plain")
        except NotFound:
            continue
    raise ApiError(404, "BlobNotFound")


def _doing(act: Callable[[Repo, Run, str], None], status: int) -> Callable[[Call], Reply]:
    def route(call: Call) -> Reply:
        repo = repo_of(call)
        act(repo, repo.run(call.number("run_id")), call.login)
        return Reply(status, {})

    return route


def _rerun(repo: Repo, run: Run, login: str) -> None:
    if run.state == "pending":
        raise ApiError(403, "This workflow is already running")
    repo.rerun(run, login)


def _cancel(repo: Repo, run: Run, login: str) -> None:
    if run.state != "pending":
        raise ApiError(409, "Cannot cancel a workflow run that is completed.")
    repo.cancel(run, login)


ROUTES(f"POST {R}/actions/runs/{{run_id}}/rerun")(_doing(_rerun, 201))
ROUTES(f"POST {R}/actions/runs/{{run_id}}/rerun-failed-jobs")(_doing(_rerun, 201))
ROUTES(f"POST {R}/actions/runs/{{run_id}}/cancel")(_doing(_cancel, 202))


def _state(state: State, native: str) -> Json:
    over = state != "pending"
    return {"status": "completed" if over else "queued", "conclusion": (native or state) if over else None}


def _run_json(call: Call, repo: Repo, run: Run) -> Json:
    """A run's title is its workflow's `run-name`; ours shows the operation where it is told one."""
    told = run.inputs.get("tamma_op", "") if run.workflow.extra.get("run_name", True) else ""
    values: dict[str, Any] = {
        "id": run.id,
        "name": run.workflow.name,
        "display_title": f"{run.workflow.name} {told}".rstrip(),
        "path": run.workflow.path,
        "workflow_id": run.workflow.id,
        "run_number": run.number,
        "run_attempt": run.attempt,
        "event": run.event,
        "head_branch": run.branch,
        "head_sha": run.sha,
        "actor": user(call, run.actor),
        "html_url": f"{call.world.url}/{repo.full_name}/actions/runs/{run.id}",
        "created_at": date(run.created),
        "updated_at": date(run.created),
    }
    return call.api.fill("workflow-run", {**values, **_state(run.state, run.native)})


def _job_json(call: Call, run: Run, job: Job) -> Json:
    values = {
        "id": job.id,
        "run_id": run.id,
        "name": job.name,
        "head_sha": run.sha,
        "run_attempt": job.attempt,
    }
    return call.api.fill("job", {**values, **_state(job.state, job.native)})

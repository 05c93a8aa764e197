"""Commit statuses and Actions. The two services name the fields of a run differently."""

from __future__ import annotations

from tamma.errors import NotFound
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitea.common import (
    NOT_FOUND,
    ROUTES,
    R,
    date,
    is_forgejo,
    page_of,
    repo_of,
    user,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Job, Run, Status

A = f"{R}/actions"
_CANCEL = f"POST /api/v1{A}/runs/{{run}}/cancel"
_RERUN = f"POST /api/v1{A}/runs/{{run_id}}/rerun"
LATER = {
    "gitea": {_CANCEL: "Gitea 1.28"},
    "forgejo": {_RERUN: "Forgejo 17", "GET /api/forgejo/v1/version": "it has a description of its own"},
}
"""Operations that the published descriptions do not have (yet), by service."""


def _status_json(call: Call, repo: Repo, status: Status) -> Json:
    url = status.url
    if status.job is not None:
        run, job = repo.job(status.job)
        url = f"{call.world.url}/{repo.full_name}/actions/runs/{run.number}/jobs/{run.jobs.index(job)}"
    values = {
        "id": status.id,
        "context": status.name,
        "status": status.state,
        "description": status.description,
        "target_url": url,
        "creator": user(call, status.author),
        "created_at": date(status.created),
    }
    return call.api.fill("CommitStatus", values)


@ROUTES(f"GET {R}/commits/{{ref}}/statuses")
def list_statuses(call: Call) -> Reply:
    """All that was ever said, the newest first."""
    repo = repo_of(call)
    sha = str(repo.commit_of(call.at["ref"]).id)
    found = [status for status in repo.statuses if status.sha == sha][::-1]
    return Reply(200, [_status_json(call, repo, status) for status in page_of(call, found)])


@ROUTES(f"POST {R}/statuses/{{sha}}")
def create_status(call: Call) -> Reply:
    repo, body = repo_of(call), call.body
    made = repo.set_status(
        call.at["sha"],
        body["context"],
        body["state"],
        body.get("description", ""),
        body.get("target_url", ""),
        call.login,
    )
    return Reply(201, _status_json(call, repo, made))


# --- runs -------------------------------------------------------------------------------------------------


def _progress(call: Call, thing: Run | Job) -> Json:
    over = thing.state != "pending"
    word = thing.native or thing.state
    if is_forgejo(call):
        return {"status": word if over else "running"}
    return {"status": "completed" if over else "in_progress", "conclusion": word if over else ""}


def _run_json(call: Call, repo: Repo, run: Run) -> Json:
    file = run.workflow.path.rpartition("/")[2]
    url = f"{call.world.url}/{repo.full_name}/actions/runs/{run.number}"
    values: Json = {"id": run.id, "event": run.event, "html_url": url, **_progress(call, run)}
    if is_forgejo(call):
        values |= {
            "title": run.workflow.name,
            "workflow_id": file,
            "commit_sha": run.sha,
            "prettyref": run.branch,
            "index_in_repo": run.number,
            "trigger_user": user(call, run.actor),
            "created": date(run.created),
        }
        return call.api.fill("ActionRun", values)
    values |= {
        "display_title": run.workflow.name,
        "path": f"{file}@refs/heads/{run.branch}",
        "head_sha": run.sha,
        "head_branch": run.branch,
        "run_number": run.number,
        "run_attempt": run.attempt,
        "actor": user(call, run.actor),
        "trigger_actor": user(call, run.actor),
        "started_at": date(run.created),
    }
    return call.api.fill("ActionWorkflowRun", values)


@ROUTES(f"GET {A}/runs")
def list_runs(call: Call) -> Reply:
    repo, query = repo_of(call), call.query
    branch = query.get("branch") or query.get("ref", "").removeprefix("refs/heads/")
    found = [
        run
        for run in repo.list_runs()
        if query.get("head_sha") in (None, run.sha)
        and branch in ("", run.branch)
        and query.get("event") in (None, run.event)
    ]
    shown = [_run_json(call, repo, run) for run in page_of(call, found, link=False)]
    return Reply(200, {"total_count": len(found), "workflow_runs": shown})


def _run_of(call: Call, repo: Repo) -> Run:
    return repo.run(call.number("run" if "run" in call.at else "run_id"))


@ROUTES(f"GET {A}/runs/{{run}}", f"GET {A}/runs/{{run_id}}")
def get_run(call: Call) -> Reply:
    repo = repo_of(call)
    return Reply(200, _run_json(call, repo, _run_of(call, repo)))


def _job_json(call: Call, run: Run, job: Job) -> Json:
    values: Json = {"id": job.id, "name": job.name, "run_id": run.id, **_progress(call, job)}
    if is_forgejo(call):
        return call.api.fill("ActionRunJob", {**values, "attempt": job.attempt})
    url = f"{call.world.url}/jobs/{job.id}"
    return call.api.fill("ActionWorkflowJob", {**values, "run_attempt": job.attempt, "html_url": url})


@ROUTES(f"GET {A}/runs/{{run}}/jobs", f"GET {A}/runs/{{run_id}}/jobs")
def list_jobs(call: Call) -> Reply:
    """Forgejo gives all attempts, in a bare list; Gitea the newest one."""
    repo = repo_of(call)
    run = _run_of(call, repo)
    if is_forgejo(call):
        return Reply(200, [_job_json(call, run, job) for job in run.jobs])
    jobs = [_job_json(call, run, job) for job in repo.jobs_of(run)]
    return Reply(200, {"total_count": len(jobs), "jobs": page_of(call, jobs, link=False)})


@ROUTES(f"GET {A}/tasks")
def list_tasks(call: Call) -> Reply:
    repo = repo_of(call)
    tasks = [
        {
            "id": job.id,
            "name": job.name,
            "status": (job.native or job.state) if job.state != "pending" else "running",
            "run_number": run.number,
            "head_sha": run.sha,
        }
        for run in reversed(repo.runs)
        for job in run.jobs
    ]
    shown = page_of(call, tasks, link=False)
    return Reply(200, {"total_count": len(tasks), "workflow_runs": shown})


@ROUTES(f"GET {A}/jobs/{{job_id}}/logs")
def get_log(call: Call) -> Reply:
    """404 also while there is none yet."""
    _, job = repo_of(call).job(call.number("job_id"))
    if not job.log:
        raise ApiError(404, NOT_FOUND)
    return Reply(200, job.log, {}, "text/plain; charset=utf-8")


@ROUTES(f"POST {A}/runs/{{run}}/rerun", f"POST {A}/runs/{{run}}/rerun-failed-jobs", _RERUN)
def rerun(call: Call) -> Reply:
    repo = repo_of(call)
    run = _run_of(call, repo)
    if run.state == "pending":
        raise ApiError(409, "this workflow run is not done yet")
    repo.rerun(run, call.login)
    failed_only = call.operation.name.endswith("rerun-failed-jobs")
    return Reply(201, None if failed_only else _run_json(call, repo, run))


@ROUTES(f"POST {A}/runs/{{run_id}}/cancel", _CANCEL)
def cancel(call: Call) -> Reply:
    repo = repo_of(call)
    repo.cancel(_run_of(call, repo), call.login)
    return Reply(204)


@ROUTES(
    f"POST {A}/workflows/{{workflow_id}}/dispatches", f"POST {A}/workflows/{{workflowfilename}}/dispatches"
)
def dispatch(call: Call) -> Reply:
    repo = repo_of(call)
    name = call.at.get("workflow_id") or call.at["workflowfilename"]
    branch = call.body["ref"].removeprefix("refs/heads/")
    try:
        workflow = repo.workflow(name)
    except NotFound as error:
        raise ApiError(404, f"workflow {name!r} not found") from error
    inputs: dict[str, str] = call.body.get("inputs") or {}
    run = repo.start_run(branch, workflow, event="workflow_dispatch", inputs=inputs, by=call.login)
    if call.body.get("return_run_info"):
        jobs = [job.name for job in run.jobs]
        return Reply(201, {"id": run.id, "run_number": run.number, "jobs": jobs})
    if call.query.get("return_run_details") == "true":
        url = f"{call.world.url}/{repo.full_name}/actions/runs/{run.id}"
        return Reply(200, {"workflow_run_id": run.id, "html_url": url, "run_url": url})
    return Reply(204)

"""Commit statuses, pipelines, jobs and their logs."""

from __future__ import annotations

from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitlab.common import (
    LEFT_OUT,
    MR,
    ROUTES,
    A,
    P,
    date,
    page_of,
    project_of,
    request_of,
    user,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Job, Run, State, Status

_WORDS: dict[State, str] = {"pending": "pending", "success": "success", "failure": "failed"}
_STATES: dict[str, State] = {
    "pending": "pending",
    "running": "pending",
    "success": "success",
    "failed": "failure",
}
_NATIVE = {"cancelled": "canceled"}
_PIPELINE = f"{P}/pipelines/{{pipeline_id}}"


def _word(state: State, native: str) -> str:
    return _NATIVE.get(native, native) or _WORDS[state]


# --- statuses -----------------------------------------------------------------------------------------


def _status_json(call: Call, repo: Repo, status: Status) -> Json:
    """Somebody's; or a job's, which GitLab lists among them."""
    number = status.job or status.id
    job = f"{call.world.url}/{repo.full_name}/-/jobs/{number}"
    return {
        "id": number,
        "sha": status.sha,
        "ref": repo.default_branch,
        "status": _word(status.state, status.native),
        "name": status.name,
        "target_url": job if status.kind == "check" else status.url or None,
        "description": status.description or None,
        "allow_failure": False,
        "created_at": date(status.created),
        "author": user(call, status.author),
    }


@ROUTES(f"GET {P}/repository/commits/{{sha}}/statuses")
def list_statuses(call: Call) -> Reply:
    repo, sha = project_of(call), call.at["sha"]
    repo.commit_of(sha)
    found = [_status_json(call, repo, status) for status in repo.statuses_of(sha)]
    for run in repo.runs:
        if run.sha == sha:
            found += [_job_status(call, repo, run, job) for job in repo.jobs_of(run)]
    return Reply(200, page_of(call, found))


def _job_status(call: Call, repo: Repo, run: Run, job: Job) -> Json:
    made = Status(
        job.id, run.sha, job.name, job.state, "check", "", "", run.actor, run.created, job.id, job.native
    )
    return _status_json(call, repo, made)


@ROUTES(f"POST {P}/statuses/{{sha}}")
def set_status(call: Call) -> Reply:
    """Before 18.3 a status that is so already was an error, its text taken nevertheless."""
    repo, sha, body = project_of(call), call.at["sha"], call.body
    state, name = _STATES[body["state"]], body.get("name", "default")
    there = next((one for one in repo.statuses_of(sha, "status") if one.name == name), None)
    made = repo.set_status(
        sha, name, state, body.get("description", ""), body.get("target_url", ""), call.login
    )
    if there is not None and there.state == state == "pending":
        raise ApiError(400, "Cannot transition status via :enqueue from :pending")
    return Reply(201, _status_json(call, repo, made))


# --- pipelines ----------------------------------------------------------------------------------------


def _run_json(call: Call, repo: Repo, run: Run) -> Json:
    return {
        "id": run.id,
        "iid": run.number,
        "project_id": repo.id,
        "sha": run.sha,
        "ref": run.branch,
        "status": _word(run.state, run.native),
        "source": run.event,
        "web_url": f"{call.world.url}/{repo.full_name}/-/pipelines/{run.id}",
        "created_at": date(run.created),
        "name": None,
    }


@ROUTES(f"GET {P}/pipelines")
def list_pipelines(call: Call) -> Reply:
    repo, query = project_of(call), call.query
    found = [
        run
        for run in repo.list_runs()
        if query.get("sha", run.sha) == run.sha
        and query.get("ref", run.branch) == run.branch
        and query.get("source", run.event) == run.event
    ]
    return Reply(200, [_run_json(call, repo, run) for run in page_of(call, found)])


@ROUTES(f"POST {A}{P}/pipeline", undescribed=LEFT_OUT)
def create_pipeline(call: Call) -> Reply:
    repo, ref = project_of(call), call.body["ref"]
    if repo.branch(ref) is None:
        raise ApiError(400, 'base ["Reference not found"]')
    given = {variable["key"]: variable["value"] for variable in call.body.get("variables", [])}
    run = repo.start_run(ref, event="api", inputs=given, by=call.login)
    return Reply(201, _run_json(call, repo, run))


@ROUTES(f"GET {_PIPELINE}")
def get_pipeline(call: Call) -> Reply:
    repo = project_of(call)
    return Reply(200, _run_json(call, repo, repo.run(call.number("pipeline_id"))))


@ROUTES(f"GET {_PIPELINE}/variables")
def variables(call: Call) -> Reply:
    repo = project_of(call)
    run = repo.run(call.number("pipeline_id"))
    if run.actor != call.login and repo.level(call.login) != "admin":
        raise ApiError(403, "403 Forbidden")
    found = [{"key": key, "value": value, "variable_type": "env_var"} for key, value in run.inputs.items()]
    return Reply(200, page_of(call, found))


@ROUTES(f"GET {A}{MR}/pipelines", undescribed=LEFT_OUT)
def pipelines_of_request(call: Call) -> Reply:
    """Those that run for it alone: on its head, or on what a merge would make."""
    repo = project_of(call)
    prefix = f"refs/merge-requests/{request_of(call, repo).number}/"
    found = [run for run in repo.list_runs() if run.branch.startswith(prefix)]
    return Reply(200, [_run_json(call, repo, run) for run in page_of(call, found)])


@ROUTES(f"GET {_PIPELINE}/jobs")
def list_jobs(call: Call) -> Reply:
    """The newest first; those that were tried again are left out."""
    repo = project_of(call)
    run = repo.run(call.number("pipeline_id"))
    shown = [
        {
            "id": job.id,
            "name": job.name,
            "status": _word(job.state, job.native),
            "web_url": f"{call.world.url}/{repo.full_name}/-/jobs/{job.id}",
            "allow_failure": False,
            "created_at": date(run.created),
            "stage": "test",
        }
        for job in sorted(repo.jobs_of(run), key=lambda job: -job.id)
    ]
    return Reply(200, page_of(call, shown))


@ROUTES(f"POST {_PIPELINE}/retry")
def retry(call: Call) -> Reply:
    """Nothing to try again is no error."""
    repo = project_of(call)
    run = repo.run(call.number("pipeline_id"))
    if any(job.state == "failure" for job in repo.jobs_of(run)):
        repo.rerun(run, call.login)
    return Reply(201, _run_json(call, repo, run))


@ROUTES(f"POST {_PIPELINE}/cancel")
def cancel(call: Call) -> Reply:
    repo = project_of(call)
    run = repo.run(call.number("pipeline_id"))
    repo.cancel(run, call.login)
    return Reply(200, _run_json(call, repo, run))


@ROUTES(f"GET {P}/jobs/{{job_id}}/trace")
def trace(call: Call) -> Reply:
    _, job = project_of(call).job(call.number("job_id"))
    return Reply(200, job.log, media="text/plain")

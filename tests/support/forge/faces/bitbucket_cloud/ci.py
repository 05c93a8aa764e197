"""Build statuses and pipelines."""

from __future__ import annotations

from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.bitbucket_cloud.common import (
    PIPELINES,
    ROUTES,
    R,
    date,
    found_in,
    lacks_scope,
    page_of,
    repo_of,
    user,
    uuid_of,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Job, Run, State, Status

_RUN = f"{R}/pipelines/{{pipeline_uuid}}"
STEP = f"{_RUN}/steps/{{step_uuid}}"
_STATES: dict[State, str] = {"pending": "INPROGRESS", "success": "SUCCESSFUL", "failure": "FAILED"}
_BACK: dict[str, State] = {word: state for state, word in _STATES.items()}
_KEYS: WeakKeyDictionary[Repo, dict[str, str]] = WeakKeyDictionary()
"""The keys of statuses by their names."""
MANUAL = "MANUAL"
SECURED = frozenset({"SECRET"})
"""Variables of these names are."""


def _status_json(repo: Repo, status: Status) -> Json:
    return {
        "type": "build",
        "key": _KEYS.get(repo, {}).get(status.name, status.name[:40]),
        "name": status.name,
        "state": _STATES[status.state],
        "description": status.description,
        "url": status.url or "https://ci.example.test/",
        "created_on": date(status.created),
        "updated_on": date(status.created),
    }


@ROUTES(f"GET {R}/commit/{{commit}}/statuses")
def list_statuses(call: Call) -> Reply:
    repo = repo_of(call)
    sha = str(repo.commit_of(call.at["commit"]).id)
    return page_of(call, repo.statuses_of(sha), lambda status: _status_json(repo, status))


@ROUTES(f"POST {R}/commit/{{commit}}/statuses/build")
def set_status(call: Call) -> Reply:
    repo, body = repo_of(call), call.body
    if len(body["key"]) > 40 or not body.get("url"):
        raise ApiError(400, "key: too long, or url: required")
    if max(len(body.get("name", "")), len(body.get("description", ""))) > 255:
        raise ApiError(400, "Ensure this value has at most 255 characters")
    name = body.get("name") or body["key"]
    _KEYS.setdefault(repo, {})[name] = body["key"]
    state, said = _BACK[body["state"]], body.get("description", "")
    made = repo.set_status(call.at["commit"], name, state, said, body["url"], call.login)
    return Reply(201, _status_json(repo, made))


# --- pipelines --------------------------------------------------------------------------------------------


def _ended(state: State, native: str) -> str:
    return "SUCCESSFUL" if state == "success" else "STOPPED" if native == "cancelled" else "FAILED"


def _state(kind: str, state: State, native: str) -> Json:
    if state == "pending":
        return {"type": f"{kind}_in_progress", "name": "IN_PROGRESS"}
    word = _ended(state, native)
    result = {"type": f"{kind}_completed_{word.lower()}", "name": word}
    return {"type": f"{kind}_completed", "name": "COMPLETED", "result": result}


def run_json(call: Call, run: Run) -> Json:
    kind = "custom" if run.extra.get("custom") else "default"
    selector = {"type": kind, "pattern": str(run.extra.get("custom", "")) or "default"}
    variables = [_variable(key, value) for key, value in run.inputs.items()]
    return {
        "type": "pipeline",
        "uuid": uuid_of(run.id),
        "build_number": run.number,
        "creator": user(call, run.actor),
        "target": {
            "type": "pipeline_ref_target",
            "ref_type": "branch",
            "ref_name": run.branch,
            "selector": selector,
            "commit": {"type": "commit", "hash": run.sha},
        },
        "trigger": {"type": "pipeline_trigger", "name": MANUAL if run.event == "manual" else "PUSH"},
        "state": _state("pipeline_state", run.state, run.native),
        "variables": variables,
        "created_on": date(run.created),
    }


def _variable(key: str, value: str) -> Json:
    """A secured one keeps its value to itself."""
    secured = key in SECURED
    shown = {} if secured else {"value": value}
    return {"type": "pipeline_variable", "key": key, "secured": secured, **shown}


@ROUTES(f"GET {R}/pipelines")
def list_runs(call: Call) -> Reply:
    """Oldest first unless told otherwise; the list does not name its next page."""
    repo, query = repo_of(call), call.query
    if PIPELINES in repo.forbidden:
        raise lacks_scope("pipeline")
    sha, branch = query.get("target.commit.hash"), query.get("target.branch")
    found = [run for run in repo.list_runs() if sha in (None, run.sha) and branch in (None, run.branch)]
    if not query.get("sort", "").startswith("-"):
        found.reverse()
    return page_of(call, found, lambda run: run_json(call, run), following=False)


@ROUTES(f"POST {R}/pipelines")
def start_run(call: Call) -> Reply:
    repo, body = repo_of(call), call.body
    target = body["target"]
    custom = target.get("selector", {}).get("pattern", "") if _is_custom(target) else ""
    workflow = repo.workflow(custom) if custom else repo.workflows[0]
    inputs = {each["key"]: each["value"] for each in body.get("variables", [])}
    sha = target.get("commit", {}).get("hash")
    made = repo.start_run(target["ref_name"], workflow, sha=sha, event="manual", inputs=inputs, by=call.login)
    made.extra["custom"] = custom
    return Reply(201, run_json(call, made))


def _is_custom(target: Json) -> bool:
    return target.get("selector", {}).get("type") == "custom"


def _run(call: Call, repo: Repo) -> Run:
    return repo.run(found_in(call, "pipeline_uuid"))


@ROUTES(f"GET {_RUN}")
def get_run(call: Call) -> Reply:
    return Reply(200, run_json(call, _run(call, repo_of(call))))


@ROUTES(f"POST {_RUN}/stopPipeline")
def stop(call: Call) -> Reply:
    repo = repo_of(call)
    run = _run(call, repo)
    if run.state != "pending":
        raise ApiError(400, "The pipeline has already completed")
    repo.cancel(run, call.login)
    return Reply(204)


def _step_json(job: Job) -> Json:
    state = _state("pipeline_step_state", job.state, job.native)
    return {"type": "pipeline_step", "uuid": uuid_of(job.id), "name": job.name, "state": state}


@ROUTES(f"GET {_RUN}/steps")
def list_steps(call: Call) -> Reply:
    repo = repo_of(call)
    return page_of(call, repo.jobs_of(_run(call, repo)), _step_json, following=False)


@ROUTES(f"GET {STEP}")
def get_step(call: Call) -> Reply:
    return Reply(200, _step_json(repo_of(call).job(found_in(call, "step_uuid"))[1]))


@ROUTES(f"GET {STEP}/log")
def get_log(call: Call) -> Reply:
    """Of a step that is over it is elsewhere: on another host, to which no credentials may go."""
    _, job = repo_of(call).job(found_in(call, "step_uuid"))
    if job.state == "pending" and not job.log:
        raise ApiError(404, "There is no log yet")
    if job.state == "pending":
        return _part(call, job.log)
    port = urlsplit(call.world.url).port
    return Reply(307, None, {"Location": f"http://localhost:{port}/storage/{job.id}"})


def _part(call: Call, log: bytes) -> Reply:
    """The end of it that was asked for."""
    _, _, end = call.request.headers.get("range", "").partition("bytes=-")
    if not end:
        return Reply(200, log)
    begin = max(len(log) - int(end), 0)
    where = {"Content-Range": f"bytes {begin}-{len(log) - 1}/{len(log)}"}
    return Reply(200 if begin == 0 else 206, log[begin:], where)


@ROUTES("GET /storage/{job}", undescribed="it is no part of the API")
def stored_log(call: Call) -> Reply:
    return Reply(200, call.world.hello.job(call.number("job"))[1].log)

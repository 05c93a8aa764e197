"""Statuses of commits, and builds: definitions, runs, timelines, logs."""

from __future__ import annotations

import json
from typing import Literal, cast

from tamma.errors import NotFound
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.azure.common import (
    HEADS,
    ORGANIZATION,
    ROUTES,
    P,
    R,
    continued,
    date,
    guid,
    listed,
    project_json,
    project_of,
    repo_of,
    skipped,
    user,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Job, Run, State, Status

_B = f"{P}/build/builds"
_WORDS: dict[State, str] = {"pending": "pending", "success": "succeeded", "failure": "failed"}
_STATES: dict[str, State] = {"pending": "pending", "succeeded": "success", "failed": "failure"}
_CI = "individualCI"


# --- statuses ----------------------------------------------------------------------------------------


def _status_json(call: Call, status: Status) -> Json:
    genre, _, name = status.name.rpartition("/")
    context = {"name": name, "genre": genre} if genre else {"name": name}
    values: Json = {"id": status.id, "state": _WORDS[status.state], "context": context}
    values |= {"description": status.description, "creationDate": date(status.created)}
    if status.url:
        values["targetUrl"] = status.url
    return {**values, "createdBy": user(call.world, status.author)}


@ROUTES(f"GET {R}/commits/{{commitId}}/statuses")
def get_statuses(call: Call) -> Reply:
    repo, sha = _commit(call)
    found = [_status_json(call, status) for status in repo.statuses_of(sha)]
    return listed(skipped(call, found))


@ROUTES(f"POST {R}/commits/{{commitId}}/statuses")
def create_status(call: Call) -> Reply:
    repo, sha = _commit(call)
    body = call.body
    context = body["context"]
    name = f"{context['genre']}/{context['name']}" if context.get("genre") else context["name"]
    state = _STATES[body["state"]]
    words, url = body.get("description", ""), body.get("targetUrl", "")
    made = repo.set_status(sha, name, state, words, url, call.login)
    return Reply(201, _status_json(call, made))


def _commit(call: Call) -> tuple[Repo, str]:
    repo, sha = repo_of(call), call.at["commitId"]
    try:
        repo.commit_of(sha)
    except NotFound as error:
        message = f"TF401175: The version descriptor <Commit: {sha}> could not be resolved."
        raise ApiError(404, message, "GitUnresolvableToCommitException") from error
    return repo, sha


# --- builds ------------------------------------------------------------------------------------------


def _build_json(call: Call, repo: Repo, run: Run) -> Json:
    web = f"{call.world.url}/{ORGANIZATION}/{repo.owner}/_build/results?buildId={run.id}"
    values: Json = {
        "_links": {"web": {"href": web}},
        "id": run.id,
        "buildNumber": f"20260102.{run.number}",
        "status": "inProgress" if run.state == "pending" else "completed",
        "reason": _CI if run.event == "push" else run.event,
        "queueTime": date(run.created),
        "sourceBranch": f"{HEADS}{run.branch}",
        "sourceVersion": run.sha,
        "definition": {"id": run.workflow.id, "name": run.workflow.name, "project": project_json(repo)},
        "project": project_json(repo),
        "repository": {"id": guid(repo.id), "type": "TfsGit", "name": repo.name},
        "requestedBy": user(call.world, run.actor),
        "requestedFor": user(call.world, run.actor),
        "tags": list(run.extra.get("tags", [])),
    }
    if run.state != "pending":
        values["result"] = "canceled" if run.native == "cancelled" else _WORDS[run.state]
    return values


def _run(call: Call) -> tuple[Repo, Run]:
    number = call.number("buildId")
    for repo in project_of(call):
        for run in repo.runs:
            if run.id == number:
                return repo, run
    raise ApiError(404, f"The requested build {number} could not be found.", "BuildNotFoundException")


def _repo_by_id(call: Call) -> Repo:
    wanted = call.query.get("repositoryId")
    found = next((repo for repo in project_of(call) if wanted in (None, guid(repo.id))), None)
    if found is None or call.query.get("repositoryType", "TfsGit") != "TfsGit":
        raise ApiError(400, "The repository could not be found.", "InvalidArgumentValueException")
    return found


@ROUTES(f"GET {P}/build/definitions")
def definitions(call: Call) -> Reply:
    repo = _repo_by_id(call)
    found = [{"id": one.id, "name": one.name, "path": "\\", "type": "build"} for one in repo.workflows]
    return listed(continued(call, found))


@ROUTES(f"GET {_B}")
def builds(call: Call) -> Reply:
    repo, query = _repo_by_id(call), call.query
    found = [
        shown
        for shown in (_build_json(call, repo, run) for run in repo.list_runs())
        if query.get("branchName", shown["sourceBranch"]) == shown["sourceBranch"]
        and query.get("definitions", str(shown["definition"]["id"])) == str(shown["definition"]["id"])
        and query.get("reasonFilter", shown["reason"]) == shown["reason"]
        and query.get("minTime", "") <= str(shown["queueTime"])
    ]
    return listed(continued(call, found))


@ROUTES(f"POST {_B}")
def queue_build(call: Call) -> Reply:
    repo, body = project_of(call)[0], call.body
    wanted = body["definition"]["id"]
    workflow = next((one for one in repo.workflows if one.id == wanted), None)
    if workflow is None:
        raise ApiError(404, f"The definition {wanted} could not be found.", "DefinitionNotFoundException")
    inputs = cast("dict[str, str]", json.loads(body.get("parameters", "{}")))
    branch = body["sourceBranch"].removeprefix(HEADS)
    made = repo.start_run(
        branch, workflow, sha=body.get("sourceVersion"), event="manual", inputs=inputs, by=call.login
    )
    return Reply(200, _build_json(call, repo, made))


@ROUTES(f"GET {_B}/{{buildId}}")
def get_build(call: Call) -> Reply:
    return Reply(200, _build_json(call, *_run(call)))


@ROUTES(f"PATCH {_B}/{{buildId}}")
def patch_build(call: Call) -> Reply:
    repo, run = _run(call)
    if call.query.get("retry") == "true":
        if run.state != "failure":
            message = "The build did not fail: nothing of it can be retried."
            raise ApiError(400, message, "InvalidBuildException")
        repo.rerun(run, call.login)
    if call.body.get("status") == "cancelling":
        repo.cancel(run, call.login)
    return Reply(200, _build_json(call, repo, run))


@ROUTES(f"PUT {_B}/{{buildId}}/tags/{{tag}}")
def add_tag(call: Call) -> Reply:
    _, run = _run(call)
    tags = cast("list[str]", run.extra.setdefault("tags", []))
    if call.at["tag"] not in tags:
        tags.append(call.at["tag"])
    return listed(tags)


@ROUTES(f"GET {_B}/{{buildId}}/timeline/{{timelineId}}")
def timeline(call: Call) -> Reply:
    repo, run = _run(call)
    records: list[Json] = [{"id": guid(run.id), "type": "Stage", "name": "__default", "attempt": run.attempt}]
    for order, job in enumerate(repo.jobs_of(run), start=1):
        records.append(_record(run, job, order))
    return Reply(200, {"records": records, "id": guid(run.id), "changeId": 1, "url": call.url})


def _record(run: Run, job: Job, order: int) -> Json:
    state: Literal["inProgress", "completed"] = "inProgress" if job.state == "pending" else "completed"
    record: Json = {"id": guid(job.id), "parentId": guid(run.id), "type": "Job", "name": job.name}
    record |= {"state": state, "order": order, "attempt": job.attempt}
    if state == "completed":
        record["result"] = "canceled" if job.native == "cancelled" else _WORDS[job.state]
    if job.log:
        record["log"] = {"id": job.id, "type": "Container"}
    return record


@ROUTES(f"GET {_B}/{{buildId}}/logs/{{logId}}")
def get_log(call: Call) -> Reply:
    _, run = _run(call)
    for job in run.jobs:
        if job.id == call.number("logId"):
            return Reply(200, job.log, media="text/plain")
    raise ApiError(404, "The log could not be found.", "BuildLogNotFoundException")

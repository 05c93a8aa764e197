"""Branches, files, commits and builds."""

from __future__ import annotations

from typing import Any

import pygit2

from tamma.errors import Conflict, NotFound, PlatformError
from tests.support.forge.calls import Call, Reply
from tests.support.forge.faces.bitbucket_dc.common import (
    HEADS,
    REPO,
    ROUTES,
    R,
    date,
    page_of,
    refusal,
    repo_of,
    server_of,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import State, Status

_STATES: dict[str, State] = {"INPROGRESS": "pending", "SUCCESSFUL": "success", "FAILED": "failure"}
_WORDS = {state: word for word, state in _STATES.items()}


def _branch_json(repo: Repo, name: str, sha: str) -> Json:
    told = {"id": HEADS + name, "displayId": name, "type": "BRANCH", "default": name == repo.default_branch}
    return {**told, "latestCommit": sha, "latestChangeset": sha}


@ROUTES(f"GET {R}/branches")
def list_branches(call: Call) -> Reply:
    """Names that contain the text, whatever its case."""
    repo = repo_of(call)
    wanted = call.query.get("filterText", "").lower()
    there = {} if repo.empty else repo.branches()
    found = [(name, sha) for name, sha in there.items() if wanted in name.lower()]
    if call.query.get("boostMatches") == "true":
        found.sort(key=lambda each: each[0].lower() != wanted)
    return page_of(call, [_branch_json(repo, name, sha) for name, sha in found])


@ROUTES(f"POST /branch-utils/latest/{REPO}/branches")
def create_branch(call: Call) -> Reply:
    repo, name = repo_of(call), call.body["name"]
    try:
        start = str(repo.commit_of(call.body["startPoint"]).id)
    except NotFound as error:
        message = f"Commit {call.body['startPoint']!r} does not exist in repository."
        raise refusal(404, message, "commit.NoSuchCommitException") from error
    try:
        repo.create_branch(name, start, call.login)
    except Conflict as error:
        message = f"Branch {name!r} already exists in repository."
        raise refusal(409, message, "repository.DuplicateRefException") from error
    except OSError as error:
        message = f"Branch {name!r} cannot be created: it overlaps with another"
        raise refusal(409, message, "repository.ref.restriction.RefNameOverlap") from error
    return Reply(201, _branch_json(repo, name, start))


@ROUTES(f"DELETE /branch-utils/latest/{REPO}/branches")
def delete_branch(call: Call) -> Reply:
    """An absent one is done; one that is elsewhere than `endPoint` is refused."""
    repo = repo_of(call)
    name: str = call.body["name"].removeprefix(HEADS)
    now = repo.branch(name)
    if now is None:
        return Reply(204)
    if call.body.get("endPoint") not in (None, now):
        message = f"The ref {name!r} is not at the expected commit"
        raise refusal(400, message, "InvalidRefException")
    repo.delete_branch(name, call.login)
    return Reply(204)


@ROUTES(f"GET {R}/raw/{{path}}")
def get_raw(call: Call) -> Reply:
    repo, path, ref = repo_of(call), call.at["path"], call.query.get("at", "")
    try:
        found = None if repo.empty else repo.file(path, ref)
    except NotFound:
        found = None
    if not isinstance(found, pygit2.Blob):
        message = f'The path "{path}" does not exist at revision "{ref}"'
        raise refusal(404, message, "content.NoSuchPathException")
    return Reply(200, found.data, {}, "application/octet-stream")


@ROUTES(f"GET {R}/commits/{{commitId}}")
def get_commit(call: Call) -> Reply:
    commit = _commit(call, repo_of(call))
    return Reply(200, {"id": str(commit.id), "displayId": str(commit.id)[:11], "message": commit.message})


def _commit(call: Call, repo: Repo) -> pygit2.Commit:
    try:
        return repo.commit_of(call.at["commitId"])
    except NotFound as error:
        message = f"Commit '{call.at['commitId']}' does not exist in repository."
        raise refusal(404, message, "commit.NoSuchCommitException") from error


# --- builds -----------------------------------------------------------------------------------------------


def _build_json(status: Status) -> Json:
    told: dict[str, Any] = {"key": status.name, "name": status.name, "state": _WORDS[status.state]}
    more = {"url": status.url or "https://ci.example.test/", "description": status.description}
    return {**told, **more, "createdDate": date(status.created), "updatedDate": date(status.created)}


@ROUTES("GET /build-status/latest/commits/{commitId}")
def list_builds(call: Call) -> Reply:
    """Of all repositories; a commit that nobody knows has none."""
    sha = call.at["commitId"]
    found = [status for repo in call.world.repos for status in repo.statuses_of(sha)]
    return page_of(call, [_build_json(status) for status in found])


@ROUTES(f"GET /insights/latest/{REPO}/commits/{{commitId}}/reports")
def list_reports(call: Call) -> Reply:
    repo_of(call)
    reports = server_of(call.world).reports
    if reports is None:
        raise refusal(404, "null for uri", "NotFoundException")
    return page_of(call, reports)


@ROUTES(f"GET {R}/commits/{{commitId}}/builds")
def get_build(call: Call) -> Reply:
    repo, key = repo_of(call), call.query["key"]
    for status in repo.statuses_of(call.at["commitId"]):
        if status.name == key:
            return Reply(200, _build_json(status))
    raise refusal(404, f"There is no build {key!r}", "build.NoSuchBuildStatusException")


@ROUTES(f"POST {R}/commits/{{commitId}}/builds")
def set_build(call: Call) -> Reply:
    repo, body = repo_of(call), call.body
    _commit(call, repo)
    if len(body["url"]) > 450 or len(body.get("description", "")) > 255:
        raise refusal(400, "The field is too long", "ArgumentValidationException")
    words = (body.get("description", ""), body["url"], call.login)
    try:
        repo.set_status(call.at["commitId"], body["key"], _STATES[body["state"]], *words)
    except PlatformError as error:
        raise refusal(401, error.message, "AuthorisationException") from error
    return Reply(204)

"""Branches, commits and files."""

from __future__ import annotations

import base64
from email.utils import parsedate_to_datetime
from typing import Any

import pygit2

from tamma.errors import NotFound, PlatformError
from tamma.model.repository import ChangeKind, FileChange
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitlab.common import (
    LEFT_OUT,
    ROUTES,
    A,
    P,
    date,
    page_of,
    project_of,
    request_json,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.world import BEGINNING

_FILE = f"{P}/repository/files/{{file_path}}"
_BRANCH = f"{P}/repository/branches/{{branch}}"
_COMMIT = f"{P}/repository/commits/{{sha}}"


def commit_json(repo: Repo, sha: str) -> Json:
    commit = repo.commit_of(sha)
    return {
        "id": str(commit.id),
        "short_id": str(commit.id)[:8],
        "title": commit.message.partition("\n")[0],
        "message": commit.message,
        "parent_ids": [str(parent) for parent in commit.parent_ids],
        "authored_date": date(BEGINNING),
        "committed_date": date(BEGINNING),
        "author_name": commit.author.name,
    }


def _branch_json(repo: Repo, name: str, sha: str) -> Json:
    protected = name in repo.protected
    return {"name": name, "commit": commit_json(repo, sha), "protected": protected, "default": False}


@ROUTES(f"GET {_BRANCH}")
def get_branch(call: Call) -> Reply:
    repo, name = project_of(call), call.at["branch"]
    sha = repo.branch(name)
    if sha is None:
        raise ApiError(404, "404 Branch Not Found")
    return Reply(200, _branch_json(repo, name, sha))


@ROUTES(f"POST {P}/repository/branches")
def create_branch(call: Call) -> Reply:
    repo, name, ref = project_of(call), call.body["branch"], call.body["ref"]
    if repo.branch(name) is not None:
        raise ApiError(400, "Branch already exists")
    try:
        repo.create_branch(name, ref, call.login)
    except NotFound as error:
        raise ApiError(400, f"Invalid reference name: {ref}") from error
    return Reply(201, _branch_json(repo, name, ref))


@ROUTES(f"DELETE {_BRANCH}")
def delete_branch(call: Call) -> Reply:
    repo, name = project_of(call), call.at["branch"]
    if repo.branch(name) is None:
        raise ApiError(404, "404 Branch Not Found")
    if name in repo.protected:
        raise ApiError(403, "Protected branch cannot be deleted")
    since = call.request.headers.get("if-unmodified-since")
    if since is not None and parsedate_to_datetime(since) < BEGINNING:
        raise ApiError(412, "412 Precondition Failed")
    repo.delete_branch(name, call.login)
    return Reply(204)


@ROUTES(f"GET {_COMMIT}")
def get_commit(call: Call) -> Reply:
    return Reply(200, commit_json(project_of(call), call.at["sha"]))


@ROUTES(f"GET {A}{_COMMIT}/merge_requests", undescribed=LEFT_OUT)
def requests_of_commit(call: Call) -> Reply:
    repo, sha = project_of(call), call.at["sha"]
    found = [pull for pull in repo.list_pulls() if sha in (pull.head_sha, pull.merge_sha)]
    return Reply(200, [request_json(call, repo, pull, single=False) for pull in page_of(call, found)])


@ROUTES(f"GET {_FILE}/raw")
def get_file(call: Call) -> Reply:
    found = _blob(project_of(call), call.at["file_path"], call.query.get("ref", "HEAD"))
    if found is None:
        raise ApiError(404, "404 File Not Found")
    return Reply(200, found.data)


@ROUTES(f"HEAD {A}{_FILE}", undescribed=LEFT_OUT)
def look_at_file(call: Call) -> Reply:
    repo, path, ref = project_of(call), call.at["file_path"], call.query["ref"]
    found = _blob(repo, path, ref)
    if found is None:
        raise ApiError(404, "404 File Not Found")
    executable = found.filemode == pygit2.enums.FileMode.BLOB_EXECUTABLE
    return Reply(
        200, None, {"X-Gitlab-Execute-Filemode": str(executable).lower(), "X-Gitlab-Blob-Id": str(found.id)}
    )


def _blob(repo: Repo, path: str, ref: str) -> pygit2.Blob | None:
    try:
        found = repo.file(path, ref)
    except NotFound:
        return None
    return found if isinstance(found, pygit2.Blob) else None


@ROUTES(f"POST {P}/repository/commits")
def create_commit(call: Call) -> Reply:
    """Several actions on files as one commit: all of them, or 400."""
    repo, branch = project_of(call), call.body["branch"]
    head = repo.branch(branch)
    if head is None:
        raise ApiError(400, "You can only create or edit files when you are on a branch")
    files: dict[str, FileChange] = {}
    for action in call.body["actions"]:
        files[action["file_path"]] = _acted(repo, head, action, files.get(action["file_path"]))
    if not files:
        raise ApiError(400, "actions is empty")
    try:
        made = repo.commit(branch, list(files.values()), call.body["commit_message"], call.login)
    except PlatformError as error:
        raise ApiError(403 if repo.archived else 400, error.message) from error
    return Reply(201, commit_json(repo, made))


def _acted(repo: Repo, head: str, action: Json, before: FileChange | None) -> FileChange:
    path, what = action["file_path"], action["action"]
    there = _blob(repo, path, head)
    if what == "create" and there is not None:
        raise ApiError(400, "A file with this name already exists")
    if what != "create" and there is None and before is None:
        raise ApiError(400, "A file with this name doesn't exist")
    last = action.get("last_commit_id")
    if last is not None and _id(_blob(repo, path, last)) != _id(there):
        raise ApiError(400, f"The file has changed since you started editing it: {path}")
    if what == "delete":
        return FileChange(path, ChangeKind.DELETE)
    if before is not None:
        content, mode = before.content, before.mode
    else:
        content, mode = (there.data, f"{there.filemode:o}") if there is not None else (b"", "100644")
    if what == "chmod":
        return FileChange(
            path, ChangeKind.WRITE, content, "100755" if action["execute_filemode"] else "100644"
        )
    given: Any = action["content"]
    content = base64.b64decode(given) if action.get("encoding") == "base64" else given.encode()
    return FileChange(path, ChangeKind.WRITE, content, mode)


def _id(blob: pygit2.Blob | None) -> str:
    return "" if blob is None else str(blob.id)

"""Refs, files, trees, commits, pushes."""

from __future__ import annotations

import base64
from typing import Any

import pygit2

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError, StaleHead
from tamma.model.repository import ChangeKind, FileChange
from tamma.platforms.git import objects as gitdb
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.azure.common import (
    HEADS,
    ROUTES,
    ZEROS,
    P,
    R,
    continued,
    guid,
    listed,
    repo_of,
    user,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json

_NO_POLICY = (
    "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch."
)


@ROUTES(f"GET {R}/refs")
def get_refs(call: Call) -> Reply:
    repo = repo_of(call)
    prefix = f"refs/{call.query.get('filter', '')}"
    names = {} if repo.empty else repo.branches()
    found = [
        {"name": f"{HEADS}{name}", "objectId": sha, "creator": user(call.world, "octo"), "url": call.url}
        for name, sha in names.items()
        if f"{HEADS}{name}".startswith(prefix)
    ]
    return listed(continued(call, found, default=2))


@ROUTES(f"POST {R}/refs")
def update_refs(call: Call) -> Reply:
    """Every update has its own verdict, and the status is 200 whatever they are."""
    repo = repo_of(call)
    return listed([_update(call, repo, wanted) for wanted in call.body])


def _update(call: Call, repo: Repo, wanted: Json) -> Json:
    name, old, new = wanted["name"].removeprefix(HEADS), wanted["oldObjectId"], wanted["newObjectId"]
    status = "succeeded"
    try:
        now = repo.branch(name)
        if old == ZEROS:
            repo.create_branch(name, new, call.login)
        elif new == ZEROS and now is None:
            status = "succeededNonExistentRef"
        elif new == ZEROS:
            repo.delete_branch(name, call.login, old)
        else:
            repo.move_branch(name, old, new, call.login)
    except Forbidden as error:
        status = "rejectedByPolicy" if "protected" in error.message else "writePermissionRequired"
    except (Conflict, StaleHead):
        status = "staleOldObjectId"
    except NotFound:
        status = "unresolvableToCommit"
    except PlatformError:
        status = "invalidRefName"
    done = status.startswith("succeeded")
    told = {"repositoryId": guid(repo.id), "name": wanted["name"], "oldObjectId": old, "newObjectId": new}
    return {**told, "isLocked": False, "updateStatus": status, "success": done}


@ROUTES(f"GET {R}/items")
def get_item(call: Call) -> Reply:
    repo = repo_of(call)
    version, kind = call.query["versionDescriptor.version"], call.query["versionDescriptor.versionType"]
    sha = repo.branch(version) if kind == "branch" else version if kind == "commit" else None
    if sha is None:
        raise _no_version(repo, version)
    path = call.query["path"].strip("/")
    try:
        found = repo.file(path, sha)
    except NotFound as error:
        message = f"TF401174: The item '/{path}' could not be found in the repository '{repo.name}'."
        raise ApiError(404, message, "GitItemNotFoundException") from error
    kind = "tree" if isinstance(found, pygit2.Tree) else "blob"
    values: Json = {"objectId": str(found.id), "gitObjectType": kind, "commitId": sha, "path": f"/{path}"}
    return Reply(200, {**values, "url": call.url, **({"isFolder": True} if kind == "tree" else {})})


def _no_version(repo: Repo, version: str) -> ApiError:
    message = (
        f"TF401175: The version descriptor <{version}> could not be resolved to a version in {repo.name}."
    )
    return ApiError(404, message, "GitUnresolvableToCommitException")


def _object(call: Call, repo: Repo, name: str) -> Any:
    sha = call.at[name]
    try:
        return repo.git[sha]
    except (KeyError, ValueError) as error:
        message = f"TF401035: The object '{sha}' does not exist."
        raise ApiError(404, message, "GitObjectDoesNotExistException") from error


@ROUTES(f"GET {R}/blobs/{{sha1}}")
def get_blob(call: Call) -> Reply:
    found: Any = _object(call, repo_of(call), "sha1").peel(pygit2.Blob)
    return Reply(200, found.data)


@ROUTES(f"GET {R}/trees/{{sha1}}")
def get_tree(call: Call) -> Reply:
    tree: Any = _object(call, repo_of(call), "sha1").peel(pygit2.Tree)
    kinds = {0o040000: "tree", 0o160000: "commit"}
    entries = [
        {
            "objectId": str(entry.id),
            "relativePath": entry.name,
            "mode": f"{int(entry.filemode):o}",
            "gitObjectType": kinds.get(int(entry.filemode), "blob"),
            "size": 0,
        }
        for entry in tree
    ]
    return Reply(200, {"objectId": str(tree.id), "treeEntries": entries, "size": 0, "url": call.url})


@ROUTES(f"GET {R}/commits/{{commitId}}")
def get_commit(call: Call) -> Reply:
    repo = repo_of(call)
    found: Any = _object(call, repo, "commitId").peel(pygit2.Commit)
    return Reply(200, _commit_json(call, found))


def _commit_json(call: Call, commit: pygit2.Commit) -> Json:
    when = "2026-01-02T03:04:05Z"
    person = {"name": commit.author.name, "email": commit.author.email, "date": when}
    return {
        "treeId": str(commit.tree.id),
        "commitId": str(commit.id),
        "author": person,
        "committer": person,
        "comment": commit.message,
        "parents": [str(parent) for parent in commit.parent_ids],
        "url": call.url,
    }


@ROUTES(f"GET {P}/git/repositories/{{repositoryNameOrId}}/commits/{{commitId}}/mergebases")
def merge_bases(call: Call) -> Reply:
    repo = repo_of(call)
    git = repo.git
    found = git.merge_base(call.at["commitId"], call.query["otherCommitId"])
    shown = _commit_json(call, git[found].peel(pygit2.Commit)) if found else {}
    shown.pop("treeId", None)  # lists of commits do without
    return listed([shown] if shown else [])


@ROUTES(f"POST {R}/pushes")
def push(call: Call) -> Reply:
    """Adding what is there and editing what is not are errors."""
    repo = repo_of(call)
    [ref], [commit] = call.body["refUpdates"], call.body["commits"]
    name, old = ref["name"].removeprefix(HEADS), ref["oldObjectId"]
    now = repo.branch(name)
    changes = [_change(repo, now or old, wanted) for wanted in commit["changes"]]
    if not changes:
        raise ApiError(400, "TF400898: a commit needs changes.", "InvalidArgumentValueException")
    try:
        made = repo.commit(name, changes, commit["comment"], call.login, parent=old)
    except StaleHead as error:
        message = f"TF401028: The reference '{ref['name']}' has already been updated by another client."
        raise ApiError(409, message, "GitReferenceStaleException") from error
    except Forbidden as error:
        raise ApiError(403, _NO_POLICY, "GitPushRejectedException") from error
    done = {**ref, "newObjectId": made, "repositoryId": guid(repo.id)}
    commits = [_commit_json(call, gitdb.require_commit(repo.git, made))]
    return Reply(
        201,
        {"commits": commits, "refUpdates": [done], "pushId": 14, "pushedBy": user(call.world, call.login)},
    )


def _change(repo: Repo, head: str, wanted: Json) -> FileChange:
    path, kind = wanted["item"]["path"].lstrip("/"), wanted["changeType"]
    try:
        there: Any = repo.file(path, head)
    except NotFound:
        there = None
    if (kind == "add") is (there is not None):
        message = f"TF401010: '{path}' {'exists already' if there else 'does not exist'}."
        raise ApiError(400, message, "InvalidArgumentValueException")
    if kind == "delete":
        return FileChange(path, ChangeKind.DELETE)
    content = wanted["newContent"]
    data = content["content"].encode()
    if content["contentType"] == "base64Encoded":
        data = base64.b64decode(data)
    mode = "100644" if there is None else f"{int(there.filemode):o}"
    return FileChange(path, ChangeKind.WRITE, data, mode)

"""The Git data API: refs, blobs, trees, commits."""

from __future__ import annotations

import base64
from typing import Any

import pygit2

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.github.common import ROUTES, R, date, repo_of
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.world import BEGINNING


def _ref_json(call: Call, name: str, sha: str) -> Json:
    target = {"type": "commit", "sha": sha, "url": call.world.url}
    return call.api.fill("git-ref", {"ref": f"refs/heads/{name}", "object": target})


def _git_of(call: Call) -> tuple[Repo, pygit2.Repository]:
    """409 where there is no commit yet."""
    repo = repo_of(call)
    if repo.empty:
        raise ApiError(409, "Git Repository is empty.")
    return repo, repo.git


@ROUTES(f"GET {R}/git/ref/{{ref}}")
def get_ref(call: Call) -> Reply:
    repo, _ = _git_of(call)
    name = call.at["ref"].removeprefix("heads/")
    sha = repo.branch(name)
    if sha is None:
        raise ApiError(404, "Not Found")
    return Reply(200, _ref_json(call, name, sha))


@ROUTES(f"POST {R}/git/refs")
def create_ref(call: Call) -> Reply:
    repo, _ = _git_of(call)
    name = call.body["ref"].removeprefix("refs/heads/")
    if repo.branch(name) is not None:
        raise ApiError(422, "Reference already exists")
    try:
        repo.create_branch(name, call.body["sha"], call.login)
    except NotFound as error:
        raise ApiError(422, "Object does not exist") from error
    except Forbidden:
        raise
    except PlatformError as error:
        raise ApiError(422, "Reference update failed") from error
    return Reply(201, _ref_json(call, name, call.body["sha"]))


@ROUTES(f"PATCH {R}/git/refs/{{ref}}")
def update_ref(call: Call) -> Reply:
    repo, _ = _git_of(call)
    name = call.at["ref"].removeprefix("heads/")
    old, new = repo.branch(name), call.body["sha"]
    if old is None:
        raise ApiError(422, "Reference does not exist")
    if name in repo.protected:
        raise ApiError(422, f"Protected branch update failed for refs/heads/{name}.")
    try:
        repo.move_branch(name, old, new, call.login, force=bool(call.body.get("force")))
    except Conflict as error:
        raise ApiError(422, "Update is not a fast forward") from error
    return Reply(200, _ref_json(call, name, new))


@ROUTES(f"DELETE {R}/git/refs/{{ref}}")
def delete_ref(call: Call) -> Reply:
    repo, _ = _git_of(call)
    name = call.at["ref"].removeprefix("heads/")
    if repo.branch(name) is None:
        raise ApiError(422, "Reference does not exist")
    if name in repo.protected:
        raise ApiError(422, "Cannot delete this branch")
    repo.delete_branch(name, call.login)
    return Reply(204)


@ROUTES(f"POST {R}/git/blobs")
def create_blob(call: Call) -> Reply:
    repo, git = _git_of(call)
    repo.allow(call.login, "write")
    content = call.body["content"]
    data = base64.b64decode(content) if call.body.get("encoding") == "base64" else content.encode()
    return Reply(201, call.api.fill("short-blob", {"sha": str(git.create_blob(data))}))


@ROUTES(f"GET {R}/git/blobs/{{file_sha}}")
def get_blob(call: Call) -> Reply:
    _, git = _git_of(call)
    data = git[call.at["file_sha"]].peel(pygit2.Blob).data
    values = {"content": base64.encodebytes(data).decode(), "encoding": "base64", "sha": call.at["file_sha"]}
    return Reply(200, call.api.fill("blob", {**values, "size": len(data)}))


@ROUTES(f"POST {R}/git/trees")
def create_tree(call: Call) -> Reply:
    repo, git = _git_of(call)
    repo.allow(call.login, "write")
    index = pygit2.Index()
    if "base_tree" in call.body:
        index.read_tree(git[call.body["base_tree"]].peel(pygit2.Tree))
    for entry in call.body["tree"]:
        if "content" in entry:
            blob: Any = git.create_blob(entry["content"].encode())
        elif entry["sha"] is not None:
            blob = pygit2.Oid(hex=entry["sha"])
        else:
            try:
                index.remove(entry["path"])
            except OSError as error:
                raise ApiError(422, "GitRPC::BadObjectState") from error
            continue
        index.add(pygit2.IndexEntry(entry["path"], blob, pygit2.enums.FileMode(int(entry["mode"], 8))))
    return Reply(201, call.api.fill("git-tree", {"sha": str(index.write_tree(git)), "truncated": False}))


@ROUTES(f"POST {R}/git/commits")
def create_commit(call: Call) -> Reply:
    """Seen by nobody until a branch moves to it: no effect yet."""
    repo, git = _git_of(call)
    repo.allow(call.login, "write")
    author = pygit2.Signature(call.login, f"{call.login}@example.test")
    parents: list[str | pygit2.Oid] = list(call.body.get("parents", []))
    message, tree = call.body["message"], call.body["tree"]
    made = git.create_commit(None, author, author, message, tree, parents)
    return Reply(201, _commit_json(call, git, str(made)))


@ROUTES(f"GET {R}/git/commits/{{commit_sha}}")
def get_commit(call: Call) -> Reply:
    _, git = _git_of(call)
    return Reply(200, _commit_json(call, git, call.at["commit_sha"]))


def _commit_json(call: Call, git: pygit2.Repository, sha: str) -> Json:
    try:
        commit = git[sha].peel(pygit2.Commit)
    except KeyError as error:
        raise ApiError(404, "Not Found") from error
    person = {"name": commit.author.name, "email": commit.author.email, "date": date(BEGINNING)}
    values = {"sha": sha, "message": commit.message, "author": person, "committer": person}
    tree = {"sha": str(commit.tree.id), "url": call.world.url}
    parents = [{"sha": str(p.id), "url": "http://x/", "html_url": "http://x/"} for p in commit.parents]
    return call.api.fill("git-commit", {**values, "tree": tree, "parents": parents})

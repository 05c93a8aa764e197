"""Commits through the API: files one by one, and patches, which git itself applies."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

import pygit2

from tamma.errors import NotFound
from tamma.model.repository import ChangeKind, FileChange
from tamma.platforms.git.command import run_git
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitea.common import NOT_FOUND, ROUTES, R, repo_of
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json

_AUTHOR = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Tamma Bot"), ("EMAIL", "tamma-bot@example.test"))
}


@ROUTES(f"POST {R}/contents")
def change_files(call: Call) -> Reply:
    repo, branch = repo_of(call), call.body.get("branch") or "main"
    head = repo.branch(branch)
    if head is None:
        raise ApiError(404, NOT_FOUND)
    changes = [_change(repo, head, operation) for operation in call.body["files"]]
    made = repo.commit(branch, changes, call.body["message"].strip(), call.login, parent=head)
    return Reply(201, {"commit": _committed(repo, made), "files": []})


def _change(repo: Repo, head: str, operation: Json) -> FileChange:
    """Modes stay as they are. 422 where something else stands there."""
    path, kind = operation["path"], operation["operation"]
    try:
        there = repo.file(path, head)
    except NotFound:
        there = None
    if kind == "create":
        if there is not None:
            raise ApiError(422, f"repository file already exists [path: {path}]")
        return FileChange(path, ChangeKind.WRITE, base64.b64decode(operation["content"]))
    if there is None or operation["sha"] != str(there.id):
        raise ApiError(422, f"sha does not match [given: {operation['sha']}]")
    if kind == "delete":
        return FileChange(path, ChangeKind.DELETE)
    mode = repo.commit_of(head).tree[path].filemode
    if mode == pygit2.enums.FileMode.LINK:
        raise ApiError(422, "a symbolic link exists where you’re trying to create a subdirectory")
    content = base64.b64decode(operation["content"])
    return FileChange(path, ChangeKind.WRITE, content, f"{int(mode):06o}")


@ROUTES(f"POST {R}/diffpatch")
def apply_patch(call: Call) -> Reply:
    repo, branch = repo_of(call), call.body.get("branch") or "main"
    head = repo.branch(branch)
    if head is None:
        raise ApiError(404, NOT_FOUND)
    with tempfile.TemporaryDirectory() as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index"), **_AUTHOR}
        where = str(repo.path)
        run_git("read-tree", head, cwd=where, env=env)
        patch = call.body["content"].encode()
        options = ("--cached", "--recount", "--binary")
        done = run_git("apply", *options, cwd=where, env=env, input_=patch, check=False)
        if done.returncode != 0:
            raise ApiError(500, f"git apply error: {done.stderr.decode()}")
        tree = run_git("write-tree", cwd=where, env=env).stdout.decode().strip()
        message = call.body["message"].strip().encode() + b"\n"
        made = run_git("commit-tree", tree, "-p", head, cwd=where, env=env, input_=message)
    sha = made.stdout.decode().strip()
    repo.move_branch(branch, head, sha, call.login)
    return Reply(201, {"commit": _committed(repo, sha), "content": None})


def _committed(repo: Repo, sha: str) -> Json:
    parents = [{"sha": str(parent)} for parent in repo.commit_of(sha).parent_ids]
    return {"sha": sha, "message": repo.commit_of(sha).message, "parents": parents}

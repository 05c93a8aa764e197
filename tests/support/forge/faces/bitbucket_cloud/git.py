"""Branches, commits and files."""

from __future__ import annotations

import re

import pygit2

from tamma.errors import NotFound
from tamma.model.repository import ChangeKind, FileChange
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.bitbucket_cloud.common import BASE, PLAIN_FILES, ROUTES, R, repo_of
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json

_BRANCH = f"{R}/refs/branches/{{name}}"
_MODES = {"": "100644", "executable": "100755", "link": "120000"}


def commit_json(repo: Repo, sha: str) -> Json:
    commit = repo.commit_of(sha)
    return {"type": "commit", "hash": str(commit.id), "message": commit.message}


def _branch_json(repo: Repo, name: str, sha: str) -> Json:
    return {"type": "branch", "name": name, "target": commit_json(repo, sha)}


def _may_push(repo: Repo, branch: str) -> None:
    """Branch permissions hold for administrators too."""
    if branch in repo.protected:
        raise ApiError(403, f"Permission denied to update branch {branch}.")


@ROUTES(f"GET {_BRANCH}")
def get_branch(call: Call) -> Reply:
    repo, name = repo_of(call), call.at["name"]
    sha = repo.branch(name)
    if sha is None:
        raise ApiError(404, f'No branch with name "{name}"')
    return Reply(200, _branch_json(repo, name, sha))


@ROUTES(f"GET {R}/refs/tags/{{name}}")
def get_tag(call: Call) -> Reply:
    repo, name = repo_of(call), call.at["name"]
    try:
        sha = str(repo.git.references[f"refs/tags/{name}"].peel(pygit2.Commit).id)
    except KeyError as error:
        raise ApiError(404, f'No tag with name "{name}"') from error
    return Reply(200, {"type": "tag", "name": name, "target": commit_json(repo, sha)})


@ROUTES(f"POST {R}/refs/branches")
def create_branch(call: Call) -> Reply:
    repo, name, sha = repo_of(call), call.body["name"], call.body["target"]["hash"]
    if repo.branch(name) is not None:
        details = {"key": "BRANCH_ALREADY_EXISTS"}
        raise ApiError(400, f'Branch "{name}" already exists.', None, **details)
    try:
        repo.create_branch(name, sha, call.login)
    except NotFound as error:
        raise ApiError(400, f"The target {sha} does not exist") from error
    return Reply(201, _branch_json(repo, name, sha))


@ROUTES(f"DELETE {_BRANCH}")
def delete_branch(call: Call) -> Reply:
    repo, name = repo_of(call), call.at["name"]
    if repo.branch(name) is None:
        raise ApiError(404, f'No branch with name "{name}"')
    if name == repo.default_branch:
        raise ApiError(400, "The main branch cannot be deleted")
    _may_push(repo, name)
    repo.delete_branch(name, call.login)
    return Reply(204)


@ROUTES(f"GET {R}/commit/{{commit}}")
def get_commit(call: Call) -> Reply:
    return Reply(200, commit_json(repo_of(call), call.at["commit"]))


@ROUTES(f"GET {R}/src/{{commit}}/{{path}}")
def get_file(call: Call) -> Reply:
    """A file as an attachment, a folder as a page, and for `format=meta` what a file is."""
    repo, path = repo_of(call), call.at["path"]
    found = repo.file(path, call.at["commit"])
    if call.query.get("format") == "meta":
        names = {mode: name for name, mode in _MODES.items()}
        attribute = names.get(f"{found.filemode:o}", "")
        attributes = [attribute] if attribute else []
        return Reply(200, {"type": "commit_file", "path": path, "attributes": attributes})
    if isinstance(found, pygit2.Tree):
        entries = [{"type": "commit_file", "path": f"{path}/{entry.name}"} for entry in found]
        return Reply(200, {"pagelen": 10, "page": 1, "values": entries})
    assert isinstance(found, pygit2.Blob)
    return Reply(200, found.data, {"Content-Disposition": "attachment"})


@ROUTES(f"POST {R}/src")
def create_commit(call: Call) -> Reply:
    """A form: files by their paths, `files` without a part for what is deleted, and words about it."""
    repo = repo_of(call)
    said: dict[str, str] = {}
    deleted: list[str] = []
    changes: list[FileChange] = []
    for name, filename, attributes, content in read_form(call):
        if filename is not None:
            mode = _MODES["" if PLAIN_FILES in repo.forbidden else attributes]
            changes.append(FileChange(name.lstrip("/"), ChangeKind.WRITE, content, mode))
        elif name == "files":
            deleted.append(content.decode().lstrip("/"))
        else:
            said[name] = content.decode()
    written = {change.path for change in changes}
    changes += [FileChange(path, ChangeKind.DELETE) for path in deleted if path not in written]
    branch = said["branch"]
    head = repo.branch(branch)
    if said.get("parents") not in (None, head):
        raise ApiError(409, f"{said['parents']} is not the tip of {branch}")
    _may_push(repo, branch)
    made = repo.commit(branch, changes, said["message"], call.login, start=said.get("parents"))
    where = f"{call.world.url}{BASE}/repositories/{repo.full_name}/commit/{made}"
    return Reply(201, None, {"Location": where})


def read_form(call: Call) -> list[tuple[str, str | None, str, bytes]]:
    """Name, file name, `x-attributes` and content of each part: the usual parsers leave attributes out."""
    boundary = call.request.headers["content-type"].partition("boundary=")[2].encode()
    found: list[tuple[str, str | None, str, bytes]] = []
    for piece in call.request.raw.split(b"--" + boundary)[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        line = head.decode().partition("\r\n")[0]
        values: dict[str, str] = dict(_PARAMETER.findall(line))
        found.append(
            (
                values["name"],
                values.get("filename"),
                values.get("x-attributes", ""),
                content.removesuffix(b"\r\n"),
            )
        )
    return found


_PARAMETER = re.compile(r'; ([\w-]+)="([^"]*)"')

"""Branches, files, trees, comparisons."""

from __future__ import annotations

import pygit2

from tamma.errors import Conflict, Forbidden, NotFound
from tamma.platforms.git.command import run_git
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitea.common import NOT_FOUND, ROUTES, R, page_of, repo_of
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import LEVELS
from tests.support.forge.world import BEGINNING


def _branch_json(call: Call, repo: Repo, name: str, sha: str) -> Json:
    rules = repo.protected.get(name)
    commit = {"id": sha, "message": repo.commit_of(sha).message, "added": None}
    writes = LEVELS.index(repo.level(call.login)) >= LEVELS.index("write")
    values = {
        "name": name,
        "commit": commit,
        "protected": rules is not None,
        "required_approvals": rules.approvals if rules else 0,
        "enable_status_check": bool(rules and rules.checks),
        "status_check_contexts": list(rules.checks) if rules else [],
        "user_can_push": writes and rules is None,
        "user_can_merge": writes,
    }
    return call.api.fill("Branch", values)


def _branch_of(call: Call, repo: Repo, name: str) -> str:
    sha = None if repo.empty else repo.branch(name)
    if sha is None:
        raise ApiError(404, NOT_FOUND)
    return sha


@ROUTES(f"GET {R}/branches/{{branch}}")
def get_branch(call: Call) -> Reply:
    repo, name = repo_of(call), call.at["branch"]
    return Reply(200, _branch_json(call, repo, name, _branch_of(call, repo, name)))


@ROUTES(f"POST {R}/branches")
def create_branch(call: Call) -> Reply:
    repo, name = repo_of(call), call.body["new_branch_name"]
    try:
        start = str(repo.commit_of(call.body["old_ref_name"]).id)
    except NotFound as error:
        raise ApiError(404, "The old branch does not exist") from error
    try:
        repo.create_branch(name, start, call.login)
    except Conflict as error:
        raise ApiError(409, "The branch already exists.") from error
    except OSError as error:
        raise ApiError(409, "A branch of that name cannot be beside the others.") from error
    return Reply(201, _branch_json(call, repo, name, start))


@ROUTES(f"DELETE {R}/branches/{{branch}}")
def delete_branch(call: Call) -> Reply:
    repo, name = repo_of(call), call.at["branch"]
    _branch_of(call, repo, name)
    try:
        repo.delete_branch(name, call.login)
    except Forbidden as error:
        raise ApiError(403, str(error)) from error
    return Reply(204)


@ROUTES(f"GET {R}/raw/{{filepath}}")
def get_raw(call: Call) -> Reply:
    repo = repo_of(call)
    found = repo.file(call.at["filepath"], call.query.get("ref", repo.default_branch))
    if not isinstance(found, pygit2.Blob):
        raise ApiError(404, NOT_FOUND)
    return Reply(200, found.data, {}, "application/octet-stream")


@ROUTES(f"GET {R}/git/commits/{{sha}}")
def get_commit(call: Call) -> Reply:
    repo = repo_of(call)
    return Reply(200, _commit_json(call, repo, repo.commit_of(call.at["sha"]), files=False))


def _commit_json(call: Call, repo: Repo, commit: pygit2.Commit, *, files: bool) -> Json:
    who = {"name": commit.author.name, "email": commit.author.email, "date": _date()}
    values = {
        "sha": str(commit.id),
        "commit": {"message": commit.message, "author": who, "tree": {"sha": str(commit.tree.id)}},
        "parents": [{"sha": str(parent)} for parent in commit.parent_ids],
        "files": _changed(repo, commit) if files else None,
    }
    return call.api.fill("Commit", values)


def _date() -> str:
    return BEGINNING.strftime("%Y-%m-%dT%H:%M:%SZ")


def _changed(repo: Repo, commit: pygit2.Commit) -> list[Json]:
    done = run_git(
        "diff-tree", "--root", "--no-commit-id", "--name-only", "-r", "-z", str(commit.id), cwd=str(repo.path)
    )
    names = [name for name in done.stdout.decode().split("\0") if name]
    return [{"filename": name, "status": "modified"} for name in names]


@ROUTES(f"GET {R}/git/trees/{{sha}}")
def get_tree(call: Call) -> Reply:
    """Of a commit or a tree, one level, at most 1,000 entries a page."""
    repo = repo_of(call)
    try:
        tree = repo.git.revparse_single(call.at["sha"]).peel(pygit2.Tree)
    except (KeyError, ValueError, pygit2.GitError) as error:
        raise ApiError(404, NOT_FOUND) from error
    kinds = {pygit2.enums.ObjectType.BLOB: "blob", pygit2.enums.ObjectType.TREE: "tree"}
    entries = [
        {"path": e.name, "mode": f"{int(e.filemode):06o}", "type": kinds[e.type], "sha": str(e.id)}
        for e in tree
    ]
    page, size = int(call.query.get("page", 1)), 1000
    shown = entries[(page - 1) * size : page * size]
    values = {
        "sha": str(tree.id),
        "tree": shown,
        "page": page,
        "total_count": len(entries),
        "truncated": page * size < len(entries),
    }
    return Reply(200, call.api.fill("GitTreeResponse", values))


@ROUTES(f"GET {R}/git/refs/{{ref}}")
def get_refs(call: Call) -> Reply:
    """Heads of pull requests stay at what was merged. An exact match comes alone, others in a list."""
    repo, name = repo_of(call), call.at["ref"]
    refs = {f"refs/heads/{branch}": sha for branch, sha in repo.branches().items()}
    refs |= {f"refs/pull/{pull.number}/head": pull.head_sha for pull in repo.list_pulls()}
    found = [
        {"ref": ref, "url": "", "object": {"type": "commit", "sha": sha, "url": ""}}
        for ref, sha in refs.items()
        if ref.startswith(f"refs/{name}")
    ]
    if not found:
        raise ApiError(404, NOT_FOUND)
    return Reply(200, found[0] if found[0]["ref"] == f"refs/{name}" else found)


@ROUTES(f"GET {R}/compare/{{basehead}}")
def compare(call: Call) -> Reply:
    repo = repo_of(call)
    base, _, head = call.at["basehead"].partition("...")
    walker = repo.git.walk(head, pygit2.enums.SortMode.TOPOLOGICAL)
    walker.hide(base)
    commits = [_commit_json(call, repo, commit, files=True) for commit in walker]
    return Reply(200, {"total_commits": len(commits), "commits": commits})


@ROUTES(f"GET {R}/pulls/{{index}}/files")
def list_files(call: Call) -> Reply:
    repo = repo_of(call)
    names = repo.changed_files(repo.pull(call.number("index")))
    found = [call.api.fill("ChangedFile", {"filename": name, "status": "changed"}) for name in names]
    return Reply(200, page_of(call, found))

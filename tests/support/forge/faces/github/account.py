"""Who calls, how much is left, and the repository itself."""

from __future__ import annotations

import base64

import pygit2

from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.github.common import ROUTES, R, repo_of, user


@ROUTES("GET /user")
def get_user(call: Call) -> Reply:
    if call.login.endswith("[bot]"):
        raise ApiError(403, "Resource not accessible by integration")
    number = call.world.account(call.login).id
    return Reply(200, call.api.fill("private-user", {"login": call.login, "id": number, "type": "User"}))


@ROUTES("GET /rate_limit")
def rate_limit(call: Call) -> Reply:
    if call.request.path.startswith("/api/v3"):
        raise ApiError(404, "Rate limiting is not enabled.")
    core = {"limit": 5000, "remaining": 4999, "reset": 1_800_000_000, "used": 1}
    values = {"resources": {"core": core, "search": core}, "rate": core}
    return Reply(200, call.api.fill("rate-limit-overview", values))


@ROUTES("GET /meta")
def meta(call: Call) -> Reply:
    """Enterprise servers say which version they are; github.com says none."""
    enterprise = {"installed_version": "3.19.2"} if call.request.path.startswith("/api/v3") else {}
    return Reply(200, call.api.fill("api-overview", enterprise))


@ROUTES(f"GET {R}")
def get_repository(call: Call) -> Reply:
    repo = repo_of(call)
    values = {
        "id": repo.id,
        "name": repo.name,
        "full_name": repo.full_name,
        "default_branch": repo.default_branch,
        "private": repo.private,
        "archived": repo.archived,
        "has_issues": repo.issues_enabled,
        "clone_url": f"{call.world.url}/{repo.full_name}.git",
        "html_url": f"{call.world.url}/{repo.full_name}",
        "owner": user(call, repo.owner),
    }
    return Reply(200, call.api.fill("full-repository", values))


@ROUTES(f"GET {R}/collaborators/{{username}}/permission")
def permission(call: Call) -> Reply:
    login = call.at["username"]
    repo = repo_of(call)
    if repo.level(call.login) not in ("write", "admin"):
        raise ApiError(403, "Must have push access to view collaborator permission.")
    held = repo.level(login)
    if held == "none":
        raise ApiError(404, f"{login} is not a user")
    who = call.api.fill("collaborator", {"login": login, "role_name": held})
    values = {"permission": held, "role_name": held, "user": who}
    return Reply(200, call.api.fill("repository-collaborator-permission", values))


@ROUTES(f"GET {R}/contents/{{path}}")
def contents(call: Call) -> Reply:
    repo, path = repo_of(call), call.at["path"]
    if repo.empty:
        raise ApiError(404, "This repository is empty.")
    found = repo.file(path, call.query.get("ref", repo.default_branch))
    if not isinstance(found, pygit2.Blob):
        return Reply(200, [])
    large = len(found.data) > 1_000_000
    values = {
        "type": "file",
        "encoding": "none" if large else "base64",
        "content": "" if large else base64.encodebytes(found.data).decode(),
        "size": len(found.data),
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": str(found.id),
    }
    return Reply(200, call.api.fill("content-file", values))

"""The server, people, repositories."""

from __future__ import annotations

from tests.support.forge.calls import Call, Reply
from tests.support.forge.faces.bitbucket_dc.common import (
    ROUTES,
    R,
    page_of,
    refusal,
    repo_of,
    repository,
    server_of,
    user,
)
from tests.support.forge.things import LEVELS, Level

_PERMISSIONS: dict[str, Level] = {"REPO_READ": "read", "REPO_WRITE": "write", "REPO_ADMIN": "admin"}


@ROUTES("GET /api/latest/application-properties")
def get_properties(call: Call) -> Reply:
    said = {"version": server_of(call.world).version, "buildNumber": "9002000", "buildDate": "1728000000000"}
    return Reply(200, {**said, "displayName": "Bitbucket"})


@ROUTES("GET /api/latest/users")
def list_users(call: Call) -> Reply:
    """Names that contain the filter; of these who has the permission, by whichever way."""
    found = [login for login in call.world.accounts if call.query.get("filter", "").lower() in login.lower()]
    wanted = call.query.get("permission.1")
    if wanted is not None:
        owner, name = call.query["permission.1.projectKey"], call.query["permission.1.repositorySlug"]
        repo = call.world.require(owner, name)
        least = LEVELS.index(_PERMISSIONS[wanted])
        found = [login for login in found if LEVELS.index(repo.level(login)) >= least]
    return page_of(call, [user(call, login) for login in found])


@ROUTES(f"GET {R}")
def get_repository(call: Call) -> Reply:
    repo = repo_of(call)
    host = call.world.url.removeprefix("http://")
    clone = [
        {"href": f"ssh://git@{host}/{repo.owner}/{repo.name}.git", "name": "ssh"},
        {"href": f"http://{call.login}@{host}/scm/{repo.owner}/{repo.name}.git", "name": "http"},
    ]
    web = f"{call.world.url}/projects/{repo.owner}/repos/{repo.name}/browse"
    return Reply(200, {**repository(call, repo), "links": {"clone": clone, "self": [{"href": web}]}})


@ROUTES(f"GET {R}/default-branch")
def get_default_branch(call: Call) -> Reply:
    """The configured one, also of an empty repository."""
    name = repo_of(call).default_branch
    return Reply(200, {"id": f"refs/heads/{name}", "displayId": name, "type": "BRANCH"})


@ROUTES(f"GET {R}/settings/pull-requests")
def get_settings(call: Call) -> Reply:
    repo_of(call)
    enabled = server_of(call.world).strategies
    every = ("no-ff", "ff", "ff-only", "rebase-no-ff", "rebase-ff-only", "squash", "squash-ff-only")
    strategies = [{"id": name, "enabled": name in enabled} for name in every]
    if not enabled:
        raise refusal(409, "At least one merge strategy must be enabled", "ArgumentValidationException")
    config = {"defaultStrategy": {"id": enabled[0]}, "strategies": strategies, "type": "REPOSITORY"}
    return Reply(200, {"mergeConfig": config})

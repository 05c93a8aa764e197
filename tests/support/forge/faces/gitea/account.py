"""The server, accounts, repositories, and who may do what."""

from __future__ import annotations

from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitea.common import (
    NOT_FOUND,
    ROUTES,
    R,
    is_forgejo,
    label_json,
    page_of,
    repo_of,
    server_of,
    user,
)
from tests.support.forge.things import LEVELS

GITEA, FORGEJO = "1.27.0", "16.0.1+gitea-1.22.0"
"""Of the published descriptions."""


@ROUTES("GET /version")
def get_version(call: Call) -> Reply:
    said = server_of(call.world).version
    if not server_of(call.world).tells:
        raise ApiError(403, "Only signed in users are allowed to call APIs.")
    return Reply(200, {"version": said or (FORGEJO if is_forgejo(call) else GITEA)})


OLD_FORGEJO = "6.0.4+0-gitea-1.21.4"


@ROUTES("GET /api/forgejo/v1/version")
def get_forgejo_version(call: Call) -> Reply:
    return Reply(200, {"version": OLD_FORGEJO})


@ROUTES("GET /user")
def get_user(call: Call) -> Reply:
    return Reply(200, user(call, call.login))


@ROUTES(f"GET {R}/teams")
def list_teams(call: Call) -> Reply:
    if repo_of(call).owner not in server_of(call.world).labels:
        raise ApiError(405, "repo is not owned by an organization")
    return Reply(200, [])


@ROUTES("GET /orgs/{org}/labels")
def get_organisation_labels(call: Call) -> Reply:
    found = server_of(call.world).labels.get(call.at["org"])
    if found is None:
        raise ApiError(404, NOT_FOUND)
    return Reply(200, page_of(call, [label_json(label) for label in found]))


@ROUTES(f"GET {R}")
def get_repository(call: Call) -> Reply:
    repo = repo_of(call)
    web = f"{call.world.url}/{repo.full_name}"
    values = {
        "id": repo.id,
        "name": repo.name,
        "full_name": repo.full_name,
        "owner": user(call, repo.owner),
        "default_branch": repo.default_branch,
        "clone_url": f"{web}.git",
        "ssh_url": f"git@git.example.test:{repo.full_name}.git",
        "html_url": web,
        "private": repo.private,
        "archived": repo.archived,
        "empty": repo.empty,
        "has_issues": repo.issues_enabled,
    }
    return Reply(200, call.api.fill("Repository", values))


@ROUTES(f"GET {R}/collaborators/{{collaborator}}/permission")
def get_permission(call: Call) -> Reply:
    """Of others only for an administrator of the repository."""
    repo, who = repo_of(call), call.at["collaborator"]
    if who not in call.world.accounts:
        raise ApiError(404, NOT_FOUND)
    if who != call.login and repo.level(call.login) != "admin":
        raise ApiError(
            403, "Only admins can query all permissions, repo admins can query all repo permissions"
        )
    level = "owner" if who == repo.owner else repo.level(who)
    return Reply(200, {"permission": level, "role_name": level, "user": user(call, who)})


@ROUTES(f"GET {R}/assignees")
def list_assignees(call: Call) -> Reply:
    """Who may write; below an organisation also members of teams that read."""
    repo = repo_of(call)
    least = "read" if repo.owner in server_of(call.world).labels else "write"
    able = [who for who in repo.members if LEVELS.index(repo.level(who)) >= LEVELS.index(least)]
    return Reply(200, [user(call, who) for who in able])

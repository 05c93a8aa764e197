"""Who calls, who is there, and what they may do."""

from __future__ import annotations

import re

from tamma.errors import NotFound
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.bitbucket_cloud.common import (
    ACCESS_TOKEN,
    NO_ACCOUNT_SCOPE,
    ROUTES,
    R,
    lacks_scope,
    number_in,
    page_of,
    repo_of,
    repository_json,
    user,
)
from tests.support.forge.schemas import Json


@ROUTES("GET /user")
def get_user(call: Call) -> Reply:
    if {ACCESS_TOKEN, NO_ACCOUNT_SCOPE} & call.world.hello.forbidden:
        raise lacks_scope("account")
    return Reply(200, user(call, call.login))


@ROUTES(f"GET {R}")
def get_repository(call: Call) -> Reply:
    return Reply(200, repository_json(call, repo_of(call)))


def _member(call: Call, login: str) -> Json:
    return {"type": "workspace_membership", "user": user(call, login)}


def _members(call: Call) -> list[str]:
    return [login for login in call.world.accounts if call.world.hello.level(login) != "none"]


@ROUTES("GET /workspaces/{workspace}/members")
def list_members(call: Call) -> Reply:
    return page_of(call, _members(call), lambda login: _member(call, login))


@ROUTES("GET /workspaces/{workspace}/members/{member}")
def get_member(call: Call) -> Reply:
    for login in _members(call):
        if call.world.account(login).id == number_in(call.at["member"]):
            return Reply(200, _member(call, login))
    raise NotFound("no such member")


@ROUTES("GET /workspaces/{workspace}/permissions/repositories/{repo_slug}")
def list_permissions(call: Call) -> Reply:
    """For administrators alone."""
    repo = repo_of(call)
    if repo.level(call.login) != "admin":
        raise ApiError(403, "You must be an admin of the repository")
    wanted = re.fullmatch(r'user\.uuid="(.*)"', call.query.get("q", ""))
    number = number_in(wanted[1]) if wanted else 0
    found = [login for login in _members(call) if wanted is None or call.world.account(login).id == number]
    return page_of(
        call,
        found,
        lambda login: {
            "type": "repository_permission",
            "permission": repo.level(login),
            "user": user(call, login),
        },
    )


@ROUTES(f"GET {R}/effective-default-reviewers")
def default_reviewers(call: Call) -> Reply:
    """The two who may write."""
    repo_of(call)
    return page_of(
        call,
        ["writer", call.world.bot],
        lambda login: {"type": "default_reviewer", "user": user(call, login), "reviewer_type": "project"},
    )

"""Who calls, who others are, and the project itself."""

from __future__ import annotations

from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitlab.common import (
    LEFT_OUT,
    ROUTES,
    VERSION,
    A,
    P,
    project_json,
    project_of,
    user,
)

_LEVELS = {"read": 20, "write": 30, "admin": 40}


@ROUTES(f"GET {A}/user", undescribed=LEFT_OUT)
def get_user(call: Call) -> Reply:
    return Reply(200, user(call, call.login))


@ROUTES(f"GET {A}/users", undescribed=LEFT_OUT)
def find_users(call: Call) -> Reply:
    """By the whole username, whatever its case."""
    name = call.query.get("username", "").lower()
    return Reply(200, [user(call, login) for login in call.world.accounts if login.lower() == name])


@ROUTES("GET /version")
def version(call: Call) -> Reply:
    return Reply(200, {"version": VERSION, "revision": "0" * 11})


@ROUTES(f"GET {A}/personal_access_tokens/self", undescribed=LEFT_OUT)
def own_token(call: Call) -> Reply:
    return Reply(
        200, {"id": 1, "name": "tamma", "scopes": ["api"], "active": True, "expires_at": "2027-01-31"}
    )


@ROUTES(f"GET {P}")
def get_project(call: Call) -> Reply:
    return Reply(200, project_json(call, project_of(call)))


@ROUTES(f"GET {A}{P}/members/all/{{user_id}}", undescribed=LEFT_OUT)
def get_member(call: Call) -> Reply:
    repo, number = project_of(call), call.number("user_id")
    login = next((account.login for account in call.world.accounts.values() if account.id == number), "")
    held = repo.level(login)
    if held == "none":
        raise ApiError(404, "404 Not found")
    return Reply(200, {**user(call, login), "access_level": _LEVELS[held]})

"""Who calls, who somebody is, what they may, and the repository itself."""

from __future__ import annotations

from tests.support.forge.calls import Call, Reply
from tests.support.forge.faces.azure.common import (
    ROUTES,
    R,
    account_of,
    guid,
    listed,
    project_json,
    project_of,
    repo_of,
    repository_json,
    user,
)
from tests.support.forge.schemas import Json
from tests.support.forge.things import LEVELS, Account, Level

_UNDESCRIBED = "the published files are about other areas"
_O = "/{organization}/_apis"
_PREFIX = "Microsoft.IdentityModel.Claims.ClaimsIdentity;tenant\\"


def _may(held: Level, wanted: Level) -> bool:
    return LEVELS.index(held) >= LEVELS.index(wanted)


def _identity(account: Account) -> Json:
    return {
        "id": guid(account.id),
        "descriptor": f"{_PREFIX}{account.email}",
        "providerDisplayName": account.name,
        "isActive": True,
        "properties": {
            "Account": {"$type": "System.String", "$value": account.email},
            "Mail": {"$type": "System.String", "$value": account.email},
        },
    }


@ROUTES(f"GET {_O}/connectionData", undescribed=_UNDESCRIBED)
def connection_data(call: Call) -> Reply:
    me = _identity(call.world.account(call.login))
    return Reply(200, {"authenticatedUser": me, "authorizedUser": me, "deploymentType": deployment(call)})


def deployment(call: Call) -> str:
    """A world's `folder` may hold a file by which a test makes it a server."""
    return "onPremises" if (call.world.folder / "on-premises").exists() else "hosted"


@ROUTES(f"GET {_O}/identities", undescribed=_UNDESCRIBED)
def identities(call: Call) -> Reply:
    wanted = call.query.get("identityIds")
    if wanted is not None:
        found = account_of(call.world, wanted)
        return listed([_identity(found)] if found else [])
    text = call.query["filterValue"].lower()
    everybody = call.world.accounts.values()
    return listed([_identity(one) for one in everybody if one.email.startswith(text) or one.name == text])


@ROUTES(f"GET {_O}/accesscontrollists/{{namespace}}", undescribed=_UNDESCRIBED)
def access_control_lists(call: Call) -> Reply:
    token, descriptor = call.query["token"], call.query["descriptors"]
    email = descriptor.removeprefix(_PREFIX)
    login = next((one.login for one in call.world.accounts.values() if one.email == email), "")
    repository = token.split("/")[2] if token.count("/") == 2 else ""
    found = [repo for repo in call.world.repos if repository in ("", guid(repo.id))]
    level = found[0].level(login) if found else "none"
    bits = 16_438 if _may(level, "write") else 2 if _may(level, "read") else 0
    entry = {"descriptor": descriptor, "allow": 0, "deny": 0, "extendedInfo": {"effectiveAllow": bits}}
    return listed([{"inheritPermissions": True, "token": token, "acesDictionary": {descriptor: entry}}])


@ROUTES(f"GET {_O}/projects/{{projectId}}")
def get_project(call: Call) -> Reply:
    call.at["project"] = call.at["projectId"]
    return Reply(200, project_json(project_of(call)[0]))


@ROUTES(f"GET {_O}/projects/{{projectId}}/teams")
def teams(call: Call) -> Reply:
    call.at["project"] = call.at["projectId"]
    repo = project_of(call)[0]
    return listed([{"id": guid(repo.id + 5_000_000), "name": f"{repo.owner} Team"}])


@ROUTES(f"GET {_O}/projects/{{projectId}}/teams/{{teamId}}/members")
def members(call: Call) -> Reply:
    call.at["project"] = call.at["projectId"]
    repo = project_of(call)[0]
    logins = [login for login in repo.members if _may(repo.level(login), "write")]
    return listed([{"identity": user(call.world, login), "isTeamAdmin": False} for login in logins])


@ROUTES(f"GET {R}")
def get_repository(call: Call) -> Reply:
    return Reply(200, repository_json(call, repo_of(call, disabled=True)))

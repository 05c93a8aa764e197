"""What Azure DevOps' routes share: which repository, work item or pull request is meant, pages, shapes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tamma.errors import NotFound
from tests.support.forge.calls import ApiError, Call, Reply, Routes
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Account, Issue, Pull
from tests.support.forge.world import World

ROUTES = Routes()
P = "/{organization}/{project}/_apis"
R = f"{P}/git/repositories/{{repositoryId}}"
ORGANIZATION = "acme"
ZEROS = "0" * 40
HEADS = "refs/heads/"


def guid(number: int) -> str:
    return str(UUID(int=number))


def project_of(call: Call) -> list[Repo]:
    """The project's repositories: a world's owner is a project here. 404 where there is none."""
    project = call.at["project"]
    found = [repo for repo in call.world.repos if repo.owner == project]
    if call.at["organization"] != ORGANIZATION or not found:
        message = f"TF200016: The following project does not exist: {project}."
        raise ApiError(404, message, "ProjectDoesNotExistWithNameException")
    return found


def boards_of(call: Call) -> Repo:
    """The repository that has the project's work items: its first."""
    return project_of(call)[0]


def repo_of(call: Call, *, disabled: bool = False) -> Repo:
    name = call.at.get("repositoryId") or call.at["repositoryNameOrId"]
    for repo in project_of(call):
        if name in (repo.name, guid(repo.id)):
            if repo.archived and not disabled:
                raise ApiError(
                    403, f"TF401014: The repository {name} is disabled.", "GitRepositoryDisabledException"
                )
            return repo
    message = (
        f"TF401019: The Git repository with name or identifier {name} does not exist or you do not have "
    )
    raise ApiError(
        404, f"{message}permissions for the operation you are attempting.", "GitRepositoryNotFoundException"
    )


def pull_of(call: Call, repo: Repo) -> Pull:
    number = call.number("pullRequestId")
    try:
        return repo.pull(number)
    except NotFound as error:
        message = f"TF401180: The requested pull request was not found: {number}."
        raise ApiError(404, message, "GitPullRequestNotFoundException") from error


def item_of(call: Call, name: str = "id") -> Issue:
    number = call.number(name)
    try:
        return boards_of(call).issue(number)
    except NotFound as error:
        message = f"TF401232: Work item {number} does not exist, or you do not have permissions to read it."
        raise ApiError(404, message, "WorkItemUnauthorizedAccessException") from error


def account_of(world: World, identity: str) -> Account | None:
    return next((one for one in world.accounts.values() if guid(one.id) == identity), None)


def listed(items: Sequence[Any]) -> Reply:
    """`{"count": n, "value": [...]}`: how lists come, whatever their description says."""
    return Reply(200, {"count": len(items), "value": list(items)})


def skipped(call: Call, items: Sequence[Any], default: int = 100, most: int = 1000) -> Sequence[Any]:
    """By `$top` and `$skip` (some operations leave out the `$`)."""
    query = call.query
    top = min(int(query.get("$top", query.get("top", default))), most)
    skip = int(query.get("$skip", query.get("skip", 0)))
    return items[skip : skip + top]


def continued(call: Call, items: Sequence[Any], default: int = 1000) -> Sequence[Any]:
    """By `$top` and a token in a header."""
    top, start = int(call.query.get("$top", default)), int(call.query.get("continuationToken", 0))
    if start + top < len(items):
        call.headers["x-ms-continuationtoken"] = str(start + top)
    return items[start : start + top]


def date(value: datetime | None) -> str | None:
    """With seven digits of a second, as .NET writes it."""
    return None if value is None else value.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")


def user(world: World, login: str) -> Json:
    account = world.account(login)
    return {
        "displayName": account.name,
        "id": guid(account.id),
        "uniqueName": account.email,
        "url": f"{world.url}/_apis/Identities/{guid(account.id)}",
        "descriptor": f"aad.{guid(account.id)}",
    }


def project_json(repo: Repo) -> Json:
    return {
        "id": guid(1_000_000 + sum(repo.owner.encode())),
        "name": repo.owner,
        "state": "wellFormed",
        "visibility": "private" if repo.private else "public",
    }


def repository_json(call: Call, repo: Repo) -> Json:
    here = f"{call.world.url}/{ORGANIZATION}/{repo.owner}/_git/{repo.name}"
    made: Json = {
        "id": guid(repo.id),
        "name": repo.name,
        "url": f"{call.world.url}/{ORGANIZATION}/_apis/git/repositories/{guid(repo.id)}",
        "project": project_json(repo),
        "size": 713,
        "remoteUrl": here.replace("://", f"://{ORGANIZATION}@"),
        "sshUrl": f"git@ssh.dev.azure.com:v3/{ORGANIZATION}/{repo.owner}/{repo.name}",
        "webUrl": here,
        "isDisabled": repo.archived,
        "isInMaintenance": False,
    }
    return made if repo.empty else {**made, "defaultBranch": f"{HEADS}{repo.default_branch}"}

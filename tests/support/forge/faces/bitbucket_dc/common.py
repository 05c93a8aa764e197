"""What Bitbucket's routes share: which repository is meant, versions, pages, and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from tests.support.forge.calls import ApiError, Call, Reply, Routes
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Pull, Review
from tests.support.forge.world import World

ROUTES = Routes()
REPO = "projects/{projectKey}/repos/{repositorySlug}"
R = f"/api/latest/{REPO}"
P = f"{R}/pull-requests/{{pullRequestId}}"
HEADS = "refs/heads/"
_STATUSES = {"approve": "APPROVED", "request_changes": "NEEDS_WORK"}


@dataclass
class Server:
    """What a test may set of the server that shows a world."""

    version: str = "9.2.0"
    at_most: int = 100
    """Items of a page (page.max.*)."""
    auto_merge: bool = True
    strategies: tuple[str, ...] = ("no-ff", "squash", "rebase-ff-only")
    """Those that are enabled."""
    behind: str = ""
    """The commit that pull requests show as their head, while they lag behind. Empty: they do not."""
    fork: str = ""
    """The repository that pull requests come from; empty: the same."""
    named: str = ""
    """What it calls who asks; empty: by the login."""
    reports: list[Json] | None = field(default_factory=list[Json])
    """Of Code Insights, on every commit; None: the app is switched off."""
    schemes: list[str] = field(default_factory=list[str])
    """How callers showed their credentials."""


_SERVERS: WeakKeyDictionary[World, Server] = WeakKeyDictionary()


def server_of(world: World) -> Server:
    return _SERVERS.setdefault(world, Server())


def refusal(status: int, message: str, exception: str, **more: Any) -> ApiError:
    """`exception` is the Java class below com.atlassian.bitbucket."""
    error = {"context": None, "message": message, "exceptionName": f"com.atlassian.bitbucket.{exception}"}
    return ApiError(status, message, {"errors": [{**error, **more}]})


def repo_of(call: Call) -> Repo:
    owner, name = call.at["projectKey"], call.at["repositorySlug"]
    found = call.world.find(owner, name)
    if found is None:
        raise refusal(
            404, f"Repository {owner}/{name} does not exist.", "repository.NoSuchRepositoryException"
        )
    return found


def pull_of(call: Call, repo: Repo) -> Pull:
    return repo.pull(call.number("pullRequestId"))


def check_version(call: Call, pull: Pull) -> None:
    """The version is in the query or the body. 409 where the pull request changed since."""
    given = call.query.get("version", call.body.get("version"))
    if given is None or int(given) != version_of(pull):
        message = "You are attempting to modify a pull request based on out-of-date information."
        raise refusal(409, message, "pull.PullRequestOutOfDateException", currentVersion=version_of(pull))


def version_of(pull: Pull) -> int:
    return pull.version - 1


def page_of(call: Call, items: Sequence[Any]) -> Reply:
    """`start` is a place in the list; a page may have fewer items than were asked for."""
    start = int(call.query.get("start", 0))
    limit = max(1, min(int(call.query.get("limit", 25)), server_of(call.world).at_most))
    values = list(items[start : start + limit])
    last = start + limit >= len(items)
    body: Json = {"size": len(values), "limit": limit, "isLastPage": last, "start": start, "values": values}
    return Reply(200, body if last else {**body, "nextPageStart": start + limit})


def date(value: datetime) -> int:
    """In milliseconds."""
    return int(value.timestamp() * 1000)


# --- shapes -----------------------------------------------------------------------------------------------


def user(call: Call, login: str) -> Json:
    account = call.world.account(login)
    return {
        "name": login,
        "slug": slug(login),
        "id": account.id,
        "displayName": account.name,
        "emailAddress": account.email,
        "active": True,
        "type": "NORMAL",
    }


def slug(login: str) -> str:
    return f"{login}_s"


def repository(call: Call, repo: Repo) -> Json:
    project = {"key": repo.owner, "id": 1, "name": repo.owner, "public": False, "type": "NORMAL"}
    return {
        "slug": repo.name,
        "id": repo.id,
        "name": repo.name,
        "scmId": "git",
        "state": "AVAILABLE",
        "forkable": True,
        "public": not repo.private,
        "archived": repo.archived,
        "project": project,
    }


def side(call: Call, repo: Repo, branch: str, sha: str) -> Json:
    return {
        "id": HEADS + branch,
        "displayId": branch,
        "latestCommit": sha,
        "type": "BRANCH",
        "repository": repository(call, repo),
    }


def participants(call: Call, pull: Pull) -> tuple[list[Json], list[Json]]:
    """Who was asked, and who else took part; each with the verdict that stands."""
    last: dict[str, Review] = {
        review.author: review for review in pull.reviews if review.verdict != "comment"
    }

    def shown(login: str, role: str) -> Json:
        review = last.get(login)
        status = _STATUSES[review.verdict] if review else "UNAPPROVED"
        told = {"user": user(call, login), "role": role, "status": status, "approved": status == "APPROVED"}
        return {**told, "lastReviewedCommit": review.sha} if review else told

    asked = [shown(login, "REVIEWER") for login in pull.reviewers]
    return asked, [shown(login, "PARTICIPANT") for login in last if login not in pull.reviewers]


def pull_json(call: Call, repo: Repo, pull: Pull) -> Json:
    asked, others = participants(call, pull)
    state = "MERGED" if pull.merge_sha else "OPEN" if pull.state == "open" else "DECLINED"
    web = f"{call.world.url}/projects/{repo.owner}/repos/{repo.name}/pull-requests/{pull.number}"
    values: Json = {
        "id": pull.number,
        "version": version_of(pull),
        "title": pull.title,
        "description": pull.body,
        "state": state,
        "open": state == "OPEN",
        "closed": state != "OPEN",
        "createdDate": date(pull.created),
        "updatedDate": date(pull.updated),
        "fromRef": side(call, repo, pull.head, server_of(call.world).behind or pull.head_sha),
        "toRef": side(call, repo, pull.base, repo.branch(pull.base) or pull.base_sha),
        "locked": False,
        "author": {
            "user": user(call, pull.author),
            "role": "AUTHOR",
            "approved": False,
            "status": "UNAPPROVED",
        },
        "reviewers": asked,
        "participants": others,
        "links": {"self": [{"href": web}]},
    }
    if fork := server_of(call.world).fork:
        values["fromRef"]["repository"] |= {"slug": fork}
    if pull.merge_sha:
        values["properties"] = {"mergeCommit": {"id": pull.merge_sha, "displayId": pull.merge_sha[:11]}}
    if version_tuple(call) >= (8, 18):
        values["draft"] = pull.draft
    return values


def version_tuple(call: Call) -> tuple[int, int]:
    major, minor = server_of(call.world).version.split(".")[:2]
    return int(major), int(minor)

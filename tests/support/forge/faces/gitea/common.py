"""What Gitea's and Forgejo's routes share: which repository or issue is meant, pages, and shapes.

Both have most operations by the same name; where their descriptions name a parameter differently, a route is
registered under both names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from tests.support.forge.calls import ApiError, Call, Routes, paged
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Comment, Item, Label, Pull
from tests.support.forge.world import World

ROUTES = Routes()
R = "/repos/{owner}/{repo}"
NOT_FOUND = "The target couldn't be found."
DRAFT = "WIP: "


@dataclass
class Server:
    """What a test may set of the server that shows a world."""

    version: str = ""
    """Empty: that of the published description."""
    tells: bool = True
    """Whether it tells its version."""
    at_most: int = 50
    """Items of a page (MAX_RESPONSE_ITEMS)."""
    labels: dict[str, list[Label]] = field(default_factory=dict[str, list[Label]])
    """By the names of the organisations that there are."""


_SERVERS: WeakKeyDictionary[World, Server] = WeakKeyDictionary()


def server_of(world: World) -> Server:
    return _SERVERS.setdefault(world, Server())


def is_forgejo(call: Call) -> bool:
    return call.api.match("POST", "/api/v1/repos/o/r/pulls/comments/1/resolve") is None


def repo_of(call: Call) -> Repo:
    """404 where it is unknown; 307 to where it is now; 423 for a write to an archived one."""
    owner, name = call.at["owner"], call.at["repo"]
    found = call.world.find(owner, name)
    if found is None:
        moved = call.world.moved.get((owner, name))
        if moved is None:
            raise ApiError(404, NOT_FOUND)
        here = call.request.path.replace(f"/repos/{owner}/{name}", f"/repos/{moved.full_name}", 1)
        raise ApiError(307, "", Location=f"{call.world.url}{here}")
    if found.archived and call.request.method != "GET":
        described = "423" in call.operation.answers
        raise ApiError(423 if described else 403, f"{found.full_name} is archived")
    return found


def item_of(call: Call, repo: Repo) -> Item:
    """An issue or a pull request: to Gitea every pull request is an issue."""
    number = call.number("index")
    if number in repo.pulls:
        return repo.pull(number)
    if not repo.issues_enabled:
        raise ApiError(404, NOT_FOUND)
    return repo.issue(number)


def pull_of(call: Call, repo: Repo) -> Pull:
    return repo.pull(call.number("index"))


def page_of(call: Call, items: Sequence[Any], *, link: bool = True) -> Sequence[Any]:
    """The page that was asked for. Some lists tell their total alone, without a `Link`."""
    most = server_of(call.world).at_most
    page = paged(call, items, size="limit", default=30, most=most)
    call.headers["X-Total-Count"] = str(page.total)
    if page.pages > 1 and link:
        last = f'<{call.with_query(page=page.pages)}>; rel="last"'
        following = f'<{call.with_query(page=page.page + 1)}>; rel="next"'
        call.headers["Link"] = ",".join([following, last] if page.more else [last])
    return page.items


def date(value: datetime | None) -> str | None:
    return None if value is None else value.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- shapes -----------------------------------------------------------------------------------------------


def user(call: Call, login: str) -> Json:
    account = call.world.account(login)
    values = {"id": account.id, "login": login, "full_name": account.name, "email": account.email}
    return call.api.fill("User", values)


def label_json(label: Label) -> Json:
    return {"id": label.id, "name": label.name, "color": label.color, "description": "", "url": ""}


def labels_of(call: Call, repo: Repo) -> list[Label]:
    """Those of the repository and of its organisation."""
    return [*repo.labels.values(), *server_of(call.world).labels.get(repo.owner, [])]


def item_labels(call: Call, repo: Repo, item: Item) -> list[Json]:
    known = {label.name: label for label in reversed(labels_of(call, repo))}
    return [label_json(known[name]) for name in item.labels]


def title_of(item: Item) -> str:
    return DRAFT + item.title if isinstance(item, Pull) and item.draft else item.title


def item_values(call: Call, repo: Repo, item: Item) -> Json:
    """What issues and pull requests have in common."""
    kind = "pulls" if isinstance(item, Pull) else "issues"
    return {
        "id": item.id,
        "number": item.number,
        "title": title_of(item),
        "body": item.body,
        "state": item.state,
        "user": user(call, item.author),
        "html_url": f"{call.world.url}/{repo.full_name}/{kind}/{item.number}",
        "labels": item_labels(call, repo, item),
        "assignees": [user(call, login) for login in item.assignees] or None,
        "comments": len(item.comments),
        "created_at": date(item.created),
        "updated_at": date(item.updated),
        "closed_at": date(item.closed),
    }


def issue_json(call: Call, repo: Repo, item: Item) -> Json:
    values = {**item_values(call, repo, item), "original_author": "", "pull_request": None}
    if isinstance(item, Pull):
        merged = {"merged": item.merge_sha is not None, "merged_at": date(item.merged), "draft": item.draft}
        values["pull_request"] = merged
    return call.api.fill("Issue", values)


def comment_json(call: Call, comment: Comment) -> Json:
    values = {
        "id": comment.id,
        "body": comment.body,
        "user": user(call, comment.author),
        "original_author": comment.extra.get("original_author", ""),
        "created_at": date(comment.created),
        "updated_at": date(comment.updated),
    }
    return call.api.fill("Comment", values)

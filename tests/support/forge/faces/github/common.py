"""What GitHub's routes share: which repository, issue or pull request is meant, pages, and shapes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from tests.support.forge.calls import ApiError, Call, Routes, paged
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Comment, Item, Mergeability, Pull
from tests.support.forge.world import World

ROUTES = Routes()
R = "/repos/{owner}/{repo}"
BODY_LIMIT = 65_536
"""Characters of any text."""


def limited_text(text: str, field: str, limit: int = BODY_LIMIT) -> str:
    """422 where it is longer than GitHub takes."""
    if len(text) > limit:
        message = f"{field} is too long (maximum is {limit} characters)"
        raise ApiError(422, "Validation Failed", [{"code": "custom", "field": field, "message": message}])
    return text


def readdressed(world: World, path: str) -> str:
    """Enterprise's addresses as github.com's, and a repository's number as its name now."""
    path = "/graphql" if path == "/api/graphql" else path.removeprefix("/api/v3")
    found = re.match(r"/repositories/(\d+)(?=/|$)", path)
    for repo in world.repos if found else ():
        if found and repo.id == int(found[1]):
            return f"/repos/{quote(repo.full_name)}{path[found.end() :]}"
    return path


def repo_of(call: Call) -> Repo:
    """404 where it is unknown; 301 (307 for a write) to where it is now."""
    owner, name = call.at["owner"], call.at["repo"]
    found = call.world.find(owner, name)
    if found is not None:
        return found
    moved = call.world.moved.get((owner, name))
    if moved is None:
        raise ApiError(404, "Not Found")
    here = call.url.replace(f"/repos/{quote(owner)}/{quote(name)}", f"/repositories/{moved.id}", 1)
    query = f"?{urlencode(call.request.query)}" if call.request.query else ""
    status = 301 if call.request.method == "GET" else 307
    raise ApiError(status, "Moved Permanently", Location=f"{here}{query}")


def issue_of(call: Call, repo: Repo) -> Item:
    """An issue or a pull request: to GitHub, every pull request is an issue."""
    number = call.number("issue_number")
    if number in repo.pulls:
        return repo.pull(number)
    if not repo.issues_enabled:
        raise ApiError(410, "Issues are disabled for this repo")
    return repo.issue(number)


def pull_of(call: Call, repo: Repo) -> Pull:
    return repo.pull(call.number("pull_number"))


def page_of(call: Call, items: Sequence[Any]) -> Sequence[Any]:
    """The page that was asked for; the others' addresses are in the `Link` header."""
    page = paged(call, items, default=30, most=100)
    if page.more:
        following, last = call.with_query(page=page.page + 1), call.with_query(page=page.pages)
        call.headers["Link"] = f'<{following}>; rel="next", <{last}>; rel="last"'
    return page.items


def date(value: datetime | None) -> str | None:
    return None if value is None else value.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- shapes -----------------------------------------------------------------------------------------------


def user(call: Call, login: str) -> Json:
    number = call.world.account(login).id
    kind = "Bot" if login.endswith("[bot]") else "User"
    return call.api.fill("simple-user", {"login": login, "id": number, "type": kind})


def label(call: Call, repo: Repo, name: str) -> Json:
    made = repo.labels[name]
    values = {"id": made.id, "name": made.name, "color": made.color, "description": ""}
    return call.api.fill("label", values)


def item_values(call: Call, repo: Repo, item: Item) -> Json:
    """What issues and pull requests have in common."""
    return {
        "id": item.id,
        "number": item.number,
        "title": item.title,
        "body": item.body,
        "state": item.state,
        "user": user(call, item.author),
        "labels": [label(call, repo, name) for name in item.labels],
        "assignees": [user(call, login) for login in item.assignees],
        "created_at": date(item.created),
        "updated_at": date(item.updated),
        "closed_at": date(item.closed),
    }


def issue_json(call: Call, repo: Repo, item: Item) -> Json:
    here = f"{call.world.url}/{repo.full_name}/issues/{item.number}"
    values = {**item_values(call, repo, item), "html_url": here, "comments": len(item.comments)}
    if isinstance(item, Pull):
        here = f"{call.world.url}/{repo.full_name}/pull/{item.number}"
        values |= {"html_url": here}
        values["pull_request"] = {"url": here, "html_url": here, "diff_url": here, "patch_url": here}
    return call.api.fill("issue", values)


def comment_json(call: Call, comment: Comment) -> Json:
    values = {
        "id": comment.id,
        "body": comment.body,
        "user": user(call, comment.author),
        "created_at": date(comment.created),
        "updated_at": date(comment.updated),
        "author_association": "NONE",
    }
    return call.api.fill("issue-comment", values)


_WORDS: dict[Mergeability, tuple[bool | None, str]] = {
    "merged": (None, "unknown"),
    "closed": (None, "unknown"),
    "checking": (None, "unknown"),
    "conflicts": (False, "dirty"),
    "draft": (True, "draft"),
    "checks_pending": (True, "blocked"),
    "checks_failed": (True, "blocked"),
    "approvals": (True, "blocked"),
    "blocked": (True, "blocked"),
    "clean": (True, "clean"),
}
"""`mergeable` and `mergeable_state`."""


def pull_json(call: Call, repo: Repo, pull: Pull, schema: str = "pull-request") -> Json:
    """`schema`: pull-request, or pull-request-simple in lists."""
    base_sha = repo.branch(pull.base) or pull.base_sha
    values = {
        **item_values(call, repo, pull),
        "node_id": f"PR_{pull.id}",
        "html_url": f"{call.world.url}/{repo.full_name}/pull/{pull.number}",
        "draft": pull.draft,
        "auto_merge": _auto_merge(call, pull),
        "requested_reviewers": [user(call, login) for login in pull.reviewers],
        "head": _side(call, repo, pull.head, pull.head_sha),
        "base": _side(call, repo, pull.base, pull.base_sha if pull.merge_sha else base_sha),
        "merged_at": date(pull.merged),
        # Like GitHub: an open pull request names its test merge here.
        "merge_commit_sha": pull.merge_sha or "0" * 40,
    }
    if schema == "pull-request":
        mergeable, word = _WORDS[repo.mergeability(pull)]
        values |= {"merged": pull.merge_sha is not None, "mergeable": mergeable, "mergeable_state": word}
    return call.api.fill(schema, values)


def _auto_merge(call: Call, pull: Pull) -> Json | None:
    waiting = pull.auto_merge
    if waiting is None:
        return None
    title, _, rest = waiting.message.partition("\n\n")
    words = {"commit_title": title, "commit_message": rest}
    return {"enabled_by": user(call, waiting.by), "merge_method": waiting.method, **words}


def _side(call: Call, repo: Repo, branch: str, sha: str) -> Json:
    owner = user(call, repo.owner)
    there = call.api.fill("repository", {"name": repo.name, "full_name": repo.full_name, "owner": owner})
    return {"ref": branch, "sha": sha, "label": f"{repo.owner}:{branch}", "user": owner, "repo": there}

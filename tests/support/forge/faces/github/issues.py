"""Issues, comments, labels and assignees."""

from __future__ import annotations

from typing import Any

from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.github.common import (
    ROUTES,
    R,
    comment_json,
    issue_json,
    issue_of,
    label,
    limited_text,
    page_of,
    repo_of,
)
from tests.support.forge.things import Item


@ROUTES(f"GET {R}/issues")
def list_issues(call: Call) -> Reply:
    repo = repo_of(call)
    if not repo.issues_enabled:
        raise ApiError(404, "Not Found")
    items: list[Item] = [*repo.issues.values(), *repo.list_pulls()]
    found = [item for item in items if _wanted(call.query, item)]
    found.sort(key=lambda item: item.number, reverse=call.query.get("direction", "desc") == "desc")
    return Reply(200, [issue_json(call, repo, item) for item in page_of(call, found)])


def _wanted(query: dict[str, str], item: Item) -> bool:
    labels = {name.lower() for name in query.get("labels", "").split(",") if name}
    since = query.get("since", "")
    return (
        query.get("state", "open") in ("all", item.state)
        and labels <= {name.lower() for name in item.labels}
        and query.get("assignee", "*") in ("*", *item.assignees)
        and query.get("creator", item.author) == item.author
        and item.updated.isoformat() >= since.replace("Z", "+00:00")
    )


@ROUTES(f"GET {R}/issues/{{issue_number}}")
def get_issue(call: Call) -> Reply:
    repo = repo_of(call)
    return Reply(200, issue_json(call, repo, issue_of(call, repo)))


@ROUTES(f"PATCH {R}/issues/{{issue_number}}")
def update_issue(call: Call) -> Reply:
    repo = repo_of(call)
    item = issue_of(call, repo)
    repo.edit(item, call.body.get("title"), call.body.get("body"), call.login)
    repo.set_state(item, call.body.get("state", item.state), call.login)
    return Reply(200, issue_json(call, repo, item))


@ROUTES(f"GET {R}/issues/{{issue_number}}/comments")
def list_comments(call: Call) -> Reply:
    found = issue_of(call, repo_of(call)).comments
    return Reply(200, [comment_json(call, comment) for comment in page_of(call, found)])


@ROUTES(f"POST {R}/issues/{{issue_number}}/comments")
def create_comment(call: Call) -> Reply:
    repo = repo_of(call)
    item = issue_of(call, repo)
    if item.extra.get("locked") and repo.level(call.login) not in ("write", "admin"):
        raise ApiError(403, "Unable to create comment because issue is locked.")
    return Reply(201, comment_json(call, repo.comment(item, _body(call), call.login)))


@ROUTES(f"PATCH {R}/issues/comments/{{comment_id}}")
def update_comment(call: Call) -> Reply:
    repo = repo_of(call)
    _, comment = repo.find_comment(call.number("comment_id"))
    repo.edit_comment(comment, _body(call))
    return Reply(200, comment_json(call, comment))


def _body(call: Call) -> str:
    return limited_text(call.body["body"], "body")


@ROUTES(f"POST {R}/issues/{{issue_number}}/labels")
def add_labels(call: Call) -> Reply:
    repo = repo_of(call)
    item = issue_of(call, repo)
    for name in call.body["labels"]:
        repo.add_label(item, name, call.login)
    return Reply(200, [label(call, repo, name) for name in item.labels])


@ROUTES(f"DELETE {R}/issues/{{issue_number}}/labels/{{name}}")
def remove_label(call: Call) -> Reply:
    repo = repo_of(call)
    item = issue_of(call, repo)
    if not repo.remove_label(item, call.at["name"], call.login):
        raise ApiError(404, "Label does not exist")
    return Reply(200, [label(call, repo, name) for name in item.labels])


@ROUTES(f"POST {R}/issues/{{issue_number}}/assignees")
def add_assignees(call: Call) -> Reply:
    """GitHub drops those who cannot be assigned, in silence."""
    repo = repo_of(call)
    item = issue_of(call, repo)
    asked: list[Any] = [login for login in call.body["assignees"] if repo.assignable(login)]
    repo.assign(item, list(dict.fromkeys([*item.assignees, *asked])), call.login)
    return Reply(201, issue_json(call, repo, item))


@ROUTES(f"DELETE {R}/issues/{{issue_number}}/assignees")
def remove_assignees(call: Call) -> Reply:
    repo = repo_of(call)
    item = issue_of(call, repo)
    left = [login for login in item.assignees if login not in call.body["assignees"]]
    repo.assign(item, left, call.login)
    return Reply(200, issue_json(call, repo, item))

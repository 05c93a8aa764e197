"""Issues, comments, labels, assignees."""

from __future__ import annotations

from datetime import datetime

from tamma.errors import NotFound
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitea.common import (
    NOT_FOUND,
    ROUTES,
    R,
    comment_json,
    issue_json,
    item_labels,
    item_of,
    label_json,
    labels_of,
    page_of,
    repo_of,
)
from tests.support.forge.repository import Repo
from tests.support.forge.things import Comment, Item

ISSUE = f"{R}/issues/{{index}}"


@ROUTES(f"GET {R}/issues")
def list_issues(call: Call) -> Reply:
    """Newest first, always. A label that nobody knows is passed over."""
    repo, query = repo_of(call), call.query
    kinds: list[Item] = []
    if query.get("type") != "issues":
        kinds += repo.list_pulls()
    if query.get("type") != "pulls" and repo.issues_enabled:
        kinds += repo.issues.values()
    known = {label.name for label in labels_of(call, repo)}
    names = [name for name in query.get("labels", "").split(",") if name in known]
    since = datetime.fromisoformat(query["since"]) if "since" in query else None
    found = [
        item
        for item in sorted(kinds, key=lambda item: -item.number)
        if query.get("state", "open") in ("all", item.state)
        and set(names) <= set(item.labels)
        and query.get("created_by", item.author) == item.author
        and ("assigned_by" not in query or query["assigned_by"] in item.assignees)
        and (since is None or item.updated >= since)
    ]
    return Reply(200, [issue_json(call, repo, item) for item in page_of(call, found)])


@ROUTES(f"GET {ISSUE}")
def get_issue(call: Call) -> Reply:
    repo = repo_of(call)
    return Reply(200, issue_json(call, repo, item_of(call, repo)))


@ROUTES(f"PATCH {ISSUE}")
def edit_issue(call: Call) -> Reply:
    repo = repo_of(call)
    item = item_of(call, repo)
    if "assignees" in call.body:
        try:
            repo.assign(item, call.body["assignees"], call.login)
        except NotFound as error:
            raise ApiError(500, f"user does not have access to repo: {error}") from error
    repo.edit(item, call.body.get("title"), call.body.get("body"), call.login)
    if "state" in call.body:
        repo.set_state(item, call.body["state"], call.login)
    return Reply(201, issue_json(call, repo, item))


# --- comments ---------------------------------------------------------------------------------------------


@ROUTES(f"GET {ISSUE}/comments")
def list_comments(call: Call) -> Reply:
    """All at once."""
    repo = repo_of(call)
    return Reply(200, [comment_json(call, comment) for comment in item_of(call, repo).comments])


@ROUTES(f"POST {ISSUE}/comments")
def create_comment(call: Call) -> Reply:
    repo = repo_of(call)
    comment = repo.comment(item_of(call, repo), call.body["body"], call.login)
    return Reply(201, comment_json(call, comment))


@ROUTES(f"PATCH {R}/issues/comments/{{id}}")
def edit_comment(call: Call) -> Reply:
    """Of the conversation, or on a line."""
    repo, number = repo_of(call), call.number("id")
    comment = _remark(repo, number) or repo.find_comment(number)[1]
    if comment.author != call.login and repo.level(call.login) != "admin":
        raise ApiError(403, "not the author")
    repo.edit_comment(comment, call.body["body"])
    return Reply(200, comment_json(call, comment))


def _remark(repo: Repo, number: int) -> Comment | None:
    threads = [thread for pull in repo.pulls.values() for thread in pull.threads]
    found = (comment for thread in threads for comment in thread.comments if comment.id == number)
    return next(found, None)


# --- labels -----------------------------------------------------------------------------------------------


@ROUTES(f"GET {R}/labels")
def list_labels(call: Call) -> Reply:
    return Reply(200, page_of(call, [label_json(label) for label in repo_of(call).labels.values()]))


@ROUTES(f"POST {R}/labels")
def create_label(call: Call) -> Reply:
    made = repo_of(call).make_label(call.body["name"], call.body["color"].lstrip("#"), call.login)
    return Reply(201, label_json(made))


@ROUTES(f"POST {ISSUE}/labels")
def add_labels(call: Call) -> Reply:
    """By number; one that is neither the repository's nor its organisation's is passed over."""
    repo = repo_of(call)
    item = item_of(call, repo)
    by_id = {label.id: label.name for label in labels_of(call, repo)}
    for number in call.body["labels"]:
        if number in by_id:
            repo.add_label(item, by_id[number], call.login)
    return Reply(200, item_labels(call, repo, item))


@ROUTES(f"DELETE {ISSUE}/labels/{{id}}", f"DELETE {ISSUE}/labels/{{identifier}}")
def remove_label(call: Call) -> Reply:
    repo = repo_of(call)
    item = item_of(call, repo)
    number = call.number("id" if "id" in call.at else "identifier")
    name = next((label.name for label in labels_of(call, repo) if label.id == number), None)
    if name is None:
        raise ApiError(422, "label does not exist")
    if not repo.remove_label(item, name, call.login):
        raise ApiError(404, NOT_FOUND)
    return Reply(204)

"""Issues, notes, labels and assignees."""

from __future__ import annotations

from typing import Any

from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitlab.common import (
    ISSUE,
    MR,
    ROUTES,
    P,
    issue_of,
    item_of,
    item_values,
    note_json,
    page_of,
    project_of,
    system_note,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Comment, Issue, Item, Pull

_LIMIT = 1_000_000


@ROUTES(f"GET {P}/issues")
def list_issues(call: Call) -> Reply:
    repo = project_of(call)
    found = [issue for issue in repo.issues.values() if _wanted(call.query, issue)]
    found.sort(key=lambda issue: issue.number, reverse=call.query.get("sort", "desc") == "desc")
    return Reply(200, [item_values(call, repo, issue) for issue in page_of(call, found)])


def _wanted(query: dict[str, str], issue: Issue) -> bool:
    labels = {name for name in query.get("labels", "").split(",") if name}
    state = {"opened": "open", "all": issue.state}.get(query.get("state", "all"), "closed")
    return (
        state == issue.state
        and labels <= set(issue.labels)
        and query.get("assignee_username", "*") in ("*", *issue.assignees)
        and query.get("author_username", issue.author) == issue.author
        and issue.updated.isoformat() >= query.get("updated_after", "").replace("Z", "+00:00")
    )


@ROUTES(f"GET {ISSUE}")
def get_issue(call: Call) -> Reply:
    repo = project_of(call)
    return Reply(200, item_values(call, repo, issue_of(call, repo)))


@ROUTES(f"PUT {ISSUE}")
def update_issue(call: Call) -> Reply:
    repo = project_of(call)
    issue = issue_of(call, repo)
    update_item(call, repo, issue, call.body)
    return Reply(200, item_values(call, repo, issue))


def update_item(call: Call, repo: Repo, item: Item, body: Json) -> None:
    """What issues and merge requests have in common."""
    if not body:
        raise ApiError(
            400, "title, description, labels... are missing, at least one parameter must be provided"
        )
    if "title" in body or "description" in body:
        repo.edit(item, body.get("title"), body.get("description"), call.login)
    event = body.get("state_event")
    if event in ("close", "reopen"):
        repo.set_state(item, "closed" if event == "close" else "open", call.login)
    for name in _names(body, "add_labels"):
        repo.add_label(item, name, call.login)
    for name in _names(body, "remove_labels"):
        repo.remove_label(item, name, call.login)
    if "assignee_ids" in body:
        repo.assign(item, people(call, repo, body["assignee_ids"]), call.login)


def _names(body: Json, field: str) -> list[str]:
    return [name for name in body.get(field, "").split(",") if name]


def people(call: Call, repo: Repo, ids: list[Any]) -> list[str]:
    """GitLab drops those who cannot be named, in silence; 0 stands for nobody."""
    named = {account.id: login for login, account in call.world.accounts.items()}
    return [named[number] for number in ids if number in named and repo.assignable(named[number])]


@ROUTES(f"GET {ISSUE}/notes", f"GET {MR}/notes")
def list_notes(call: Call) -> Reply:
    """Of a merge request remarks on lines too, and what reviewers said."""
    repo = project_of(call)
    item = item_of(call, repo)
    notes = [(system_note(call, item), item.created)]
    notes += [(note_json(call, comment, item), comment.created) for comment in item.comments]
    if isinstance(item, Pull):
        for review in item.reviews:
            said = Comment(review.id, review.author, review.body, review.submitted, review.submitted)
            notes += [(note_json(call, said, item), review.submitted)] if review.body else []
        for thread in item.threads:
            notes += [
                (note_json(call, comment, item, "DiffNote"), comment.created) for comment in thread.comments
            ]
    notes.sort(key=lambda note: (note[1], note[0]["id"]), reverse=call.query.get("sort", "desc") == "desc")
    return Reply(200, [note for note, _ in page_of(call, notes)])


@ROUTES(f"POST {ISSUE}/notes", f"POST {MR}/notes")
def create_note(call: Call) -> Reply:
    repo = project_of(call)
    item = item_of(call, repo)
    return Reply(201, note_json(call, repo.comment(item, text_of(call.body["body"]), call.login), item))


@ROUTES(f"PUT {ISSUE}/notes/{{note_id}}", f"PUT {MR}/notes/{{note_id}}")
def update_note(call: Call) -> Reply:
    repo = project_of(call)
    item = item_of(call, repo)
    found, comment = repo.find_comment(call.number("note_id"))
    if found is not item:
        raise ApiError(404, "404 Note Not Found")
    if comment.author != call.login:
        raise ApiError(403, "403 Forbidden")
    repo.edit_comment(comment, text_of(call.body["body"]))
    return Reply(200, note_json(call, comment, item))


def text_of(body: str) -> str:
    """GitLab takes a million characters, and carries out lines such as `/close`: here that is an error."""
    if len(body) > _LIMIT:
        raise ApiError(400, '400 Bad request - Note {:note=>["is too long (maximum is 1000000 characters)"]}')
    if any(line.startswith("/") and line[1:2].isalpha() for line in body.splitlines()):
        raise ApiError(400, '400 Bad request - Note {:base=>["Commands applied"]}')
    return body

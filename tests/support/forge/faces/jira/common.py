"""What Jira's routes share: projects, issues, and shapes in both versions of the API."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from tests.support.forge.calls import ApiError, Call, Routes
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Comment, Issue
from tests.support.forge.world import World

ROUTES = Routes()
_ID = "712020:"
"""What account ids on Cloud begin with."""


def moved(number: str, name: str, status: str, category: str) -> Json:
    """A transition."""
    to = {"id": number, "name": status, "statusCategory": {"key": category}}
    return {"id": number, "name": name, "to": to}


@dataclass
class Server:
    """What a test may set of the server that shows a world."""

    cloud: bool = True
    administers: bool = True
    """Whether the bot administers its projects."""
    transitions: dict[str, list[Json]] = field(
        default_factory=lambda: {
            "open": [
                moved("11", "Start", "In Progress", "indeterminate"),
                moved("21", "Reject", "Won't Do", "done"),
                moved("31", "Finish", "Done", "done"),
            ],
            "closed": [
                moved("41", "Resume", "In Progress", "indeterminate"),
                moved("51", "Reopen", "To Do", "new"),
            ],
        }
    )


_SERVERS: WeakKeyDictionary[World, Server] = WeakKeyDictionary()


def server_of(world: World) -> Server:
    return _SERVERS.setdefault(world, Server())


def refusal(status: int, message: str, **errors: str) -> ApiError:
    return ApiError(status, message, {"errorMessages": [message], "errors": errors})


def is_cloud(call: Call) -> bool:
    return call.request.path.startswith("/rest/api/3/")


def project(call: Call, key: str) -> Repo:
    """A repository of the world stands for a project; its key is upper case."""
    found = next((repo for repo in call.world.repos if repo.name.upper() == key), None)
    if found is None:
        raise refusal(400, f"The value '{key}' does not exist for the field 'project'.")
    return found


def issue_of(call: Call) -> tuple[Repo, Issue]:
    key, _, number = call.at["issueIdOrKey"].rpartition("-")
    repo = next((repo for repo in call.world.repos if repo.name.upper() == key), None)
    if repo is None or not number.isdigit():
        raise refusal(404, "Issue does not exist or you do not have permission to see it.")
    return repo, repo.issue(int(number))


def account_id(login: str) -> str:
    return _ID + login


def login_of(account: str) -> str:
    return account.removeprefix(_ID)


# --- shapes -----------------------------------------------------------------------------------------------


def date(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def user(call: Call, login: str) -> Json:
    account = call.world.account(login)
    names = (
        {"accountId": account_id(login)}
        if is_cloud(call)
        else {"name": login, "key": f"JIRAUSER{account.id}"}
    )
    return {**names, "displayName": account.name, "emailAddress": account.email, "active": True}


def shown(call: Call, text: str | None) -> Any:
    """What somebody wrote: by the API as it came, by hand as the editor makes it."""
    if not is_cloud(call) or text is None:
        return text
    return json.loads(text) if text.startswith('{"type": "doc"') else document(text)


def document(text: str) -> Json:
    """By hand: paragraphs, and code between fences."""
    content: list[Json] = []
    for part in text.split("\n\n"):
        if part.startswith("```") and part.endswith("```"):
            first, _, inner = part.removesuffix("\n```").partition("\n")
            code = {"type": "text", "text": inner}
            content.append({"type": "codeBlock", "attrs": {"language": first[3:]}, "content": [code]})
            continue
        lines: list[Json] = []
        for line in part.split("\n"):
            lines += [{"type": "hardBreak"}] if lines else []
            lines += [{"type": "text", "text": line}] if line else []
        content.append({"type": "paragraph", "content": lines})
    return {"type": "doc", "version": 1, "content": content}


def issue_json(call: Call, repo: Repo, issue: Issue) -> Json:
    done = issue.state == "closed"
    category = {"key": "done" if done else "new"}
    fields = {
        "summary": issue.title,
        "description": shown(call, issue.body),
        "status": {"id": "1", "name": "Done" if done else "To Do", "statusCategory": category},
        "creator": user(call, issue.author),
        "assignee": user(call, issue.assignees[0]) if issue.assignees else None,
        "labels": list(issue.labels),
        "created": date(issue.created),
        "updated": date(issue.updated),
    }
    return {"id": str(issue.id), "key": f"{repo.name.upper()}-{issue.number}", "fields": fields}


def comment_json(call: Call, comment: Comment) -> Json:
    author = user(call, comment.author)
    body = shown(call, comment.body)
    times = {"created": date(comment.created), "updated": date(comment.updated)}
    return {"id": str(comment.id), "author": author, "body": body, **times}

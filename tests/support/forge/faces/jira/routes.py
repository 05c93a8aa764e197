"""Searches, issues, comments, people, transitions; each for both versions of the API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tamma.errors import NotFound
from tests.support.forge.calls import Call, Handler, Reply
from tests.support.forge.faces.jira.common import (
    ROUTES,
    comment_json,
    is_cloud,
    issue_json,
    issue_of,
    login_of,
    project,
    refusal,
    server_of,
    user,
)
from tests.support.forge.repository import Repo
from tests.support.forge.things import LEVELS, Issue

_LONGEST = 32_767
_CLAUSE = re.compile(r'(\w+) (=|!=|>=) (?:"((?:[^"\\]|\\.)*)"|(\S+))')


def _both(method: str, rest: str) -> Callable[[Handler], Handler]:
    return ROUTES(f"{method} /rest/api/3{rest}", f"{method} /rest/api/2{rest}")


@ROUTES("GET /rest/api/2/serverInfo")
def get_server(call: Call) -> Reply:
    cloud = server_of(call.world).cloud
    told = {"version": "1001.0.0-SNAPSHOT" if cloud else "9.12.8", "buildNumber": 100300}
    return Reply(200, {**told, "baseUrl": call.world.url, "deploymentType": "Cloud" if cloud else "Server"})


@_both("GET", "/myself")
def get_myself(call: Call) -> Reply:
    return Reply(200, user(call, call.login))


# --- searching --------------------------------------------------------------------------------------------


def _found(call: Call) -> tuple[Repo, list[Issue]]:
    """By our part of JQL: anything else is refused."""
    where, _, order = call.query["jql"].partition(" ORDER BY ")
    if order != "created ASC, key ASC":
        raise refusal(400, f"Error in the JQL Query: order {order!r}")
    repo: Repo | None = None
    kept: list[Callable[[Issue], bool]] = []
    for clause in where.split(" AND "):
        parsed = _CLAUSE.fullmatch(clause)
        if parsed is None:
            raise refusal(400, f"Error in the JQL Query: {clause!r}")
        name, operator, text, bare = parsed.groups()
        value = re.sub(r"\\(.)", r"\1", text) if text is not None else bare
        if (name, operator) == ("project", "="):
            repo = project(call, value)
        else:
            kept.append(_clause(name, operator, value))
    if repo is None:
        raise refusal(400, "Unbounded JQL queries are not allowed here.")
    return repo, [issue for issue in repo.issues.values() if all(fits(issue) for fits in kept)]


def _clause(name: str, operator: str, value: str) -> Callable[[Issue], bool]:
    if (name, value) == ("statusCategory", "Done"):
        return lambda issue: (issue.state == "closed") == (operator == "=")
    if (name, operator) == ("labels", "="):
        return lambda issue: value in issue.labels
    if (name, operator) == ("assignee", "="):
        return lambda issue: login_of(value) in issue.assignees
    if (name, operator) == ("creator", "="):
        return lambda issue: issue.author == login_of(value)
    if (name, operator) == ("updated", ">=") and re.fullmatch(r"-\d+m", value):
        since = datetime.now(UTC) - timedelta(minutes=int(value[1:-1]))
        return lambda issue: issue.updated >= since
    raise refusal(400, f"Field '{name}' does not exist or you do not have permission to view it.")


@ROUTES("GET /rest/api/3/search/jql")
def search_cloud(call: Call) -> Reply:
    """The last page has no token. A page may have fewer issues than were asked for."""
    repo, issues = _found(call)
    start, size = int(call.query.get("nextPageToken", "t0")[1:]), min(int(call.query["maxResults"]), 80)
    body: dict[str, Any] = {"issues": [issue_json(call, repo, each) for each in issues[start : start + size]]}
    more = start + size < len(issues)
    return Reply(200, {**body, "isLast": not more, **({"nextPageToken": f"t{start + size}"} if more else {})})


@ROUTES("GET /rest/api/2/search")
def search_data_center(call: Call) -> Reply:
    repo, issues = _found(call)
    start, size = int(call.query.get("startAt", 0)), int(call.query["maxResults"])
    page = [issue_json(call, repo, each) for each in issues[start : start + size]]
    return Reply(200, {"startAt": start, "maxResults": size, "total": len(issues), "issues": page})


# --- issues -----------------------------------------------------------------------------------------------


@_both("GET", "/issue/{issueIdOrKey}")
def get_issue(call: Call) -> Reply:
    return Reply(200, issue_json(call, *issue_of(call)))


@_both("PUT", "/issue/{issueIdOrKey}")
def edit_issue(call: Call) -> Reply:
    repo, issue = issue_of(call)
    for step in call.body["update"]["labels"]:
        if "add" in step:
            if re.search(r"\s", step["add"]):
                raise refusal(400, "", labels=f"The label '{step['add']}' contains spaces which is invalid.")
            repo.add_label(issue, step["add"], call.login)
        else:
            repo.remove_label(issue, step["remove"], call.login)
    return Reply(204)


@_both("GET", "/issue/{issueIdOrKey}/comment")
def list_comments(call: Call) -> Reply:
    _, issue = issue_of(call)
    start, size = int(call.query.get("startAt", 0)), min(int(call.query.get("maxResults", 50)), 50)
    page = [comment_json(call, comment) for comment in issue.comments[start : start + size]]
    told = {"startAt": start, "maxResults": size, "total": len(issue.comments)}
    return Reply(200, {**told, "comments": page})


def _taken(call: Call) -> str:
    """As it is kept. Jira counts the text alone."""
    body = call.body["body"]
    if len(body if isinstance(body, str) else _text(body)) > _LONGEST:
        message = f"The entered text is too long. It exceeds the allowed limit of {_LONGEST} characters."
        raise refusal(400, message, comment=message)
    return body if isinstance(body, str) else json.dumps(body)


def _text(node: Any) -> str:
    return node.get("text", "") + "".join(map(_text, node.get("content", [])))


@_both("POST", "/issue/{issueIdOrKey}/comment")
def add_comment(call: Call) -> Reply:
    repo, issue = issue_of(call)
    return Reply(201, comment_json(call, repo.comment(issue, _taken(call), call.login)))


@_both("PUT", "/issue/{issueIdOrKey}/comment/{id}")
def edit_comment(call: Call) -> Reply:
    repo, issue = issue_of(call)
    comment = next((each for each in issue.comments if each.id == call.number("id")), None)
    if comment is None or comment.author != call.login:
        raise refusal(404, "Can not find a comment for the id.")
    repo.edit_comment(comment, _taken(call))
    return Reply(200, comment_json(call, comment))


@_both("PUT", "/issue/{issueIdOrKey}/assignee")
def assign(call: Call) -> Reply:
    repo, issue = issue_of(call)
    who = call.body["accountId" if is_cloud(call) else "name"]
    try:
        repo.assign(issue, [] if who is None else [login_of(who)], call.login)
    except NotFound as error:
        raise refusal(400, "", assignee=f"User '{who}' cannot be assigned issues.") from error
    return Reply(204)


@_both("GET", "/issue/{issueIdOrKey}/transitions")
def list_transitions(call: Call) -> Reply:
    _, issue = issue_of(call)
    return Reply(200, {"transitions": server_of(call.world).transitions[issue.state]})


@_both("POST", "/issue/{issueIdOrKey}/transitions")
def transition(call: Call) -> Reply:
    repo, issue = issue_of(call)
    for offered in server_of(call.world).transitions[issue.state]:
        if offered["id"] == call.body["transition"]["id"]:
            done = offered["to"]["statusCategory"]["key"] == "done"
            repo.set_state(issue, "closed" if done else "open", call.login)
            return Reply(204)
    raise refusal(400, "It seems that you have tried to perform a workflow operation that is not valid.")


# --- people -----------------------------------------------------------------------------------------------


@_both("GET", "/user/assignable/search")
def search_assignable(call: Call) -> Reply:
    key = call.query.get("project") or call.query["issueKey"].rpartition("-")[0]
    repo = project(call, key)
    return Reply(200, [user(call, login) for login in _matching(call) if repo.assignable(login)])


@_both("GET", "/user/permission/search")
def search_permitted(call: Call) -> Reply:
    """For administrators of the project alone."""
    repo = project(call, call.query["projectKey"])
    if not server_of(call.world).administers:
        raise refusal(403, "You do not have permission to search for users.")
    least = LEVELS.index("write")
    found = [login for login in _matching(call) if LEVELS.index(repo.level(login)) >= least]
    return Reply(200, [user(call, login) for login in found])


def _matching(call: Call) -> list[str]:
    """An account's id is matched whole; a query by the beginnings of names; a name on Data Center so too."""
    exact, query = call.query.get("accountId"), call.query.get("query", call.query.get("username"))
    if exact is not None:
        return [login for login in call.world.accounts if login == login_of(exact) != exact]
    wanted = (query or "").lower()
    return [
        login
        for login, account in call.world.accounts.items()
        if any(name.lower().startswith(wanted) for name in (login, account.name, account.email))
    ]

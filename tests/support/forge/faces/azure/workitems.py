"""Work items: types and states, queries, fields, comments."""

from __future__ import annotations

import re
from typing import Any

from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.azure.common import (
    ROUTES,
    P,
    boards_of,
    date,
    guid,
    item_of,
    listed,
    user,
)
from tests.support.forge.faces.azure.wiql import Query
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Comment, Issue

STATES: dict[str, dict[str, str]] = {
    "Issue": {"To Do": "Proposed", "Doing": "InProgress", "Done": "Completed"},
    # Agile's, as an administrator tightened them: what is new has to be worked on before it is closed.
    "Bug": {
        "New": "Proposed",
        "Active": "InProgress",
        "Resolved": "Resolved",
        "Closed": "Completed",
        "Removed": "Removed",
    },
}
TRANSITIONS: dict[str, dict[str, list[str]]] = {
    "Issue": {name: list(STATES["Issue"]) for name in STATES["Issue"]},
    "Bug": {
        "New": ["Active", "Removed"],
        "Active": ["Resolved"],
        "Resolved": ["Active", "Closed"],
        "Closed": ["Active"],
    },
}
_PEOPLE = ("System.CreatedBy", "System.AssignedTo")
_BODIES = {"Bug": "Microsoft.VSTS.TCM.ReproSteps"}


def type_of(issue: Issue) -> str:
    return issue.extra.get("type", "Issue")


def state_of(issue: Issue) -> str:
    """The state by which it is open or closed; a test or a request may have named another."""
    states = STATES[type_of(issue)]
    named = issue.extra.get("state", "")
    closed = states.get(named) in ("Completed", "Removed")
    if named and closed == (issue.state == "closed"):
        return named
    wanted = "Completed" if issue.state == "closed" else "Proposed"
    return next(name for name, category in states.items() if category == wanted)


def _fields(call: Call, repo: Repo, issue: Issue) -> Json:
    fields: Json = {
        "System.Id": issue.number,
        "System.TeamProject": repo.owner,
        "System.WorkItemType": type_of(issue),
        "System.State": state_of(issue),
        "System.Title": issue.title,
        "System.CreatedBy": user(call.world, issue.author),
        "System.CreatedDate": date(issue.created),
        "System.ChangedDate": date(issue.updated),
        _BODIES.get(type_of(issue), "System.Description"): issue.body or "",
    }
    if issue.labels:
        fields["System.Tags"] = "; ".join(issue.labels)
    if issue.assignees:
        fields["System.AssignedTo"] = user(call.world, issue.assignees[0])
    return fields


def _item_json(call: Call, repo: Repo, issue: Issue) -> Json:
    made: Json = {
        "id": issue.number,
        "rev": issue.version,
        "fields": _fields(call, repo, issue),
        "url": call.url,
    }
    if "<" not in (issue.body or "") or issue.extra.get("markdown", True):
        made["multilineFieldsFormat"] = {"System.Description": "markdown"}
    return made


@ROUTES(f"GET {P}/wit/workitemtypes")
def types(call: Call) -> Reply:
    boards_of(call)
    return listed([_type_json(name) for name in STATES])


@ROUTES(f"GET {P}/wit/workitemtypes/{{type}}")
def get_type(call: Call) -> Reply:
    boards_of(call)
    transitions = TRANSITIONS[call.at["type"]]
    return Reply(200, {**_type_json(call.at["type"]), "transitions": _transitions(transitions)})


def _type_json(name: str) -> Json:
    return {"name": name, "referenceName": f"Acme.{name}", "isDisabled": False}


def _transitions(found: dict[str, list[str]]) -> Json:
    return {start: [{"to": end, "actions": None} for end in ends] for start, ends in found.items()}


@ROUTES(f"GET {P}/wit/workitemtypes/{{type}}/states")
def states(call: Call) -> Reply:
    boards_of(call)
    found = STATES[call.at["type"]].items()
    return listed([{"name": name, "color": "b2b2b2", "category": category} for name, category in found])


@ROUTES("POST /{organization}/{project}/{team}/_apis/wit/wiql")
def wiql(call: Call) -> Reply:
    repo = boards_of(call)
    query = Query(call.body["query"])
    found: list[int] = []
    for number in sorted(repo.issues):
        issue = repo.issues[number]
        fields = _fields(call, repo, issue)
        flat: Json = {}
        for name, value in fields.items():
            flat[name] = value["uniqueName"] if name in _PEOPLE else value
        # Instants compare as texts here: to the second, as they are asked for.
        flat |= {"System.ChangedDate": fields["System.ChangedDate"][:19] + "Z"}
        if query.holds({"System.Tags": "", "System.AssignedTo": "", **flat}):
            found.append(number)
    top = int(call.query.get("$top", 20_000))
    items = [{"id": number, "url": f"{call.url}/{number}"} for number in found[:top]]
    return Reply(200, {"queryType": "flat", "queryResultType": "workItem", "workItems": items})


@ROUTES(f"POST {P}/wit/workitemsbatch")
def batch(call: Call) -> Reply:
    repo, ids = boards_of(call), call.body["ids"]
    if len(ids) > 200:
        raise ApiError(
            400, "VS403474: You requested more than 200 work items.", "WorkItemPageSizeExceededException"
        )
    return listed([_item_json(call, repo, repo.issues[number]) for number in ids if number in repo.issues])


@ROUTES(f"GET {P}/wit/workitems/{{id}}")
def get_item(call: Call) -> Reply:
    return Reply(200, _item_json(call, boards_of(call), item_of(call)))


@ROUTES(f"PATCH {P}/wit/workitems/{{id}}")
def patch_item(call: Call) -> Reply:
    repo, issue = boards_of(call), item_of(call)
    for step in call.body:
        path, value = step["path"], step["value"]
        if step["op"] == "test":
            if path != "/rev" or value != issue.version:
                message = "VS403351: Test Operation for path /rev failed."
                raise ApiError(412, message, "TestPatchOperationFailedException")
        elif path == "/fields/System.Tags":
            _set_tags(repo, issue, value, call.login)
        elif path == "/fields/System.AssignedTo":
            repo.assign(issue, [_login(call, value)] if value else [], call.login)
        elif path == "/fields/System.State":
            _set_state(repo, issue, value, call.login)
        else:
            raise ApiError(
                400, f"TF51535: Cannot find field {path}.", "WorkItemTrackingFieldDefinitionNotFoundException"
            )
    return Reply(200, _item_json(call, repo, issue))


def _set_tags(repo: Repo, issue: Issue, value: str, by: str) -> None:
    wanted = [tag.strip() for tag in value.split(";") if tag.strip()]
    for tag in list(issue.labels):
        if tag not in wanted:
            repo.remove_label(issue, tag, by)
    for tag in wanted:
        repo.add_label(issue, tag, by)


def _login(call: Call, name: str) -> str:
    for account in call.world.accounts.values():
        if name in (account.email, account.name, guid(account.id)):
            return account.login
    message = f"The identity value '{name}' for field 'Assigned To' is an unknown identity."
    raise ApiError(400, message, "RuleValidationException")


def _set_state(repo: Repo, issue: Issue, state: str, by: str) -> None:
    kind, now = type_of(issue), state_of(issue)
    if state not in TRANSITIONS[kind].get(now, []):
        message = f"TF401347: Invalid transition from {now} to {state}."
        raise ApiError(400, message, "RuleValidationException")
    issue.extra["state"] = state
    closed = STATES[kind][state] in ("Completed", "Removed")
    repo.set_state(issue, "closed" if closed else "open", by)
    repo.touch(issue)


# --- comments ----------------------------------------------------------------------------------------


def _comment_json(call: Call, issue: Issue, comment: Comment) -> Json:
    text_format = comment.extra.get("format", "markdown")
    who = user(call.world, comment.author)
    values: Json = {"workItemId": issue.number, "id": comment.id, "version": 1, "text": comment.body}
    values |= {"format": text_format, "createdBy": who, "createdDate": date(comment.created)}
    return {
        **values,
        "modifiedBy": who,
        "modifiedDate": date(comment.updated),
        "url": f"{call.url}/{comment.id}",
    }


@ROUTES(f"GET {P}/wit/workItems/{{workItemId}}/comments")
def comments(call: Call) -> Reply:
    issue = item_of(call, "workItemId")
    top, start = int(call.query.get("$top", 200)), int(call.query.get("continuationToken", 0))
    page = issue.comments[start : start + top]
    body: Json = {"totalCount": len(issue.comments), "count": len(page)}
    body["comments"] = [_comment_json(call, issue, comment) for comment in page]
    if start + top < len(issue.comments):
        body["continuationToken"] = str(start + top)
    return Reply(200, body)


@ROUTES(f"POST {P}/wit/workItems/{{workItemId}}/comments")
def create_comment(call: Call) -> Reply:
    issue = item_of(call, "workItemId")
    made = boards_of(call).comment(issue, _kept(call), call.login)
    made.extra["format"] = call.query.get("format", "html")
    return Reply(200, _comment_json(call, issue, made))


@ROUTES(f"PATCH {P}/wit/workItems/{{workItemId}}/comments/{{commentId}}")
def edit_comment(call: Call) -> Reply:
    issue, repo = item_of(call, "workItemId"), boards_of(call)
    _, comment = repo.find_comment(call.number("commentId"))
    if comment.author != call.login:
        raise ApiError(
            403, "VS403680: You can only edit your own comments.", "WorkItemUnauthorizedAccessException"
        )
    repo.edit_comment(comment, _kept(call))
    return Reply(200, _comment_json(call, issue, comment))


def _kept(call: Call) -> str:
    """HTML goes through a filter that drops comments; Markdown stays as it is."""
    text: Any = call.body["text"]
    return text if call.query.get("format") == "markdown" else re.sub("<!--.*?-->", "", text, flags=re.DOTALL)

"""Azure DevOps' service hooks: basic authentication and events. Pure.

Source: learn.microsoft.com/azure/devops/service-hooks/events. There is no signature: the receiver's user and
password, which the subscription sends with every delivery, are all there is.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.azure.markup import is_html, to_markdown
from tamma.platforms.azure.models import HEADS
from tamma.platforms.common.deliveries import accept, at, lower, push_action, read, text, usable
from tamma.platforms.common.marks import without_mark

Fields = dict[str, Any]
_DONE = frozenset({"closed", "done", "completed", "removed"})
"""States that the processes of Azure DevOps end in; others are looked up by who handles the event."""
_VOTE = re.compile(
    r"\b(?:has )?(?:approved|rejected|voted|waiting for the author|is waiting)\b", re.IGNORECASE
)
_COMPARED = "Basic credentials (Authorization)"


def verify(headers: Mapping[str, str], secrets: tuple[str, ...], platform: str) -> None:
    """A secret is the password, or `user:password`. Raises WebhookRefused."""
    given = _credentials(lower(headers).get("authorization", ""))
    user = given.partition(":")[0]
    expected = [form for secret in usable(secrets) for form in (secret, f"{user}:{secret}")]
    accept(given, expected, platform, _COMPARED)


def _credentials(header: str) -> str:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def parse(body: bytes, platform: str) -> WebhookEvent | Ignored:
    """What a delivery says. Raises WebhookRefused where it is none of Azure DevOps'."""
    payload = read(body, platform)
    kind = text(payload, "eventType")
    if not kind or at(payload, "resource") is None:
        raise WebhookRefused("the delivery has no eventType and resource", platform=platform, status=400)
    delivery = text(payload, "id") or f"{text(payload, 'subscriptionId')}:{text(payload, 'notificationId')}"
    reader = _READERS.get(kind)
    if reader is None:
        return Ignored(f"nothing is done about {kind!r}", delivery)
    return reader(delivery, payload)


def _event(
    delivery: str, kind: EventKind, action: str, where: tuple[str, str], **more: Any
) -> WebhookEvent | Ignored:
    if not where[0]:
        return Ignored("it names no project", delivery)
    return WebhookEvent(delivery, kind, action, where[0], where[1], **more)


# --- code --------------------------------------------------------------------------------------------


def _push(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    """Of several branches in one push the first."""
    resource = at(payload, "resource")
    listed: object = at(resource, "refUpdates")
    every = cast("list[object]", listed) if isinstance(listed, list) else []
    updates = [one for one in every if text(one, "name").startswith(HEADS)]
    if not updates:
        return Ignored("a push to no branch", delivery)
    old, new = text(updates[0], "oldObjectId"), text(updates[0], "newObjectId")
    return _event(
        delivery,
        EventKind.PUSH,
        push_action(old, new),
        _where(at(resource, "repository")),
        actor=_login(at(resource, "pushedBy")),
        branch=text(updates[0], "name").removeprefix(HEADS),
        sha=new,
    )


def _pull(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    pull, said = at(payload, "resource"), text(payload, "message", "text")
    kind, action = EventKind.PULL_REQUEST, _pull_action(text(payload, "eventType"), pull, said)
    if action == "edited" and _VOTE.search(said):
        kind, action = EventKind.REVIEW, "submitted"
    actor = _login(at(pull, "closedBy")) or _login(at(pull, "createdBy"))
    return _event(delivery, kind, action, _where(at(pull, "repository")), actor=actor, **_of(pull))


def _pull_action(kind: str, pull: object, said: str) -> str:
    status = text(pull, "status")
    if kind == "git.pullrequest.created":
        return "opened"
    if status == "completed":
        return "merged"
    if kind == "git.pullrequest.merged":  # that a merge was tried
        return text(pull, "mergeStatus") or "edited"
    if status == "abandoned":
        return "closed"
    if "reactivated" in said:
        return "reopened"
    return "updated" if "source branch" in said else "edited"


def _pull_comment(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    resource, said = at(payload, "resource"), text(payload, "message", "text")
    comment, pull = at(resource, "comment"), at(resource, "pullRequest")
    if text(comment, "commentType") in ("system", "codeChange"):
        return Ignored("a note of the service's own", delivery)
    gone = at(comment, "isDeleted") is True or "has deleted" in said
    thread = re.search(r"/threads/(\d+)", text(comment, "_links", "self", "href"))
    number = text(comment, "id")
    return _event(
        delivery,
        EventKind.PULL_REQUEST_COMMENT,
        "deleted" if gone else "edited" if "has edited" in said else "created",
        _where(at(pull, "repository")),
        actor=_login(at(comment, "author")),
        text=without_mark(text(comment, "content")),
        comment_id=f"{thread[1]}/{number}" if thread and number else number or None,
        **_of(pull),
    )


def _of(pull: object) -> dict[str, str]:
    return {
        "number": text(pull, "pullRequestId"),
        "branch": text(pull, "sourceRefName").removeprefix(HEADS),
        "sha": text(pull, "lastMergeSourceCommit", "commitId"),
    }


# --- work items --------------------------------------------------------------------------------------


def _work_item(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    kind, resource = text(payload, "eventType"), at(payload, "resource")
    fields = at(resource, "revision", "fields") or at(resource, "fields")
    action, label = _ACTIONS.get(kind, ""), ""
    if not action:
        action, label = _change(at(resource, "fields"))
    comment = kind == "workitem.commented"
    words = text(fields, "System.History")
    project = text(fields, "System.TeamProject")
    address = text(resource, "url") or text(payload, "resourceContainers", "project", "baseUrl")
    return _event(
        delivery,
        EventKind.ISSUE_COMMENT if comment else EventKind.ISSUE,
        action,
        _in_project(_organization(address), project, ""),
        actor=_name(at(fields, "System.ChangedBy")) or _login(at(resource, "revisedBy")),
        number=text(resource, "workItemId") or text(resource, "id"),
        label=label,
        text=without_mark(to_markdown(words) if is_html(words) else words) if comment else "",
    )


_ACTIONS = {
    "workitem.created": "opened",
    "workitem.commented": "created",
    "workitem.deleted": "deleted",
    "workitem.restored": "reopened",
}


def _change(fields: object) -> tuple[str, str]:
    """The action and, where it is about one, the label or assignee."""
    before, after = (text(fields, "System.State", word).lower() for word in ("oldValue", "newValue"))
    if before != after and after:
        return ("closed" if after in _DONE else "reopened" if before in _DONE else "edited"), ""
    old, new = (
        [tag.strip() for tag in text(fields, "System.Tags", word).split(";") if tag.strip()]
        for word in ("oldValue", "newValue")
    )
    for action, more, less in (("labeled", new, old), ("unlabeled", old, new)):
        changed = [tag for tag in more if tag not in less]
        if changed:
            return action, changed[0] if len(changed) == 1 else ""
    assigned = at(fields, "System.AssignedTo")
    if assigned is not None:
        somebody, was = _name(at(assigned, "newValue")), _name(at(assigned, "oldValue"))
        return ("assigned", somebody) if somebody else ("unassigned", was)
    return "edited", ""


# --- pipelines ---------------------------------------------------------------------------------------


def _build(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    build = at(payload, "resource")
    project = text(build, "project", "name") or text(build, "definition", "project", "name")
    name = text(build, "repository", "name")
    address = text(build, "url") or text(payload, "resourceContainers", "project", "baseUrl")
    version = text(build, "sourceVersion") or text(build, "sourceGetVersion").rpartition(":")[2]
    branch = text(build, "triggerInfo", "pr.sourceBranch") or text(build, "sourceBranch")
    return _event(
        delivery,
        EventKind.CHECKS,
        "completed",
        _in_project(_organization(address), project, name),
        actor=_login(at(build, "requestedFor")),
        sha=text(build, "triggerInfo", "pr.sourceSha") or version,
        branch=branch.removeprefix(HEADS),
    )


# --- where and who -----------------------------------------------------------------------------------


def _where(repository: object) -> tuple[str, str]:
    name, project = text(repository, "name"), text(repository, "project", "name")
    address = text(repository, "remoteUrl") or text(repository, "url")
    return _in_project(_organization(address), project, name)


def _in_project(organization: str, project: str, name: str) -> tuple[str, str]:
    """Owner and name. Work items and some builds name no repository: then it is empty."""
    return (f"{organization}/{project}" if organization else project) if project else "", name


def _organization(address: str) -> str:
    """The organization, or a server's collection: what stands before the project."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    host = (parts.hostname or "").lower()
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    if host.endswith(".visualstudio.com"):
        return host.split(".")[0]
    if host == "dev.azure.com":
        return segments[0] if segments else ""
    before = next((at for at, part in enumerate(segments) if part in ("_git", "_apis")), 0)
    in_project = before > 0 and segments[before] == "_git"
    found = segments[: before - 1] if in_project else segments[:before]
    return found[-1] if found else ""


def _login(who: object) -> str:
    return text(who, "uniqueName") or text(who, "displayName")


def _name(value: object) -> str:
    """Somebody in a work item's field: an object, or `Jane Roe <jane@example.com>`."""
    if isinstance(value, dict):
        return _login(cast("Fields", value))
    found = re.search(r"<([^<>]+)>\s*$", text(value))
    return found[1] if found else text(value)


_READERS: Mapping[str, Callable[[str, Fields], WebhookEvent | Ignored]] = {
    "git.push": _push,
    "git.pullrequest.created": _pull,
    "git.pullrequest.updated": _pull,
    "git.pullrequest.merged": _pull,
    "ms.vss-code.git-pullrequest-comment-event": _pull_comment,
    "workitem.created": _work_item,
    "workitem.updated": _work_item,
    "workitem.commented": _work_item,
    "workitem.deleted": _work_item,
    "workitem.restored": _work_item,
    "build.complete": _build,
}

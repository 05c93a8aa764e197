"""GitHub's webhooks: signatures and events. Pure.

Source: docs.github.com/webhooks. Payloads are read leniently: of githubkit's models, a third of the published
examples fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.common.deliveries import accept, at, lower, read, sha256_hex, text, usable
from tamma.platforms.common.marks import without_mark

Fields = dict[str, Any]
_PREFIX = "sha256="


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], platform: str) -> None:
    """`X-Hub-Signature-256`. The signature has no time: deliveries are told apart by their ids.

    Raises WebhookRefused.
    """
    given = lower(headers).get("x-hub-signature-256", "")
    expected = [_PREFIX + sha256_hex(secret, body) for secret in usable(secrets)]
    accept(given, expected, platform, "signature (X-Hub-Signature-256)")


def parse(headers: Mapping[str, str], body: bytes, platform: str) -> WebhookEvent | Ignored:
    """What a delivery says. Raises WebhookRefused where it is none of GitHub's."""
    named = lower(headers)
    name, delivery = named.get("x-github-event", ""), named.get("x-github-delivery", "")
    if not name:
        raise WebhookRefused("the delivery has no X-GitHub-Event", platform=platform, status=400)
    payload = read(body, platform)
    if name == "ping":
        return _event(delivery, EventKind.PING, payload)
    if not at(payload, "repository", "name"):
        return Ignored(f"{name!r} is about no repository", delivery)
    reader = _READERS.get(name)
    if reader is None:
        return Ignored(f"nothing is done about {name!r}", delivery)
    return reader(delivery, payload)


def _event(delivery: str, kind: EventKind, payload: Fields, action: str = "", **more: Any) -> WebhookEvent:
    return WebhookEvent(
        delivery_id=delivery,
        kind=kind,
        action=action or text(payload, "action"),
        owner=text(payload, "repository", "owner", "login") or text(payload, "repository", "owner", "name"),
        name=text(payload, "repository", "name"),
        actor=text(payload, "sender", "login"),
        **more,
    )


def _issue(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    word = text(payload, "label", "name") or text(payload, "assignee", "login")
    number = text(payload, "issue", "number")
    return _event(delivery, EventKind.ISSUE, payload, number=number, label=word)


def _issue_comment(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    on_pull = at(payload, "issue", "pull_request") is not None
    return _event(
        delivery,
        EventKind.PULL_REQUEST_COMMENT if on_pull else EventKind.ISSUE_COMMENT,
        payload,
        number=text(payload, "issue", "number"),
        text=without_mark(text(payload, "comment", "body")),
        comment_id=text(payload, "comment", "id") or None,
    )


_PULL_ACTIONS = {"synchronize": "updated"}


def _pull(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    action = text(payload, "action")
    if action == "closed" and at(payload, "pull_request", "merged"):
        action = "merged"
    word = text(payload, "label", "name") or text(payload, "assignee", "login")
    return _event(
        delivery,
        EventKind.PULL_REQUEST,
        payload,
        _PULL_ACTIONS.get(action, action),
        label=word,
        **_of(payload),
    )


def _review(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    words = without_mark(text(payload, "review", "body"))
    return _event(delivery, EventKind.REVIEW, payload, text=words, **_of(payload))


def _review_comment(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    return _event(
        delivery,
        EventKind.PULL_REQUEST_COMMENT,
        payload,
        text=without_mark(text(payload, "comment", "body")),
        comment_id=text(payload, "comment", "id") or None,
        **_of(payload),
    )


def _thread(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    return _event(delivery, EventKind.PULL_REQUEST_COMMENT, payload, **_of(payload))


def _of(payload: Fields) -> dict[str, str]:
    pull = at(payload, "pull_request")
    return {
        "number": text(pull, "number"),
        "branch": text(pull, "head", "ref"),
        "sha": text(pull, "head", "sha"),
    }


def _push(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    ref = text(payload, "ref")
    if not ref.startswith("refs/heads/"):
        return Ignored(f"a push to {ref!r} is to no branch", delivery)
    action = "deleted" if at(payload, "deleted") else "created" if at(payload, "created") else "updated"
    branch, sha = ref.removeprefix("refs/heads/"), text(payload, "after")
    return _event(delivery, EventKind.PUSH, payload, action, branch=branch, sha=sha)


def _checks(where: str, branch: str = "head_branch") -> Callable[[str, Fields], WebhookEvent | Ignored]:
    def read_it(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
        found = at(payload, where)
        sha = text(found, "head_sha")
        named = text(found, branch) or text(found, "check_suite", "head_branch")
        return _event(delivery, EventKind.CHECKS, payload, sha=sha, branch=named)

    return read_it


def _status(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    action = "updated" if text(payload, "state") == "pending" else "completed"
    return _event(delivery, EventKind.CHECKS, payload, action, sha=text(payload, "sha"))


_READERS: Mapping[str, Callable[[str, Fields], WebhookEvent | Ignored]] = {
    "issues": _issue,
    "issue_comment": _issue_comment,
    "pull_request": _pull,
    "pull_request_review": _review,
    "pull_request_review_comment": _review_comment,
    "pull_request_review_thread": _thread,
    "push": _push,
    "check_run": _checks("check_run"),
    "check_suite": _checks("check_suite"),
    "workflow_run": _checks("workflow_run"),
    "workflow_job": _checks("workflow_job"),
    "status": _status,
}

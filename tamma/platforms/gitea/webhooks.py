"""The webhooks of Gitea and Forgejo: signatures and events. Pure.

Sources: docs.gitea.com/usage/webhooks, forgejo.org/docs/latest/user/webhooks, and services/webhook/deliver.go
and modules/webhook/type.go of both. Every delivery carries the headers of Gitea, Gogs and GitHub, those of
Forgejo its own as well. `X-…-Event-Type` tells more than `X-…-Event`, to which a review and a remark are one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import parse_qs

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.common.deliveries import accept, at, lower, push_action, read, sha256_hex, text, usable
from tamma.platforms.common.marks import without_mark

Fields = dict[str, Any]
Read = Callable[[str, Fields], WebhookEvent | Ignored]
_BRANDS = ("forgejo", "gitea", "gogs")
_PREFIX = "sha256="
_FORM = "application/x-www-form-urlencoded"


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], platform: str) -> None:
    """`X-Forgejo-Signature`, `X-Gitea-Signature` or `X-Hub-Signature-256`: the hexadecimal HMAC-SHA256 of the
    JSON. It has no time: deliveries are told apart by their ids. Raises WebhookRefused."""
    named = lower(headers)
    given = _first(named, "signature") or named.get("x-hub-signature-256", "").removeprefix(_PREFIX)
    payload = _payload(named, body)
    expected = [sha256_hex(secret, payload) for secret in usable(secrets)]
    accept(given.lower(), expected, platform, "signature (X-Gitea-Signature)")


def parse(headers: Mapping[str, str], body: bytes, platform: str) -> WebhookEvent | Ignored:
    """What a delivery says. Raises WebhookRefused where it is none of these services'."""
    named = lower(headers)
    name = _first(named, "event-type") or _first(named, "event")
    delivery = _first(named, "delivery")
    if not name:
        raise WebhookRefused("the delivery has no X-Gitea-Event", platform=platform, status=400)
    payload = read(_payload(named, body), platform)
    if not at(_repository(payload), "name"):
        return Ignored(f"{name!r} is about no repository", delivery)
    reader = _READERS.get(name)
    if reader is None:
        return Ignored(f"nothing is done about {name!r}", delivery)
    return reader(delivery, payload)


def _first(named: Mapping[str, str], what: str) -> str:
    return next((named[key] for brand in _BRANDS if named.get(key := f"x-{brand}-{what}")), "")


def _payload(named: Mapping[str, str], body: bytes) -> bytes:
    """The JSON, which is what is signed, also where it travels as a field of a form."""
    if not named.get("content-type", "").startswith(_FORM):
        return body
    fields = parse_qs(body.decode("utf-8", "replace"))
    return fields.get("payload", [""])[0].encode()


def _repository(payload: Fields) -> object:
    """Forgejo's events of Actions have it inside of the run."""
    return at(payload, "repository") or at(payload, "run", "repository")


def _event(delivery: str, kind: EventKind, payload: Fields, action: str, **more: Any) -> WebhookEvent:
    where = _repository(payload)
    return WebhookEvent(
        delivery_id=delivery,
        kind=kind,
        action=action,
        owner=_who(where, "owner"),
        name=text(where, "name"),
        actor=_who(payload, "sender") or _who(payload, "run", "trigger_user"),
        **more,
    )


def _who(value: object, *path: str) -> str:
    return text(value, *path, "login") or text(value, *path, "username")


_ACTIONS = {
    "synchronized": "updated",
    "label_updated": "labeled",
    "label_cleared": "unlabeled",
    "reviewed": "submitted",
}


def _action(payload: Fields) -> str:
    word = text(payload, "action")
    added, removed = at(payload, "changes", "added_labels"), at(payload, "changes", "removed_labels")
    if word == "label_updated" and removed and not added:
        return "unlabeled"
    return _ACTIONS.get(word, word)


def _label(payload: Fields) -> str:
    """The label that came or went, where the server says it; else the assignee."""
    changed = at(payload, "changes", "added_labels") or at(payload, "changes", "removed_labels")
    if isinstance(changed, list) and changed:
        return text(cast("list[object]", changed)[0], "name")
    return _who(payload, "assignee")


def _issue(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    number = text(payload, "issue", "number")
    return _event(delivery, EventKind.ISSUE, payload, _action(payload), number=number, label=_label(payload))


def _comment(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    """Of an issue or a pull request; a review without a verdict comes under the same name."""
    if at(payload, "review") is not None:
        return _review(delivery, payload)
    on_pull = at(payload, "is_pull") or at(payload, "issue", "pull_request") or at(payload, "pull_request")
    return _event(
        delivery,
        EventKind.PULL_REQUEST_COMMENT if on_pull else EventKind.ISSUE_COMMENT,
        payload,
        _action(payload),
        number=text(payload, "issue", "number") or text(payload, "pull_request", "number"),
        text=without_mark(text(payload, "comment", "body")),
        comment_id=text(payload, "comment", "id") or None,
    )


def _pull(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    action = _action(payload)
    if action == "closed" and at(payload, "pull_request", "merged"):
        action = "merged"
    word = _label(payload) or _who(payload, "requested_reviewer")
    return _event(delivery, EventKind.PULL_REQUEST, payload, action, label=word, **_of(payload))


def _review(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    words = without_mark(text(payload, "review", "content"))
    return _event(delivery, EventKind.REVIEW, payload, _action(payload), text=words, **_of(payload))


def _of(payload: Fields) -> dict[str, str]:
    pull = at(payload, "pull_request")
    return {
        "number": text(pull, "number"),
        "branch": text(pull, "head", "label") or text(pull, "head", "ref"),
        "sha": text(pull, "head", "sha"),
    }


def _push(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    ref = text(payload, "ref")
    if not ref.startswith("refs/heads/"):
        return Ignored(f"a push to {ref!r} is to no branch", delivery)
    before, after = text(payload, "before"), text(payload, "after")
    action = push_action(before, after)
    return _event(
        delivery, EventKind.PUSH, payload, action, branch=ref.removeprefix("refs/heads/"), sha=after
    )


def _status(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    action = "updated" if text(payload, "state") == "pending" else "completed"
    return _event(delivery, EventKind.CHECKS, payload, action, sha=text(payload, "sha"))


def _workflow(where: str) -> Read:
    """Gitea's `workflow_run` and `workflow_job`, as GitHub's."""

    def read_it(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
        found = at(payload, where)
        sha, branch = text(found, "head_sha"), text(found, "head_branch")
        return _event(delivery, EventKind.CHECKS, payload, _action(payload), sha=sha, branch=branch)

    return read_it


def _ended(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    """Forgejo's `action_run_success`, `action_run_failure`, `action_run_recover`."""
    run = at(payload, "run")
    sha, branch = text(run, "commit_sha"), text(run, "prettyref")
    return _event(delivery, EventKind.CHECKS, payload, "completed", sha=sha, branch=branch)


def _as_push(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    return Ignored("a branch or tag came or went: the push says so too", delivery)


_READERS: Mapping[str, Read] = {
    **dict.fromkeys(("issues", "issue_assign", "issue_label", "issue_milestone"), _issue),
    **dict.fromkeys(("issue_comment", "pull_request_comment"), _comment),
    **dict.fromkeys(
        (
            "pull_request",
            "pull_request_assign",
            "pull_request_label",
            "pull_request_milestone",
            "pull_request_sync",
            "pull_request_review_request",
        ),
        _pull,
    ),
    **dict.fromkeys(
        (
            "pull_request_review_approved",
            "pull_request_review_rejected",
            "pull_request_review_comment",
            "pull_request_approved",
            "pull_request_rejected",
        ),
        _review,
    ),
    "push": _push,
    **dict.fromkeys(("create", "delete"), _as_push),
    "status": _status,
    "workflow_run": _workflow("workflow_run"),
    "workflow_job": _workflow("workflow_job"),
    **dict.fromkeys(("action_run_success", "action_run_failure", "action_run_recover"), _ended),
}

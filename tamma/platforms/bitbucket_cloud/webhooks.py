"""Bitbucket Cloud's webhooks: signatures and events. Pure.

Source: support.atlassian.com/bitbucket-cloud/docs, "Manage webhooks" and "Event payloads". `X-Event-Key` says
what it is; a delivery that is repeated has the same `X-Request-UUID` and a higher `X-Attempt-Number`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.common.deliveries import accept, at, lower, read, sha256_hex, text
from tamma.platforms.common.marks import without_mark

Fields = dict[str, Any]
Read = Callable[[str, str, Fields], WebhookEvent | Ignored]
_PREFIX = "sha256="


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], platform: str) -> None:
    """`X-Hub-Signature`: `sha256=` and the hexadecimal HMAC of the body. It has no time: deliveries are told
    apart by their ids. Raises WebhookRefused."""
    given = lower(headers).get("x-hub-signature", "")
    expected = [_PREFIX + sha256_hex(secret, body) for secret in secrets]
    accept(given.lower(), expected, platform, "signature (X-Hub-Signature)")


def parse(headers: Mapping[str, str], body: bytes, platform: str) -> WebhookEvent | Ignored:
    """What a delivery says. Raises WebhookRefused where it is none of Bitbucket's."""
    named = lower(headers)
    key, delivery = named.get("x-event-key", ""), named.get("x-request-uuid", "")
    if not key:
        raise WebhookRefused("the delivery has no X-Event-Key", platform=platform, status=400)
    payload = read(body, platform)
    if "/" not in text(payload, "repository", "full_name"):
        return Ignored(f"{key!r} is about no repository", delivery)
    reader = _READERS.get(key)
    if reader is None:
        return Ignored(f"nothing is done about {key!r}", delivery)
    return reader(key, delivery, payload)


def _event(delivery: str, kind: EventKind, payload: Fields, action: str, **more: Any) -> WebhookEvent:
    owner, _, name = text(payload, "repository", "full_name").partition("/")
    actor = at(payload, "actor")
    who = next((found for part in _NAMES if (found := text(actor, part))), "")
    return WebhookEvent(delivery, kind, action, owner, name, actor=who, **more)


_NAMES = ("nickname", "username", "display_name", "uuid")


def _pull(action: str) -> Read:
    def read_it(key: str, delivery: str, payload: Fields) -> WebhookEvent | Ignored:
        return _event(delivery, EventKind.PULL_REQUEST, payload, action, **_of(payload))

    return read_it


def _review(key: str, delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    """A verdict given, or taken back."""
    back = key.endswith(("unapproved", "removed"))
    return _event(delivery, EventKind.REVIEW, payload, "deleted" if back else "submitted", **_of(payload))


def _comment(action: str) -> Read:
    def read_it(key: str, delivery: str, payload: Fields) -> WebhookEvent | Ignored:
        said = without_mark(text(payload, "comment", "content", "raw"))
        comment_id = text(payload, "comment", "id") or None
        kind = EventKind.PULL_REQUEST_COMMENT
        return _event(delivery, kind, payload, action, text=said, comment_id=comment_id, **_of(payload))

    return read_it


def _of(payload: Fields) -> dict[str, str]:
    pull = at(payload, "pullrequest")
    return {
        "number": text(pull, "id"),
        "branch": text(pull, "source", "branch", "name"),
        "sha": text(pull, "source", "commit", "hash"),
    }


def _push(key: str, delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    """Of several branches at once none is named: all of them have to be looked at."""
    changes: object = at(payload, "push", "changes")
    found = cast("list[object]", changes) if isinstance(changes, list) else []
    branches = [change for change in found if text(_side(change), "type") == "branch"]
    if not branches:
        return Ignored("a push to no branch", delivery)
    if len(branches) > 1:
        return _event(delivery, EventKind.PUSH, payload, "updated")
    change = branches[0]
    new, old = at(change, "new"), at(change, "old")
    action = "deleted" if new is None else "created" if old is None else "updated"
    branch, sha = text(_side(change), "name"), text(new, "target", "hash")
    return _event(delivery, EventKind.PUSH, payload, action, branch=branch, sha=sha)


def _side(change: object) -> object:
    return at(change, "new") or at(change, "old")


def _status(key: str, delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    status = at(payload, "commit_status")
    action = "updated" if text(status, "state") == "INPROGRESS" else "completed"
    branch, sha = text(status, "refname"), text(status, "commit", "hash")
    sha = sha or text(status, "links", "commit", "href").rpartition("/")[2]
    return _event(delivery, EventKind.CHECKS, payload, action, branch=branch, sha=sha)


_P = "pullrequest:"
_READERS: Mapping[str, Read] = {
    "repo:push": _push,
    **dict.fromkeys(("repo:commit_status_created", "repo:commit_status_updated"), _status),
    f"{_P}created": _pull("opened"),
    f"{_P}updated": _pull("updated"),  # edited or pushed to: Bitbucket does not say which
    f"{_P}fulfilled": _pull("merged"),
    f"{_P}rejected": _pull("closed"),
    **dict.fromkeys(
        (
            f"{_P}approved",
            f"{_P}unapproved",
            f"{_P}changes_request_created",
            f"{_P}changes_request_removed",
        ),
        _review,
    ),
    f"{_P}comment_created": _comment("created"),
    f"{_P}comment_updated": _comment("edited"),
    f"{_P}comment_deleted": _comment("deleted"),
    f"{_P}comment_resolved": _comment("resolved"),
    f"{_P}comment_reopened": _comment("reopened"),
}

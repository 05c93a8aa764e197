"""The webhooks of Bitbucket Data Center: signatures and events. Pure.

Source: confluence.atlassian.com/bitbucketserver, "Event payload" and "Manage webhooks". A changed title, a
new reviewer and a retargeted base are events of their own; builds have none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.bitbucket_dc.models import HEADS
from tamma.platforms.common.deliveries import accept, at, lower, read, sha256_hex, text
from tamma.platforms.common.marks import without_mark

Fields = dict[str, Any]
Read = Callable[[str, Fields], WebhookEvent | Ignored]
_PREFIX = "sha256="
_PING = "diagnostics:ping"


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], platform: str) -> None:
    """`X-Hub-Signature: sha256=…`, the HMAC of the body. It has no time: deliveries are told apart by their
    ids. Raises WebhookRefused."""
    given = lower(headers).get("x-hub-signature", "")
    expected = [_PREFIX + sha256_hex(secret, body) for secret in secrets]
    accept(given.lower(), expected, platform, "signature (X-Hub-Signature)")


def parse(headers: Mapping[str, str], body: bytes, platform: str) -> WebhookEvent | Ignored:
    """What a delivery says. Raises WebhookRefused where it is none of this service's."""
    named = lower(headers)
    payload = read(body, platform)
    name, delivery = named.get("x-event-key") or text(payload, "eventKey"), named.get("x-request-id", "")
    if not name:
        raise WebhookRefused("the delivery has no X-Event-Key", platform=platform, status=400)
    if name == _PING:
        return WebhookEvent(delivery, EventKind.PING, "ping", "", "")
    reader = _READERS.get(name)
    if reader is None:
        return Ignored(f"nothing is done about {name!r}", delivery)
    return reader(delivery, payload)


def _event(
    delivery: str, kind: EventKind, payload: Fields, action: str, where: object, **more: Any
) -> WebhookEvent | Ignored:
    owner, name = text(where, "project", "key"), text(where, "slug")
    if not name:
        return Ignored("it is about no repository", delivery)
    actor = text(payload, "actor", "name")
    return WebhookEvent(delivery, kind, action, owner, name, actor, **more)


def _pull(action: str, kind: EventKind = EventKind.PULL_REQUEST) -> Read:
    def read_it(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
        pull = at(payload, "pullRequest")
        where = at(pull, "toRef", "repository")
        comment = at(payload, "comment")
        said = {}
        if comment is not None:
            words = without_mark(text(comment, "text"))
            said = {"text": words, "comment_id": text(comment, "id") or None}
        return _event(delivery, kind, payload, action, where, **_of(pull), **said)

    return read_it


def _of(pull: object) -> dict[str, str]:
    return {
        "number": text(pull, "id"),
        "branch": text(pull, "fromRef", "id").removeprefix(HEADS),
        "sha": text(pull, "fromRef", "latestCommit"),
    }


_ACTIONS = {"ADD": "created", "DELETE": "deleted", "UPDATE": "updated"}


def _push(delivery: str, payload: Fields) -> WebhookEvent | Ignored:
    """One delivery tells of everything that one push moved; an event has room for the first branch of it."""
    changes: object = at(payload, "changes")
    for change in cast("list[object]", changes) if isinstance(changes, list) else []:
        ref = text(change, "ref", "id") or text(change, "refId")
        if ref.startswith(HEADS):
            kind = text(change, "type")
            return _event(
                delivery,
                EventKind.PUSH,
                payload,
                _ACTIONS.get(kind, kind.lower()),
                at(payload, "repository"),
                branch=ref.removeprefix(HEADS),
                sha=text(change, "toHash"),
            )
    return Ignored("the push is to no branch", delivery)


_READERS: Mapping[str, Read] = {
    "repo:refs_changed": _push,
    "pr:opened": _pull("opened"),
    "pr:from_ref_updated": _pull("updated"),
    "pr:to_ref_updated": _pull("base_updated"),
    "pr:modified": _pull("edited"),
    "pr:reviewer:updated": _pull("review_requested"),
    "pr:merged": _pull("merged"),
    "pr:declined": _pull("closed"),
    "pr:reopened": _pull("reopened"),
    "pr:deleted": _pull("deleted"),
    "pr:reviewer:approved": _pull("submitted", EventKind.REVIEW),
    "pr:reviewer:needs_work": _pull("submitted", EventKind.REVIEW),
    "pr:reviewer:changes_requested": _pull("submitted", EventKind.REVIEW),
    "pr:reviewer:unapproved": _pull("dismissed", EventKind.REVIEW),
    "pr:comment:added": _pull("created", EventKind.PULL_REQUEST_COMMENT),
    "pr:comment:edited": _pull("edited", EventKind.PULL_REQUEST_COMMENT),
    "pr:comment:deleted": _pull("deleted", EventKind.PULL_REQUEST_COMMENT),
}

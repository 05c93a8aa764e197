"""Jira's webhooks: signatures and events. Pure.

Source: developer.atlassian.com/cloud/jira/platform/webhooks: `X-Hub-Signature`, and
`X-Atlassian-Webhook-Identifier`, which stays the same when a delivery is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.common.deliveries import TEXT_LIMIT, accept, at, lower, read, sha256_hex, text
from tamma.platforms.common.marks import without_mark
from tamma.platforms.jira.adf import from_adf
from tamma.platforms.jira.wiki import from_wiki

Fields = dict[str, Any]
_PREFIX = "sha256="


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], platform: str) -> None:
    """`X-Hub-Signature: sha256=…`, the HMAC of the body. Raises WebhookRefused."""
    given = lower(headers).get("x-hub-signature", "")
    expected = [_PREFIX + sha256_hex(secret, body) for secret in secrets]
    accept(given.lower(), expected, platform, "signature (X-Hub-Signature)")


def parse(headers: Mapping[str, str], body: bytes, platform: str) -> WebhookEvent | Ignored:
    """What a delivery says. Raises WebhookRefused where it is none of this service's."""
    payload = read(body, platform)
    delivery = lower(headers).get("x-atlassian-webhook-identifier", "")
    name = text(payload, "webhookEvent")
    if not name:
        raise WebhookRefused("the delivery has no webhookEvent", platform=platform, status=400)
    reader = _READERS.get(name)
    if reader is None:
        return Ignored(f"nothing is done about {name!r}", delivery)
    if not text(payload, "issue", "key"):
        return Ignored(f"{name!r} does not name its issue", delivery)
    return reader(delivery, payload)


def _event(delivery: str, kind: EventKind, payload: Fields, action: str, **more: Any) -> WebhookEvent:
    key = text(payload, "issue", "key")
    project = text(payload, "issue", "fields", "project", "key") or key.rpartition("-")[0]
    actor = (
        _who(payload, "user")
        or _who(payload, "comment", "updateAuthor")
        or _who(payload, "comment", "author")
    )
    return WebhookEvent(delivery, kind, action, "", project, actor, key, **more)


def _who(payload: Fields, *path: str) -> str:
    return text(payload, *path, "accountId") or text(payload, *path, "name")


def _issue(action: str) -> Callable[[str, Fields], WebhookEvent]:
    return lambda delivery, payload: _event(delivery, EventKind.ISSUE, payload, action)


def _updated(delivery: str, payload: Fields) -> WebhookEvent:
    """One edit changes several fields; an event has room for what matters most of it."""
    found: object = at(payload, "changelog", "items")
    items = cast("list[object]", found) if isinstance(found, list) else []
    changed = {text(item, "field"): item for item in items}
    if "status" in changed:
        action, label = _moved(payload, changed), text(changed["status"], "toString")
    elif "assignee" in changed:
        action, label = _assigned(changed["assignee"])
    elif "labels" in changed:
        action, label = _labeled(changed["labels"])
    else:
        action, label = "edited", ""
    return _event(delivery, EventKind.ISSUE, payload, action, label=label)


def _moved(payload: Fields, changed: Mapping[str, object]) -> str:
    """Which category it comes from is not told: that it is reopened shows in a resolution that is gone."""
    if text(payload, "issue", "fields", "status", "statusCategory", "key") == "done":
        return "closed"
    resolution = changed.get("resolution")
    return "reopened" if text(resolution, "from") and not text(resolution, "to") else "moved"


def _assigned(item: object) -> tuple[str, str]:
    to = text(item, "to")
    return ("assigned", to) if to else ("unassigned", text(item, "from"))


def _labeled(item: object) -> tuple[str, str]:
    before, after = (text(item, name).split() for name in ("fromString", "toString"))
    more = [label for label in after if label not in before]
    if more:
        return "labeled", more[0]
    return "unlabeled", next((label for label in before if label not in after), "")


def _comment(action: str) -> Callable[[str, Fields], WebhookEvent]:
    def read_it(delivery: str, payload: Fields) -> WebhookEvent:
        body = at(payload, "comment", "body")
        words = from_adf(cast("object", body)) if isinstance(body, dict) else from_wiki(text(body))
        said = without_mark(words)[:TEXT_LIMIT]
        number = text(payload, "comment", "id") or None
        return _event(delivery, EventKind.ISSUE_COMMENT, payload, action, text=said, comment_id=number)

    return read_it


_READERS: Mapping[str, Callable[[str, Fields], WebhookEvent]] = {
    "jira:issue_created": _issue("opened"),
    "jira:issue_updated": _updated,
    "jira:issue_deleted": _issue("deleted"),
    "comment_created": _comment("created"),
    "comment_updated": _comment("edited"),
    "comment_deleted": _comment("deleted"),
}

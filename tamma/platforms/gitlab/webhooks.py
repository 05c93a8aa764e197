"""GitLab's webhooks: is a delivery GitLab's, and what does it say. Pure.

Sources: docs.gitlab.com/user/project/integrations/webhooks and .../webhook_events. The signature is that of
the Standard Webhooks specification.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.common.deliveries import lower, read, text, unverifiable
from tamma.platforms.gitlab import events

TOLERANCE = 300.0
"""Seconds a signed delivery may be older or newer than our clock."""
_PREFIX = "whsec_"


def verify(
    headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], platform: str, now: float
) -> None:
    """By its signature (GitLab's "signing token") or by `X-Gitlab-Token` (its "secret token").

    Raises WebhookRefused. `now`: seconds since 1970.
    """
    secrets = tuple(filter(None, secrets))  # an empty one would let in whoever sends none
    if not secrets:
        raise unverifiable(platform)
    named = lower(headers)
    token = named.get("x-gitlab-token", "")
    if any(hmac.compare_digest(_bytes(token), _bytes(secret)) for secret in secrets):
        return
    signature = named.get("webhook-signature")
    if signature is None:
        what = "the X-Gitlab-Token is wrong" if token else "the delivery has neither a signature nor a token"
        hint = "set the same secret in GitLab's webhook and in the account"
        raise WebhookRefused(what, hint=hint, platform=platform, status=401)
    if not any(_signed(named, body, secret, signature) for secret in secrets):
        hint = "set GitLab's signing token as the account's webhookSecret"
        raise WebhookRefused("the webhook-signature is wrong", hint=hint, platform=platform, status=401)
    if not _recent(named.get("webhook-timestamp", ""), now):
        hint = "is this machine's clock right?"
        raise WebhookRefused("the delivery was signed too long ago", hint=hint, platform=platform, status=401)


def parse(headers: Mapping[str, str], body: bytes, platform: str) -> WebhookEvent | Ignored:
    """Raises WebhookRefused for what is no delivery of GitLab's."""
    named = lower(headers)
    fields = read(body, platform)
    kind = fields.get("object_kind") or fields.get("event_name")
    if not isinstance(kind, str):
        raise WebhookRefused(
            "the delivery has no object_kind: it is none of GitLab's", platform=platform, status=400
        )
    delivery = delivery_id(named, body)
    seen = events.read(kind, fields)
    if isinstance(seen, str):
        return Ignored(seen, delivery)
    owner, name = _repository(fields)
    if not name:
        return Ignored(f"{kind}: it names no project", delivery)
    return WebhookEvent(
        delivery_id=delivery,
        kind=EventKind(seen.kind),
        action=seen.action,
        owner=owner,
        name=name,
        actor=_actor(fields),
        number=seen.number,
        branch=seen.branch,
        sha=seen.sha,
        label=seen.label,
        text=seen.text,
        comment_id=seen.comment_id,
    )


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """The same for each repetition. Servers before 17.4 name none: then what was delivered names itself."""
    for name in ("webhook-id", "idempotency-key", "x-gitlab-event-uuid"):
        if value := headers.get(name):
            return value
    return hashlib.sha256(body).hexdigest()


def _signed(headers: Mapping[str, str], body: bytes, secret: str, signatures: str) -> bool:
    """Whether one of the signatures (`v1,<base64>`, by spaces) is of this secret."""
    named = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}."
    signed = _bytes(named) + body
    matches: list[bool] = []
    for key in _keys(secret):
        ours = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        matches += [hmac.compare_digest(ours, _bytes(theirs)) for theirs in signatures.split()]
    return any(matches)


def _keys(secret: str) -> list[bytes]:
    """What the secret's text stands for: `whsec_<base64>`, else the text itself."""
    if secret.startswith(_PREFIX):
        try:
            return [base64.b64decode(secret.removeprefix(_PREFIX), validate=True)]
        except binascii.Error:
            pass
    return [_bytes(secret)]


def _bytes(text: str) -> bytes:
    """Also of a header that is no text: strangers send anything."""
    return text.encode("utf-8", "surrogatepass")


def _recent(timestamp: str, now: float) -> bool:
    try:
        return abs(float(timestamp) - now) <= TOLERANCE
    except ValueError:
        return False


def _repository(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Owner and name: job events of older servers name the project by its page alone."""
    path = text(fields, "project", "path_with_namespace")
    if not path:
        homepage = text(fields, "repository", "homepage") or text(fields, "project", "web_url")
        path = homepage.partition("://")[2].partition("/")[2]
    owner, _, name = path.strip("/").rpartition("/")
    return owner, name


def _actor(fields: Mapping[str, Any]) -> str:
    return text(fields, "user", "username") or text(fields, "user_username") or text(fields, "user", "name")

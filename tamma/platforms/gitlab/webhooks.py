"""GitLab's webhooks: is a delivery GitLab's, and what does it say. Pure.

Sources: docs.gitlab.com/user/project/integrations/webhooks and .../webhook_events. The signature is that of
the Standard Webhooks specification.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, cast

from tamma.errors import WebhookRefused
from tamma.model.foreign import mended
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.gitlab import events

TOLERANCE = 300.0
"""Seconds a signed delivery may be older or newer than our clock."""
_PREFIX = "whsec_"


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: float) -> None:
    """By its signature (GitLab's "signing token") or by `X-Gitlab-Token` (its "secret token").

    Raises WebhookRefused. `now`: seconds since 1970.
    """
    secrets = tuple(filter(None, secrets))  # an empty one would let in whoever sends none
    if not secrets:
        raise WebhookRefused(
            "no secret is configured for GitLab's webhooks", hint="set the account's webhookSecret"
        )
    named = _lower(headers)
    token = named.get("x-gitlab-token", "")
    if any(hmac.compare_digest(_bytes(token), _bytes(secret)) for secret in secrets):
        return
    signature = named.get("webhook-signature")
    if signature is None:
        what = "the X-Gitlab-Token is wrong" if token else "the delivery has neither a signature nor a token"
        raise WebhookRefused(what, hint="set the same secret in GitLab's webhook and in the account")
    if not any(_signed(named, body, secret, signature) for secret in secrets):
        raise WebhookRefused(
            "the webhook-signature is wrong",
            hint="set GitLab's signing token as the account's webhookSecret",
        )
    if not _recent(named.get("webhook-timestamp", ""), now):
        raise WebhookRefused("the delivery was signed too long ago", hint="is this machine's clock right?")


def parse(headers: Mapping[str, str], body: bytes) -> WebhookEvent | Ignored:
    """Raises WebhookRefused for what is no delivery of GitLab's."""
    named = _lower(headers)
    try:
        payload: Any = mended(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise WebhookRefused("the delivery is not JSON") from error
    if not isinstance(payload, dict):
        raise WebhookRefused("the delivery is not a JSON object")
    fields = cast("dict[str, Any]", payload)
    kind = fields.get("object_kind") or fields.get("event_name")
    if not isinstance(kind, str):
        raise WebhookRefused("the delivery has no object_kind: it is none of GitLab's")
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


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


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
    project, repository = events.part(fields, "project"), events.part(fields, "repository")
    path = project.get("path_with_namespace")
    if not isinstance(path, str) or not path:
        homepage = str(repository.get("homepage") or project.get("web_url") or "")
        path = homepage.partition("://")[2].partition("/")[2]
    owner, _, name = path.strip("/").rpartition("/")
    return owner, name


def _actor(fields: Mapping[str, Any]) -> str:
    user = events.part(fields, "user")
    return str(user.get("username") or fields.get("user_username") or user.get("name") or "")

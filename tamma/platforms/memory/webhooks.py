"""The memory platform's webhooks: JSON, signed by HMAC-SHA256. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent

SIGNATURE = "X-Tamma-Signature"
"""Hexadecimal, of the body."""
DELIVERY = "X-Tamma-Delivery"
_LONGEST = 65_536


class _Delivery(BaseModel, alias_generator=to_camel, populate_by_name=True):
    event: str
    repository: str
    """`owner/name`."""
    action: str = ""
    actor: str = ""
    number: str | None = None
    branch: str = ""
    sha: str = ""
    label: str = ""
    text: str = ""
    comment_id: str | None = None


def sign(secret: str, body: bytes) -> str:
    """What `SIGNATURE` has to say."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> None:
    """Raises WebhookRefused where the body is signed by none of `secrets`."""
    if not secrets:
        raise WebhookRefused(
            "no secret for webhooks is configured: nothing can be verified",
            hint="configure webhookSecret for this account",
        )
    signature = _header(headers, SIGNATURE)
    # All of them are compared, so that the time it takes does not tell which one it was.
    if not sum(hmac.compare_digest(signature.encode(), sign(secret, body).encode()) for secret in secrets):
        raise WebhookRefused(
            f"the delivery's {SIGNATURE} is {'wrong' if signature else 'missing'}",
            hint="the sender and this account must have the same secret",
        )


def parse(headers: Mapping[str, str], body: bytes) -> WebhookEvent | Ignored:
    """Raises WebhookRefused for a body of another form."""
    delivery = _header(headers, DELIVERY)
    try:
        said = _Delivery.model_validate_json(body)
    except ValidationError as error:
        raise WebhookRefused(
            f"the delivery {delivery!r} has another form: {error.errors()[0]['msg']}",
            hint="it is a JSON object with `event` and `repository`",
        ) from error
    owner, _, name = said.repository.rpartition("/")
    if not (delivery and owner and name):
        raise WebhookRefused(f"a delivery needs {DELIVERY} and `repository` as owner/name")
    if said.event not in set(EventKind):
        return Ignored(f"{said.event!r} is no event that Tamma knows", delivery)
    return WebhookEvent(
        delivery_id=delivery,
        kind=EventKind(said.event),
        action=said.action,
        owner=owner,
        name=name,
        actor=said.actor,
        number=said.number,
        branch=said.branch,
        sha=said.sha,
        label=said.label,
        text=said.text[:_LONGEST],
        comment_id=said.comment_id,
    )


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")

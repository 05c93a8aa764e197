"""The memory platform's webhooks: JSON, signed by HMAC-SHA256. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.common.deliveries import TEXT_LIMIT, accept, lower, sha256_hex

SIGNATURE = "X-Tamma-Signature"
"""Hexadecimal, of the body."""
DELIVERY = "X-Tamma-Delivery"


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
    return sha256_hex(secret, body)


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], platform: str) -> None:
    """Raises WebhookRefused where the body is signed by none of `secrets`."""
    given = lower(headers).get(SIGNATURE.lower(), "")
    accept(given, [sign(secret, body) for secret in secrets], platform, f"signature ({SIGNATURE})")


def parse(headers: Mapping[str, str], body: bytes, platform: str) -> WebhookEvent | Ignored:
    """Raises WebhookRefused for a body of another form."""
    delivery = lower(headers).get(DELIVERY.lower(), "")
    try:
        said = _Delivery.model_validate_json(body)
    except ValidationError as error:
        raise WebhookRefused(
            f"the delivery {delivery!r} has another form: {error.errors()[0]['msg']}",
            hint="it is a JSON object with `event` and `repository`",
            platform=platform,
            status=400,
        ) from error
    owner, _, name = said.repository.rpartition("/")
    if not (delivery and owner and name):
        raise WebhookRefused(
            f"a delivery needs {DELIVERY} and `repository` as owner/name", platform=platform, status=400
        )
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
        text=said.text[:TEXT_LIMIT],
        comment_id=said.comment_id,
    )

"""What webhooks have in common: checking a signature, reading a body. Pure.

Comparisons take the same time whatever differs.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from tamma.errors import WebhookRefused
from tamma.model.foreign import mended

TEXT_LIMIT = 65_536
"""Characters of a comment that an event carries."""


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by lower-case names."""
    return {name.lower(): value for name, value in headers.items()}


def sha256_hex(secret: str, body: bytes) -> str:
    """HMAC-SHA256 of the body as it arrived, in hexadecimal digits."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def usable(secrets: Iterable[str]) -> list[str]:
    """Without empty ones: what is signed with nothing, anybody can sign."""
    return [secret for secret in secrets if secret]


def accept(given: str, expected: Iterable[str], platform: str, what: str) -> None:
    """Raises WebhookRefused unless `given` is one of those expected.

    `what` names the header or credential for the message. None expected means that no secret is configured.
    """
    wanted = list(expected)
    if not wanted:
        raise unverifiable(platform)
    if not given:
        raise WebhookRefused(
            f"the delivery has no {what}",
            hint="set the webhook's secret at the service to the configured one",
            platform=platform,
            status=401,
        )
    # All are compared, so that the time says nothing about which of them is near.
    matches = [hmac.compare_digest(_bytes(given), _bytes(each)) for each in wanted]
    if not any(matches):
        raise WebhookRefused(
            f"the delivery's {what} is wrong",
            hint="is the webhook's secret at the service the configured one?",
            platform=platform,
            status=401,
        )


def unverifiable(platform: str) -> WebhookRefused:
    """No secret is configured: nothing can be told apart."""
    return WebhookRefused(
        "a delivery cannot be verified: no webhook secret is configured",
        hint=f'set "webhookSecret" of the platform {platform!r}, and the same one at the service',
        platform=platform,
    )


def _bytes(text: str) -> bytes:
    """Also of a header that is no text: strangers send anything."""
    return text.encode("utf-8", "surrogatepass")


def read(body: bytes, platform: str) -> dict[str, Any]:
    """The delivery as a JSON object, such that it can be stored. Raises WebhookRefused."""
    try:
        found = mended(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise WebhookRefused("the delivery is not JSON", platform=platform, status=400) from error
    if not isinstance(found, dict):
        raise WebhookRefused("the delivery is not a JSON object", platform=platform, status=400)
    return cast("dict[str, Any]", found)


def push_action(before: str, after: str) -> str:
    """What a push did to a branch; a commit of zeros is none."""
    if not after.strip("0"):
        return "deleted"
    return "updated" if before.strip("0") else "created"


def at(value: object, *path: str) -> Any:
    """What stands at `path` in nested objects; None where any of it is missing or no object."""
    found: Any = value
    for name in path:
        if not isinstance(found, dict):
            return None
        found = cast("dict[str, Any]", found).get(name)
    return found


def text(value: object, *path: str) -> str:
    """The same as text; empty where there is none."""
    found = at(value, *path) if path else value
    return "" if found is None or isinstance(found, dict | list) else str(found)[:TEXT_LIMIT]

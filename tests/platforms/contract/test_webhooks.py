"""Webhooks: what holds of every platform's. Their payloads are tested with each adapter."""

from __future__ import annotations

import pytest

from tamma.errors import WebhookRefused
from tamma.platforms.interface import WEBHOOKS
from tests.platforms.harness import Harness
from tests.platforms.steps import needs

pytestmark = needs(WEBHOOKS)


async def test_without_a_secret_every_delivery_is_refused(harness: Harness) -> None:
    with pytest.raises(WebhookRefused) as caught:
        harness.platform.verify_webhook({}, b"{}")
    assert caught.value.hint


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'"text"', b"null"])
async def test_what_is_no_delivery_is_refused(harness: Harness, body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        harness.platform.parse_webhook({"Content-Type": "application/json"}, body)

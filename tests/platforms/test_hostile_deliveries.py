"""Deliveries of webhooks by strangers: none is let in, and none is an error of ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping

import pytest

from tamma.errors import WebhookRefused
from tamma.model.repository import WebhookEvent
from tamma.platforms.azure.platform import AzureDevOps
from tamma.platforms.common.deliveries import sha256_hex
from tamma.platforms.gitea.platform import Gitea
from tamma.platforms.github.platform import GitHub
from tamma.platforms.gitlab.platform import GitLab
from tamma.platforms.interface import Platform, PlatformSettings

BODY = b'{"action": "opened"}'
SECRET = "canary-s3cret"


def _hub(secret: str) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={sha256_hex(secret, BODY)}"}


def _tea(secret: str) -> dict[str, str]:
    return {"X-Gitea-Signature": sha256_hex(secret, BODY)}


def _lab(secret: str) -> dict[str, str]:
    return {"X-Gitlab-Token": secret}


def _azure(secret: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'tamma:{secret}'.encode()).decode()}"}


SIGNED = [(GitHub, _hub), (Gitea, _tea), (GitLab, _lab), (AzureDevOps, _azure)]
BY_ALL = pytest.mark.parametrize(("make", "signed"), SIGNED, ids=["github", "gitea", "gitlab", "azure"])
Make = Callable[[PlatformSettings], Platform]
Sign = Callable[[str], Mapping[str, str]]


@BY_ALL
@pytest.mark.parametrize("secrets", [(), ("",), ("", SECRET)])
def test_an_empty_secret_lets_nobody_in(make: Make, signed: Sign, secrets: tuple[str, ...]) -> None:
    platform = make(PlatformSettings("it", "it", "https://git.example.com", webhook_secrets=secrets))
    with pytest.raises(WebhookRefused):
        platform.verify_webhook(signed(""), BODY)
    if secrets[1:]:
        platform.verify_webhook(signed(SECRET), BODY)


@BY_ALL
@pytest.mark.parametrize(
    "value", ["\udc80\udcff", "ü\u202e", "sha256=\udc80", "v1,\udc80", "Basic \udc80", "\x00"]
)
def test_a_header_that_is_no_text_is_refused(make: Make, signed: Sign, value: str) -> None:
    """Servers hand bytes that are no UTF-8 on as halves of characters."""
    platform = make(PlatformSettings("it", "it", "https://git.example.com", webhook_secrets=(SECRET,)))
    for name in signed(SECRET):
        with pytest.raises(WebhookRefused):
            platform.verify_webhook({name: value}, BODY)
    with pytest.raises(WebhookRefused):
        platform.verify_webhook({"webhook-signature": value, "webhook-id": value}, BODY)


@pytest.mark.parametrize(
    ("make", "headers", "payload"),
    [
        (
            GitHub,
            {"X-GitHub-Event": "issue_comment"},
            {"action": "created", "repository": {"name": "r"}, "comment": {"body": "\ud83d!"}},
        ),
        (
            Gitea,
            {"X-Gitea-Event": "issue_comment"},
            {"action": "created", "repository": {"name": "r"}, "comment": {"body": "\ud83d!"}},
        ),
        (
            GitLab,
            {},
            {
                "object_kind": "note",
                "project": {"path_with_namespace": "o/r"},
                "object_attributes": {"noteable_type": "Issue", "note": "\ud83d!"},
                "issue": {"iid": 1},
            },
        ),
        (
            AzureDevOps,
            {},
            {
                "eventType": "workitem.commented",
                "resource": {"fields": {"System.TeamProject": "p", "System.History": "\ud83d!"}},
            },
        ),
    ],
)
def test_half_a_character_in_a_comment_can_be_stored(
    make: Make, headers: dict[str, str], payload: dict[str, object]
) -> None:
    platform = make(PlatformSettings("it", "it", "https://git.example.com"))
    found = platform.parse_webhook(headers, json.dumps(payload).encode())
    assert isinstance(found, WebhookEvent)
    assert found.text == "\ufffd!"

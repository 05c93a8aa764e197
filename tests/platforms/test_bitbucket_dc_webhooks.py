"""Bitbucket Data Center's webhooks: signatures, recorded payloads, and the kinds that nobody recorded."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.bitbucket_dc.platform import BitbucketDataCenter
from tamma.platforms.interface import PlatformSettings
from tests.support.forge.description import specs_folder

SECRETS = ("new-canary", "old-canary")
URL = "https://bitbucket.example.test"
PLATFORM = BitbucketDataCenter(PlatformSettings("dc", "bitbucket-dc", URL, webhook_secrets=SECRETS))
_FOLDER = specs_folder() / "recorded" / "stash" / "webhooks"
_BESIDE = _FOLDER.parent / "fnb_push_update.json"
needs_payloads = pytest.mark.skipif(not _FOLDER.is_dir(), reason=f"no recorded payloads in {_FOLDER}")
REPOSITORY = {"slug": "hello", "project": {"key": "PRJ"}}
PULL = {
    "id": 7,
    "fromRef": {"id": "refs/heads/fix/it", "latestCommit": "abc", "repository": {"slug": "fork"}},
    "toRef": {"id": "refs/heads/main", "repository": REPOSITORY},
}


def parse(kind: str, payload: dict[str, Any]) -> WebhookEvent | Ignored:
    headers = {"X-Event-Key": kind, "x-request-id": "d-1"}
    return PLATFORM.parse_webhook(headers, json.dumps(payload).encode())


def event(kind: str, payload: dict[str, Any]) -> WebhookEvent:
    found = parse(kind, {"actor": {"name": "mona"}, **payload})
    assert isinstance(found, WebhookEvent)
    assert (found.delivery_id, found.owner, found.name, found.actor) == ("d-1", "PRJ", "hello", "mona")
    return found


@needs_payloads
def test_every_recorded_payload_is_read() -> None:
    paths = [*_FOLDER.iterdir(), _BESIDE]
    read = {path.stem: json.loads(path.read_bytes()) for path in paths}
    found = {
        name: parse(payload.get("eventKey", "repo:refs_changed"), payload) for name, payload in read.items()
    }
    told = {
        name: (e.kind, e.action, e.number, e.branch)
        for name, e in found.items()
        if isinstance(e, WebhookEvent)
    }
    branch = told.pop("fnb_push_update")
    assert branch[:2] == (EventKind.PUSH, "updated")
    assert told == {
        "pr_open": (EventKind.PULL_REQUEST, "opened", "2", "develop"),
        "pr_declined": (EventKind.PULL_REQUEST, "closed", "2", "develop"),
        "pr_deleted": (EventKind.PULL_REQUEST, "deleted", "2", "develop"),
        "pr_merged": (EventKind.PULL_REQUEST, "merged", "3", "develop"),
        "pr_modified_meta": (EventKind.PULL_REQUEST, "edited", "6", "cleanup"),
        "push": (EventKind.PUSH, "updated", None, "master"),
        "push_branch_delete": (EventKind.PUSH, "deleted", None, "develop"),
    }
    assert isinstance(found["push_tag_delete"], Ignored)
    for each in found.values():
        assert isinstance(each, Ignored) or (each.owner and each.name and each.actor)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("pr:opened", (EventKind.PULL_REQUEST, "opened")),
        ("pr:from_ref_updated", (EventKind.PULL_REQUEST, "updated")),
        ("pr:to_ref_updated", (EventKind.PULL_REQUEST, "base_updated")),
        ("pr:modified", (EventKind.PULL_REQUEST, "edited")),
        ("pr:merged", (EventKind.PULL_REQUEST, "merged")),
        ("pr:declined", (EventKind.PULL_REQUEST, "closed")),
        ("pr:reviewer:updated", (EventKind.PULL_REQUEST, "review_requested")),
        ("pr:reviewer:approved", (EventKind.REVIEW, "submitted")),
        ("pr:reviewer:needs_work", (EventKind.REVIEW, "submitted")),
        ("pr:reviewer:changes_requested", (EventKind.REVIEW, "submitted")),
        ("pr:reviewer:unapproved", (EventKind.REVIEW, "dismissed")),
    ],
)
def test_what_happened_is_said_in_our_words(kind: str, expected: tuple[EventKind, str]) -> None:
    found = event(kind, {"pullRequest": PULL})
    assert (found.kind, found.action) == expected
    assert (found.number, found.branch, found.sha) == ("7", "fix/it", "abc")


@pytest.mark.parametrize(
    ("word", "action"), [("added", "created"), ("edited", "edited"), ("deleted", "deleted")]
)
def test_a_comment_is_told_without_our_mark(word: str, action: str) -> None:
    comment = {"id": 62, "text": "Hm.\n\n_tamma:op=op-1_"}
    found = event(f"pr:comment:{word}", {"pullRequest": PULL, "comment": comment, "commentParentId": 43})
    assert (found.kind, found.action) == (EventKind.PULL_REQUEST_COMMENT, action)
    assert (found.text, found.comment_id, found.number) == ("Hm.", "62", "7")


def test_a_push_tells_the_first_branch_that_it_moved() -> None:
    tag = {"ref": {"id": "refs/tags/v1"}, "type": "ADD", "toHash": "1"}
    branch = {"refId": "refs/heads/fix/it", "type": "ADD", "toHash": "2"}
    found = event("repo:refs_changed", {"repository": REPOSITORY, "changes": [tag, branch]})
    assert (found.kind, found.action, found.branch, found.sha) == (EventKind.PUSH, "created", "fix/it", "2")


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("repo:refs_changed", {"repository": REPOSITORY, "changes": []}),
        ("repo:refs_changed", {"repository": REPOSITORY}),
        ("repo:modified", {}),
        ("repo:comment:added", {"repository": REPOSITORY}),
        ("mirror:repo_synchronized", {}),
        ("pr:opened", {}),
        ("pr:opened", {"pullRequest": []}),
        ("something:new", {}),
    ],
)
def test_what_means_nothing_to_us_is_ignored_and_says_why(kind: str, payload: dict[str, Any]) -> None:
    found = parse(kind, payload)
    assert isinstance(found, Ignored)
    assert found.reason
    assert found.delivery_id == "d-1"


def test_the_button_test_connection_is_a_ping() -> None:
    found = parse("diagnostics:ping", {"test": True})
    assert isinstance(found, WebhookEvent)
    assert found.kind is EventKind.PING


def test_a_delivery_without_a_kind_is_refused() -> None:
    with pytest.raises(WebhookRefused):
        PLATFORM.parse_webhook({}, b"{}")


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("name", ["X-Hub-Signature", "x-hub-signature"])
def test_a_signature_by_any_of_the_secrets_is_taken(secret: str, name: str) -> None:
    body = b'{"test":true}'
    PLATFORM.verify_webhook({name: signature(secret, body)}, body)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"X-Hub-Signature": ""},
        {"X-Hub-Signature": signature("another-canary", b"{}")},
        {"X-Hub-Signature": signature("new-canary", b"{} ")},
        {"X-Hub-Signature": signature("new-canary", b"{}").removeprefix("sha256=")},
        {"X-Hub-Signature": "sha1=" + hmac.new(b"new-canary", b"{}", hashlib.sha1).hexdigest()},
    ],
)
def test_any_other_signature_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused) as caught:
        PLATFORM.verify_webhook(given, b"{}")
    assert "canary" not in caught.value.message

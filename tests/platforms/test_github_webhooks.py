"""GitHub's webhooks: signatures, and every published payload."""

from __future__ import annotations

import hashlib
import hmac
import json
from functools import cache
from typing import Any

import pytest

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.github.platform import GitHub
from tamma.platforms.interface import PlatformSettings
from tests.support.forge.description import specs_folder

SECRETS = ("new-canary", "old-canary")
HUB = GitHub(PlatformSettings("github.com", "github", webhook_secrets=SECRETS))
_FILE = specs_folder() / "github" / "webhook-payload-examples.json"
needs_payloads = pytest.mark.skipif(not _FILE.is_file(), reason=f"the published payloads are not at {_FILE}")


@cache
def examples() -> dict[str, list[dict[str, Any]]]:
    return {event["name"]: event["examples"] for event in json.loads(_FILE.read_bytes())}


def parse(name: str, payload: dict[str, Any]) -> WebhookEvent | Ignored:
    headers = {"X-GitHub-Event": name, "X-GitHub-Delivery": "d-1"}
    return HUB.parse_webhook(headers, json.dumps(payload).encode())


def event(name: str, action: str | None = None) -> WebhookEvent:
    """Of the first published payload of that kind."""
    payload = next(each for each in examples()[name] if action in (None, each.get("action")))
    found = parse(name, payload)
    assert isinstance(found, WebhookEvent)
    return found


@needs_payloads
def test_every_published_payload_is_read() -> None:
    read = {name: [parse(name, payload) for payload in payloads] for name, payloads in examples().items()}
    assert sum(map(len, read.values())) == 329
    heard = {name for name, events in read.items() if any(isinstance(each, WebhookEvent) for each in events)}
    assert heard == {
        *("issues", "issue_comment", "pull_request", "pull_request_review", "pull_request_review_comment"),
        *("pull_request_review_thread", "push", "check_run", "check_suite", "workflow_run", "workflow_job"),
        *("status", "ping"),
    }
    for events in read.values():
        for each in events:
            assert each.delivery_id == "d-1"
            if isinstance(each, Ignored):
                assert each.reason
            elif each.kind is not EventKind.PING:
                assert (each.owner, each.name, each.actor) != ("", "", "")
                assert each.owner, each
                assert each.name, each


@needs_payloads
def test_what_events_say() -> None:
    labeled = event("issues", "labeled")
    assert (labeled.kind, labeled.action, labeled.number) == (EventKind.ISSUE, "labeled", "1")
    assert (labeled.owner, labeled.name, labeled.actor) == ("Codertocat", "Hello-World", "Codertocat")
    assert labeled.label == "bug"
    said = event("issue_comment", "created")
    assert (said.kind, said.number) == (EventKind.ISSUE_COMMENT, "1")
    assert said.text.startswith("You are totally right!")
    assert said.comment_id == "492700400"
    opened = event("pull_request", "opened")
    assert (opened.action, opened.number, opened.branch) == ("opened", "2", "changes")
    assert opened.sha == "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
    review = event("pull_request_review", "submitted")
    assert (review.kind, review.action, review.number) == (EventKind.REVIEW, "submitted", "2")
    run = event("check_run", "completed")
    assert (run.kind, run.action, len(run.sha)) == (EventKind.CHECKS, "completed", 40)


@needs_payloads
def test_ends_and_moves_are_told_apart() -> None:
    payload = next(each for each in examples()["pull_request"] if each["action"] == "closed")
    merged = parse("pull_request", {**payload, "pull_request": {**payload["pull_request"], "merged": True}})
    closed = parse("pull_request", {**payload, "pull_request": {**payload["pull_request"], "merged": False}})
    moved = parse("pull_request", {**payload, "action": "synchronize"})
    actions = [each.action for each in (merged, closed, moved) if isinstance(each, WebhookEvent)]
    assert actions == ["merged", "closed", "updated"]
    tag = parse("push", {**examples()["push"][0], "ref": "refs/tags/v1"})
    assert isinstance(tag, Ignored)
    assert "refs/tags/v1" in tag.reason
    deleted = parse("push", {**examples()["push"][0], "ref": "refs/heads/a/b", "deleted": True})
    assert isinstance(deleted, WebhookEvent)
    assert (deleted.action, deleted.branch) == ("deleted", "a/b")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("header", ["X-Hub-Signature-256", "x-hub-signature-256"])
def test_each_configured_secret_is_accepted(secret: str, header: str) -> None:
    body = b'{"a": "\xc3\xbc"}'
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    HUB.verify_webhook({header: f"sha256={signature}"}, body)
    with pytest.raises(WebhookRefused):
        HUB.verify_webhook({header: f"sha256={signature}"}, body + b" ")


@pytest.mark.parametrize("given", ["", "sha256=", "sha256=00", "sha1=00", "nonsense", "sha256=ü"])
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(WebhookRefused) as caught:
        HUB.verify_webhook({"X-Hub-Signature-256": given}, b"{}")
    assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(WebhookRefused, match="no webhook secret"):
        GitHub(PlatformSettings("github.com", "github")).verify_webhook({}, b"{}")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"\xff", b"[" * 100_000])
def test_bodies_that_are_none(body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        HUB.parse_webhook({"X-GitHub-Event": "push"}, body)
    with pytest.raises(WebhookRefused):
        HUB.parse_webhook({}, b"{}")


@pytest.mark.parametrize("payload", [{}, {"repository": 3}, {"repository": {"name": []}}, {"issue": "x"}])
def test_payloads_of_another_form_are_ignored(payload: dict[str, Any]) -> None:
    for name in ("issues", "pull_request", "push", "check_run", "no_such_event"):
        assert isinstance(parse(name, payload), Ignored)

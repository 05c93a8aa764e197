"""The webhooks of Gitea and Forgejo: signatures, recorded payloads, and the kinds that nobody recorded."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.gitea.platform import Forgejo, Gitea
from tamma.platforms.interface import PlatformSettings
from tests.support.forge.description import specs_folder

SECRETS = ("new-canary", "old-canary")
URL = "https://git.example.test"
GITEA = Gitea(PlatformSettings("git", "gitea", URL, webhook_secrets=SECRETS))
FORGEJO = Forgejo(PlatformSettings("git", "forgejo", URL, webhook_secrets=SECRETS))
_FOLDER = specs_folder() / "recorded" / "gitea" / "webhooks"
RECORDED = {
    "branch_create": "create",
    "issue_comment_created": "issue_comment",
    "issue_comment_edited": "issue_comment",
    "issues_opened": "issues",
    "pull_request_comment_created": "pull_request_comment",
    "pull_request_comment_edited": "pull_request_comment",
    "pull_request_merged": "pull_request",
    "pull_request_reopened": "pull_request",
    "push": "push",
    "tag_delete": "delete",
}
needs_payloads = pytest.mark.skipif(not _FOLDER.is_dir(), reason=f"no recorded payloads in {_FOLDER}")


def parse(kind: str, payload: dict[str, Any], name: str = "X-Gitea-Event-Type") -> WebhookEvent | Ignored:
    headers = {name: kind, "x-gitea-delivery": "d-1"}
    return GITEA.parse_webhook(headers, json.dumps(payload).encode())


def recorded(name: str) -> dict[str, Any]:
    return json.loads((_FOLDER / f"{name}.json").read_bytes())


def event(kind: str, payload: dict[str, Any]) -> WebhookEvent:
    repository = {"name": "hello", "owner": {"login": "octo"}}
    found = parse(kind, {"repository": repository, "sender": {"login": "mona"}, **payload})
    assert isinstance(found, WebhookEvent)
    assert (found.delivery_id, found.owner, found.name, found.actor) == ("d-1", "octo", "hello", "mona")
    return found


@needs_payloads
def test_every_recorded_payload_is_read() -> None:
    assert {path.stem for path in _FOLDER.iterdir()} == set(RECORDED)
    read = {
        name: parse(kind, json.loads((_FOLDER / f"{name}.json").read_bytes()))
        for name, kind in RECORDED.items()
    }
    ignored = {name for name, found in read.items() if isinstance(found, Ignored)}
    assert ignored == {"branch_create", "tag_delete"}
    told = {name: (e.kind, e.action, e.number) for name, e in read.items() if isinstance(e, WebhookEvent)}
    assert told == {
        "issue_comment_created": (EventKind.ISSUE_COMMENT, "created", "1"),
        "issue_comment_edited": (EventKind.ISSUE_COMMENT, "edited", "1"),
        "issues_opened": (EventKind.ISSUE, "opened", "1"),
        "pull_request_comment_created": (EventKind.PULL_REQUEST_COMMENT, "created", "2"),
        "pull_request_comment_edited": (EventKind.PULL_REQUEST_COMMENT, "edited", "2"),
        "pull_request_merged": (EventKind.PULL_REQUEST, "merged", "1"),
        "pull_request_reopened": (EventKind.PULL_REQUEST, "reopened", "1"),
        "push": (EventKind.PUSH, "updated", None),
    }
    for found in read.values():
        assert isinstance(found, Ignored) or (found.owner and found.name and found.actor)


PULL = {"number": 7, "head": {"label": "fix", "ref": "fix", "sha": "abc"}}
REVIEW = {"type": "pull_request_review_approved", "content": "fine"}


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        ("issue_label", {"action": "label_updated"}, (EventKind.ISSUE, "labeled", "")),
        ("issue_label", {"action": "label_cleared"}, (EventKind.ISSUE, "unlabeled", "")),
        (
            "issue_label",
            {"action": "label_updated", "changes": {"removed_labels": [{"name": "bug"}]}},
            (EventKind.ISSUE, "unlabeled", "bug"),
        ),
        (
            "issue_assign",
            {"action": "assigned", "assignee": {"login": "zed"}},
            (EventKind.ISSUE, "assigned", "zed"),
        ),
        ("issues", {"action": "closed"}, (EventKind.ISSUE, "closed", "")),
        ("pull_request_sync", {"action": "synchronized"}, (EventKind.PULL_REQUEST, "updated", "")),
        ("pull_request", {"action": "closed"}, (EventKind.PULL_REQUEST, "closed", "")),
        (
            "pull_request_review_request",
            {"action": "review_requested", "requested_reviewer": {"login": "zed"}},
            (EventKind.PULL_REQUEST, "review_requested", "zed"),
        ),
        ("pull_request_label", {"action": "label_updated"}, (EventKind.PULL_REQUEST, "labeled", "")),
    ],
)
def test_what_happened_is_said_in_our_words(
    kind: str, payload: dict[str, Any], expected: tuple[EventKind, str, str]
) -> None:
    found = event(kind, {"issue": {"number": 7}, "pull_request": PULL, **payload})
    assert (found.kind, found.action, found.label) == expected
    assert found.number == "7"


@pytest.mark.parametrize(
    "kind",
    [
        *("pull_request_review_approved", "pull_request_review_rejected", "pull_request_review_comment"),
        *("pull_request_approved", "pull_request_rejected", "pull_request_comment"),
    ],
)
def test_a_review_is_one_by_each_of_its_names(kind: str) -> None:
    found = event(kind, {"action": "reviewed", "pull_request": PULL, "review": REVIEW})
    assert (found.kind, found.action, found.text) == (EventKind.REVIEW, "submitted", "fine")
    assert (found.number, found.branch, found.sha) == ("7", "fix", "abc")


def test_checks_are_told_by_both_services() -> None:
    status = event("status", {"sha": "abc", "state": "success", "context": "ci"})
    assert (status.kind, status.action, status.sha) == (EventKind.CHECKS, "completed", "abc")
    assert event("status", {"sha": "abc", "state": "pending"}).action == "updated"
    run = {"head_sha": "abc", "head_branch": "fix"}
    for kind in ("workflow_run", "workflow_job"):
        found = event(kind, {"action": "completed", kind: run})
        assert (found.kind, found.sha, found.branch) == (EventKind.CHECKS, "abc", "fix")


def test_forgejo_has_the_repository_inside_of_the_run() -> None:
    repository = {"name": "hello", "owner": {"username": "octo"}}
    run = {"commit_sha": "abc", "prettyref": "fix", "repository": repository, "trigger_user": {"login": "m"}}
    headers = {"X-Forgejo-Event": "action_run_failure", "X-Forgejo-Delivery": "d-2"}
    found = FORGEJO.parse_webhook(headers, json.dumps({"action": "failure", "run": run}).encode())
    assert found == WebhookEvent(
        "d-2", EventKind.CHECKS, "completed", "octo", "hello", "m", branch="fix", sha="abc"
    )


def test_branches_come_and_go_by_pushes() -> None:
    there, nowhere = "1" * 40, "0" * 40
    push = {"ref": "refs/heads/a/b", "before": nowhere, "after": there}
    found = event("push", push)
    assert (found.action, found.branch, found.sha) == ("created", "a/b", there)
    assert event("push", {**push, "before": there, "after": nowhere}).action == "deleted"
    tag = {"ref": "refs/tags/v1", "repository": {"name": "hello", "owner": {"login": "octo"}}}
    assert isinstance(parse("push", tag), Ignored)


def test_what_means_nothing_to_us_is_ignored_with_a_reason() -> None:
    repository = {"name": "hello", "owner": {"login": "octo"}}
    for kind in ("fork", "wiki", "release", "package", "repository", "schedule"):
        found = parse(kind, {"repository": repository})
        assert isinstance(found, Ignored)
        assert kind in found.reason
    assert isinstance(parse("push", {}), Ignored)


def test_the_more_telling_name_wins_and_the_older_headers_do() -> None:
    payload = {
        "action": "reviewed",
        "pull_request": PULL,
        "review": REVIEW,
        "repository": {"name": "hello", "owner": {"login": "octo"}},
    }
    body = json.dumps(payload).encode()
    both = {"X-Gitea-Event": "pull_request_approved", "X-Gitea-Event-Type": "pull_request_review_approved"}
    for headers in (both, {"X-Gogs-Event": "pull_request_approved"}):
        found = GITEA.parse_webhook(headers, body)
        assert isinstance(found, WebhookEvent)
        assert found.kind is EventKind.REVIEW


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b"\xff", b"[" * 100_000])
def test_what_is_no_delivery_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        GITEA.parse_webhook({"X-Gitea-Event": "push"}, body)
    with pytest.raises(WebhookRefused):
        GITEA.parse_webhook({}, b"{}")


# --- signatures -------------------------------------------------------------------------------------------


def sign(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    ("header", "prefix"),
    [
        ("X-Gitea-Signature", ""),
        ("x-forgejo-signature", ""),
        ("X-GOGS-SIGNATURE", ""),
        ("X-Hub-Signature-256", "sha256="),
    ],
)
def test_a_signature_is_taken_by_each_secret_and_header(secret: str, header: str, prefix: str) -> None:
    body = b'{"ref": "refs/heads/main"}'
    for platform in (GITEA, FORGEJO):
        platform.verify_webhook({header: prefix + sign(secret, body)}, body)


def test_of_a_form_the_json_is_signed() -> None:
    payload = json.dumps({"repository": {"name": "hello", "owner": {"login": "octo"}}, "ref": "refs/heads/ä"})
    body = urlencode({"payload": payload}).encode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Gitea-Event": "push",
        "X-Gitea-Signature": sign(SECRETS[0], payload.encode()),
    }
    GITEA.verify_webhook(headers, body)
    found = GITEA.parse_webhook(headers, body)
    assert isinstance(found, WebhookEvent)
    assert found.branch == "ä"
    with pytest.raises(WebhookRefused):
        GITEA.verify_webhook({**headers, "X-Gitea-Signature": sign(SECRETS[0], body)}, body)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Gitea-Signature": ""},
        {"X-Gitea-Signature": sign("a-canary-of-a-stranger", b"{}")},
        {"X-Gitea-Signature": sign(SECRETS[0], b"{ }")},
        {"X-Gitea-Signature": "ä"},
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRETS[0].encode(), b"{}", hashlib.sha1).hexdigest()},
    ],
)
def test_a_delivery_of_a_stranger_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused) as caught:
        GITEA.verify_webhook(headers, b"{}")
    assert caught.value.status == 401
    assert not any(secret in str(caught.value) for secret in SECRETS)


def test_without_a_secret_nothing_is_taken() -> None:
    open_door = Gitea(PlatformSettings("git", "gitea", URL))
    with pytest.raises(WebhookRefused) as caught:
        open_door.verify_webhook({"X-Gitea-Signature": sign("", b"{}")}, b"{}")
    assert caught.value.hint

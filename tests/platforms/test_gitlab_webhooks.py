"""GitLab's webhooks: tokens and signatures, and every recorded payload."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.gitlab import webhooks
from tamma.platforms.gitlab.platform import GitLab
from tamma.platforms.interface import PlatformSettings
from tests.support.forge.description import specs_folder

SECRETS = ("new-canary", "old-canary")
LAB = GitLab(PlatformSettings("gitlab", "gitlab", webhook_secrets=SECRETS))
RECORDED = specs_folder() / "recorded" / "gitlab" / "webhooks"
BODY = b'{"object_kind": "push"}'
HEADERS = {"X-Gitlab-Event": "Some Hook", "X-Gitlab-Event-UUID": "d-1"}
needs_payloads = pytest.mark.skipif(
    not RECORDED.is_dir(), reason=f"the recorded payloads are not at {RECORDED}"
)
PROJECT = {"path_with_namespace": "group/sub/app", "web_url": "https://gitlab.example.com/group/sub/app"}


def parse(payload: object, **headers: str) -> WebhookEvent | Ignored:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return LAB.parse_webhook({**HEADERS, **named}, json.dumps(payload).encode())


def event(payload: dict[str, Any]) -> WebhookEvent:
    found = parse({"project": PROJECT, "user": {"username": "mona"}, **payload})
    assert isinstance(found, WebhookEvent), found
    return found


# --- whose it is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("name", ["X-Gitlab-Token", "x-gitlab-token", "X-GITLAB-TOKEN"])
def test_a_token_of_ours_is_believed(name: str, secret: str) -> None:
    LAB.verify_webhook({name: secret}, BODY)


def signed(
    secret: str, body: bytes = BODY, *, when: float | None = None, key: bytes | None = None
) -> dict[str, str]:
    """As the Standard Webhooks specification has it."""
    stamp = str(int(time.time() if when is None else when))
    digest = hmac.new(key or secret.encode(), b"msg-1." + stamp.encode() + b"." + body, hashlib.sha256)
    mine = "v1," + base64.b64encode(digest.digest()).decode()
    return {"webhook-id": "msg-1", "Webhook-Timestamp": stamp, "webhook-signature": f"v1,b3RoZXI= {mine}"}


@pytest.mark.parametrize("secret", SECRETS)
def test_a_signature_of_ours_is_believed(secret: str) -> None:
    LAB.verify_webhook(signed(secret), BODY)
    LAB.verify_webhook({**signed(secret), "X-Gitlab-Token": "not-ours"}, BODY)


def test_a_signing_token_as_gitlab_shows_it() -> None:
    key = b"canary-canary-canary-canary-32b!"
    secret = f"whsec_{base64.b64encode(key).decode()}"
    webhooks.verify(signed(secret, key=key), BODY, (secret,), "lab", time.time())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Gitlab-Token": ""},
        {"X-Gitlab-Token": "wrong"},
        {"X-Gitlab-Token": "ünïcode"},
        {"X-Gitlab-Token": "\udcff", "webhook-id": "\udcff", "webhook-signature": "v1,\udcff"},
        {**signed("another-canary")},
        {**signed("new-canary", b"another body")},
        {**signed("new-canary"), "webhook-id": "msg-2"},
        {**signed("new-canary"), "webhook-signature": "v1,"},
        {**signed("new-canary"), "webhook-signature": ""},
        {**signed("new-canary", when=time.time() - 3600)},
        {**signed("new-canary"), "Webhook-Timestamp": "soon"},
    ],
)
def test_anything_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused) as caught:
        LAB.verify_webhook(headers, BODY)
    assert caught.value.hint
    assert "canary" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("headers", [{}, {"X-Gitlab-Token": ""}, {"X-Gitlab-Token": "x"}])
def test_without_a_secret_nothing_is_believed(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused, match="no webhook secret"):
        GitLab(PlatformSettings("gitlab", "gitlab")).verify_webhook(headers, BODY)
    with pytest.raises(WebhookRefused, match="no webhook secret"):
        webhooks.verify(headers, BODY, ("",), "lab", time.time())


# --- what it says ---------------------------------------------------------------------------------------


def read(name: str) -> WebhookEvent | Ignored:
    return LAB.parse_webhook(HEADERS, (RECORDED / name).read_bytes())


@needs_payloads
@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json")), ids=lambda path: path.stem)
def test_every_recorded_payload_is_read(path: Path) -> None:
    found = read(path.name)
    assert found.delivery_id == "d-1"
    if isinstance(found, Ignored):
        assert path.stem == "tag_delete"
        assert "tag_push" in found.reason
    else:
        assert found.owner
        assert found.name
        assert found.actor


@needs_payloads
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("branch_create", (EventKind.PUSH, "created", None, "feature")),
        ("branch_delete_subgroup", (EventKind.PUSH, "deleted", None, "feature")),
        ("push_merge", (EventKind.PUSH, "updated", None, "master")),
        ("issue_edited", (EventKind.ISSUE, "edited", "1", "")),
        ("issue_reopen", (EventKind.ISSUE, "reopened", "1", "")),
        ("issue_comment_create", (EventKind.ISSUE_COMMENT, "created", "1", "")),
        ("pull_request_close", (EventKind.PULL_REQUEST, "closed", "1", "feature")),
        ("pull_request_merge", (EventKind.PULL_REQUEST, "merged", "1", "feature")),
        ("review_comment_create", (EventKind.PULL_REQUEST_COMMENT, "created", "1", "feature")),
        ("pipeline_hook", (EventKind.CHECKS, "completed", "15", "master")),
    ],
)
def test_what_recorded_payloads_say(name: str, expected: tuple[object, ...]) -> None:
    found = read(f"{name}.json")
    assert isinstance(found, WebhookEvent)
    assert (found.kind, found.action, found.number, found.branch) == expected


@needs_payloads
def test_a_project_of_nested_groups_keeps_them() -> None:
    found = read("merge_request_comment_subgroup.json")
    assert isinstance(found, WebhookEvent)
    assert (found.owner, found.name) == ("group1/group2/group3", "grp2repo")
    assert found.text
    assert found.comment_id


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"labels": {"previous": [], "current": [{"title": "bug"}]}}, ("labeled", "bug")),
        ({"labels": {"previous": [{"title": "bug"}], "current": []}}, ("unlabeled", "bug")),
        ({"assignees": {"previous": [], "current": [{"username": "m"}]}}, ("assigned", "m")),
        ({"assignees": {"previous": [{"username": "m"}], "current": []}}, ("unassigned", "m")),
        ({"title": {"previous": "a", "current": "b"}}, ("edited", "")),
        ({"labels": "nonsense"}, ("edited", "")),
        ({}, ("edited", "")),
    ],
)
def test_what_changed_of_an_issue(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    found = event(
        {"object_kind": "issue", "object_attributes": {"iid": 3, "action": "update"}, "changes": changes}
    )
    assert (found.action, found.label, found.number) == (*expected, "3")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"action": "open"}, (EventKind.PULL_REQUEST, "opened")),
        ({"action": "update", "oldrev": "0" * 40}, (EventKind.PULL_REQUEST, "updated")),
        ({"action": "update"}, (EventKind.PULL_REQUEST, "edited")),
        ({"action": "approved"}, (EventKind.REVIEW, "submitted")),
        ({"action": "approval"}, (EventKind.REVIEW, "submitted")),
        ({"action": "unapproval"}, (EventKind.REVIEW, "unapproval")),
    ],
)
def test_what_happened_to_a_merge_request(
    attributes: dict[str, Any], expected: tuple[EventKind, str]
) -> None:
    about = {"iid": 4, "source_branch": "fix", "last_commit": {"id": "a" * 40}, **attributes}
    found = event({"object_kind": "merge_request", "object_attributes": about})
    assert (found.kind, found.action) == expected
    assert (found.number, found.branch, found.sha, found.actor) == ("4", "fix", "a" * 40, "mona")


@pytest.mark.parametrize(("status", "action"), [("success", "completed"), ("running", "running")])
def test_a_job_names_its_project_by_its_page(status: str, action: str) -> None:
    payload = {
        "object_kind": "build",
        "ref": "fix",
        "sha": "a" * 40,
        "build_status": status,
        "user": {"name": "Mona", "username": "mona"},
        "repository": {"homepage": "https://gitlab.example.com/group/sub/app"},
    }
    found = parse(payload)
    assert isinstance(found, WebhookEvent)
    assert (found.kind, found.action, found.branch) == (EventKind.CHECKS, action, "fix")
    assert (found.owner, found.name, found.actor) == ("group/sub", "app", "mona")


def test_a_long_comment_is_cut() -> None:
    about = {"id": 9, "note": "x" * 100_000, "noteable_type": "Issue", "action": "update"}
    found = event({"object_kind": "note", "object_attributes": about, "issue": {"iid": 5}})
    assert (len(found.text), found.action, found.comment_id) == (65_536, "edited", "9")


@pytest.mark.parametrize(
    "payload",
    [
        {"object_kind": "tag_push", "ref": "refs/tags/v1"},
        {"object_kind": "push", "ref": "refs/tags/v1"},
        {"object_kind": "note", "object_attributes": {"noteable_type": "Snippet"}},
        {"object_kind": "note", "object_attributes": {"noteable_type": "Issue"}},
        {"object_kind": "note", "object_attributes": {"system": True, "noteable_type": "Issue"}},
        {"object_kind": "wiki_page"},
        {"object_kind": "deployment"},
        {"object_kind": "release"},
        {"object_kind": "emoji"},
        {"object_kind": "something_new"},
        {"event_name": "project_create"},
        {"object_kind": "issue", "project": None, "object_attributes": {"iid": 1, "action": "open"}},
    ],
)
def test_the_rest_is_ignored_with_a_reason(payload: dict[str, Any]) -> None:
    found = parse({"project": PROJECT, **payload})
    assert isinstance(found, Ignored)
    assert found.reason


@pytest.mark.parametrize("body", [b"", b"x=1", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_none_of_gitlab_s_form_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        LAB.parse_webhook(HEADERS, body)


def test_a_repeated_delivery_has_the_same_id() -> None:
    once = parse({"object_kind": "emoji"}, Idempotency_Key="i-1")
    again = parse({"object_kind": "emoji"}, idempotency_key="i-1", X_Gitlab_Event_UUID="another")
    assert once.delivery_id == again.delivery_id == "i-1"
    bare = LAB.parse_webhook({}, b'{"object_kind": "emoji"}')
    assert bare.delivery_id == LAB.parse_webhook({}, b'{"object_kind": "emoji"}').delivery_id != ""

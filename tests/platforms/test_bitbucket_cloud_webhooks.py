"""Bitbucket Cloud's webhooks: signatures, and every recorded payload."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.bitbucket_cloud.platform import BitbucketCloud
from tamma.platforms.interface import PlatformSettings
from tests.support.forge.description import specs_folder

SECRETS = ("new-canary", "old-canary")
CLOUD = BitbucketCloud(PlatformSettings("bitbucket.org", "bitbucket", webhook_secrets=SECRETS))
RECORDED = specs_folder() / "recorded" / "bitbucket" / "webhooks"
BODY = b'{"push": {"changes": []}}'
needs_payloads = pytest.mark.skipif(not RECORDED.is_dir(), reason=f"the payloads are not at {RECORDED}")
_REPOSITORY = {"full_name": "octo/hello", "name": "Hello"}
_ACTOR = {"display_name": "Mona", "nickname": "mona", "uuid": "{1}"}
_PULL = {"id": 7, "source": {"branch": {"name": "fix"}, "commit": {"hash": "abcdef123456"}}}
_COMMENT = {"id": 9, "content": {"raw": "So.\n\n_tamma:op=x_"}}


def _signed(secret: str, body: bytes = BODY) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _parse(key: str, payload: object, **headers: str) -> WebhookEvent | Ignored:
    named = {"X-Event-Key": key, "X-Request-UUID": "d-1", **headers}
    return CLOUD.parse_webhook(named, json.dumps(payload).encode())


def _event(key: str, **payload: Any) -> WebhookEvent:
    found = _parse(key, {"repository": _REPOSITORY, "actor": _ACTOR, **payload})
    assert isinstance(found, WebhookEvent), found
    return found


# --- whose it is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("name", ["X-Hub-Signature", "x-hub-signature", "X-HUB-SIGNATURE"])
def test_a_signature_of_ours_is_believed(name: str, secret: str) -> None:
    CLOUD.verify_webhook({name: _signed(secret)}, BODY)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "sha256=",
        _signed("another-canary"),
        _signed("new-canary").removeprefix("sha256="),
        _signed("new-canary").replace("sha256", "sha1"),
        _signed("new-canary", BODY + b" "),
        "sha256=ümlaut",
    ],
)
def test_another_signature_is_refused(given: str) -> None:
    with pytest.raises(WebhookRefused) as caught:
        CLOUD.verify_webhook({"X-Hub-Signature": given}, BODY)
    assert "canary" not in f"{caught.value} {caught.value.hint}"
    with pytest.raises(WebhookRefused):
        CLOUD.verify_webhook({}, BODY)


def test_without_a_secret_nothing_is_believed() -> None:
    unset = BitbucketCloud(PlatformSettings("bitbucket.org", "bitbucket"))
    with pytest.raises(WebhookRefused, match="no webhook secret"):
        unset.verify_webhook({"X-Hub-Signature": _signed("")}, BODY)


# --- what it says ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "kind", "action"),
    [
        ("created", EventKind.PULL_REQUEST, "opened"),
        ("updated", EventKind.PULL_REQUEST, "updated"),
        ("fulfilled", EventKind.PULL_REQUEST, "merged"),
        ("rejected", EventKind.PULL_REQUEST, "closed"),
        ("approved", EventKind.REVIEW, "submitted"),
        ("unapproved", EventKind.REVIEW, "deleted"),
        ("changes_request_created", EventKind.REVIEW, "submitted"),
        ("changes_request_removed", EventKind.REVIEW, "deleted"),
        ("comment_created", EventKind.PULL_REQUEST_COMMENT, "created"),
        ("comment_updated", EventKind.PULL_REQUEST_COMMENT, "edited"),
        ("comment_deleted", EventKind.PULL_REQUEST_COMMENT, "deleted"),
        ("comment_resolved", EventKind.PULL_REQUEST_COMMENT, "resolved"),
        ("comment_reopened", EventKind.PULL_REQUEST_COMMENT, "reopened"),
    ],
)
def test_events_of_pull_requests(key: str, kind: EventKind, action: str) -> None:
    found = _event(f"pullrequest:{key}", pullrequest=_PULL, comment=_COMMENT)
    assert (found.kind, found.action) == (kind, action)
    assert (found.owner, found.name, found.actor, found.delivery_id) == ("octo", "hello", "mona", "d-1")
    assert (found.number, found.branch, found.sha) == ("7", "fix", "abcdef123456")
    if kind is EventKind.PULL_REQUEST_COMMENT:
        assert (found.text, found.comment_id) == ("So.", "9")


def _change(new: str | None, old: str | None, kind: str = "branch") -> dict[str, object]:
    def side(sha: str | None) -> dict[str, object] | None:
        return None if sha is None else {"type": kind, "name": "fix", "target": {"hash": sha}}

    return {"new": side(new), "old": side(old)}


@pytest.mark.parametrize(
    ("new", "old", "action", "sha"),
    [("b", "a", "updated", "b"), ("b", None, "created", "b"), (None, "a", "deleted", "")],
)
def test_pushes(new: str | None, old: str | None, action: str, sha: str) -> None:
    found = _event("repo:push", push={"changes": [_change("t", None, "tag"), _change(new, old)]})
    assert (found.kind, found.action, found.branch, found.sha) == (EventKind.PUSH, action, "fix", sha)


def test_a_push_of_several_branches_names_none() -> None:
    found = _event("repo:push", push={"changes": [_change("b", "a"), _change(None, "a")]})
    assert (found.action, found.branch, found.sha) == ("updated", "", "")


@pytest.mark.parametrize(("state", "action"), [("INPROGRESS", "updated"), ("FAILED", "completed")])
@pytest.mark.parametrize("key", ["repo:commit_status_created", "repo:commit_status_updated"])
def test_statuses(key: str, state: str, action: str) -> None:
    where = {"links": {"commit": {"href": "https://api.bitbucket.org/2.0/repositories/o/h/commit/abc"}}}
    found = _event(key, commit_status={"state": state, "refname": "fix", **where})
    assert (found.kind, found.action, found.branch, found.sha) == (EventKind.CHECKS, action, "fix", "abc")


@pytest.mark.parametrize(
    ("key", "payload"),
    [
        ("repo:push", {"repository": _REPOSITORY, "push": {"changes": [_change(None, "t", "tag")]}}),
        ("repo:push", {"repository": _REPOSITORY, "push": {"changes": None}}),
        ("repo:push", {"repository": _REPOSITORY}),
        ("repo:fork", {"repository": _REPOSITORY}),
        ("issue:created", {"repository": _REPOSITORY}),
        ("project:updated", {}),
        ("pullrequest:created", {"repository": {"full_name": 7}}),
    ],
)
def test_what_means_nothing_says_why(key: str, payload: object) -> None:
    found = _parse(key, payload)
    assert isinstance(found, Ignored)
    assert (found.delivery_id, bool(found.reason)) == ("d-1", True)


STRANGE: tuple[object, ...] = (None, ["x"], "x", 7, {"changes": [None, 7, "x"]})


@pytest.mark.parametrize("key", ["repo:push", "pullrequest:comment_created", "repo:commit_status_created"])
@pytest.mark.parametrize("value", STRANGE)
def test_no_shape_of_a_payload_is_a_failure(key: str, value: object) -> None:
    names = ("push", "pullrequest", "comment", "commit_status", "actor")
    _parse(key, {"repository": _REPOSITORY, **dict.fromkeys(names, value)})


def test_a_delivery_without_its_key_is_none_of_bitbuckets() -> None:
    with pytest.raises(WebhookRefused, match="X-Event-Key"):
        CLOUD.parse_webhook({"X-Request-UUID": "d-1"}, BODY)


@needs_payloads
@pytest.mark.parametrize(
    ("name", "key", "expected"),
    [
        ("pipeline_hook_created", "repo:commit_status_created", (EventKind.CHECKS, "updated", None, "main")),
        ("pr_comment_created", "pullrequest:comment_created", None),
        ("pr_created", "pullrequest:created", (EventKind.PULL_REQUEST, "opened", "1", "develop")),
        ("pr_fulfilled", "pullrequest:fulfilled", (EventKind.PULL_REQUEST, "merged", "1", "develop")),
        ("push", "repo:push", (EventKind.PUSH, "updated", None, "master")),
        ("push_branch_delete", "repo:push", (EventKind.PUSH, "deleted", None, "develop")),
        ("push_tag_delete", "repo:push", None),
    ],
)
def test_recorded_deliveries(name: str, key: str, expected: object) -> None:
    found = CLOUD.parse_webhook(
        {"x-event-key": key, "x-request-uuid": "d-1"}, (RECORDED / f"{name}.json").read_bytes()
    )
    if name == "push_tag_delete":
        assert isinstance(found, Ignored)
        return
    assert isinstance(found, WebhookEvent)
    assert found.owner
    assert found.name
    assert found.actor
    if name == "pr_comment_created":
        assert (found.kind, found.text) == (EventKind.PULL_REQUEST_COMMENT, "test comment")
        assert (found.number, found.comment_id) == ("1", "311512047")
    else:
        assert (found.kind, found.action, found.number, found.branch) == expected


@needs_payloads
def test_every_recorded_delivery_is_asked_for() -> None:
    assert {path.stem for path in RECORDED.glob("*.json")} == {
        "pipeline_hook_created", "pr_comment_created", "pr_created", "pr_fulfilled", "push",
        "push_branch_delete", "push_tag_delete",
    }  # fmt: skip

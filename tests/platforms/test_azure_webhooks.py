"""Azure DevOps' service hooks: recorded deliveries, and such as its documentation shows."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.azure.webhooks import parse, verify
from tests.support.forge.description import specs_folder

RECORDED = sorted((specs_folder() / "recorded" / "azure" / "webhooks").glob("*.json"))


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def event(kind: str, resource: Any, text: str = "", **more: Any) -> WebhookEvent | Ignored:
    body = {"id": "d-1", "eventType": kind, "resource": resource, "message": {"text": text}, **more}
    return parse(json.dumps(body).encode(), "azure")


def happened(kind: str, resource: Any, text: str = "", **more: Any) -> WebhookEvent:
    found = event(kind, resource, text, **more)
    assert isinstance(found, WebhookEvent)
    assert found.delivery_id == "d-1"
    return found


# --- authentication -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", ["tamma:canary-new", "anybody:canary-new", ":canary-old", "u:s:canary"])
def test_any_of_the_secrets_is_taken_as_a_password(pair: str) -> None:
    secrets = ("canary-old", "canary-new", "s:canary")
    verify(basic(pair), secrets, "azure")
    verify({name.upper(): value for name, value in basic(pair).items()}, secrets, "azure")


def test_a_secret_may_name_the_user_too() -> None:
    verify(basic("tamma:canary"), ("tamma:canary",), "azure")
    with pytest.raises(WebhookRefused):
        verify(basic("other:canary"), ("tamma:canary",), "azure")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer canary"},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic /w=="},
        {"authorization": "Basic"},
        basic("tamma:wrong-canary"),
        basic("canary"),
        basic("tamma:"),
    ],
)
def test_all_else_is_refused_and_not_shown(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused) as caught:
        verify(headers, ("the-canary",), "azure")
    assert caught.value.hint
    assert "canary" not in f"{caught.value.message}{caught.value.hint}"


# --- recorded deliveries ------------------------------------------------------------------------------------


@pytest.mark.skipif(not RECORDED, reason="the recorded payloads are not there: set TAMMA_TEST_SPECS")
def test_recorded_deliveries_are_understood() -> None:
    found = {path.stem: parse(path.read_bytes(), "azure") for path in RECORDED}
    push, merged, comment = found["push"], found["pr_merged"], found["issue_comment"]
    assert isinstance(push, WebhookEvent)
    assert (push.kind, push.action, push.branch) == (EventKind.PUSH, "updated", "master")
    assert (push.owner, push.name) == ("fabrikam-fiber-inc/Fabrikam-Fiber-Git", "Fabrikam-Fiber-Git")
    assert push.sha == "33b55f7cb7e7e245323987634f960cf4a6e6bc74"
    assert push.delivery_id == "03c164c2-8912-4d5e-8009-3707d5f83734"
    assert isinstance(merged, WebhookEvent)
    assert (merged.kind, merged.action, merged.number) == (EventKind.PULL_REQUEST, "merged", "1")
    assert (merged.branch, merged.owner, merged.name) == ("mytopic", "fabrikam/Fabrikam", "Fabrikam")
    assert merged.actor == "fabrikamfiber4@hotmail.com"
    assert isinstance(comment, WebhookEvent)
    assert (comment.kind, comment.action) == (EventKind.PULL_REQUEST_COMMENT, "edited")
    assert (comment.text, comment.comment_id, comment.number) == ("This is my comment.", "5/2", "1")
    assert comment.owner == "fabrikam/Fabrikam"


# --- code ---------------------------------------------------------------------------------------------------

REPOSITORY = {
    "name": "shop",
    "project": {"name": "Web"},
    "remoteUrl": "https://dev.azure.com/acme/Web/_git/shop",
}
WHO = {"displayName": "Mona", "uniqueName": "mona@example.test"}
PULL: dict[str, Any] = {
    "repository": REPOSITORY,
    "pullRequestId": 7,
    "status": "active",
    "createdBy": WHO,
    "sourceRefName": "refs/heads/fix",
    "lastMergeSourceCommit": {"commitId": "a" * 40},
    "mergeStatus": "succeeded",
}


@pytest.mark.parametrize(
    ("kind", "fields", "text", "expected"),
    [
        ("created", {}, "Mona created pull request 7", "opened"),
        ("updated", {}, "Mona updated the source branch of pull request 7", "updated"),
        ("updated", {"status": "abandoned"}, "Mona abandoned pull request 7", "closed"),
        ("updated", {"status": "completed"}, "Mona completed pull request 7", "merged"),
        ("updated", {}, "Mona reactivated pull request 7", "reopened"),
        ("updated", {}, "Mona has changed the reviewer list", "edited"),
        ("updated", {}, "Mona approved pull request 7", "submitted"),
        ("updated", {}, "Mona is waiting for the author of 7", "submitted"),
        ("merged", {"mergeStatus": "conflicts"}, "", "conflicts"),
    ],
)
def test_pull_requests(kind: str, fields: dict[str, Any], text: str, expected: str) -> None:
    found = happened(f"git.pullrequest.{kind}", {**PULL, **fields}, text)
    voted = expected == "submitted"
    assert found.kind is (EventKind.REVIEW if voted else EventKind.PULL_REQUEST)
    assert found.action == expected
    assert (found.owner, found.name, found.number, found.branch) == ("acme/Web", "shop", "7", "fix")
    assert (found.sha, found.actor) == ("a" * 40, "mona@example.test")


@pytest.mark.parametrize(
    ("old", "new", "action"),
    [("0" * 40, "b" * 40, "created"), ("a" * 40, "0" * 40, "deleted"), ("a" * 40, "b" * 40, "updated")],
)
def test_pushes(old: str, new: str, action: str) -> None:
    updates = [
        {"name": "refs/tags/v1", "oldObjectId": old, "newObjectId": new},
        {"name": "refs/heads/a/b", "oldObjectId": old, "newObjectId": new},
    ]
    found = happened("git.push", {"repository": REPOSITORY, "refUpdates": updates, "pushedBy": WHO})
    assert (found.action, found.branch, found.sha) == (action, "a/b", new)
    assert isinstance(event("git.push", {"repository": REPOSITORY, "refUpdates": updates[:1]}), Ignored)
    assert isinstance(event("git.push", {"refUpdates": updates}), Ignored)


def test_comments_of_the_service_itself_are_ignored() -> None:
    comment = {"id": 1, "commentType": "system", "content": "Mona voted 10"}
    resource = {"comment": comment, "pullRequest": PULL}
    assert isinstance(event("ms.vss-code.git-pullrequest-comment-event", resource), Ignored)
    comment |= {
        "commentType": "text",
        "isDeleted": True,
        "content": "hm\n\n<!-- tamma:op=x -->",
        "author": WHO,
    }
    found = happened("ms.vss-code.git-pullrequest-comment-event", resource)
    assert (found.action, found.text, found.comment_id) == ("deleted", "hm", "1")


# --- work items ---------------------------------------------------------------------------------------------

ITEM = "https://dev.azure.com/acme/Web/_apis/wit/workItems/12"


@pytest.mark.parametrize(
    ("change", "action", "label"),
    [
        ({"System.State": {"oldValue": "Active", "newValue": "Closed"}}, "closed", ""),
        ({"System.State": {"oldValue": "Done", "newValue": "To Do"}}, "reopened", ""),
        ({"System.State": {"oldValue": "New", "newValue": "Active"}}, "edited", ""),
        ({"System.Tags": {"oldValue": "ui", "newValue": "ui; tamma"}}, "labeled", "tamma"),
        ({"System.Tags": {"newValue": "tamma"}}, "labeled", "tamma"),
        ({"System.Tags": {"oldValue": "ui; tamma", "newValue": "ui"}}, "unlabeled", "tamma"),
        ({"System.Tags": {"newValue": "a; b"}}, "labeled", ""),
        ({"System.AssignedTo": {"newValue": "Mona <mona@example.test>"}}, "assigned", "mona@example.test"),
        ({"System.AssignedTo": {"oldValue": WHO, "newValue": ""}}, "unassigned", "mona@example.test"),
        ({"System.Title": {"oldValue": "a", "newValue": "b"}}, "edited", ""),
    ],
)
def test_changes_of_work_items(change: dict[str, Any], action: str, label: str) -> None:
    fields = {"System.TeamProject": "Web", "System.ChangedBy": "Mona <mona@example.test>"}
    resource = {"id": 3, "workItemId": 12, "fields": change, "revision": {"fields": fields}, "url": ITEM}
    found = happened("workitem.updated", resource)
    assert (found.kind, found.action, found.label) == (EventKind.ISSUE, action, label)
    assert (found.owner, found.name, found.number) == ("acme/Web", "", "12")
    assert found.actor == "mona@example.test"


def test_comments_on_work_items() -> None:
    words = "<div>please <b>look</b></div>"
    fields = {"System.TeamProject": "Web", "System.History": words, "System.ChangedBy": WHO}
    found = happened("workitem.commented", {"id": 12, "fields": fields, "url": ITEM})
    assert (found.kind, found.action, found.text) == (EventKind.ISSUE_COMMENT, "created", "please **look**")
    made = happened("workitem.created", {"id": 12, "fields": fields, "url": ITEM})
    assert (made.kind, made.action, made.text) == (EventKind.ISSUE, "opened", "")
    assert isinstance(event("workitem.created", {"id": 12, "fields": {}}), Ignored)


# --- builds, servers, and what is nobody's ------------------------------------------------------------------


def test_builds() -> None:
    build = {
        "id": 4,
        "status": "completed",
        "result": "failed",
        "sourceBranch": "refs/heads/fix",
        "sourceVersion": "b" * 40,
        "definition": {"name": "CI", "project": {"name": "Web"}},
        "repository": {"name": "shop"},
        "requestedFor": WHO,
        "url": "https://dev.azure.com/acme/guid/_apis/build/Builds/4",
    }
    found = happened("build.complete", build)
    assert (found.kind, found.action, found.sha) == (EventKind.CHECKS, "completed", "b" * 40)
    assert (found.owner, found.name, found.branch) == ("acme/Web", "shop", "fix")
    of_pull = {**build, "triggerInfo": {"pr.sourceSha": "c" * 40, "pr.sourceBranch": "refs/heads/mine"}}
    found = happened("build.complete", of_pull)
    assert (found.sha, found.branch) == ("c" * 40, "mine")


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("https://acme.visualstudio.com/DefaultCollection/Web/_git/shop", "acme/Web"),
        ("https://tfs.example/tfs/Collection/Web/_git/shop", "Collection/Web"),
        ("https://tfs.example/tfs/My%20Collection/_apis/git/repositories/guid", "My Collection/Web"),
        ("https://[", "Web"),
        ("", "Web"),
    ],
)
def test_the_organization_or_collection_is_told_by_addresses(address: str, owner: str) -> None:
    repository = {"name": "shop", "project": {"name": "Web"}, "remoteUrl": address}
    assert happened("git.pullrequest.created", {**PULL, "repository": repository}).owner == owner


def test_other_events_are_ignored_with_a_reason() -> None:
    found = event("tfvc.checkin", {})
    assert isinstance(found, Ignored)
    assert "tfvc.checkin" in found.reason


def test_a_delivery_without_an_id_is_told_by_its_notification() -> None:
    body: dict[str, Any] = {
        "eventType": "tfvc.checkin",
        "resource": {},
        "subscriptionId": "s",
        "notificationId": 3,
    }
    assert parse(json.dumps(body).encode(), "azure").delivery_id == "s:3"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_KINDS = ("git.push", "git.pullrequest.updated", "ms.vss-code.git-pullrequest-comment-event")
_MORE = ("workitem.updated", "workitem.commented", "build.complete")

_NAMES = st.sampled_from(("repository", "fields", "comment", "refUpdates", "triggerInfo"))


@given(st.sampled_from((*_KINDS, *_MORE)), _JSON, _NAMES)
@example("git.push", 5, "refUpdates")
def test_whatever_it_holds_a_delivery_never_fails(kind: str, value: Any, name: str) -> None:
    """It is an event, ignored, or refused."""
    for resource in (value, {name: value}, {**PULL, name: value}):
        try:
            event(kind, resource)
        except WebhookRefused:
            continue

"""Markdown as Jira's documents and wiki text, and back; and Jira's webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from tamma.errors import WebhookRefused
from tamma.model.repository import EventKind, Ignored, WebhookEvent
from tamma.platforms.interface import PlatformSettings
from tamma.platforms.jira.adf import from_adf, to_adf
from tamma.platforms.jira.platform import Jira
from tamma.platforms.jira.wiki import from_wiki, to_wiki

KEPT = (
    "one line",
    "two\nlines",
    "one\n\ntwo",
    "# Title\n\n## Section",
    "- a\n- b **bold** and `code`",
    "1. a\n2. b",
    "- a\n  goes on\n- b",
    "> quoted\n> twice",
    "```py\nx = '<b>'\n\n# no heading\n```",
    "```\nplain {code-like} [x|y]\n```",
    "before\n\n---\n\nafter",
    "see [the run](https://example.test/a?b=c&d=e#f) and **this**",
    "_tamma:op=op_1-x:2_",
    "text\n\n_tamma:op=review:a_",
    "snake_case, 2*3*4, a|b, {x}, {{x}}, ${y}, [z], !3, ~user, ^up, back\\slash, \\[escaped\\]",
    "@octo #1 %20 <!-- a comment --> <b>html</b> &amp;",
    "emoji 👩‍👩‍👧 and \u200b zero width",
    "unclosed `code and **bold and [link](",
)


@pytest.mark.parametrize("text", KEPT)
def test_what_we_write_comes_back_from_a_document(text: str) -> None:
    assert from_adf(json.loads(json.dumps(to_adf(text)))) == text
    assert to_adf(from_adf(to_adf(text))) == to_adf(text)


@pytest.mark.parametrize("text", [text for text in KEPT if text != "1. a\n2. b"])
def test_what_we_write_comes_back_from_wiki_text(text: str) -> None:
    expected = text.replace("\n  goes on", "\ngoes on")
    assert from_wiki(to_wiki(text)) == expected
    assert from_wiki(to_wiki(text).replace("\n", "\r\n")) == expected


def test_numbers_of_a_wiki_list_are_not_kept() -> None:
    assert to_wiki("1. a\n2. b") == "# a\n# b"
    assert from_wiki("# a\n# b") == "1. a\n1. b"


@pytest.mark.parametrize(
    "text", ["", "\n\n", "```\nnever closed", "-", "#", ">", "a\r\nb\rc", "****", "``", "_ _"]
)
def test_no_text_is_a_failure(text: str) -> None:
    from_adf(to_adf(text))
    from_wiki(to_wiki(text))


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(inner for child in node.get("content", []) for inner in _nodes(child))]


@pytest.mark.parametrize("text", [*KEPT, "a\n\n```\n```", "- \n- b", "**", "`` ``"])
def test_a_document_has_no_empty_texts(text: str) -> None:
    """Jira refuses them."""
    assert all(node["text"] for node in _nodes(to_adf(text)) if node["type"] == "text")


def text_node(text: str, *marks: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": text, **({"marks": list(marks)} if marks else {})}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([{"type": "mention", "attrs": {"id": "1", "text": "@Mona"}}, text_node(" look")], "@Mona look"),
        ([{"type": "emoji", "attrs": {"shortName": ":x:"}}], ":x:"),
        ([{"type": "inlineCard", "attrs": {"url": "https://x.test"}}], "https://x.test"),
        ([text_node("x", {"type": "link", "attrs": {"href": "https://x.test"}})], "[x](https://x.test)"),
        ([text_node("u", {"type": "underline"})], "u"),
        ([text_node("a"), {"type": "somethingNew", "content": [text_node("b")]}], "ab"),
        ([], ""),
    ],
)
def test_what_people_write_is_read_as_well_as_it_can_be(content: list[Any], expected: str) -> None:
    paragraph = {"type": "paragraph", "content": content}
    assert from_adf({"type": "doc", "version": 1, "content": [paragraph]}) == expected
    panel = {"type": "panel", "attrs": {"panelType": "info"}, "content": [paragraph]}
    assert from_adf({"type": "doc", "content": [panel]}) == expected


def test_tables_and_nested_lists_are_read() -> None:
    def cell(text: str) -> dict[str, Any]:
        return {"type": "tableCell", "content": [{"type": "paragraph", "content": [text_node(text)]}]}

    row = {"type": "tableRow", "content": [cell("a"), cell("b")]}
    assert from_adf({"content": [{"type": "table", "content": [row, row]}]}) == "a | b\na | b"
    inner = {"type": "listItem", "content": [{"type": "paragraph", "content": [text_node("in")]}]}
    outer = {
        "type": "listItem",
        "content": [
            {"type": "paragraph", "content": [text_node("out")]},
            {"type": "bulletList", "content": [inner]},
        ],
    }
    assert from_adf({"content": [{"type": "bulletList", "content": [outer]}]}) == "- out\n  - in"


ODD = ("null", "1", "[]", "{}", '{"content": 1}', '{"content": ["x", null]}', '{"content": [{}]}')


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_document_is_empty(odd: str) -> None:
    assert from_adf(json.loads(odd)) == ""


@pytest.mark.parametrize(
    ("wiki", "expected"),
    [
        ("h1. Title\nh3. Sub", "# Title\n### Sub"),
        ("{code:title=x.py|python}\na\n{code}", "```python\na\n```"),
        ("{noformat}a *b*{noformat}", "```\na *b*\n```"),
        ("[https://x.test]", "https://x.test"),
        ("*bold* and {{mono}}", "**bold** and `mono`"),
        ("* a\n- b", "- a\n- b"),
        ("bq. said", "> said"),
        (None, ""),
    ],
)
def test_what_people_write_in_wiki_text_is_read(wiki: str | None, expected: str) -> None:
    assert from_wiki(wiki) == expected


# --- webhooks ---------------------------------------------------------------------------------------------

SECRETS = ("new-canary", "old-canary")
JIRA = Jira(PlatformSettings("jira", "jira", "https://jira.example.test", webhook_secrets=SECRETS))
ISSUE = {
    "key": "SHOP-12",
    "fields": {"project": {"key": "SHOP"}, "status": {"statusCategory": {"key": "new"}}},
}
DONE = {"key": "SHOP-12", "fields": {"status": {"statusCategory": {"key": "done"}}}}


def parse(payload: dict[str, Any]) -> WebhookEvent | Ignored:
    headers = {"X-Atlassian-Webhook-Identifier": "d-1"}
    return JIRA.parse_webhook(headers, json.dumps(payload).encode())


def event(kind: str, payload: dict[str, Any]) -> WebhookEvent:
    found = parse({"webhookEvent": kind, "issue": ISSUE, "user": {"accountId": "mona"}, **payload})
    assert isinstance(found, WebhookEvent)
    assert (found.delivery_id, found.owner, found.name, found.number) == ("d-1", "", "SHOP", "SHOP-12")
    assert found.actor == "mona"
    return found


def changed(field: str, **values: str | None) -> dict[str, Any]:
    return {"changelog": {"items": [{"field": "rank"}, {"field": field, **values}]}}


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        ("jira:issue_created", {}, ("opened", "")),
        ("jira:issue_deleted", {}, ("deleted", "")),
        ("jira:issue_updated", {}, ("edited", "")),
        ("jira:issue_updated", changed("description"), ("edited", "")),
        ("jira:issue_updated", {"issue": DONE, **changed("status", toString="Done")}, ("closed", "Done")),
        ("jira:issue_updated", changed("status", toString="To Do"), ("moved", "To Do")),
        (
            "jira:issue_updated",
            {"changelog": {"items": [{"field": "resolution", "from": "1", "to": None}, {"field": "status"}]}},
            ("reopened", ""),
        ),
        ("jira:issue_updated", changed("labels", fromString="a", toString="a b"), ("labeled", "b")),
        ("jira:issue_updated", changed("labels", fromString="a b", toString="a"), ("unlabeled", "b")),
        ("jira:issue_updated", changed("assignee", **{"from": None, "to": "zed"}), ("assigned", "zed")),
        ("jira:issue_updated", changed("assignee", **{"from": "zed", "to": None}), ("unassigned", "zed")),
    ],
)
def test_what_happened_to_an_issue(kind: str, payload: dict[str, Any], expected: tuple[str, str]) -> None:
    found = event(kind, payload)
    assert found.kind is EventKind.ISSUE
    assert (found.action, found.label) == expected


@pytest.mark.parametrize(
    ("word", "action"), [("created", "created"), ("updated", "edited"), ("deleted", "deleted")]
)
@pytest.mark.parametrize("body", ["*Hm.*\n\n_tamma:op=op-1_", to_adf("**Hm.**\n\n_tamma:op=op-1_")])
def test_a_comment_is_told_without_our_mark(word: str, action: str, body: object) -> None:
    found = event(f"comment_{word}", {"comment": {"id": "62", "body": body}})
    assert (found.kind, found.action) == (EventKind.ISSUE_COMMENT, action)
    assert (found.text, found.comment_id) == ("**Hm.**", "62")


def test_who_commented_is_told_where_nobody_else_is() -> None:
    comment = {"id": "1", "author": {"name": "mona"}, "updateAuthor": {"name": "zed"}}
    found = parse({"webhookEvent": "comment_updated", "issue": ISSUE, "comment": comment})
    assert isinstance(found, WebhookEvent)
    assert found.actor == "zed"


@pytest.mark.parametrize(
    "payload",
    [
        {"webhookEvent": "sprint_started"},
        {"webhookEvent": "worklog_created", "issue": ISSUE},
        {"webhookEvent": "comment_created", "comment": {"id": "1"}},
    ],
)
def test_what_means_nothing_to_us_is_ignored_and_says_why(payload: dict[str, Any]) -> None:
    found = parse(payload)
    assert isinstance(found, Ignored)
    assert found.reason


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"{}"])
def test_what_is_no_delivery_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        JIRA.parse_webhook({}, body)


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_a_signature_by_any_of_the_secrets_is_taken_and_no_other() -> None:
    for secret in SECRETS:
        JIRA.verify_webhook({"x-hub-signature": signature(secret, b"{}")}, b"{}")
    for given in (signature("other-canary", b"{}"), signature("new-canary", b"{} "), "", "sha256="):
        with pytest.raises(WebhookRefused):
            JIRA.verify_webhook({"X-Hub-Signature": given}, b"{}")
    bare = Jira(PlatformSettings("jira", "jira", "https://jira.example.test"))
    with pytest.raises(WebhookRefused):
        bare.verify_webhook({"X-Hub-Signature": signature("", b"{}")}, b"{}")

"""Reviews on GitLab: drafts that are published together, approvals, threads."""

from __future__ import annotations

from typing import Any

import pytest

from tamma.errors import Forbidden, NotFound, PlatformError, StaleHead, Transient
from tamma.model.repository import InlineComment, PullRequest, ReviewEvent, ReviewSpec, Target
from tamma.platforms.gitlab.diffs import position
from tamma.platforms.gitlab.models import DiffAnswer, DiffRefs
from tamma.platforms.gitlab.verdicts import verdict_of, with_verdict
from tests.platforms.gitlab_harness import GitLabHarness
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitlab.common import MR, ROUTES, A

SHA = "a" * 40


async def theirs(lab: GitLabHarness) -> PullRequest:
    """A merge request of somebody else's, which may be approved. Two lines added to README.md."""
    await lab.push("theirs", "README.md", b"hello\nmore\nand more\n")
    return await lab.platform.get_pr(lab.repo, await lab.open_pr("theirs", "main"))


def review(pull: PullRequest, event: ReviewEvent, *comments: InlineComment, body: str = "See.") -> ReviewSpec:
    return ReviewSpec(event, body, pull.head_sha, comments)


REMARKS = (
    InlineComment("README.md", 2, "Why?"),
    InlineComment("README.md", 3, "And this?", start_line=2),
)


async def test_a_review_is_submitted_once_and_as_one(lab: GitLabHarness) -> None:
    pull = await theirs(lab)
    spec = review(pull, ReviewEvent.APPROVE, *REMARKS, body="Good.\n\n/merge")
    first = await lab.platform.submit_review(lab.repo, pull.number, spec, "op-1")
    again = await lab.platform.submit_review(lab.repo, pull.number, spec, "op-1")
    assert first == again
    assert (first.event, first.sha, first.author, first.trusted) == (
        ReviewEvent.APPROVE,
        pull.head_sha,
        "tamma-bot",
        True,
    )
    assert first.body == "Good.\n\n\\/merge"
    assert await lab.platform.list_reviews(lab.repo, pull.number) == (first,)
    stored = lab.hello.pulls[1]
    assert lab.hello.approvals(stored) == ["tamma-bot"]
    assert [(t.path, t.line, t.start_line) for t in stored.threads] == [
        ("README.md", 2, None),
        ("README.md", 3, 2),
    ]
    assert lab.world.effects == {"draft_note": 3, "remark": 2, "comment": 1, "review": 1}
    assert stored.extra["drafts"] == []
    assert len([asked for asked in lab.server.requests if asked.endswith("/bulk_publish")]) == 1
    assert await lab.platform.list_comments(lab.repo, Target("pull_request", pull.number)) == ()


async def test_changes_are_asked_for(lab: GitLabHarness) -> None:
    pull = await theirs(lab)
    approve = review(pull, ReviewEvent.APPROVE)
    await lab.platform.submit_review(lab.repo, pull.number, approve, "op-1")
    refuse = review(pull, ReviewEvent.REQUEST_CHANGES, body="Not yet.")
    await lab.platform.submit_review(lab.repo, pull.number, refuse, "op-2")
    assert lab.hello.approvals(lab.hello.pulls[1]) == []
    [note] = [c for c in lab.hello.pulls[1].comments if "Not yet." in c.body]
    assert note.body.startswith("**Review: changes requested**")
    found = await lab.platform.list_reviews(lab.repo, pull.number)
    assert [(each.event, each.body) for each in found] == [
        (ReviewEvent.APPROVE, "See."),
        (ReviewEvent.REQUEST_CHANGES, "Not yet."),
    ]


async def test_an_approval_is_taken_back_where_the_server_knows_no_state(
    lab: GitLabHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.forge.faces.gitlab.account.VERSION", "17.5.0-ee")
    pull = await theirs(lab)
    await lab.platform.submit_review(lab.repo, pull.number, review(pull, ReviewEvent.APPROVE), "op-1")
    await lab.platform.submit_review(lab.repo, pull.number, review(pull, ReviewEvent.REQUEST_CHANGES), "op-2")
    assert lab.server.requests[-1].endswith("/unapprove")
    assert lab.hello.approvals(lab.hello.pulls[1]) == []


async def test_a_server_without_drafts_gets_the_remarks_one_by_one(
    lab: GitLabHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 15.10. The note comes last: what is there of an attempt that died is not written again."""
    monkeypatch.setitem(ROUTES, f"GET {A}{MR}/draft_notes", not_there)
    pull = await theirs(lab)
    spec = review(pull, ReviewEvent.COMMENT, *REMARKS)
    lab.server.fail("POST", "/merge_requests/1/notes$", "error")
    with pytest.raises(Transient):
        await lab.platform.submit_review(lab.repo, pull.number, spec, "op-1")
    first = await lab.platform.submit_review(lab.repo, pull.number, spec, "op-1")
    assert await lab.platform.submit_review(lab.repo, pull.number, spec, "op-1") == first
    assert lab.world.effects == {"remark": 2, "comment": 1}


async def test_a_server_without_raw_diffs_lists_the_files(
    lab: GitLabHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull = await theirs(lab)
    whole = await lab.platform.get_diff(lab.repo, pull.number)
    monkeypatch.setitem(ROUTES, f"GET {A}{MR}/raw_diffs", not_there)
    listed = await lab.platform.get_diff(lab.repo, pull.number)
    assert listed == "".join(line for line in whole.splitlines(True) if not line.startswith("index "))


def not_there(call: Call) -> Reply:
    raise ApiError(404, "404 Not Found")


async def test_a_review_of_another_head_is_stale(lab: GitLabHarness) -> None:
    pull = await theirs(lab)
    await lab.push("theirs", "more.txt", b"x\n")
    with pytest.raises(StaleHead):
        await lab.platform.submit_review(
            lab.repo, pull.number, review(pull, ReviewEvent.APPROVE, *REMARKS), "op-1"
        )
    assert not lab.world.effects


async def test_drafts_of_a_review_that_became_stale_go(lab: GitLabHarness) -> None:
    pull = await theirs(lab)
    spec = review(pull, ReviewEvent.COMMENT, *REMARKS)
    lab.server.fail("POST", "/bulk_publish$", "error")
    with pytest.raises(PlatformError):
        await lab.platform.submit_review(lab.repo, pull.number, spec, "op-1")
    assert len(lab.hello.pulls[1].extra["drafts"]) == 3
    await lab.push("theirs", "more.txt", b"x\n")
    with pytest.raises(StaleHead):
        await lab.platform.submit_review(lab.repo, pull.number, spec, "op-1")
    assert lab.hello.pulls[1].extra["drafts"] == []
    assert lab.hello.pulls[1].threads == []


async def test_drafts_of_a_person_with_the_same_account_stay_drafts(lab: GitLabHarness) -> None:
    pull = await theirs(lab)
    private = {"id": 9, "login": "tamma-bot", "note": "not yet to be seen", "position": None}
    lab.hello.pulls[1].extra["drafts"] = [private]
    await lab.platform.submit_review(
        lab.repo, pull.number, review(pull, ReviewEvent.COMMENT, *REMARKS), "op-1"
    )
    assert lab.hello.pulls[1].extra["drafts"] == [private]
    assert len(lab.hello.pulls[1].threads) == 2


async def test_a_remark_that_has_no_place_stops_the_review_before_it_begins(lab: GitLabHarness) -> None:
    pull = await theirs(lab)
    for remark in (InlineComment("no.txt", 1, "?"), InlineComment("README.md", 99, "?")):
        with pytest.raises(PlatformError, match="remark"):
            await lab.platform.submit_review(
                lab.repo, pull.number, review(pull, ReviewEvent.COMMENT, REMARKS[0], remark), "op-1"
            )
    assert not lab.world.effects


async def test_who_may_not_approve_is_told_so(lab: GitLabHarness) -> None:
    """Ours: GitLab answers 401 to whoever may not, and that is not about the token."""
    await lab.push("ours", "README.md", b"hello\nmore\n")
    made = lab.hello.open_pull("ours", "main", "Ours", "", "tamma-bot")
    pull = await lab.platform.get_pr(lab.repo, str(made.number))
    with pytest.raises(Forbidden) as caught:
        await lab.platform.submit_review(lab.repo, pull.number, review(pull, ReviewEvent.APPROVE), "op-1")
    assert "Developer" in (caught.value.hint or "")


async def test_reviews_of_others_are_their_approvals_and_wishes(lab: GitLabHarness) -> None:
    pull = await theirs(lab)
    await lab.review(pull.number, ReviewEvent.APPROVE, "", "octo")
    await lab.review(pull.number, ReviewEvent.REQUEST_CHANGES, "", "reader")
    found = await lab.platform.list_reviews(lab.repo, pull.number)
    assert [(each.author, each.event, each.trusted) for each in found] == [
        ("octo", ReviewEvent.APPROVE, True),
        ("reader", ReviewEvent.REQUEST_CHANGES, False),
    ]


async def test_threads_are_read_answered_and_resolved(lab: GitLabHarness) -> None:
    pull = await theirs(lab)
    await lab.remark(pull.number, "README.md", 2, "Why?", "octo")
    await lab.comment(Target("pull_request", pull.number), "not on a line")
    [thread] = await lab.platform.list_threads(lab.repo, pull.number)
    assert (thread.path, thread.line, thread.resolved, thread.outdated) == ("README.md", 2, False, False)
    assert [(comment.author, comment.body) for comment in thread.comments] == [("octo", "Why?")]
    first = await lab.platform.reply(lab.repo, pull.number, thread.id, "Because.", "op-1")
    again = await lab.platform.reply(lab.repo, pull.number, thread.id, "Because.", "op-1")
    changed = await lab.platform.reply(lab.repo, pull.number, thread.id, "Because of it.", "op-1")
    assert first.id == again.id == changed.id
    for resolved in (True, True, False, True):
        await lab.platform.resolve_thread(lab.repo, pull.number, thread.id, resolved)
    await lab.push("theirs", "more.txt", b"x\n")
    [thread] = await lab.platform.list_threads(lab.repo, pull.number)
    assert [comment.body for comment in thread.comments] == ["Why?", "Because of it."]
    assert (thread.resolved, thread.outdated) == (True, True)
    assert lab.world.effects == {"reply": 1, "comment_edited": 1, "resolve": 3}
    for unknown in ("f" * 40, "no/such"):
        with pytest.raises(NotFound):
            await lab.platform.resolve_thread(lab.repo, pull.number, unknown)


# --- pure -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", list(ReviewEvent))
@pytest.mark.parametrize("body", ["", "text", "two\n\nparagraphs"])
def test_a_verdict_is_read_as_it_was_written(event: ReviewEvent, body: str) -> None:
    assert verdict_of(with_verdict(body, event, SHA)) == (event, SHA, body)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "text",
        f"> **Review** <!-- tamma:review=comment sha={SHA} -->",
        f"**Review** <!-- tamma:review=merge sha={SHA} -->",
    ],
)
def test_what_is_no_verdict(text: str | None) -> None:
    assert verdict_of(text) is None


DIFF = "@@ -1,4 +1,5 @@\n one\n-two\n+TWO\n+more\n three\n four\n@@ -20,2 +21,1 @@ def x():\n twenty\n-gone\n"
FILE = DiffAnswer(old_path="old.py", new_path="new.py", renamed_file=True, diff=DIFF)
REFS = DiffRefs(base_sha="b", start_sha="s", head_sha="h")
PLACES: tuple[tuple[InlineComment, dict[str, int]], ...] = (
    (InlineComment("new.py", 1, ""), {"old_line": 1, "new_line": 1}),
    (InlineComment("new.py", 2, ""), {"new_line": 2}),
    (InlineComment("new.py", 3, ""), {"new_line": 3}),
    (InlineComment("new.py", 4, ""), {"old_line": 3, "new_line": 4}),
    (InlineComment("new.py", 21, ""), {"old_line": 20, "new_line": 21}),
    (InlineComment("old.py", 2, "", side="old"), {"old_line": 2}),
    (InlineComment("new.py", 21, "", side="old"), {"old_line": 21}),
)


@pytest.mark.parametrize(("comment", "expected"), PLACES)
def test_where_a_remark_stands(comment: InlineComment, expected: dict[str, int]) -> None:
    place = position([FILE], REFS, comment)
    assert {key: value for key, value in place.items() if key.endswith("_line")} == expected
    assert (place["old_path"], place["new_path"]) == ("old.py", "new.py")
    assert (place["base_sha"], place["start_sha"], place["head_sha"]) == ("b", "s", "h")


def test_a_remark_on_several_lines_names_both_ends() -> None:
    place: Any = position([FILE], REFS, InlineComment("new.py", 4, "", start_line=2))
    start, end = place["line_range"]["start"], place["line_range"]["end"]
    assert (start["type"], start["new_line"]) == ("new", 2)
    assert start["line_code"].endswith("_3_2")
    assert end["line_code"].endswith("_3_4")
    assert "type" not in end
    assert "line_range" not in position([FILE], REFS, InlineComment("new.py", 4, "", start_line=4))

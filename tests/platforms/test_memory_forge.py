"""The memory platform as a whole forge: reviews, CI, merges that come later, webhooks, other people."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tamma.errors import ConfigError, Conflict, Forbidden, NotFound, StaleHead, Transient, WebhookRefused
from tamma.model.repository import (
    Check,
    CheckState,
    CiTrigger,
    Comment,
    EventKind,
    Ignored,
    InlineComment,
    Issue,
    IssueFilter,
    MergeCategory,
    MergeOutcome,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
    Review,
    ReviewEvent,
    ReviewSpec,
    Status,
    Target,
    WebhookEvent,
)
from tamma.platforms.interface import CAPABILITIES, PlatformSettings
from tamma.platforms.memory.platform import MemoryPlatform
from tamma.platforms.memory.webhooks import DELIVERY, SIGNATURE, sign
from tests.platforms.harness import MemoryHarness, git, make_checkout
from tests.platforms.steps import BRANCH, commit, open_pr

REPO = RepoRef("memory", "octo", "hello")
REMARK = InlineComment("fix.txt", 1, "why?")


def told(harness: MemoryHarness, **options: object) -> MemoryPlatform:
    """The same forge, told to behave in another way."""
    settings = harness.platform.settings
    return MemoryPlatform(replace(settings, options={**settings.options, **options}))


@pytest.fixture
def harness(tmp_path: Path) -> MemoryHarness:
    return MemoryHarness(tmp_path)


async def test_it_can_do_everything(harness: MemoryHarness) -> None:
    assert await harness.platform.capabilities() == CAPABILITIES


# --- pull requests ----------------------------------------------------------------------------------------


async def test_a_pull_request_changes_and_is_listed(harness: MemoryHarness) -> None:
    pull, platform = await open_pr(harness), harness.memory
    for draft in (True, True, False):
        assert (await platform.set_draft(REPO, pull.number, draft)).draft is draft
    await platform.request_reviewers(REPO, pull.number, ("octo", "writer"))
    await platform.request_reviewers(REPO, pull.number, ("octo",), ("writer",))
    await platform.request_reviewers(REPO, pull.number, ("octo",), ("writer",))
    await platform.set_labels(REPO, Target("pull_request", pull.number), ("bug",))
    spec = PullRequestSpec(BRANCH, "main", "Again", "b", labels=("bug", "tamma"))
    again = (await platform.ensure_pr(REPO, spec, "op-other")).pull_request
    assert (again.number, again.reviewers, again.labels) == (pull.number, ("octo",), ("bug", "tamma"))
    second = await open_pr(harness, "other")
    listed = (await platform.list_prs(REPO, PullRequestFilter())).items
    assert [found.number for found in listed] == [second.number, pull.number]
    assert (await platform.list_prs(REPO, PullRequestFilter(head="other"))).items == (second,)
    for _ in range(2):
        await platform.close_pr(REPO, second.number)
    assert [found.number for found in (await platform.list_prs(REPO, PullRequestFilter("closed"))).items] == [
        second.number
    ]
    with pytest.raises(Conflict):
        await platform.set_draft(REPO, second.number, True)
    effects = {
        op: harness.effects()[op] for op in ("set_draft", "request_reviewers", "close_pr", "set_labels")
    }
    assert effects == {"set_draft": 2, "request_reviewers": 2, "close_pr": 1, "set_labels": 1}


async def test_the_diff_is_what_git_says_before_and_after_the_merge(harness: MemoryHarness) -> None:
    pull = await open_pr(harness)
    await harness.push("main", "meanwhile.txt", b"x\n")
    said = git("diff", f"main...{pull.head}", cwd=harness.path) + "\n"
    assert await harness.memory.get_diff(REPO, pull.number) == said
    await harness.memory.somebody_merges(REPO, pull.number)
    assert await harness.memory.get_diff(REPO, pull.number) == said


async def test_numbers_of_the_other_kind_are_not_found(harness: MemoryHarness) -> None:
    [issue] = await harness.add_issues(1)
    pull = await open_pr(harness)
    for target in (Target("issue", pull.number), Target("pull_request", issue)):
        with pytest.raises(NotFound):
            await harness.memory.ensure_comment(REPO, target, "b", "op")
        with pytest.raises(NotFound):
            await harness.memory.set_labels(REPO, target, ("x",))


# --- merges -----------------------------------------------------------------------------------------------


async def test_a_merge_when_ready_waits_for_the_checks(harness: MemoryHarness) -> None:
    pull, platform = await open_pr(harness), harness.memory
    await harness.report(pull.head_sha, "ci", CheckState.PENDING)
    for _ in range(2):
        result = await platform.merge_pr(REPO, pull.number, "squash", pull.head_sha, when_ready=True)
        assert result.outcome is MergeOutcome.SCHEDULED
    assert (await platform.get_pr(REPO, pull.number)).state == "open"
    await harness.report(pull.head_sha, "ci", CheckState.SUCCESS)
    merged = await platform.get_pr(REPO, pull.number)
    done = await platform.merge_pr(REPO, pull.number, "squash", pull.head_sha, when_ready=True)
    assert (merged.state, done.outcome, done.sha) == ("merged", MergeOutcome.MERGED, merged.merge_sha)
    assert harness.effects()["merge_pr"] == 1


async def test_a_scheduled_merge_is_dropped_where_the_branch_moves(harness: MemoryHarness) -> None:
    pull, platform = await open_pr(harness), harness.memory
    await harness.report(pull.head_sha, "ci", CheckState.PENDING)
    await platform.merge_pr(REPO, pull.number, "merge", pull.head_sha, when_ready=True)
    await harness.push(BRANCH, "more.txt", b"x")
    assert (await platform.get_pr(REPO, pull.number)).state == "open"
    with pytest.raises(StaleHead):
        await platform.merge_pr(REPO, pull.number, "merge", pull.head_sha, when_ready=True)


async def test_mergeability_is_computed_and_a_merge_comes_later(harness: MemoryHarness) -> None:
    pull, platform = await open_pr(harness), told(harness, computing=2, mergesLater=2)
    categories = [(await platform.merge_readiness(REPO, pull.number)).category for _ in range(3)]
    assert categories == [MergeCategory.IN_PROGRESS, MergeCategory.IN_PROGRESS, MergeCategory.READY]
    asked = [await platform.merge_pr(REPO, pull.number, "merge", pull.head_sha) for _ in range(3)]
    assert [result.outcome for result in asked] == [MergeOutcome.PENDING] * 2 + [MergeOutcome.MERGED]
    assert asked[-1].sha == (await platform.get_branch(REPO, "main")).sha
    assert harness.effects()["merge_pr"] == 1


# --- reviews ----------------------------------------------------------------------------------------------


async def test_reviews_and_threads(harness: MemoryHarness) -> None:
    pull, platform = await open_pr(harness), harness.memory
    await platform.add_review(REPO, pull.number, Review("r1", "mona", ReviewEvent.REQUEST_CHANGES, "no"))
    begun = await platform.add_thread(REPO, pull.number, REMARK, Comment("c9", "mona", REMARK.body))
    spec = ReviewSpec(ReviewEvent.COMMENT, "Looked at it", pull.head_sha, (REMARK,))
    first = await platform.submit_review(REPO, pull.number, spec, "op-r")
    assert await platform.submit_review(REPO, pull.number, spec, "op-r") == first
    assert [review.body for review in await platform.list_reviews(REPO, pull.number)] == ["no", spec.body]
    for body in ("because", "because", "therefore"):
        answer = await platform.reply(REPO, pull.number, begun, body, "op-a")
    for _ in range(2):
        await platform.resolve_thread(REPO, pull.number, begun)
    threads = await platform.list_threads(REPO, pull.number)
    assert [(thread.id == begun, thread.resolved, thread.outdated) for thread in threads] == [
        (True, True, False),
        (False, False, False),
    ]
    assert threads[0].comments[1:] == (answer,)
    assert answer.body == "therefore"
    await harness.push(BRANCH, "fix.txt", b"fixed better\n")
    assert all(thread.outdated for thread in await platform.list_threads(REPO, pull.number))
    with pytest.raises(StaleHead):
        await platform.submit_review(REPO, pull.number, spec, "op-later")
    assert await platform.submit_review(REPO, pull.number, spec, "op-r") == first
    counted = {op: harness.effects()[op] for op in ("submit_review", "reply", "resolve_thread")}
    assert counted == {"submit_review": 1, "reply": 2, "resolve_thread": 1}


@pytest.mark.parametrize("op", ["submit_review", "trigger_ci", "rerun", "set_draft"])
async def test_a_write_whose_answer_was_lost_has_one_effect(harness: MemoryHarness, op: str) -> None:
    pull, platform = await open_pr(harness), harness.memory
    run = await platform.start_run(REPO, "ci", BRANCH)
    await platform.finish_run(REPO, run.id, CheckState.FAILURE)
    spec = ReviewSpec(ReviewEvent.APPROVE, "fine", pull.head_sha)
    arguments: dict[str, tuple[Any, ...]] = {
        "submit_review": (pull.number, spec, "op"),
        "trigger_ci": (CiTrigger(BRANCH), "op"),
        "rerun": (run.id,),
        "set_draft": (pull.number, True),
    }
    lossy = told(harness, faults=[{"on": op, "when": "after", "error": "Transient"}])
    with pytest.raises(Transient):
        await getattr(lossy, op)(REPO, *arguments[op])
    first = await getattr(platform, op)(REPO, *arguments[op])
    assert first == await getattr(platform, op)(REPO, *arguments[op])
    assert harness.effects()[op] == 1


# --- checks and CI ----------------------------------------------------------------------------------------


async def test_a_run_is_triggered_fails_and_runs_again(harness: MemoryHarness) -> None:
    head, platform = await commit(harness), harness.memory
    run = await platform.trigger_ci(REPO, CiTrigger(BRANCH, "tests"), "op-ci")
    assert (run.name, run.sha, run.state) == ("tests", head, CheckState.PENDING)
    assert (await platform.get_checks(REPO, head)).state is CheckState.PENDING
    log = "ärger\n" * 100
    await platform.finish_run(REPO, run.id, CheckState.FAILURE, {"build": log, "lint": ""})
    build, lint = await platform.list_jobs(REPO, run.id)
    assert (build.name, lint.name, build.state) == ("build", "lint", CheckState.FAILURE)
    tail = await platform.get_job_log(REPO, build.id, 6)
    assert (tail.text, tail.truncated) == ("rger\n", True)
    assert (await platform.get_job_log(REPO, build.id)).text == log
    assert (await platform.get_job_log(REPO, lint.id)).text == ""
    checks = (await platform.get_checks(REPO, head)).checks
    assert {check.job_id for check in checks} == {build.id, lint.id}
    for _ in range(2):
        again = await platform.rerun(REPO, run.id)
        assert (again.attempt, again.state) == (2, CheckState.PENDING)
    for _ in range(2):
        await platform.cancel_run(REPO, run.id)
    assert (await platform.get_run(REPO, run.id)).detail == "cancelled"
    other = await platform.start_run(REPO, "nightly", "main")
    assert [found.id for found in (await platform.list_runs(REPO)).items] == [other.id, run.id]
    assert [found.id for found in (await platform.list_runs(REPO, sha=head)).items] == [run.id]
    assert [found.id for found in (await platform.list_runs(REPO, branch="main")).items] == [other.id]
    for missing in (platform.get_run(REPO, "999"), platform.get_job_log(REPO, "999")):
        with pytest.raises(NotFound):
            await missing
    counted = {op: harness.effects()[op] for op in ("trigger_ci", "rerun", "cancel_run")}
    assert counted == {"trigger_ci": 1, "rerun": 1, "cancel_run": 1}


async def test_our_status_stands_beside_what_others_report(harness: MemoryHarness) -> None:
    head, platform = await commit(harness), told(harness, checks="success", runs="success")
    ours = Status("tamma", CheckState.PENDING, "at work")
    for _ in range(2):
        await platform.set_status(REPO, head, ours)
    summary = await platform.get_checks(REPO, head)
    assert {check.name: check.state for check in summary.checks} == {
        "ci": CheckState.SUCCESS,
        "tamma": CheckState.PENDING,
    }
    await platform.set_status(REPO, head, replace(ours, state=CheckState.SUCCESS))
    assert (await platform.trigger_ci(REPO, CiTrigger(BRANCH), "op")).state is CheckState.SUCCESS
    assert (await platform.get_checks(REPO, head)).state is CheckState.SUCCESS
    await platform.set_checks(REPO, head, (Check("ci", CheckState.FAILURE),))
    assert (await platform.get_checks(REPO, head)).state is CheckState.FAILURE
    assert harness.effects()["set_status"] == 2


# --- issues, texts, repositories --------------------------------------------------------------------------


async def test_issues_are_found_by_author_and_date(harness: MemoryHarness) -> None:
    platform, early = harness.memory, datetime(2026, 1, 1, tzinfo=UTC)
    await platform.add_issue(REPO, Issue("1", "a", "", "open", author="mona", created_at=early))
    await platform.add_issue(REPO, Issue("2", "b", "", "open", author="lisa", created_at=early))

    async def found(query: IssueFilter) -> list[str]:
        return [issue.number for issue in (await platform.list_issues(REPO, query)).items]

    assert await found(IssueFilter(author="lisa")) == ["2"]
    assert await found(IssueFilter(updated_since=early + timedelta(days=1))) == []
    await platform.ensure_comment(REPO, Target("issue", "1"), "hello", "op")
    assert await found(IssueFilter(updated_since=early + timedelta(days=1))) == ["1"]


async def test_a_text_that_is_too_long_is_shortened(harness: MemoryHarness) -> None:
    await harness.add_issues(1)
    platform, target = told(harness, longest=400), Target("issue", "1")
    arguments = (target, "word " * 500, "op", "https://forge.test/1")
    comment = await platform.ensure_comment(REPO, *arguments)
    assert await platform.ensure_comment(REPO, *arguments) == comment
    assert len(comment.body) <= 400
    assert comment.body.endswith("The whole of it: https://forge.test/1")
    assert harness.effects()["ensure_comment"] == 1


async def test_an_archived_repository_is_read_only(harness: MemoryHarness) -> None:
    platform = told(harness, archived=["octo/hello"])
    assert (await platform.get_repository(REPO)).archived
    main = await platform.get_branch(REPO, "main")
    with pytest.raises(Forbidden) as caught:
        await platform.ensure_branch(REPO, "x", main.sha)
    assert caught.value.hint
    assert harness.effects()["ensure_branch"] == 0


async def test_only_known_users_are_assigned_and_asked(harness: MemoryHarness) -> None:
    await harness.add_issues(1)
    pull, platform = await open_pr(harness), told(harness, users=["mona"])
    await platform.set_assignees(REPO, "1", ("mona",))
    with pytest.raises(NotFound, match="nobody"):
        await platform.set_assignees(REPO, "1", ("nobody",))
    with pytest.raises(NotFound, match="nobody"):
        await platform.request_reviewers(REPO, pull.number, ("nobody",))


async def test_an_empty_repository_names_its_branch(tmp_path: Path) -> None:
    git("init", "-q", "--bare", "-b", "trunk", "empty.git", cwd=tmp_path)
    options = {"repositories": {"octo/hello": str(tmp_path / "empty.git")}}
    platform = MemoryPlatform(PlatformSettings("memory", "memory", options=options))
    assert (await platform.get_repository(REPO)).default_branch == "trunk"
    with pytest.raises(NotFound):
        await platform.get_branch(REPO, "trunk")


async def test_a_state_of_before_is_read(tmp_path: Path) -> None:
    path = make_checkout(tmp_path / "source")
    head = git("rev-parse", "HEAD", cwd=path)
    pull = {
        "number": "2",
        "title": "t",
        "body": "b",
        "state": "open",
        "head": "main",
        "base": "old",
        "url": "",
    }
    kept = {
        "issues": {"1": {"number": "1", "title": "Old", "body": "b", "state": "open"}},
        "pulls": {"2": {"pull": {**pull, "head_sha": head}, "op_id": "op", "labels": ["bug"]}},
        "comments": {"1": [{"comment": {"id": "1", "author": "tamma", "body": "hi"}, "op_id": "op-c"}]},
        "last_number": 2,
    }
    (tmp_path / "state.json").write_text(json.dumps({"repos": {"octo/hello": kept}, "seq": 3}))
    options = {"repositories": {"octo/hello": str(path)}, "state": str(tmp_path / "state.json")}
    platform = MemoryPlatform(PlatformSettings("memory", "memory", options=options))
    assert (await platform.get_pr(REPO, "2")).labels == ("bug",)
    added = await platform.ensure_comment(REPO, Target("issue", "1"), "new", "op-d")
    assert [comment.id for comment in (await platform.get_issue(REPO, "1")).comments] == ["1", added.id]
    assert added.id != "1"


@pytest.mark.parametrize("options", [{"checks": "red"}, {"computing": -1}, {"mergesLater": "soon"}])
def test_options_that_mean_nothing_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        MemoryPlatform(PlatformSettings("memory", "memory", options=options))


# --- webhooks ---------------------------------------------------------------------------------------------


def webhooks(*secrets: str) -> MemoryPlatform:
    return MemoryPlatform(PlatformSettings("memory", "memory", webhook_secrets=secrets))


def test_a_delivery_is_verified_by_any_of_the_secrets() -> None:
    body = b'{"event": "ping"}'
    for secret in ("new-canary", "old-canary"):
        webhooks("new-canary", "old-canary").verify_webhook({SIGNATURE.lower(): sign(secret, body)}, body)
    refused: list[tuple[MemoryPlatform, dict[str, str], bytes]] = [
        (webhooks(), {SIGNATURE: sign("", body)}, body),
        (webhooks("new-canary"), {}, body),
        (webhooks("new-canary"), {SIGNATURE: sign("old-canary", body)}, body),
        (webhooks("new-canary"), {SIGNATURE: sign("new-canary", body)}, body + b" "),
        (webhooks("new-canary"), {SIGNATURE: "häßlich"}, body),
    ]
    for platform, headers, arrived in refused:
        with pytest.raises(WebhookRefused) as caught:
            platform.verify_webhook(headers, arrived)
        assert caught.value.hint
        assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_a_delivery_says_what_happened() -> None:
    said = {
        "event": "issue",
        "repository": "octo/sub/hello",
        "action": "labeled",
        "number": "7",
        "label": "x",
    }
    headers = {DELIVERY.upper(): "d-1"}
    event = webhooks().parse_webhook(headers, json.dumps(said).encode())
    assert event == WebhookEvent(
        "d-1", EventKind.ISSUE, "labeled", "octo/sub", "hello", number="7", label="x"
    )
    unknown = webhooks().parse_webhook(headers, json.dumps({**said, "event": "star"}).encode())
    assert isinstance(unknown, Ignored)
    assert unknown.delivery_id == "d-1"
    for body in (b"", b"[]", b"\xff", b'{"event": "issue"}', b'{"event": "issue", "repository": "x"}'):
        with pytest.raises(WebhookRefused):
            webhooks().parse_webhook(headers, body)
    with pytest.raises(WebhookRefused, match=DELIVERY):
        webhooks().parse_webhook({}, json.dumps(said).encode())

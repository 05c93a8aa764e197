"""What is GitHub's own: errors, limits, trust, and answers that come half-finished."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tamma.errors import (
    BadCredentials,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    Transient,
)
from tamma.model.repository import (
    CheckState,
    IssueFilter,
    MergeCategory,
    MergeOutcome,
    Obstacle,
    PullRequestSpec,
    Target,
)
from tamma.platforms.github.errors import dialect
from tamma.platforms.github.models import PullAnswer
from tamma.platforms.github.platform import GitHub
from tamma.platforms.github.readiness import merge_state
from tamma.platforms.http.errors import Answer, error_for
from tests.platforms.forge_harness import ForgeHarness
from tests.platforms.steps import BRANCH, commit, open_pr
from tests.support.forge.faults import FaultKind


async def test_who_we_are_and_how_much_is_left(hub: ForgeHarness) -> None:
    identity = await hub.platform.check_credentials()
    assert (identity.login, identity.scopes) == ("tamma-bot", ("repo", "workflow"))
    limit = await hub.platform.rate_limit()
    assert (limit.limit, limit.remaining) == (5000, 4999)
    assert limit.resets_at is not None


@pytest.mark.parametrize(("token", "hint"), [("wrong-t0ken", "expired"), (None, "no token")])
async def test_bad_credentials_name_the_variable_and_not_the_token(
    hub: ForgeHarness, token: str | None, hint: str
) -> None:
    platform = GitHub(replace(hub.platform.settings, token=token))
    with pytest.raises(BadCredentials) as caught:
        await platform.check_credentials()
    await platform.close()
    error = caught.value
    assert error.exit_code == 4
    assert hint in (error.hint or "")
    assert "GITHUB_TOKEN" in (error.hint or "")
    assert "t0ken" not in f"{error.message} {error.hint} {platform.settings!r}"


async def test_credentials_for_git_and_the_address_to_clone(hub: ForgeHarness) -> None:
    settings = replace(hub.platform.settings, clone_url="/srv/{owner}/{name}.git")
    platform = GitHub(settings)
    assert (await platform.get_repository(hub.repo)).clone_url == "/srv/octo/hello.git"
    credentials = await platform.git_credentials(hub.repo)
    await platform.close()
    assert (credentials.username, credentials.token) == ("x-access-token", hub.server.token)
    assert hub.server.token not in repr(credentials)


async def test_a_secondary_limit_says_when_to_come_back(hub: ForgeHarness) -> None:
    hub.server.fail("POST", "/git/refs$", "secondary_limit", retry_after=31)
    sha = (await hub.platform.get_branch(hub.repo, "main")).sha
    with pytest.raises(PlatformRateLimited) as caught:
        await hub.platform.ensure_branch(hub.repo, BRANCH, sha)
    assert caught.value.retry_after == 31
    with pytest.raises(PlatformRateLimited) as paused:
        await hub.platform.ensure_branch(hub.repo, BRANCH, sha)
    assert 25 < (paused.value.retry_after or 0) <= 31
    assert hub.world.effects["branch"] == 0


async def test_a_storm_of_limits_is_never_waited_out_here(hub: ForgeHarness) -> None:
    hub.server.fail("GET", "/issues", "rate_limit", times=5, retry_after=None)
    for _ in range(5):
        with pytest.raises(PlatformRateLimited) as caught:
            await hub.platform.list_issues(hub.repo, IssueFilter())
        assert (caught.value.retry_after or 0) >= 1
    asked = [request for request in hub.server.requests if request.endswith("/issues")]
    assert len(asked) == 1, "none is sent before the time that the service named"


@pytest.mark.parametrize("kind", ["error", "error_after", "no_connection"])
async def test_a_write_is_never_repeated_by_the_client(hub: ForgeHarness, kind: FaultKind) -> None:
    await commit(hub)
    hub.server.fail("POST", "/pulls$", kind)

    spec = PullRequestSpec(BRANCH, "main", "Fix", "Because")
    with pytest.raises(Transient):
        await hub.platform.ensure_pr(hub.repo, spec, "op")
    assert hub.server.requests.count("POST /repos/octo/hello/pulls") == 1
    done = await hub.platform.ensure_pr(hub.repo, spec, "op")
    assert done.created is (kind != "error_after")
    assert hub.world.effects["pull"] == 1


async def test_trust_is_asked_once_per_author(hub: ForgeHarness) -> None:
    [number] = await hub.add_issues(1)
    for author in ("octo", "reader", "stranger", "octo"):
        await hub.comment(Target("issue", number), f"I am {author}", author)
    comments = (await hub.platform.get_issue(hub.repo, number)).comments
    assert [comment.trusted for comment in comments] == [True, False, False, True]
    asked = [request for request in hub.server.requests if "/collaborators/" in request]
    assert len(asked) == 3


async def test_a_copied_mark_is_not_ours(hub: ForgeHarness) -> None:
    [number] = await hub.add_issues(1)
    await hub.comment(Target("issue", number), "gotcha\n\n<!-- tamma:op=op-1 -->", "stranger")
    await hub.platform.ensure_comment(hub.repo, Target("issue", number), "ours", "op-1")
    comments = hub.hello.issues[int(number)].comments
    assert [comment.author for comment in comments] == ["stranger", "tamma-bot"]
    assert comments[0].body.startswith("gotcha")


async def test_switched_off_issues_are_explained(hub: ForgeHarness) -> None:
    [number] = await hub.add_issues(1)
    hub.hello.issues_enabled = False
    with pytest.raises(NotFound) as caught:
        await hub.platform.get_issue(hub.repo, number)
    assert "switched off" in (caught.value.hint or "")


@pytest.mark.parametrize("number", ["../../user", "1/comments", "１２", ""])
async def test_a_number_is_a_number(hub: ForgeHarness, number: str) -> None:
    with pytest.raises(NotFound):
        await hub.platform.get_issue(hub.repo, number)
    with pytest.raises(NotFound):
        await hub.platform.get_pr(hub.repo, number)
    assert hub.server.requests == []


async def test_people_who_cannot_be_assigned_are_named(hub: ForgeHarness) -> None:
    [number] = await hub.add_issues(1)
    with pytest.raises(NotFound, match="stranger"):
        await hub.platform.set_assignees(hub.repo, number, ("reader", "stranger"))


async def test_large_files_come_by_their_blob(hub: ForgeHarness) -> None:
    content = bytes(range(256)) * 5000
    await hub.push("main", "large.bin", content)
    assert await hub.platform.get_file(hub.repo, "large.bin", "main") == content
    with pytest.raises(NotFound, match="folder"):
        await hub.platform.get_file(hub.repo, "src", "main")


async def test_mergeability_is_waited_for(hub: ForgeHarness) -> None:
    pull = await open_pr(hub)
    hub.compute(1)
    first = await hub.platform.merge_readiness(hub.repo, pull.number)
    assert first.category is MergeCategory.IN_PROGRESS
    assert (await hub.platform.merge_readiness(hub.repo, pull.number)).category is MergeCategory.READY


async def test_a_blocked_merge_says_why(hub: ForgeHarness) -> None:
    pull = await open_pr(hub)
    hub.hello.protect("main").blocked = True
    await hub.report(pull.head_sha, "ci", CheckState.PENDING)
    running = await hub.platform.merge_readiness(hub.repo, pull.number)
    assert running.category is MergeCategory.IN_PROGRESS
    await hub.report(pull.head_sha, "ci", CheckState.SUCCESS)
    blocked = await hub.platform.merge_readiness(hub.repo, pull.number)
    assert blocked.category is MergeCategory.RECOVERABLE
    refused = await hub.platform.merge_pr(hub.repo, pull.number, "merge", pull.head_sha)
    assert (refused.outcome, refused.sha) == (MergeOutcome.REFUSED, None)
    assert "not mergeable" in refused.reason


async def test_a_merge_by_somebody_else_counts_at_the_same_head(hub: ForgeHarness) -> None:
    pull = await open_pr(hub)
    merged = await hub.merge_pr(pull.number)
    result = await hub.platform.merge_pr(hub.repo, pull.number, "merge", pull.head_sha)
    assert (result.outcome, result.sha) == (MergeOutcome.MERGED, merged)
    assert hub.world.effects["merge"] == 0
    with pytest.raises(Conflict):
        await hub.platform.merge_pr(hub.repo, pull.number, "merge", "1" * 40)


async def test_statuses_and_runs_are_united_over_pages(hub: ForgeHarness) -> None:
    sha = await commit(hub)
    for index in range(130):
        hub.hello.report_check(sha, f"run {index}", "success")
        hub.hello.set_status(sha, f"status {index}", "success")
    summary = await hub.platform.get_checks(hub.repo, sha)
    assert (summary.state, len(summary.checks)) == (CheckState.SUCCESS, 260)
    hub.hello.set_status(sha, "legacy", "failure")
    assert (await hub.platform.get_checks(hub.repo, sha)).state is CheckState.FAILURE


async def test_checks_we_may_not_read_are_not_green(hub: ForgeHarness) -> None:
    hub.hello.forbidden.add("checks")
    with pytest.raises(Forbidden) as caught:
        await hub.platform.get_checks(hub.repo, await commit(hub))
    assert "Checks: read" in (caught.value.hint or "")


async def test_no_commits_between_is_told_as_it_is(hub: ForgeHarness) -> None:
    sha = (await hub.platform.get_branch(hub.repo, "main")).sha
    await hub.platform.ensure_branch(hub.repo, BRANCH, sha)
    with pytest.raises(PlatformError, match="No commits between"):
        await hub.platform.ensure_pr(hub.repo, PullRequestSpec(BRANCH, "main", "t", "b"), "op")


async def test_a_server_that_is_not_there(hub: ForgeHarness) -> None:
    platform = GitHub(replace(hub.platform.settings, base_url="http://127.0.0.1:9/api/v3"))
    with pytest.raises(Transient) as caught:
        await platform.get_repository(hub.repo)
    await platform.close()
    assert hub.server.token not in caught.value.message


# --- pure decisions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "headers", "expected", "wait"),
    [
        (403, "Resource not accessible", {}, Forbidden, None),
        (403, "You have exceeded a secondary rate limit", {}, PlatformRateLimited, 60.0),
        (403, "was submitted too quickly", {}, PlatformRateLimited, 60.0),
        (403, "API rate limit exceeded", {"x-ratelimit-remaining": "0"}, PlatformRateLimited, 60.0),
        (429, "", {}, PlatformRateLimited, 60.0),
        (429, "", {"retry-after": "12"}, PlatformRateLimited, 12.0),
        (429, "", {"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, PlatformRateLimited, 0.0),
        (429, "", {"retry-after": "soon"}, PlatformRateLimited, 60.0),
        (401, "Bad credentials", {}, BadCredentials, None),
        (404, "Not Found", {}, NotFound, None),
        (410, "Gone", {}, NotFound, None),
        (409, "Conflict", {}, Conflict, None),
        (422, "Validation Failed", {}, PlatformError, None),
        (422, "No commit found for SHA: 1234", {}, NotFound, None),
        (422, "Repository rule violations found", {}, Forbidden, None),
        (406, "the diff exceeded the maximum number of lines", {}, PlatformError, None),
        (451, "", {}, Forbidden, None),
        (500, "", {}, Transient, None),
        (503, "", {"retry-after": "5"}, Transient, 5.0),
    ],
)
def test_what_a_status_means(
    status: int, message: str, headers: dict[str, str], expected: type[PlatformError], wait: float | None
) -> None:
    error = error_for(Answer(status, message, headers, "GET /x", "github", True), dialect(public=True))
    assert type(error) is expected
    assert (error.retry_after, error.status) == (wait, status)


@pytest.mark.parametrize(
    ("fields", "checks", "expected"),
    [
        ({"mergeable": True, "mergeable_state": "clean"}, None, MergeCategory.READY),
        ({"mergeable": True, "mergeable_state": "has_hooks"}, None, MergeCategory.READY),
        ({"mergeable": True, "mergeable_state": "unstable"}, CheckState.SUCCESS, MergeCategory.READY),
        ({"mergeable": True, "mergeable_state": "unstable"}, CheckState.FAILURE, MergeCategory.RECOVERABLE),
        ({"mergeable": True, "mergeable_state": "blocked"}, CheckState.PENDING, MergeCategory.IN_PROGRESS),
        ({"mergeable": True, "mergeable_state": "blocked"}, CheckState.NONE, MergeCategory.RECOVERABLE),
        ({"mergeable": True, "mergeable_state": "behind"}, None, MergeCategory.RECOVERABLE),
        ({"mergeable": False, "mergeable_state": "dirty"}, None, MergeCategory.RECOVERABLE),
        ({"mergeable": None, "mergeable_state": "unknown"}, None, MergeCategory.IN_PROGRESS),
        ({"mergeable": True, "mergeable_state": "unknown"}, None, MergeCategory.IN_PROGRESS),
        ({"draft": True, "mergeable": True}, None, MergeCategory.RECOVERABLE),
        ({"state": "closed"}, None, MergeCategory.TERMINAL),
        ({"state": "closed", "merged_at": "2026-01-01T00:00:00Z"}, None, MergeCategory.TERMINAL),
    ],
)
def test_what_mergeability_means(
    fields: dict[str, object], checks: CheckState | None, expected: MergeCategory
) -> None:
    side = {"ref": "x", "sha": "1"}
    pull = PullAnswer.model_validate(
        {"number": 1, "title": "t", "state": "open", "head": side, "base": side, **fields}
    )
    state = merge_state(pull, checks)
    assert state.category is expected
    known = {"dirty": Obstacle.CONFLICT, "behind": Obstacle.BEHIND}
    assert state.obstacle is known.get(str(fields.get("mergeable_state")))

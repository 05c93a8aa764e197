"""Jira, Cloud and Data Center: what every tracker keeps, and what is Jira's own.

The servers are checked against described.json, which is written down from Atlassian's documentation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from tamma.errors import (
    BadCredentials,
    ConfigError,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    Transient,
    Unsupported,
)
from tamma.model.repository import IssueFilter, PullRequestSpec, RepoRef, Target
from tamma.platforms.http.errors import Answer, error_for
from tamma.platforms.interface import (
    ASSIGNEES,
    COMMENTS,
    ISSUES,
    LABELS,
    PULL_REQUESTS,
    WEBHOOKS,
    Platform,
    PlatformSettings,
)
from tamma.platforms.jira.errors import dialect
from tamma.platforms.jira.issues import transition_for
from tamma.platforms.jira.models import Transition
from tamma.platforms.jira.platform import Jira
from tamma.platforms.jira.searching import jql, label_of
from tamma.platforms.tracked import Tracked, Tracking
from tests.platforms.conftest import Servers
from tests.platforms.contract import test_comments, test_crash, test_issues, test_labels, test_texts
from tests.platforms.forge_harness import ForgeHarness
from tests.platforms.harness import Harness
from tests.platforms.operations import WRITINGS, Writing
from tests.platforms.registry import ENTRIES
from tests.support.forge.faces.jira.common import Server, account_id, moved, server_of
from tests.support.forge.faces.jira.face import jira_face
from tests.support.forge.server import ApiServer
from tests.support.forge.things import Item
from tests.support.forge.world import World
from tests.test_docs.matrix import cells


class JiraHarness(ForgeHarness):
    """A repository of the world is a project; what is about pull requests is never asked for."""

    @property
    def jira(self) -> Jira:
        return cast("Jira", self.platform)

    @property
    def server_settings(self) -> Server:
        return server_of(self.world)

    def make(self, settings: PlatformSettings) -> Platform:
        return cast("Platform", Jira(settings))

    def login(self, name: str) -> str:
        return account_id(name) if self.server_settings.cloud else name

    def number_of(self, item: Item) -> str:
        return f"HELLO-{item.number}"


Make = Callable[[Path], JiraHarness]


@pytest.fixture(scope="module")
def jira_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with ApiServer(World(tmp_path_factory.mktemp("jira")), jira_face()) as server:
        yield server


@pytest.fixture(params=["cloud", "dc"])
async def new_tracker(request: pytest.FixtureRequest, jira_server: ApiServer) -> AsyncIterator[Make]:
    """Makes harnesses of either deployment; the last one has the server."""
    made: list[JiraHarness] = []
    violations: list[str] = []

    def make(folder: Path) -> JiraHarness:
        violations.extend(jira_server.violations)
        world = World(folder)
        server_of(world).cloud = request.param == "cloud"
        jira_server.use(world)
        made.append(JiraHarness("jira", jira_server, "jira"))
        return made[-1]

    yield make
    for harness in made:
        await harness.close()
    assert violations + jira_server.violations == []


@pytest.fixture
def tracker(new_tracker: Make, tmp_path: Path) -> JiraHarness:
    return new_tracker(tmp_path)


# --- what every tracker keeps -----------------------------------------------------------------------------

CONTRACT: tuple[Callable[[Harness], Awaitable[None]], ...] = (
    test_issues.test_all_issues_of_many_pages_are_listed_once,
    test_issues.test_no_issues_are_one_page,
    test_issues.test_an_issue_is_read_as_it_was_written,
    test_issues.test_an_issue_is_closed_once_and_reopened,
    test_issues.test_issues_are_found_by_all_that_must_hold,
    test_issues.test_issues_are_found_by_author_and_by_their_last_change,
    test_issues.test_assignees_are_set_by_their_difference,
    test_comments.test_a_comment_is_written_once_and_then_updated,
    test_comments.test_a_comment_on_nothing_is_not_found,
    test_comments.test_only_those_who_may_write_are_trusted,
    test_comments.test_a_copied_mark_is_not_ours,
    test_comments.test_many_comments_are_all_listed_in_order,
    test_labels.test_labels_are_set_by_their_difference,
    test_texts.test_a_comment_that_is_too_long_is_shortened_and_stays_ours,
    test_texts.test_a_text_of_65_thousand_characters_is_no_failure,
)
_OWN = {
    "ensure_comment": "issue",
    "set_labels": "issue",
    "set_assignees": "",
    "close_issue": "",
    "reopen_issue": "",
}
TRACKING = tuple(w for w in WRITINGS if w.method in _OWN and not w.name.startswith("its "))


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
async def test_what_the_contract_asks_of_a_tracker(
    check: Callable[[Harness], Awaitable[None]], tracker: JiraHarness
) -> None:
    await check(tracker)


@pytest.mark.parametrize("writing", TRACKING, ids=lambda writing: writing.name)
async def test_a_write_that_was_cut_off_is_done_once(
    writing: Writing, new_tracker: Make, tmp_path: Path
) -> None:
    await test_crash.test_a_write_that_was_cut_off_is_done_once(writing, new_tracker, tmp_path)


def test_every_write_of_a_tracker_is_cut_off() -> None:
    assert {writing.method for writing in TRACKING} == set(_OWN)
    assert len(TRACKING) == 6


async def test_a_tracker_says_what_it_can(tracker: JiraHarness) -> None:
    able = await tracker.jira.capabilities()
    assert able == {ISSUES, COMMENTS, LABELS, ASSIGNEES, WEBHOOKS}
    assert {name for name, cell in cells("jira").items() if cell == "yes"} == able
    version = await tracker.jira.server_version()
    assert version.startswith("1001" if tracker.server_settings.cloud else "9.12")
    assert (await tracker.jira.check_credentials()).login == tracker.login("tamma-bot")


async def test_pull_requests_are_elsewhere(tracker: JiraHarness) -> None:
    with pytest.raises(Unsupported) as caught:
        await tracker.jira.list_comments(tracker.repo, Target("pull_request", "1"))
    assert "forge" in (caught.value.hint or "")


# --- how it says no ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "headers", "kind"),
    [
        (400, "The value 'X' does not exist for the field 'project'.", {}, NotFound),
        (400, "Field 'x' does not exist", {}, PlatformError),
        (401, "", {}, BadCredentials),
        (403, "", {}, Forbidden),
        (403, "", {"x-seraph-loginreason": "AUTHENTICATION_DENIED"}, BadCredentials),
        (404, "", {"x-seraph-loginreason": "AUTHENTICATED_FAILED"}, BadCredentials),
        (404, "Issue does not exist", {"x-seraph-loginreason": "OK"}, NotFound),
        (409, "", {}, Conflict),
        (429, "", {"retry-after": "17"}, PlatformRateLimited),
        (503, "", {"x-seraph-loginreason": "AUTHENTICATED_FAILED"}, Transient),
    ],
)
def test_what_a_refusal_means(
    status: int, message: str, headers: dict[str, str], kind: type[PlatformError]
) -> None:
    error = error_for(Answer(status, message, headers, "GET /x", "jira", has_token=True), dialect())
    assert type(error) is kind
    assert kind in (PlatformError, Conflict) or error.hint


async def test_bad_credentials_are_told_and_not_shown(tracker: JiraHarness) -> None:
    platform = tracker.with_token("canary-of-a-stranger")
    with pytest.raises(BadCredentials) as caught:
        await platform.check_credentials()
    assert "canary" not in f"{caught.value.message} {caught.value.hint} {platform.settings!r}"


async def test_limits_and_failures_are_told_at_once(tracker: JiraHarness) -> None:
    [number] = await tracker.add_issues(1)
    await tracker.jira.get_issue(tracker.repo, number)
    tracker.unavailable("error")
    with pytest.raises(Transient):
        await tracker.jira.get_issue(tracker.repo, number)
    tracker.rate_limited(17)
    with pytest.raises(PlatformRateLimited) as caught:
        await tracker.jira.get_issue(tracker.repo, number)
    assert 16 <= (caught.value.retry_after or 0) <= 18


async def test_an_unknown_project_names_what_to_check(tracker: JiraHarness) -> None:
    with pytest.raises(NotFound) as caught:
        await tracker.jira.list_issues(RepoRef("jira", "", "NOPE"), IssueFilter())
    assert "project" in (caught.value.hint or "")


# --- the server -------------------------------------------------------------------------------------------


async def test_the_deployment_is_asked_once_or_configured(tracker: JiraHarness) -> None:
    await tracker.add_issues(1)
    await tracker.jira.list_issues(tracker.repo, IssueFilter())
    await tracker.jira.list_issues(tracker.repo, IssueFilter())
    assert tracker.server.requests.count("GET /rest/api/2/serverInfo") == 1
    word = "cloud" if tracker.server_settings.cloud else "dc"
    told = Jira(replace(tracker.jira.settings, options={"deployment": word}))
    before = len(tracker.server.requests)
    await told.check_credentials()
    version = 3 if tracker.server_settings.cloud else 2
    assert tracker.server.requests[before:] == [f"GET /rest/api/{version}/myself"]
    await told.close()


def test_a_deployment_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigError):
        Jira(PlatformSettings("jira", "jira", "https://jira.example.test", options={"deployment": "server"}))


async def test_a_token_with_a_user_is_basic_and_alone_a_bearer(tracker: JiraHarness) -> None:
    basic = Jira(replace(tracker.jira.settings, auth="basic", username="mona@example.test"))
    assert (await basic.check_credentials()).login == tracker.login("tamma-bot")
    await basic.close()


# --- closing ----------------------------------------------------------------------------------------------


def offered(*rows: tuple[str, str, str]) -> list[Transition]:
    return [Transition.model_validate(moved(number, "Go", name, category)) for number, name, category in rows]


@pytest.mark.parametrize(
    ("closed", "wanted", "rows", "expected"),
    [
        (True, "", [("31", "Won't Do", "done"), ("41", "Done", "done")], "41"),
        (True, "", [("31", "Closed", "done"), ("21", "Resolved", "done")], "31"),
        (True, "", [("9", "Shipped", "done"), ("10", "Gone", "done")], "9"),
        (True, "Won't do", [("31", "Won't Do", "done"), ("41", "Done", "done")], "31"),
        (True, "Nowhere", [("41", "Done", "done")], None),
        (True, "", [("41", "Doing", "indeterminate")], None),
        (False, "", [("1", "Doing", "indeterminate"), ("2", "To Do", "new")], "2"),
        (False, "", [("1", "Doing", "indeterminate"), ("2", "Done", "done")], "1"),
        (False, "", [], None),
    ],
)
def test_the_same_transition_is_taken_each_time(
    closed: bool, wanted: str, rows: list[tuple[str, str, str]], expected: str | None
) -> None:
    for order in (rows, rows[::-1]):
        found = transition_for(offered(*order), closed=closed, wanted=wanted)
        assert (found and found.id) == expected


async def test_a_workflow_without_a_way_lists_those_that_there_are(tracker: JiraHarness) -> None:
    [number] = await tracker.add_issues(1)
    tracker.server_settings.transitions["open"] = [moved("11", "Start", "In Progress", "indeterminate")]
    with pytest.raises(Forbidden) as caught:
        await tracker.jira.close_issue(tracker.repo, number)
    assert "'Start' to 'In Progress'" in (caught.value.hint or "")
    assert "closeStatus" in (caught.value.hint or "")


async def test_a_status_that_is_configured_is_taken(tracker: JiraHarness) -> None:
    [number] = await tracker.add_issues(1)
    platform = Jira(replace(tracker.jira.settings, options={"closeStatus": "won't do"}))
    await platform.close_issue(tracker.repo, number)
    await platform.close()
    sent = [logged.body for logged in tracker.server.log if logged.method == "POST"]
    assert sent == [{"transition": {"id": "21"}}]


# --- labels, assignees ------------------------------------------------------------------------------------


async def test_a_label_has_hyphens_where_we_have_spaces(tracker: JiraHarness) -> None:
    [number] = await tracker.add_issues(1)
    target = Target("issue", number)
    for _ in range(2):
        await tracker.jira.set_labels(tracker.repo, target, ("in progress", "häßlich", 'a"b\\c'))
    found = await tracker.jira.get_issue(tracker.repo, number)
    assert sorted(found.labels) == ['a"b\\c', "häßlich", "in-progress"]
    for label in ("in progress", 'a"b\\c'):
        page = await tracker.jira.list_issues(tracker.repo, IssueFilter(labels=(label,)))
        assert [issue.number for issue in page.items] == [number]
    assert label_of(" a  b\tc ") == "a-b-c"


async def test_an_issue_has_one_assignee(tracker: JiraHarness) -> None:
    [number] = await tracker.add_issues(1)
    octo, writer = tracker.login("octo"), tracker.login("writer")
    with pytest.raises(Conflict):
        await tracker.jira.set_assignees(tracker.repo, number, (octo, writer))
    await tracker.jira.set_assignees(tracker.repo, number, (octo,))
    with pytest.raises(Conflict) as caught:
        await tracker.jira.set_assignees(tracker.repo, number, (writer,))
    assert caught.value.hint
    await tracker.jira.set_assignees(tracker.repo, number, (writer,), (octo,))
    assert (await tracker.jira.get_issue(tracker.repo, number)).assignees == (writer,)
    await tracker.jira.set_assignees(tracker.repo, number, (), (octo,))
    assert (await tracker.jira.get_issue(tracker.repo, number)).assignees == (writer,)


@pytest.mark.parametrize("word", ["octo@example.test", "Octo"])
async def test_people_are_found_by_mail_and_name(tracker: JiraHarness, word: str) -> None:
    [number] = await tracker.add_issues(1)
    await tracker.jira.set_assignees(tracker.repo, number, (word,))
    assert (await tracker.jira.get_issue(tracker.repo, number)).assignees == (tracker.login("octo"),)
    with pytest.raises(NotFound):
        await tracker.jira.set_assignees(tracker.repo, number, ("stranger",), ("octo",))


# --- trust ------------------------------------------------------------------------------------------------


async def test_who_may_not_ask_trusts_itself_and_those_who_are_named(tracker: JiraHarness) -> None:
    tracker.server_settings.administers = False
    [number] = await tracker.add_issues(1)
    target = Target("issue", number)
    for author in ("octo", "stranger"):
        await tracker.comment(target, "hm", author)
    await tracker.jira.ensure_comment(tracker.repo, target, "ours", "op-1")
    listed = await tracker.jira.list_comments(tracker.repo, target)
    assert [comment.trusted for comment in listed] == [False, False, True]
    named = [tracker.login("octo")]
    lenient = Jira(replace(tracker.jira.settings, options={"trustedAuthors": named}))
    listed = await lenient.list_comments(tracker.repo, target)
    assert [comment.trusted for comment in listed] == [True, False, True]
    await lenient.close()


async def test_a_name_that_begins_like_a_trusted_one_is_not_trusted(tracker: JiraHarness) -> None:
    tracker.world.add_account("write")
    [number] = await tracker.add_issues(1)
    await tracker.comment(Target("issue", number), "hm", "write")
    [listed] = await tracker.jira.list_comments(tracker.repo, Target("issue", number))
    assert not listed.trusted


# --- searches ---------------------------------------------------------------------------------------------

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_END = " ORDER BY created ASC, key ASC"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (IssueFilter(), 'project = "SHOP" AND statusCategory != Done'),
        (IssueFilter("closed"), 'project = "SHOP" AND statusCategory = Done'),
        (IssueFilter("all"), 'project = "SHOP"'),
        (
            IssueFilter("all", ('x" OR "y',), "me", "you"),
            r'project = "SHOP" AND labels = "x\"-OR-\"y" AND assignee = "me" AND creator = "you"',
        ),
        (
            IssueFilter("all", updated_since=NOW - timedelta(minutes=5, seconds=1)),
            'project = "SHOP" AND updated >= -7m',
        ),
        (IssueFilter("all", updated_since=NOW + timedelta(hours=1)), 'project = "SHOP" AND updated >= -1m'),
    ],
)
def test_a_search_says_what_must_hold_and_nothing_ends_it(query: IssueFilter, expected: str) -> None:
    assert jql("SHOP", query, NOW) == expected + _END


async def test_the_address_of_an_issue_is_where_people_look(tracker: JiraHarness) -> None:
    [number] = await tracker.add_issues(1)
    issue = await tracker.jira.get_issue(tracker.repo, number.lower())
    assert (issue.number, issue.url) == (number, f"{tracker.server.url}/browse/{number}")


async def test_what_is_no_key_asks_nothing(tracker: JiraHarness) -> None:
    for number in ("12", "SHOP-", "SHOP-0", "SHOP-1/../2", "-1", ""):
        with pytest.raises(NotFound):
            await tracker.jira.get_issue(tracker.repo, number)
    assert [request for request in tracker.server.requests if "/issue/" in request] == []


async def test_a_text_of_nothing_but_what_is_escaped_fits_too(tracker: JiraHarness) -> None:
    [number] = await tracker.add_issues(1)
    target = Target("issue", number)
    for _ in range(2):
        await tracker.jira.ensure_comment(
            tracker.repo, target, "a {b} [c] " * 10_000, "op-1", "https://x.test"
        )
    [listed] = await tracker.jira.list_comments(tracker.repo, target)
    assert listed.body.startswith("a {b} [c] a {b}")
    assert "https://x.test" in listed.body[-200:]
    assert tracker.changes() == 1


def body_of(tracker: JiraHarness) -> Any:
    return tracker.server.log[-1].body["body"]


async def test_what_we_write_is_formatted_and_ends_in_our_mark(tracker: JiraHarness) -> None:
    [number] = await tracker.add_issues(1)
    text = "## Plan\n\nSee [it](https://x.test/a).\n\n- one `a[0]`\n- two\n\n```py\nx = {1}\n```"
    target = Target("issue", number)
    made = await tracker.jira.ensure_comment(tracker.repo, target, text, "op-1")
    assert made.body == text
    sent = body_of(tracker)
    if tracker.server_settings.cloud:
        kinds = [node["type"] for node in sent["content"]]
        assert kinds == ["heading", "paragraph", "bulletList", "codeBlock", "paragraph"]
    else:
        assert sent.startswith(
            "h2. Plan\n\nSee [it|https://x.test/a].\n\n* one {{a\\[0\\]}}\n* two\n\n{code:py}"
        )
        assert sent.endswith("\n\n_tamma:op=op-1_")


async def test_a_bitbucket_with_a_jira_beside_it_is_one_platform(
    tracker: JiraHarness, forge_servers: Servers, tmp_path: Path
) -> None:
    """As the worker makes it: issues and their comments there, pull requests and theirs here."""
    entry = next(entry for entry in ENTRIES if entry.name == "bitbucket-dc")
    world = World(tmp_path / "forge", shared_numbers=False)
    forge = ForgeHarness(entry.name, forge_servers(entry, world), entry.type)
    both = Tracked(forge.platform, tracker.jira, Tracking("jira", "HELLO"))
    await both.start()
    able = await both.capabilities()
    assert {ISSUES, ASSIGNEES, COMMENTS, PULL_REQUESTS} <= able
    [number] = await tracker.add_issues(1)
    [issue] = (await both.list_issues(forge.repo, IssueFilter())).items
    assert issue.number == number
    base = (await both.get_branch(forge.repo, "main")).sha
    await both.ensure_branch(forge.repo, "fix", base)
    await forge.push("fix", "fix.txt", b"fixed\n")
    made = await both.ensure_pr(
        forge.repo, PullRequestSpec("fix", "main", "Fix", f"Solves {number}"), "op-pr"
    )
    for target in (Target("issue", number), Target("pull_request", made.pull_request.number)):
        await both.ensure_comment(forge.repo, target, f"on the {target.kind}", "op-c")
        [said] = await both.list_comments(forge.repo, target)
        assert (said.body, said.trusted) == (f"on the {target.kind}", True)
    await both.close_issue(forge.repo, number)
    assert (await both.get_issue(forge.repo, number)).state == "closed"
    await both.close()
    assert forge.server.violations == []

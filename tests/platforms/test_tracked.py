"""A forge with a tracker beside it: what is about issues goes there, all else to the forge."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from tamma.config.load import load_config
from tamma.config.platform_settings import ending_tokens, tracking_for_platform
from tamma.config.resolve import settings_for_platform
from tamma.errors import BadCredentials, ConfigError
from tamma.model.repository import Identity, IssueFilter, PullRequestSpec, RateLimit, RepoRef, Target
from tamma.platforms.interface import (
    ASSIGNEES,
    COMMENTS,
    GIT_PUSH,
    ISSUES,
    LABELS,
    PULL_REQUESTS,
    WEBHOOKS,
    IssueTracker,
    Platform,
    PlatformSettings,
)
from tamma.platforms.memory.platform import MemoryPlatform
from tamma.platforms.tracked import Tracked, Tracking
from tamma.pools import Platforms
from tests.platforms.harness import MemoryHarness
from tests.platforms.steps import BRANCH, commit

REPO = RepoRef("forge", "octo", "hello")
ISSUE = "# It breaks\n\nAlways.\n"


class Side:
    """Remembers what it was asked, and by whom it is meant to be known."""

    def __init__(self, name: str, *able: str, left: int | None = None, known: bool = True) -> None:
        self.settings = PlatformSettings(name, name)
        self.able, self.left, self.known = frozenset(able), left, known
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    async def capabilities(self) -> frozenset[str]:
        return self.able

    async def rate_limit(self) -> RateLimit:
        return RateLimit(remaining=self.left)

    async def server_version(self) -> str:
        return f"{self.settings.id} 1"

    async def check_credentials(self) -> Identity:
        if not self.known:
            raise BadCredentials(f"{self.settings.id} does not know us")
        return Identity(self.settings.id)

    def verify_webhook(self, *given: Any) -> None:
        self.asked.append(("verify_webhook", given))

    def parse_webhook(self, *given: Any) -> str:
        self.asked.append(("parse_webhook", given))
        return self.settings.id

    def __getattr__(self, name: str) -> Any:
        async def asked(*given: Any, **named: Any) -> str:
            self.asked.append((name, (*given, *named.values())))
            return self.settings.id

        return asked


def tracked(forge: Side, tracker: Side, project: str | None = "SHOP") -> Tracked:
    on_code: Any = forge
    on_issues: Any = tracker
    return Tracked(on_code, on_issues, Tracking("tracker", project))


OF_ISSUES = {name for name, _ in inspect.getmembers(IssueTracker, inspect.isfunction) if name[0] != "_"}
BY_TARGET = {"list_comments", "ensure_comment", "set_labels"}
ACCOUNT = {"start", "close", "capabilities", "server_version", "check_credentials", "rate_limit"}
EVERY = {name for name, _ in inspect.getmembers(Platform, inspect.isfunction) if name[0] != "_"}


@pytest.mark.parametrize("name", sorted(EVERY - ACCOUNT - OF_ISSUES - {"verify_webhook", "parse_webhook"}))
async def test_what_is_not_about_issues_is_the_forges(name: str) -> None:
    forge, tracker = Side("forge"), Side("tracker")
    assert await getattr(tracked(forge, tracker), name)(REPO, "1", x=2) == "forge"
    assert forge.asked == [(name, (REPO, "1", 2))]
    assert tracker.asked == []


@pytest.mark.parametrize("name", sorted(OF_ISSUES - BY_TARGET))
async def test_what_is_about_issues_is_the_trackers(name: str) -> None:
    forge, tracker = Side("forge"), Side("tracker")
    given: tuple[object, ...] = (REPO, "SHOP-1", ("ann",))[: 3 if name == "set_assignees" else 2]
    await getattr(tracked(forge, tracker), name)(*given)
    assert forge.asked == []
    [(asked, (where, *_))] = tracker.asked
    assert (asked, where) == (name, RepoRef("tracker", "", "SHOP"))


@pytest.mark.parametrize("name", sorted(BY_TARGET))
@pytest.mark.parametrize("kind", ["issue", "pull_request"])
async def test_what_may_be_about_either_goes_by_its_target(name: str, kind: Any) -> None:
    forge, tracker = Side("forge"), Side("tracker")
    target = Target(kind, "1")
    more = {"ensure_comment": ("text", "op", "link"), "set_labels": (("a",), ("b",))}.get(name, ())
    await getattr(tracked(forge, tracker), name)(REPO, target, *more)
    meant, other = (tracker, forge) if kind == "issue" else (forge, tracker)
    where = RepoRef("tracker", "", "SHOP") if kind == "issue" else REPO
    assert meant.asked == [(name, (where, target, *more))]
    assert other.asked == []


def test_the_forge_takes_its_own_webhooks() -> None:
    forge, tracker = Side("forge"), Side("tracker")
    both = tracked(forge, tracker)
    both.verify_webhook({}, b"x")
    assert both.parse_webhook({}, b"x") == "forge"
    assert [name for name, _ in forge.asked] == ["verify_webhook", "parse_webhook"]
    assert both.settings.id == "forge"


async def test_both_are_started_and_both_are_closed() -> None:
    forge, tracker = Side("forge"), Side("tracker")
    both = tracked(forge, tracker)
    await both.start()
    await both.close()
    assert [name for name, _ in forge.asked] == [name for name, _ in tracker.asked] == ["start", "close"]


@pytest.mark.parametrize(
    ("project", "where"),
    [
        ("SHOP", RepoRef("tracker", "", "SHOP")),
        ("org/group/web", RepoRef("tracker", "org/group", "web")),
        (None, RepoRef("tracker", "octo", "hello")),
    ],
)
def test_the_repository_is_called_as_the_tracker_calls_it(project: str | None, where: RepoRef) -> None:
    assert Tracking("tracker", project).project_of(REPO) == where


@pytest.mark.parametrize(
    ("forge", "tracker", "both"),
    [
        ({GIT_PUSH, PULL_REQUESTS}, {ISSUES, COMMENTS}, {GIT_PUSH, PULL_REQUESTS, ISSUES}),
        (
            {PULL_REQUESTS, COMMENTS, LABELS, ISSUES, ASSIGNEES, WEBHOOKS},
            {ISSUES, COMMENTS},
            {PULL_REQUESTS, COMMENTS, ISSUES, WEBHOOKS},
        ),
        ({GIT_PUSH}, {ISSUES, COMMENTS, LABELS}, {GIT_PUSH, ISSUES, COMMENTS, LABELS}),
        ({GIT_PUSH, ISSUES, COMMENTS}, {WEBHOOKS}, {GIT_PUSH}),
    ],
)
async def test_it_can_what_the_side_that_is_asked_can(
    forge: set[str], tracker: set[str], both: set[str]
) -> None:
    assert await tracked(Side("forge", *forge), Side("tracker", *tracker)).capabilities() == both


async def test_either_may_not_know_us_and_the_scarcer_limit_counts() -> None:
    with pytest.raises(BadCredentials, match="tracker"):
        await tracked(Side("forge"), Side("tracker", known=False)).check_credentials()
    found = tracked(Side("forge", left=100), Side("tracker", left=7))
    assert (await found.check_credentials()).login == "forge"
    assert (await found.rate_limit()).remaining == 7
    assert (await tracked(Side("forge", left=5), Side("tracker")).rate_limit()).remaining == 5
    assert await found.server_version() == "forge 1, tracker 1"


# --- with real ones ----------------------------------------------------------------------------------


async def test_an_issue_of_one_is_solved_on_the_other(tmp_path: Path) -> None:
    harness = MemoryHarness(tmp_path)
    await commit(harness)
    config = {
        "platforms": {
            "available": [
                {
                    "platformId": "forge",
                    "platformType": "memory",
                    "options": dict(harness.platform.settings.options),
                    "issues": {"platform": "tracker", "project": "acme/board"},
                },
                {
                    "platformId": "tracker",
                    "platformType": "memory",
                    "options": {"issues": {"acme/board": {"77": ISSUE}}, "repositories": {"acme/board": ""}},
                },
            ]
        }
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    loaded = load_config(env={"TAMMA_HOME": str(tmp_path)})
    pool = Platforms(
        lambda name: settings_for_platform(loaded, name), lambda name: tracking_for_platform(loaded, name)
    )
    platform = await pool.get("forge")
    assert isinstance(platform, Tracked)
    assert isinstance(await pool.get("tracker"), MemoryPlatform)
    assert [issue.number for issue in (await platform.list_issues(REPO, IssueFilter())).items] == ["77"]
    made = await platform.ensure_pr(REPO, PullRequestSpec(BRANCH, "main", "Fix", "b"), "op-pr")
    number = made.pull_request.number
    await platform.ensure_comment(REPO, Target("pull_request", number), "on the change", "op-1")
    await platform.ensure_comment(REPO, Target("issue", "77"), "on the issue", "op-2")
    await platform.close_issue(REPO, "77")
    issue = await platform.get_issue(REPO, "77")
    assert (issue.title, issue.state) == ("It breaks", "closed")
    assert [comment.body for comment in issue.comments] == ["on the issue"]
    on_change = await platform.list_comments(REPO, Target("pull_request", number))
    assert [comment.body for comment in on_change] == ["on the change"]
    await pool.close()


def test_a_tracker_has_no_tracker(tmp_path: Path) -> None:
    def load(*pairs: tuple[str, str]) -> None:
        entries = [
            {"platformId": name, "platformType": "memory", "issues": {"platform": tracker}}
            for name, tracker in pairs
        ]
        (tmp_path / "config.json").write_text(json.dumps({"platforms": {"available": entries}}))
        load_config(env={"TAMMA_HOME": str(tmp_path)})

    load(("a", "github.com"), ("b", "github.com"))
    for circle in ([("a", "a")], [("a", "b"), ("b", "a")], [("a", "b"), ("b", "github.com")]):
        with pytest.raises(ConfigError, match="tracker of another account"):
            load(*circle)


def test_tokens_that_end_are_named(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    entry = {
        "platformId": "a",
        "platformType": "memory",
        "credentials": {"expiresAt": "2026-12-05T12:00:00Z"},
    }
    (tmp_path / "config.json").write_text(json.dumps({"platforms": {"available": [entry]}}))
    loaded = load_config(env={"TAMMA_HOME": str(tmp_path)})
    assert ending_tokens(loaded, datetime(2026, 11, 1, tzinfo=UTC)) == []
    assert ending_tokens(loaded, datetime(2026, 12, 1, tzinfo=UTC)) == [
        ("a", "ends in 4 days, on 2026-12-05")
    ]

"""The parts of the adapter for Gitea and Forgejo that need no server: profiles, errors, drafts, readiness,
patches, pages, and what was recorded of a real server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import BaseModel

from tamma.errors import (
    BadCredentials,
    ConfigError,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    Transient,
)
from tamma.model.repository import ChangeKind, Check, CheckState, FileChange, MergeCategory, Obstacle
from tamma.platforms import interface as i
from tamma.platforms.gitea.client import pages
from tamma.platforms.gitea.drafts import split_title, titled
from tamma.platforms.gitea.errors import dialect
from tamma.platforms.gitea.models import (
    BranchAnswer,
    CommentAnswer,
    CommitAnswer,
    IssueAnswer,
    PullAnswer,
    RepositoryAnswer,
    ReviewAnswer,
)
from tamma.platforms.gitea.patches import Blob, patch_of
from tamma.platforms.gitea.platform import Forgejo, Gitea
from tamma.platforms.gitea.profile import NEWEST, Kind, profile_of
from tamma.platforms.gitea.readiness import Standing, merge_state
from tamma.platforms.gitea.runs import StatusAnswer, state_of
from tamma.platforms.http.errors import Answer, error_for
from tamma.platforms.http.messages import Query, Request, Response
from tamma.platforms.interface import PlatformSettings
from tests.platforms.harness import git, make_checkout
from tests.support.forge.description import specs_folder

# --- profiles ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "said", "is_kind", "version"),
    [
        ("gitea", "1.21.11", "gitea", (1, 21)),
        ("gitea", "1.27.0+dev-123-gabcdef", "gitea", (1, 27)),
        ("gitea", "v1.26.4", "gitea", (1, 26)),
        ("gitea", "development", "gitea", NEWEST),
        ("gitea", "", "gitea", (0, 0)),
        ("forgejo", "16.0.1+gitea-1.22.0", "forgejo", (16, 0)),
        ("forgejo", "7.0.0-dev-1-abc+gitea-1.22.0", "forgejo", (7, 0)),
        ("gitea", "15.0.9+gitea-1.22.0", "forgejo", (15, 0)),
        ("forgejo", "1.21.11-1", "gitea", (1, 21)),
        ("forgejo", "", "forgejo", (0, 0)),
    ],
)
def test_a_server_is_known_by_what_it_says(
    kind: Kind, said: str, is_kind: str, version: tuple[int, int]
) -> None:
    found = profile_of(kind, said)
    assert (found.kind, found.version, found.said) == (is_kind, version, said)


EVERYWHERE = {
    i.ISSUES,
    i.PULL_REQUESTS,
    i.DRAFTS,
    i.REVIEWS,
    i.AUTO_MERGE,
    i.STATUSES,
    i.API_COMMITS,
    i.WEBHOOKS,
}
CI = (i.CI_TRIGGER, i.CI_RUNS, i.CI_LOGS, i.CI_RERUN, i.CI_CANCEL)


@pytest.mark.parametrize(
    ("kind", "said", "able"),
    [
        ("gitea", "1.21.0", ()),
        ("gitea", "1.24.7", ()),
        ("gitea", "1.25.0", (i.CI_TRIGGER, i.CI_RUNS, i.CI_LOGS)),
        ("gitea", "1.26.0", (i.CI_TRIGGER, i.CI_RUNS, i.CI_LOGS, i.CI_RERUN, i.RESOLVE_THREADS)),
        ("gitea", "1.28.0", (*CI, i.RESOLVE_THREADS)),
        ("forgejo", "7.0.0+gitea-1.22.0", ()),
        ("forgejo", "12.0.0+gitea-1.22.0", (i.CI_TRIGGER, i.CI_RUNS)),
        ("forgejo", "16.0.1+gitea-1.22.0", (i.CI_TRIGGER, i.CI_RUNS, i.CI_LOGS, i.CI_CANCEL)),
        ("forgejo", "17.0.0+gitea-1.22.0", CI),
    ],
)
def test_what_a_version_can_do(kind: Kind, said: str, able: tuple[str, ...]) -> None:
    found = profile_of(kind, said).capabilities
    assert found >= EVERYWHERE
    assert found & {*CI, i.RESOLVE_THREADS, i.LOCAL_MERGE} == set(able)


@pytest.mark.parametrize(
    ("kind", "versions"),
    [
        ("gitea", [f"1.{number}.0" for number in range(21, 31)]),
        ("forgejo", [f"{number}.0.0+gitea-1.22.0" for number in range(7, 20)]),
    ],
)
def test_newer_versions_lose_nothing(kind: Kind, versions: list[str]) -> None:
    profiles = [profile_of(kind, said) for said in versions]
    assert all(older.capabilities <= newer.capabilities for older, newer in pairwise(profiles))


def test_a_lack_says_which_version_has_it() -> None:
    assert "Gitea 1.28, this is 1.27.0" in profile_of("gitea", "1.27.0").lack(i.CI_CANCEL)
    assert "Forgejo 16, this is 15.0.9" in profile_of("forgejo", "15.0.9+gitea-1.22.0").lack(i.CI_LOGS)
    assert "browser" in profile_of("forgejo", "16.0.1+gitea-1.22.0").lack(i.RESOLVE_THREADS)
    assert "does not tell" in profile_of("gitea", "").lack(i.CI_RUNS)


@pytest.mark.parametrize("given", [None, "ftp://git.example.test", "https://mona:canary@git.example.test"])
def test_an_account_needs_the_address_of_its_server(given: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        Gitea(PlatformSettings("git", "gitea", given))
    assert caught.value.hint
    assert "canary" not in str(caught.value)


async def test_the_public_ones_are_known_by_their_names() -> None:
    for platform in (
        Forgejo(PlatformSettings("codeberg.org", "forgejo")),
        Gitea(PlatformSettings("gitea.com", "gitea")),
    ):
        await platform.start()
        await platform.close()


# --- errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "kind", "hint"),
    [
        (400, "invalid", PlatformError, None),
        (401, "token is required", BadCredentials, "Settings, Applications"),
        (403, "token does not have at least one of required scope(s): [write:issue]", Forbidden, "scopes"),
        (404, "The target couldn't be found.", NotFound, "spelling"),
        (405, "Please try again later", PlatformError, None),
        (409, "The branch already exists.", Conflict, None),
        (412, "cannot close this issue because it still has open dependencies", Conflict, None),
        (413, "quota exceeded", Forbidden, "quota"),
        (422, "sha does not match", PlatformError, None),
        (423, "octo/hello is archived", Forbidden, "archive"),
        (429, "slow down", PlatformRateLimited, "by itself"),
        (500, "internal", Transient, None),
        (502, "", Transient, None),
        (503, "starting", Transient, None),
    ],
)
def test_what_a_status_means(status: int, message: str, kind: type[PlatformError], hint: str | None) -> None:
    for name in ("Gitea", "Forgejo"):
        answer = Answer(status, message, {}, "GET /repos/o/r", "git", has_token=True)
        error = error_for(answer, dialect(name))
        assert type(error) is kind
        assert error.message.startswith(f"{name} answered {status} to GET /repos/o/r")
        assert hint is None or hint in (error.hint or "")
        assert (error.status, error.platform) == (status, "git")


# --- drafts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "word", "rest"),
    [
        ("WIP: Fix it", "WIP:", "Fix it"),
        ("wip:Fix it", "wip:", "Fix it"),
        ("[WIP] Fix it", "[WIP]", "Fix it"),
        ("WIPE: the disk", "", "WIPE: the disk"),
        ("Fix WIP: it", "", "Fix WIP: it"),
        ("", "", ""),
    ],
)
def test_a_draft_is_known_by_its_title(title: str, word: str, rest: str) -> None:
    assert split_title(title) == (word, rest)
    assert titled(title, draft=True) == f"WIP: {rest}"
    assert titled(title, draft=False) == rest


def test_a_title_fits_its_column() -> None:
    assert len(titled("ä" * 300, draft=True)) == 255


def pull(**more: Any) -> PullAnswer:
    sides = {"head": {"label": "fix", "sha": "h"}, "base": {"label": "main", "sha": "b"}}
    return PullAnswer.model_validate(
        {"number": 7, "title": "Fix", "state": "open", "mergeable": True, **sides, **more}
    )


def test_old_servers_leave_it_to_the_title() -> None:
    assert pull(title="WIP: Fix").pull_request().draft
    assert pull(title="WIP: Fix").pull_request().title == "Fix"
    # The server has other words for it, and knows better.
    assert not pull(title="WIP: Fix", draft=False).pull_request().draft
    assert pull(title="Draft - Fix", draft=True).pull_request().title == "Draft - Fix"


def test_a_branch_that_is_gone_keeps_its_name() -> None:
    gone = pull(head={"label": "fix", "ref": "refs/pull/7/head", "sha": "h"})
    assert gone.pull_request().head == "fix"


def test_what_was_migrated_is_not_its_migrators() -> None:
    comment = CommentAnswer.model_validate({"id": 1, "user": {"login": "bot"}, "original_author": "stranger"})
    assert comment.author == "stranger"
    assert not comment.by("bot")
    assert CommentAnswer.model_validate({"id": 1, "user": {"login": "Bot"}}).by("bot")


# --- readiness --------------------------------------------------------------------------------------------

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)


def base(**more: Any) -> BranchAnswer:
    return BranchAnswer.model_validate({"name": "main", "commit": {"id": "b"}, **more})


def review(author: str, state: str, **more: Any) -> ReviewAnswer:
    return ReviewAnswer.model_validate(
        {"id": 1, "user": {"login": author}, "state": state, "official": True, **more}
    )


CHECKED = base(enable_status_check=True, status_check_contexts=["ci/*"])
ANY_CHECK = base(enable_status_check=True)
APPROVED = base(required_approvals=1)
UNOFFICIAL = review("a", "APPROVED", official=False)
DISMISSED = review("a", "APPROVED", dismissed=True)
GREEN, RED, RUNNING = CheckState.SUCCESS, CheckState.FAILURE, CheckState.PENDING
READY, IN_PROGRESS, RECOVERABLE, TERMINAL = MergeCategory


@pytest.mark.parametrize(
    ("answer", "found", "category", "reason"),
    [
        (pull(), Standing(base=base()), READY, "can be merged"),
        (pull(), Standing(), READY, "can be merged"),
        (pull(merged=True, state="closed"), Standing(), TERMINAL, "already merged"),
        (pull(state="closed"), Standing(), TERMINAL, "without a merge"),
        (pull(draft=True), Standing(), RECOVERABLE, "draft"),
        (pull(mergeable=False), Standing(), RECOVERABLE, "conflicts"),
        (pull(mergeable=False), Standing(may_conflict=False, patient=True), IN_PROGRESS, "still looking"),
        (pull(mergeable=False), Standing(may_conflict=False), RECOVERABLE, "not why"),
        (pull(mergeable=False, updated_at=NOW), Standing(), IN_PROGRESS, "still looking"),
        (pull(mergeable=False, updated_at=LONG_AGO), Standing(patient=True), RECOVERABLE, "conflicts"),
        (pull(), Standing(base=base(user_can_merge=False)), TERMINAL, "may not merge"),
        (pull(), Standing(base=CHECKED), IN_PROGRESS, "running"),
        (pull(), Standing(base=CHECKED, checks=(Check("ci/a", RUNNING),)), IN_PROGRESS, "running"),
        (pull(), Standing(base=CHECKED, checks=(Check("ci/a", RED),)), RECOVERABLE, "failed"),
        (pull(), Standing(base=CHECKED, checks=(Check("ci/a", GREEN), Check("x", RED))), READY, "merged"),
        (
            pull(),
            Standing(base=ANY_CHECK, checks=(Check("x", RED),)),
            RECOVERABLE,
            "failed",
        ),
        (pull(), Standing(base=APPROVED), RECOVERABLE, "1 approvals"),
        (pull(), Standing(base=APPROVED, reviews=(review("a", "APPROVED"),)), READY, "merged"),
        (
            pull(),
            Standing(base=APPROVED, reviews=(review("a", "APPROVED", official=False),)),
            RECOVERABLE,
            "has 0",
        ),
        (
            pull(),
            Standing(base=APPROVED, reviews=(review("a", "APPROVED", dismissed=True),)),
            RECOVERABLE,
            "has 0",
        ),
        (
            pull(),
            Standing(base=APPROVED, reviews=(review("a", "APPROVED"), review("a", "REQUEST_CHANGES"))),
            RECOVERABLE,
            "has 0",
        ),
    ],
)
def test_what_stands_in_the_way(
    answer: PullAnswer, found: Standing, category: MergeCategory, reason: str
) -> None:
    state = merge_state(answer, found, NOW)
    assert state.category is category
    assert reason in state.reason
    assert (state.obstacle is Obstacle.CONFLICT) is ("it conflicts" in state.reason)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        *((word, GREEN) for word in ("success", "skipped")),
        *((word, RED) for word in ("failure", "error", "warning", "cancelled")),
        *(
            (word, RUNNING)
            for word in ("pending", "waiting", "running", "blocked", "queued", "in_progress", "")
        ),
    ],
)
def test_words_for_a_state(word: str, state: CheckState) -> None:
    assert state_of(word) is state


# --- patches ----------------------------------------------------------------------------------------------


def test_git_applies_a_patch_of_ours(tmp_path: Path) -> None:
    """Every kind of change, over what stands there; and not where something else stands."""
    files = {"text": "hello\n" * 50, "häß lich": "x", "gone": "bye", "becomes a link": "z"}
    where = make_checkout(tmp_path / "checkout", files)
    (where / "link").symlink_to("text")
    git("add", ".", cwd=where)
    git("commit", "-q", "-m", "a link", cwd=where)

    def blob(path: str) -> Blob:
        mode, sha, *_ = git("ls-files", "-s", "--", path, cwd=where).split()
        return Blob(sha, mode)

    write = ChangeKind.WRITE
    changes = [
        (FileChange("text", write, b"\0\xff new" * 99, "100755"), blob("text")),
        (FileChange("häß lich", write, b"x", "100755"), blob("häß lich")),
        (FileChange("gone", ChangeKind.DELETE), blob("gone")),
        (FileChange("never there", ChangeKind.DELETE), None),
        (FileChange("becomes a link", write, b"text", "120000"), blob("becomes a link")),
        (FileChange("link", write, b"a file\r\n", "100644"), blob("link")),
        (FileChange('new/"däta".sh', write, b"#!/bin/sh\n", "100755"), None),
        (FileChange("empty", write, b"", "100755"), None),
    ]
    patch = tmp_path / "patch"
    patch.write_text(patch_of(changes, "0" * 40), "ascii")
    # As services/repository/files/patch.go of Gitea calls it.
    git("apply", "--index", "--recount", "--cached", "--binary", str(patch), cwd=where)
    staged = git("-c", "core.quotePath=false", "ls-files", "-s", cwd=where).splitlines()
    modes = {line.split("\t")[1]: line.split()[0] for line in staged}
    assert modes == {
        "text": "100755",
        "häß lich": "100755",
        "becomes a link": "120000",
        "link": "100644",
        '"new/\\"däta\\".sh"': "100755",
        "empty": "100755",
    }
    for change, _ in changes:
        if change.kind is write:
            git("cat-file", "-e", f":{change.path}", cwd=where)
    assert git("cat-file", "-p", ":link", cwd=where) == "a file"
    again = patch_of(changes[:1], "0" * 40)
    patch.write_text(again, "ascii")
    with pytest.raises(Exception, match="returned non-zero"):
        git("apply", "--cached", "--binary", str(patch), cwd=where)


def test_a_repository_of_longer_names_gets_longer_names() -> None:
    change = FileChange("a", ChangeKind.WRITE, b"")
    empty = "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"
    assert f"{'0' * 64}..{empty}" in patch_of([(change, None)], "0" * 64)


# --- pages ------------------------------------------------------------------------------------------------


def answer(total: int | None, items: list[int], link: str = "") -> Response:
    headers = {} if total is None else {"x-total-count": str(total)}
    return Response(200, {**headers, **({"link": link} if link else {})}, json.dumps(items).encode())


def follow(query: Query, total: int | None, items: int, link: str = "") -> Query | None:
    found = list(range(items))
    return pages(Request("GET", "/x", query), answer(total, found, link), found)


def test_a_link_is_followed_and_its_absence_is_the_end() -> None:
    following = '<https://git.example.test/api/v1/x?page=2&limit=50>; rel="next"'
    assert follow({"limit": "50"}, 90, 50, following) == {"page": "2", "limit": "50"}
    assert follow({"limit": "50"}, 90, 40, '<https://x/?page=1>; rel="first"') is None


def test_a_total_alone_is_counted_by_the_pages_that_the_server_gives() -> None:
    assert follow({"limit": "50"}, 50, 50) is None
    assert follow({"limit": "50"}, None, 50) is None
    second = follow({"limit": "50"}, 70, 30)
    assert second is not None
    assert dict(second) == {"limit": "30", "page": "2"}
    third = follow(second, 70, 30)
    assert third is not None
    assert dict(third) == {"limit": "30", "page": "3"}
    assert follow(third, 70, 10) is None
    assert follow(third, 70, 0) is None


# --- recorded answers -------------------------------------------------------------------------------------

_RECORDED = specs_folder() / "recorded" / "gitea"


@pytest.mark.skipif(not _RECORDED.is_dir(), reason=f"no recorded answers in {_RECORDED}")
@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("branch", BranchAnswer),
        ("comment", CommentAnswer),
        ("commit", CommitAnswer),
        ("issues", IssueAnswer),
        ("prs", PullAnswer),
        ("repos", RepositoryAnswer),
        ("statuses", StatusAnswer),
    ],
)
def test_recorded_answers_are_read_without_loss(name: str, model: type[BaseModel]) -> None:
    """What we read of them is what stands there; a default would show as a difference."""
    found: Any = json.loads((_RECORDED / f"{name}.json").read_bytes())
    items = cast("list[Any]", found if isinstance(found, list) else [found])
    assert items
    for item in items:
        _compare(model.model_validate(item), item)


def _compare(model: BaseModel, item: Any) -> None:
    for field in type(model).model_fields:
        value = getattr(model, field)
        if isinstance(value, BaseModel):
            _compare(value, item[field])
        elif field in item and isinstance(value, str | int):
            assert value == item[field], field


@pytest.mark.skipif(not _RECORDED.is_dir(), reason=f"no recorded answers in {_RECORDED}")
def test_recorded_things_are_what_they_were() -> None:
    issue = IssueAnswer.model_validate(json.loads((_RECORDED / "issues.json").read_bytes())[0]).issue()
    assert (issue.number, issue.author, issue.title, issue.state) == ("1", "janedoe", "Bug found", "open")
    comment = CommentAnswer.model_validate_json((_RECORDED / "comment.json").read_bytes())
    assert (comment.author, comment.body) == ("unknwon", "what?")
    first = PullAnswer.model_validate(json.loads((_RECORDED / "prs.json").read_bytes())[0]).pull_request()
    assert (first.number, first.head, first.base, first.author) == ("1", "feature", "master", "jcitizen")
    assert len(first.head_sha) == 40

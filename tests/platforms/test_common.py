"""What the adapters share: differences of names, the search for our own writes, words for branches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError, StaleHead, Transient
from tamma.model.repository import (
    Branch,
    Issue,
    IssueFilter,
    MergeOutcome,
    MergeResult,
    PullRequest,
    PullRequestFilter,
    RepoRef,
)
from tamma.platforms.common.branches import ensured
from tamma.platforms.common.deliveries import push_action
from tamma.platforms.common.differences import difference
from tamma.platforms.common.ensuring import answered, ensure_text, find_or_make, ours
from tamma.platforms.common.filters import issue_fits, pull_fits
from tamma.platforms.common.marks import with_mark
from tamma.platforms.common.merging import look_again, parted, settled
from tamma.platforms.common.moments import in_utc, moment_of
from tamma.platforms.common.names import number_of, segment, segments
from tamma.platforms.common.repositories import clone_url, git_credentials
from tamma.platforms.http.credentials import Fixed
from tamma.platforms.interface import PlatformSettings

REPO = RepoRef("hub", "octo", "hello")
ONE, TWO = "1" * 40, "2" * 40


# --- differences ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "add", "remove", "missing", "gone", "after"),
    [
        (("Bug", "ui"), ("bug", "new"), ("UI",), ("new",), ("ui",), ("Bug", "new")),
        ((), ("a", "A", "b"), (), ("a", "b"), (), ("a", "b")),
        (("a",), (), ("b",), (), (), ("a",)),
        (("a", "b"), ("a",), ("a", "b"), (), ("b",), ("a",)),  # what is to be added stays
    ],
)
def test_only_the_difference_has_to_be_written(
    there: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    missing: tuple[str, ...],
    gone: tuple[str, ...],
    after: tuple[str, ...],
) -> None:
    change = difference(there, add, remove)
    assert (change.missing, change.gone, change.applied(there)) == (missing, gone, after)
    assert bool(change) == (set(after) != set(there))


def test_some_services_look_at_the_case() -> None:
    change = difference(("Bug",), ("bug",), ("BUG",), fold=str)
    assert (change.missing, change.gone) == (("bug",), ())


# --- ensuring ---------------------------------------------------------------------------------------------


@dataclass
class Note:
    body: str
    author: str = "bot"


class Notes:
    """A conversation in which somebody may be quicker, and an answer may be an error."""

    def __init__(self, *there: Note, rival: Note | None = None, refusal: PlatformError | None = None) -> None:
        self.there = list(there)
        self.rival = rival
        self.refusal = refusal
        self.writes: list[str] = []

    async def find(self) -> Note | None:
        return await ours(self.there, "op", self._is_us)

    async def _is_us(self, note: Note) -> bool:
        return note.author == "bot"

    async def make(self) -> Note:
        if self.rival is not None:
            self.there.append(self.rival)
        if self.refusal is not None:
            raise self.refusal
        self.writes.append("make")
        self.there.append(Note(with_mark("new", "op")))
        return self.there[-1]

    async def edit(self, note: Note) -> Note:
        self.writes.append("edit")
        note.body = with_mark("new", "op")
        return note


async def test_a_text_is_made_once_then_found_then_changed() -> None:
    notes = Notes(Note("hello"), Note(with_mark("copied", "op"), "stranger"))
    for _ in range(2):
        await ensure_text(notes.find, notes.make, notes.edit, "new")
    assert notes.writes == ["make"]
    assert (await ensure_text(notes.find, notes.make, notes.edit, "newer")).author == "bot"
    assert notes.writes == ["make", "edit"]


async def test_what_somebody_made_between_look_and_write_is_found() -> None:
    quicker = Note(with_mark("theirs", "op"))
    met = Notes(rival=quicker, refusal=Conflict("it is there", status=409))
    assert await find_or_make(met.find, met.make) == (quicker, False)
    worded = Notes(rival=quicker, refusal=PlatformError("it is there", status=422))
    assert await find_or_make(worded.find, worded.make, answered(409, 422)) == (quicker, False)


@pytest.mark.parametrize(
    ("rival", "refusal"),
    [
        (None, Conflict("something else stands there", status=409)),
        (Note(with_mark("theirs", "op")), PlatformError("no such thing", status=400)),
    ],
)
async def test_a_refusal_for_another_reason_is_told(rival: Note | None, refusal: PlatformError) -> None:
    notes = Notes(rival=rival, refusal=refusal)
    with pytest.raises(PlatformError) as caught:
        await find_or_make(notes.find, notes.make)
    assert caught.value is refusal


# --- branches and merges ----------------------------------------------------------------------------------


def test_a_branch_that_stands_elsewhere_is_a_conflict() -> None:
    assert ensured(REPO, "fix", ONE, ONE, "hub") == Branch("fix", ONE)
    with pytest.raises(Conflict, match="exists at 222222222222, not at 111111111111"):
        ensured(REPO, "fix", TWO, ONE, "hub")


def pull(state: str, head: str = ONE) -> PullRequest:
    assert state in ("open", "closed", "merged")
    return PullRequest("12", "Fix", "", state, "fix", "main", head, "", merge_sha=TWO)


def test_what_is_over_needs_no_merge() -> None:
    assert settled(pull("open"), ONE, "hub") is None
    assert settled(pull("merged"), ONE, "hub") == MergeResult(MergeOutcome.MERGED, TWO)
    refused = settled(pull("closed", TWO), ONE, "hub", "!")
    assert refused == MergeResult(MergeOutcome.REFUSED, None, "!12 was closed without a merge")


def test_another_head_than_was_read_is_not_merged() -> None:
    with pytest.raises(StaleHead, match="#12 is at 222222222222"):
        settled(pull("open", TWO), ONE, "hub")
    with pytest.raises(Conflict, match="#12 was merged at 222222222222"):
        settled(pull("merged", TWO), ONE, "hub")


PASSES, REFUSES = Transient("502"), PlatformError("405", status=405)
HAPPENED = MergeResult(MergeOutcome.MERGED, TWO)


@pytest.mark.parametrize(
    ("error", "found", "result"),
    [
        (PASSES, HAPPENED, HAPPENED),  # its answer was lost
        (PASSES, None, PASSES),
        (PASSES, Transient("503"), PASSES),
        (PASSES, StaleHead("moved"), StaleHead),
        (REFUSES, HAPPENED, HAPPENED),
        (REFUSES, None, None),
        (REFUSES, Transient("503"), Transient),  # nobody could tell: the refusal must not be the last word
        (Conflict("409"), None, None),
        (Forbidden("403"), None, None),
        (PlatformError("400", status=400), HAPPENED, PlatformError),
    ],
)
async def test_a_merge_that_failed_is_looked_at_again(
    error: PlatformError,
    found: MergeResult | PlatformError | None,
    result: MergeResult | PlatformError | type[PlatformError] | None,
) -> None:
    async def look() -> MergeResult | None:
        if isinstance(found, PlatformError):
            raise found
        return found

    looking = look_again(look, error, kinds=(Forbidden,), statuses=(405,))
    if result is None or isinstance(result, MergeResult):
        assert await looking == result
        return
    with pytest.raises(PlatformError) as caught:
        await looking
    assert caught.value is result or type(caught.value) is result


def test_a_message_has_a_first_line_and_a_rest() -> None:
    assert parted("Fix it\n\nBecause.\nTwice.\n") == ("Fix it", "Because.\nTwice.")
    assert parted("Fix it") == ("Fix it", "")


# --- queries, moments, pushes -----------------------------------------------------------------------------


AT = datetime(2026, 12, 31, 10, tzinfo=UTC)
ISSUE = Issue("7", "A bug", "", "open", "", "Mona", ("Bug", "ui"), ("writer",), AT, AT)


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        (IssueFilter(), True),
        (IssueFilter("closed"), False),
        (IssueFilter("all", ("bug", "UI"), "Writer", "mona", AT), True),
        (IssueFilter(labels=("bug", "more")), False),
        (IssueFilter(assignee="mona"), False),
        (IssueFilter(author="writer"), False),
        (IssueFilter(updated_since=AT.astimezone(timezone(timedelta(hours=2)))), True),
        (IssueFilter(updated_since=AT + timedelta(seconds=1)), False),
    ],
)
def test_an_issue_fits_where_all_of_it_holds(query: IssueFilter, fits: bool) -> None:
    assert issue_fits(ISSUE, query) == fits


def test_a_pull_request_fits_where_all_of_it_holds() -> None:
    assert pull_fits(pull("open"), PullRequestFilter(head="fix", base="main"))
    for query in (PullRequestFilter("merged"), PullRequestFilter(head="f"), PullRequestFilter(base="m")):
        assert not pull_fits(pull("open"), query)


def test_moments_are_written_in_utc_and_read_leniently() -> None:
    assert (
        in_utc(datetime(2026, 12, 31, 12, 0, 0, 999, timezone(timedelta(hours=2)))) == "2026-12-31T10:00:00Z"
    )
    assert moment_of("2026-12-31 10:00:00 UTC") == moment_of("2026-12-31T10:00:00Z") == AT
    assert (moment_of(""), moment_of("soon")) == (None, None)


def test_a_commit_of_zeros_is_none() -> None:
    assert [push_action(*pair) for pair in (("0" * 40, ONE), (ONE, "0" * 64), (ONE, TWO))] == [
        "created",
        "deleted",
        "updated",
    ]


# --- paths, addresses, credentials ------------------------------------------------------------------------


def test_names_lead_nowhere_else_in_a_path() -> None:
    assert segment("a/b?c #ü") == "a%2Fb%3Fc%20%23%C3%BC"
    assert segments("a/b?c #ü") == "a/b%3Fc%20%23%C3%BC"


@pytest.mark.parametrize("number", ["", "-1", "1/merge", "..", "１２", "12?x=1", "²"])
def test_what_is_no_number_is_not_found(number: str) -> None:
    assert number_of("12") == "12"
    with pytest.raises(NotFound):
        number_of(number)


async def test_git_goes_where_and_as_the_settings_say() -> None:
    plain = PlatformSettings("hub", "github")
    over_ssh = PlatformSettings("hub", "github", git_over="ssh", ssh_key="/k")
    mirrored = PlatformSettings("hub", "github", clone_url="https://mirror.test/{owner}/{name}")
    found = [clone_url(settings, REPO, https="https://h", ssh="ssh://h") for settings in (plain, over_ssh)]
    assert found == ["https://h", "ssh://h"]
    assert clone_url(mirrored, REPO, https="https://h", ssh="") == "https://mirror.test/octo/hello"
    tokens = Fixed("canary-token")
    given = await git_credentials(plain, tokens, "bot")
    assert (given.username, given.token) == ("bot", "canary-token")
    shown = await git_credentials(over_ssh, tokens, "bot")
    assert (shown.username, shown.token, shown.ssh_key) == ("", None, "/k")

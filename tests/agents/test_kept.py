"""Whether a change was reverted, by what commits say and leave; and what that makes of a run's quality."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tamma.agents.kept import Fate, fate
from tamma.agents.quality import KEPT, kept
from tamma.model.history import LoggedCommit
from tamma.model.metrics import PERSON, MergedChange, QualityPart, told, weighted
from tamma.model.references import RepoRef

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
WINDOW = timedelta(days=14)
SHA, HEAD, BASE = "c" * 40, "d" * 40, "b" * 40
TITLE = "Count from zero"
CHANGE = MergedChange(RepoRef("forge", "acme", "calc"), "main", SHA, NOON, head_sha=HEAD, pull_request="12")


def commit(
    name: str, message: str, *, days: float = 1, parents: tuple[str, ...] = (SHA,), tree: str = ""
) -> LoggedCommit:
    """`name` is one hexadecimal digit."""
    return LoggedCommit(
        name * 40, parents, tree or f"tree-{name}", NOON + timedelta(days=days), message.strip()
    )


BEFORE = commit("b", "Before", days=-9, parents=(), tree="old")
MERGED = commit("c", f"{TITLE} (#12)\n\nBody", days=0, parents=(BASE,), tree="new")


def after(*newest_first: LoggedCommit) -> tuple[LoggedCommit, ...]:
    return (*newest_first, MERGED, BEFORE)


REVERTS = {
    "git": f'Revert "{TITLE}"\n\nThis reverts commit {SHA}.',
    "git, the reviewed commit": f"Back out\n\nThis reverts commit {HEAD}.",
    "git, in short": f"Off\n\nThis reverts commit {SHA[:9]} (Count from zero, 2030-01-01).",
    "git, a merge": f'Revert "x"\n\nThis reverts commit {SHA}, reversing\nchanges made to {BASE}.',
    "windows": f"Off\r\n\r\nThis reverts commit {SHA}.\r\n",
    "github": f'Revert "{TITLE}" (#13)\n\nReverts acme/calc#12',
    "github, no body": f'Revert "{TITLE} (#12)" (#13)',
    "github, another title": 'Revert "Counting (#12)" (#13)',
    "github, a merge": 'Revert "Merge pull request #12 from acme/tamma-1"',
    "gitlab": "Revert \"Merge branch 'x' into 'main'\"\n\nThis reverts merge request !12",
    "gitlab, with the project": "Off\n\nThis reverts merge request acme/tools/calc!12",
    "bitbucket": f'Revert "{TITLE} (pull request #12)"\n\nThis reverts pull request #12.\n\n> Words',
    "azure": f'Revert "Merged PR 12: {TITLE}"',
    "subject": f'Revert "{TITLE}"',
}
NO_REVERTS = {
    "further work": "Count from one",
    "another commit": f"Off\n\nThis reverts commit {'9' * 40}.",
    "another pull request": "Off\n\nReverts acme/calc#120",
    "another title": 'Revert "Count from zero, again"',
    "another number in the title": f'Revert "{TITLE} (#11)" (#13)',
    "a quotation": f"Reland\n\n> This reverts commit {SHA}.\n\nSaid as well: This reverts pull request #12",
    "a mention": "See #12\n\nIt reverts nothing.",
    "too short to be an id": f"Off\n\nThis reverts commit {SHA[:6]}.",
}


@pytest.mark.parametrize("message", REVERTS.values(), ids=REVERTS)
def test_a_revert_is_found(message: str) -> None:
    revert = commit("e", message)
    found = fate(CHANGE, after(commit("f", "Later", days=2, parents=("e" * 40,)), revert), NOON + WINDOW)
    assert found.by == revert


@pytest.mark.parametrize("message", NO_REVERTS.values(), ids=NO_REVERTS)
def test_other_commits_are_no_reverts(message: str) -> None:
    assert fate(CHANGE, after(commit("e", message)), NOON + WINDOW) == Fate()


@pytest.mark.parametrize(("days", "reverted"), [(13.9, True), (14, True), (14.1, False)])
def test_only_the_window_counts(days: float, reverted: bool) -> None:
    found = fate(CHANGE, after(commit("e", REVERTS["git"], days=days)), NOON + WINDOW)
    assert (found.by is not None) is reverted


@pytest.mark.parametrize(("days", "reverted"), [(2, False), (20, True)])
def test_what_was_brought_back_in_time_was_kept(days: float, reverted: bool) -> None:
    revert = commit("e", REVERTS["git"])
    again = commit(
        "f", f'Reapply "{TITLE}"\n\nThis reverts commit {revert.sha}.', days=days, parents=("e" * 40,)
    )
    assert (fate(CHANGE, after(again, revert), NOON + WINDOW).by is not None) is reverted
    # And taken out again by a third one.
    third = commit("1", f"Off\n\nThis reverts commit {again.sha}.", days=days, parents=("f" * 40,))
    assert fate(CHANGE, after(third, again, revert), NOON + WINDOW).by is not None


def test_a_revert_that_came_by_a_merge_is_undone_by_the_merge_s_revert() -> None:
    revert = commit("e", REVERTS["git"])
    merge = commit("f", "Merge pull request #13 from acme/revert-12", parents=(SHA, "e" * 40))
    assert fate(CHANGE, after(merge, revert), NOON + WINDOW).by == revert
    said = f"Off\n\nThis reverts commit {merge.sha}, reversing\nchanges made to {SHA}."
    back = commit("1", said, days=3, parents=("f" * 40,))
    assert fate(CHANGE, after(back, merge, revert), NOON + WINDOW) == Fate()


def test_a_merge_s_revert_takes_back_what_it_brought_in_and_nothing_older() -> None:
    merge = commit("a", "Merge branch 'release'", parents=(BASE, SHA))
    side = commit("9", "In between", parents=(BASE,))
    undo = commit("e", f"Off\n\nThis reverts commit {merge.sha}.", parents=("a" * 40,))
    assert fate(CHANGE, (undo, merge, MERGED, BEFORE), NOON + WINDOW).by == undo
    other = commit("f", f"Off\n\nThis reverts commit {'8' * 40}.", parents=("8" * 40,))
    later = commit("8", "Merge branch 'side'", parents=(SHA, "9" * 40))
    assert fate(CHANGE, (other, later, side, MERGED, BEFORE), NOON + WINDOW) == Fate()


def test_of_several_changes_with_one_subject_the_nearest_is_meant() -> None:
    namesake = commit("e", f"{TITLE} (#14)")
    revert = commit("f", f'Revert "{TITLE}"', days=2, parents=("e" * 40,))
    assert fate(CHANGE, after(revert, namesake), NOON + WINDOW) == Fate()


def test_the_tree_from_before_is_a_revert_whatever_it_is_called() -> None:
    back = commit("e", "Tidy up", tree="old")
    assert fate(CHANGE, after(commit("f", "More", parents=("e" * 40,)), back), NOON + WINDOW).by == back
    # A branch that began before the change has that tree without taking anything back.
    side = commit("e", "Begin", parents=(BASE,), tree="old")
    merge = commit("f", "Merge branch 'x'", parents=(SHA, "e" * 40), tree="both")
    assert fate(CHANGE, after(merge, side), NOON + WINDOW) == Fate()
    # Nor does anything after a change that changed nothing.
    empty = commit("c", TITLE, days=0, parents=(BASE,), tree="old")
    assert fate(CHANGE, (commit("e", "CI", tree="old"), empty, BEFORE), NOON + WINDOW) == Fate()


def test_what_a_squashed_change_quotes_of_its_own_way_counts_for_nothing() -> None:
    quoting = commit("c", f"{TITLE}\n\nThis reverts commit {HEAD}.", days=0, parents=(BASE,))
    assert fate(CHANGE, (quoting, BEFORE), NOON + WINDOW) == Fate()


def test_a_branch_that_has_lost_the_change_says_nothing() -> None:
    assert fate(CHANGE, (BEFORE,), NOON + WINDOW) == Fate(seen=False)
    assert fate(CHANGE, (), NOON + WINDOW) == Fate(seen=False)
    assert kept(CHANGE, Fate(seen=False), WINDOW) is None


def test_the_part_of_the_quality() -> None:
    revert = commit("e", REVERTS["git"], days=2.5)
    assert kept(CHANGE, Fate(revert), WINDOW) == QualityPart(
        "kept", 0.0, KEPT, "reverted by eeeeeeeeeeee after 2.5 days"
    )
    stood = kept(CHANGE, Fate(), WINDOW)
    assert stood is not None
    assert stood == QualityPart("kept", 100.0, KEPT, "stood 14 days")
    gates, person = QualityPart("gates", 50.0, 0.5), QualityPart(f"{PERSON}ann", 50.0, 0.3)
    parts = told(told((gates, person), QualityPart("kept", 0.0, KEPT)), stood)
    assert parts == (gates, stood, person)
    assert weighted(parts) == pytest.approx((25 + 50 + 15) / 1.3)

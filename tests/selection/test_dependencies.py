"""Which issues an issue says that it depends on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.selection.dependencies import MOST_DEPENDENCIES, circle, depending, issues_before

REPO = "Acme/Calc"
LINK = "https://forge.example/acme/calc"


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("Depends on #12.", ("12",)),
        ("This is blocked by #12, #13 and #14; see #15.", ("12", "13", "14")),
        ("Depends-On: #12\nBlocked by: #13", ("12", "13")),
        ("**Depends on:**\n\n- #12\n- [ ] #13\n- [x] issue #14\n\n#15 is another matter", ("12", "13", "14")),
        ("It waits for the pull request #12", ("12",)),
        ("depends on acme/calc#12 and GH-13", ("12", "13")),
        (f"depends on {LINK}/issues/12, {LINK}/-/issues/13.", ("12", "13")),
        (f"depends on [#12]({LINK}/issues/12) and #13", ("12", "13")),
        ("Depends on #7, which is this one, and on nothing else", ()),
        ("depends on acme/other#12, https://forge.example/acme/other/issues/13", ()),
        ("depends on https://forge.example/notacme/calc/issues/13", ()),
        ("It is not blocked by #12 and does not really depend on #13, nor is it unblocked by #14", ()),
        ("no longer depends on #12, but depends on #13", ("13",)),
        ("<!-- depends on #12 -->\n```\ndepends on #13\n```\n> blocked by #14\n\n`depends on #15`", ()),
        ("depends on the cache (#12), like #13", ()),
        ("blocked by UTF-8 and SHOP-12", ()),
        ("See #12. #13 depends on this.", ()),
        ("depends on #12abc #0x", ()),
        ("", ()),
    ],
)
def test_what_an_issue_says_comes_before_it(text: str, before: tuple[str, ...]) -> None:
    assert issues_before(text, REPO, "7") == before


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("depends on SHOP-12 and SHOP-13", ("SHOP-12", "SHOP-13")),
        ("blocked by https://jira.example/browse/SHOP-12?focused=1, #5", ("SHOP-12",)),
        ("depends on SHOP-7", ()),
    ],
)
def test_issues_of_a_tracker_are_called_by_keys(text: str, before: tuple[str, ...]) -> None:
    assert issues_before(text, REPO, "SHOP-7") == before


@given(st.text(alphabet="depnds obylckw#12,-:\n`>[]()/!http.", max_size=400), st.booleans())
def test_any_text_is_borne(text: str, keyed: bool) -> None:
    found = issues_before(f"depends on {text}", REPO, "SHOP-1" if keyed else "1")
    assert len(found) == len(set(found)) <= MOST_DEPENDENCIES


@given(st.lists(st.integers(2, 10**6), min_size=1, max_size=MOST_DEPENDENCIES, unique=True))
def test_each_issue_of_a_list_counts(numbers: list[int]) -> None:
    named = ", ".join(f"#{number}" for number in numbers)
    assert issues_before(f"Blocked by {named}", REPO, "1") == tuple(map(str, numbers))


def test_issues_that_depend_on_each_other_are_found_out() -> None:
    before = {"1": ("9", "2"), "2": ("3",), "3": ("1",), "4": ("1",), "5": ("5",), "6": ()}
    assert [circle(number, before) for number in "1234567"] == ["2", "3", "1", "", "5", "", ""]


def test_it_is_said_in_words() -> None:
    assert depending(("12",)) == "it depends on #12, which is open"
    assert depending(tuple("1234567")) == "it depends on #1, #2, #3, #4, #5 and 2 more, which are open"


@pytest.mark.parametrize("opening", ["<!-- ", "```\n", "~~~ "])
def test_what_is_never_closed_reaches_to_the_end(opening: str) -> None:
    assert issues_before(f"depends on #12\n{opening}depends on #13\n\ndepends on #14", REPO, "1") == ("12",)

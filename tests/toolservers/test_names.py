"""What models call the tools of servers."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tamma.toolservers.names import named
from tamma.workspace.tools import TOOLS

ALLOWED = re.compile(r"[a-zA-Z0-9_-]{1,64}")
words = st.text(max_size=80)


def test_plain_names_are_joined() -> None:
    assert named([("tracker", "get_ticket"), ("docs", "search")]) == {
        "tracker__get_ticket": ("tracker", "get_ticket"),
        "docs__search": ("docs", "search"),
    }


def test_a_collision_marks_both_the_same_way_in_any_order() -> None:
    pairs = [("a", "read file"), ("a", "read_file"), ("a", "other")]
    found = named(pairs)
    assert found == named(reversed(pairs))
    assert found["a__other"] == ("a", "other")
    assert len(found) == 3
    assert "a__read_file" not in found


@given(st.lists(st.tuples(words, words), max_size=20))
def test_every_tool_has_one_name_that_services_take(pairs: list[tuple[str, str]]) -> None:
    found = named(pairs)
    assert sorted(found.values()) == sorted(set(pairs))
    assert all(ALLOWED.fullmatch(name) for name in found)
    assert not found.keys() & {tool.name for tool in TOOLS}

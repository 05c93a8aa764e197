"""What the policies make of what a change brings in."""

from __future__ import annotations

from activities.arrivals import MOST_ASKED, MOST_TOLD, REFUSED, judged
from tamma.workspace.interface import DependencyChange

LOUD = DependencyChange("a.txt", "CAREFUL: x", 3, asks=True, loud=True)
NEW = DependencyChange("a.txt", "y is new", asks=True)
STEP = DependencyChange("a.txt", "z goes from 1 to 1.1")


def test_asking_is_for_what_is_new_and_allowing_for_all_that_is_not_loud() -> None:
    changes = (LOUD, NEW, STEP)
    every = ("a.txt: CAREFUL: x (line 3)", "a.txt: y is new", "a.txt: z goes from 1 to 1.1")
    assert judged(changes, "ask").wanted == every[:2]
    assert judged(changes, "allow").wanted == every[:1]
    assert judged(changes, "refuse").refused == (every[0] + REFUSED, every[1] + REFUSED)
    assert judged(changes, "refuse").wanted == ()
    assert {judged(changes, policy).all for policy in ("ask", "allow", "refuse")} == {every}
    assert judged((STEP,), "refuse").refused == ()


def test_a_flood_is_cut_and_says_so() -> None:
    many = [DependencyChange("a.txt", f"{number} is new", asks=True) for number in range(60)]
    found = judged(many, "ask")
    assert len(found.all) == MOST_TOLD
    assert found.all[-1] == "... and 11 more changes of dependencies"
    assert len(found.wanted) == MOST_ASKED + 1
    assert found.wanted[-1].startswith("... and 40 more of the kind (")
    other = judged([*many[:-1], NEW], "ask")
    assert other.wanted[:-1] == found.wanted[:-1]
    assert other.wanted[-1] != found.wanted[-1]

"""The declared score of a run: every part, its weight, and what a part without a word leaves."""

from __future__ import annotations

import pytest

from tamma.agents.quality import Work, graded
from tamma.model.metrics import PEOPLES_WEIGHT, QualityPart, rated, weighted


@pytest.mark.parametrize(
    ("work", "scores", "quality"),
    [
        (Work(), {}, None),
        (Work(green=True), {"gates": 100}, 100),
        (Work(green=True, fixes=1, approved=True), {"gates": 75, "review": 100}, (75 * 5 + 100 * 2) / 7),
        (Work(green=True, fixes=9), {"gates": 0}, 0),
        (Work(green=False, fixes=3), {"gates": 0}, 0),
        (Work(approved=False), {"review": 50}, 50),
    ],
)
def test_the_parts_and_their_mean(work: Work, scores: dict[str, float], quality: float | None) -> None:
    parts = graded(work)
    assert {part.grader: part.score for part in parts} == scores
    assert all(part.detail for part in parts)
    if quality is None:
        assert weighted(parts) is None
    else:
        assert weighted(parts) == pytest.approx(quality)


def test_the_shares_are_declared_as_a_whole() -> None:
    parts = rated(graded(Work(green=True, approved=True)), 0, by="ada")
    assert sum(part.weight for part in parts) == pytest.approx(1)


def test_people_share_their_weight_and_the_rest_stays() -> None:
    parts = graded(Work(green=True))
    for score, by in ((20.0, "ada"), (40.0, "bob"), (60.0, "ada")):
        parts = rated(parts, score, by=by, detail=f"{by} says so")
    people = {part.grader: part for part in parts if part.grader != "gates"}
    assert people == {
        "person:ada": QualityPart("person:ada", 60.0, PEOPLES_WEIGHT / 2, "ada says so"),
        "person:bob": QualityPart("person:bob", 40.0, PEOPLES_WEIGHT / 2, "bob says so"),
    }
    assert weighted(parts) == pytest.approx((100 * 0.5 + 50 * PEOPLES_WEIGHT) / (0.5 + PEOPLES_WEIGHT))


def test_what_weighs_nothing_says_nothing() -> None:
    assert weighted([QualityPart("judge", 10, 0.0)]) is None

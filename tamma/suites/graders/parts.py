"""The graders' words as parts of a quality. Pure; see the package for the scores."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean, stdev

from tamma.model.metrics import QualityPart
from tamma.model.suite import GraderWeights
from tamma.suites.graders.outcomes import HiddenOutcome

HIDDEN_TESTS, LINT, DIFF_SIZE, JUDGE = "hidden-tests", "lint", "diff-size", "judge"
RED, FIXED, VERDICT = "red", "fixed", "verdict"
PER_FINDING = 20.0
PER_DOUBLING = 25.0
SMALLEST = 5
"""Lines: a good change is never taken for smaller than this, so that one line more is not twice the size."""

Finding = tuple[str, str]
"""A linter's finding: the path and the rule. Lines move, so they do not count."""


def hidden_part(outcome: HiddenOutcome, weights: GraderWeights) -> QualityPart:
    """What the hidden tests say."""
    if not outcome.named:
        detail = "the command passed" if outcome.passed else "the command failed"
    else:
        detail = f"{outcome.fixed} of {outcome.to_fix} fixed, {outcome.kept} of {outcome.to_keep} kept"
        if outcome.missing:
            detail += f"; not passed: {', '.join(outcome.missing[:3])}"
    return QualityPart(HIDDEN_TESTS, outcome.score, weights.hidden_tests, detail[:500])


def nothing_part(why: str, weights: GraderWeights) -> QualityPart:
    """For a trial that left nothing to grade."""
    return QualityPart(HIDDEN_TESTS, 0.0, weights.hidden_tests, f"nothing to grade: {why}"[:500])


def lint_part(
    base: Iterable[Finding] | None, work: Iterable[Finding] | None, weights: GraderWeights
) -> QualityPart | None:
    """What the change adds to the linter's findings. None where the linter did not run."""
    if base is None or work is None or weights.lint <= 0:
        return None
    new = Counter(work) - Counter(base)
    count = new.total()
    rules = ", ".join(f"{rule} in {path}" for path, rule in list(new)[:3])
    detail = f"{count} new: {rules}" if count else "nothing new"
    return QualityPart(LINT, max(100.0 - PER_FINDING * count, 0.0), weights.lint, detail[:500])


def size_part(changed: int, expected: int, weights: GraderWeights) -> QualityPart | None:
    """How the change's size (changed lines outside tests) compares to a good one's. None without a change."""
    if changed <= 0 or weights.diff_size <= 0:
        return None
    good = max(expected, SMALLEST)
    score = max(100.0 - PER_DOUBLING * max(math.log2(changed / good), 0.0), 0.0)
    return QualityPart(
        DIFF_SIZE, round(score, 2), weights.diff_size, f"{changed} lines, a good change has {good}"
    )


def judge_part(scores: Sequence[float], weights: GraderWeights, *, judge: str = "") -> QualityPart | None:
    """A model's scores of one change. Their spread is the judge's own noise. None without two answers."""
    if len(scores) < 2 or weights.judge <= 0:
        return None
    kept = [min(max(score, 0.0), 100.0) for score in scores]
    detail = f"{judge or 'a model'}, asked {len(kept)} times: {', '.join(f'{s:g}' for s in kept)}"
    return QualityPart(
        JUDGE, round(fmean(kept), 2), weights.judge, f"{detail}; spread (sd) {stdev(kept):.1f}"[:500]
    )


def red_test_parts(*, red: bool, fixed: bool | None, why: str = "") -> tuple[QualityPart, ...]:
    """A new test: it must fail at the base, and pass with the known solution (None: that was not tried)."""
    parts = [
        QualityPart(RED, 100.0 if red else 0.0, 0.5, why or ("fails at the base" if red else "does not"))
    ]
    said = {True: "passes with the known solution", False: "fails with the known solution", None: "not tried"}
    parts.append(QualityPart(FIXED, 100.0 if fixed else 0.0, 0.5, said[fixed]))
    return tuple(parts)


def verdict_part(*, approved: bool, should: bool) -> QualityPart:
    """A review: right or wrong."""
    words = {True: "approved", False: "refused"}
    detail = f"{words[approved]} what should be {words[should]}"
    return QualityPart(VERDICT, 100.0 if approved is should else 0.0, 1.0, detail)

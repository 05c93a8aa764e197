"""Whether an applied version does harm, however often one looks.

Both rates have exact always-valid intervals (the e-value of a rate under a uniform prior, see
`tamma.experiments.sequential.evidence`), each at half of alpha, so that the chance of ever rolling back a
version that is not worse by the margin is at most alpha. Nothing is asymptotic: canaries are short. The
baseline is earlier runs on other issues, so a harder month looks like harm; the margin is there for that.
"""

from __future__ import annotations

from dataclasses import dataclass

from tamma.model.verdict import CanaryWatch

ALPHA = 0.05
LEAST_BASELINE = 10
"""Runs of the version before, under which there is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Count:
    """Runs and how many of them succeeded."""

    runs: int
    successes: int

    @property
    def rate(self) -> float | None:
        return self.successes / self.runs if self.runs else None


def judge_canary(
    version: int, applied: Count, before: Count, *, planned: int, margin: float, alpha: float = ALPHA
) -> CanaryWatch:
    """What the runs of `version` say against those before it. `margin` is a share, 0.1 is 10 points."""
    from tamma.experiments.sequential.evidence import paired_evidence

    if before.runs < LEAST_BASELINE:
        words = f"{before.runs} runs of the version before are too few to compare with"
        return CanaryWatch(version, applied.runs, planned, applied.rate, None, None, None, False, words)
    new = paired_evidence(applied.successes, applied.runs - applied.successes, alpha=alpha / 2)
    old = paired_evidence(before.successes, before.runs - before.successes, alpha=alpha / 2)
    low, high = new.low - old.high, new.high - old.low
    harmed = high < -margin
    words = _words(version, applied, before, planned, high, harmed)
    return CanaryWatch(version, applied.runs, planned, applied.rate, before.rate, low, high, harmed, words)


def _words(version: int, applied: Count, before: Count, planned: int, high: float, harmed: bool) -> str:
    counts = (
        f"{applied.successes} of {applied.runs} runs of version {version} succeeded, "
        f"{before.successes} of {before.runs} before"
    )
    if harmed:
        return f"{counts}: it is worse by {-100 * high:.0f} points or more"
    if applied.runs < planned:
        return f"{counts}; {planned - applied.runs} more are watched"
    return f"{counts}: no harm is proved"

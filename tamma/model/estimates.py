"""What a comparison of two arms says, as plain numbers and words that any part can carry and store.

No field is ever NaN or infinite: what could not be computed is None, and a caution says in words why.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Measure(StrEnum):
    """In what a comparison is expressed. `null` is the value that means: no difference."""

    DIFFERENCE = "difference"
    """Treatment minus control, in the metric's unit."""
    RATIO = "ratio"
    """Treatment over control."""
    SUPERIORITY = "superiority"
    """The chance that a random task of treatment lies above one of control, ties counted half."""
    RANK_BISERIAL = "rank-biserial"
    """Ranks of the pairs that favour treatment minus those that favour control, as a share: -1 to 1."""

    @property
    def null(self) -> float:
        return {Measure.RATIO: 1.0, Measure.SUPERIORITY: 0.5}.get(self, 0.0)


class CautionKind(StrEnum):
    """Why a result is to be read with care, for code that decides on it."""

    EMPTY = "empty"
    """An arm has no value: nothing can be said."""
    TOO_FEW = "too-few"
    """Too few values for an interval or a test; the estimate may stand."""
    NO_SPREAD = "no-spread"
    """All values are equal: the test's scale is zero."""
    TIED = "tied"
    """Nothing tells the arms apart: all ties, all successes, all failures."""
    SMALL = "small"
    """Computed, but the method's approximation is poor with so few values."""
    MISSING = "missing"
    """Values were missing and are left out."""
    FLOORED = "floored"
    """Values below the declared floor were raised to it."""
    ZEROS = "zeros"
    """Zeros have no logarithm and no floor was declared: there is no ratio."""
    UNBOUNDED = "unbounded"
    """The data do not bound the interval on one side."""
    NOT_GENERALISABLE = "not-generalisable"
    """Too few repositories: the result holds for these, not for others."""
    REPORT_ONLY = "report-only"
    """Good enough to show, not to decide on."""
    DISAGREEMENT = "disagreement"
    """The test and the interval, which are different methods, do not agree on significance."""


@dataclass(frozen=True, slots=True)
class Caution:
    """A reason for care: `kind` for code, `words` for people."""

    kind: CautionKind
    words: str


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided confidence interval. None is a side that the data do not bound."""

    low: float | None
    high: float | None
    level: float

    def holds(self, value: float) -> bool:
        """Whether `value` lies inside, the ends included."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: the values that were used, the ones that were missing, and its mean, rate or quantile."""

    n: int
    value: float | None
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Effect:
    """A standardised effect size, e.g. `hedges-g` or `d-z`."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Treatment against control on one metric, by one method.

    `p` is two-sided. `standard_error` is on the scale of the test: for a ratio, that of its logarithm. For
    paired methods `n` of both arms is the number of complete pairs.
    """

    method: str
    measure: Measure
    control: Arm
    treatment: Arm
    estimate: float | None = None
    interval: Interval | None = None
    p: float | None = None
    statistic: float | None = None
    df: float | None = None
    standard_error: float | None = None
    effect: Effect | None = None
    cautions: tuple[Caution, ...] = ()

    def has(self, kind: CautionKind) -> bool:
        """Whether one of the cautions is of that kind."""
        return any(caution.kind is kind for caution in self.cautions)


class GuardrailVerdict(StrEnum):
    """Whether treatment is proven to be no worse than what is tolerated."""

    PASSED = "passed"
    """Proven not to be worse than the limit."""
    HARM = "harm"
    """Proven to be worse than the limit."""
    UNPROVEN = "unproven"
    """Neither: too few tasks."""


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A comparison against the worst value that is tolerated. `bound` is its interval's end on that side.

    `p` is one-sided and small where treatment is not worse; None where the method has only an interval.
    """

    verdict: GuardrailVerdict
    limit: float
    bound: float | None
    p: float | None
    words: str


@dataclass(frozen=True, slots=True)
class SplitCheck:
    """The sample-ratio check; `alarm` blocks the decision. `words` say what was seen and what was planned."""

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    statistic: float | None
    df: int
    p: float | None
    alarm: bool
    words: str


@dataclass(frozen=True, slots=True)
class MissingCheck:
    """The arms' rates of tasks that lack the metric, compared; `alarm` blocks the decision."""

    comparison: Comparison
    alarm: bool
    words: str

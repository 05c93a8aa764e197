"""What an A/B test came to: its looks, its verdict, who answered it, and how it stands.

Probabilities and shares are fractions (0.05 is 5 %), money is in US dollars.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from tamma.model.agent import AgentPin
from tamma.model.experiment import (
    ABTestId,
    Guardrail,
    Metric,
)


class ABTestState(StrEnum):
    """Where a test stands."""

    PLANNED = "planned"
    RUNNING = "running"
    AWAITING_APPROVAL = "awaiting-approval"
    CANARY = "canary"
    APPLIED = "applied"
    ROLLED_BACK = "rolled-back"
    REJECTED = "rejected"
    ENDED = "ended"
    """There was nothing to apply."""
    EXPIRED = "expired"
    """Nobody answered the verdict in time: nothing was applied."""
    STOPPED = "stopped"
    """A person ended it: nothing was applied."""
    FAILED = "failed"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (
            ABTestState.PLANNED,
            ABTestState.RUNNING,
            ABTestState.AWAITING_APPROVAL,
            ABTestState.CANARY,
        )


class StopReason(StrEnum):
    BOUNDARY = "boundary"
    COMPLETED = "completed"
    BUDGET = "budget"
    DEADLINE = "deadline"
    SIGNAL = "signal"
    INVALID = "invalid"


class Decision(StrEnum):
    """The verdict's state; the public winner is derived from it."""

    INVALID = "invalid"
    CONTROL = "control"
    """The candidate is proved to do harm: the control stays."""
    WINNER = "winner"
    """The candidate is better, by enough, without harm."""
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"


class Reason(StrEnum):
    """Why, one or more."""

    SRM = "sample-ratio-mismatch"
    TOO_FEW = "too-few-units"
    MISSING_DATA = "missing-data"
    MISSINGNESS_DIFFERS = "missingness-differs"
    MODEL_CHANGED = "model-changed"
    CONFIG_CHANGED = "config-changed"
    GUARDRAIL_HARM = "guardrail-harm"
    PRIMARY_HARM = "primary-harm"
    PRIMARY_WIN = "primary-win"
    BELOW_MINIMUM = "below-minimum-effect"
    GUARDRAIL_OPEN = "guardrail-not-proved"
    WITHIN_MINIMUM = "within-minimum-effect"
    UNKNOWN_OUTCOMES = "unknown-outcomes"
    """What is missing might undo the win."""
    NOT_SIGNIFICANT = "not-significant"
    STOPPED_EARLY = "stopped-early"


@dataclass(frozen=True, slots=True)
class Effect:
    """One metric's effect of the candidate against the control, signed so that positive is better."""

    metric: Metric
    estimate: float | None
    """In the metric's effects; None where the data cannot give one (`problem` says why)."""
    low: float | None
    high: float | None
    """The interval at the plan's confidence; of the primary metric adjusted for the looks."""
    p: float | None
    """Two-sided; adjusted for looks (primary) or by Holm (secondary)."""
    n: int
    """Units with a value in both arms (paired), or in either (live)."""
    method: str = ""
    control: float | None = None
    candidate: float | None = None
    """The arms' own values: rate, mean, or geometric mean."""
    missing_control: int = 0
    missing_candidate: int = 0
    problem: str = ""
    standardised: float | None = None
    """d_z (paired) or Hedges' g; of ratios that of their logarithms. None where it has no meaning."""
    sensitivity: tuple[str, ...] = ()
    """What other methods say, in a line each."""


@dataclass(frozen=True, slots=True)
class GuardrailResult:
    """One guardrail: `passed` where non-inferiority is proved, `harmed` where the harm is."""

    guardrail: Guardrail
    effect: Effect
    p: float | None
    """One-sided, of non-inferiority."""
    passed: bool
    harmed: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the verdict is made from; numbers only. `analysis` fills it, `verdict` reads it."""

    units: int
    """Units complete in both arms (paired), or runs ended (live)."""
    units_planned: int
    looks_done: int
    final: bool
    """Whether this is the last look, for whatever reason."""
    primary: Effect
    significant: bool
    """The primary metric is beyond this look's boundary (or the alpha that is left, at the last one)."""
    minimum_effect: float
    guardrails: tuple[GuardrailResult, ...] = ()
    secondary: tuple[Effect, ...] = ()
    at_worst: Effect | None = None
    """The primary metric with all that is missing, or has not ended, counted against the candidate; None
    where nothing is."""
    significant_at_worst: bool = True
    srm_p: float | None = None
    missing_p: float | None = None
    """Of equal rates of missing primary values in both arms."""
    missing_share: float = 0.0
    """Of the primary values that there should be, both arms together, how many are missing."""
    model_changed: tuple[str, ...] = ()
    """What changed, in words: an arm's service answered as another model than before."""
    config_changed: tuple[str, ...] = ()
    mde: float | None = None
    """The least effect that the units so far find with the planned power."""
    units_missing: int | None = None
    """How many more units the observed effect would need."""
    repositories: int = 0
    generalisable: bool = True
    """False under 8 repositories."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence says."""

    decision: Decision
    reasons: tuple[Reason, ...]
    sentence: str
    """For a person who knows no statistics."""
    may_auto_apply: bool = False
    """The adjusted interval's lower bound beats the minimum effect, and nothing speaks against it."""

    @property
    def winner(self) -> Literal["agentA", "agentB", "inconclusive"]:
        """The specification's public field."""
        if self.decision is Decision.WINNER:
            return "agentB"
        return "agentA" if self.decision is Decision.CONTROL else "inconclusive"


@dataclass(frozen=True, slots=True)
class Look:
    """One look that was taken."""

    number: int
    units: int
    information: float
    """Share of the planned information."""
    z: float | None
    boundary: float | None
    crossed: bool
    taken_at: datetime
    spent_usd: Decimal
    sequence_low: float | None = None
    sequence_high: float | None = None
    """The always-valid confidence sequence of the primary effect, for display; None where it fails."""
    assigned: int = 0
    """Live: units that had an arm by then; those without an outcome were still under way."""
    by_hand: bool = False
    """A person ended the test here."""
    asked: int = 0
    """The units that the look was to be about; fewer are complete where trials left no measurements."""
    last: bool = False


@dataclass(frozen=True, slots=True)
class Approver:
    """Who decided about a winner. `authenticated` is False for signals: they name whoever they like."""

    name: str
    decision: Literal["approve", "reject"]
    at: datetime
    authenticated: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class CanaryWatch:
    """What the runs of an applied version say so far."""

    version: int
    runs: int
    runs_planned: int
    rate: float | None
    """Their share of successes; None before the first."""
    baseline: float | None
    """The control's, in the runs before; None where there were none, and then nothing can be compared."""
    low: float | None
    """The lower end of the always-valid interval of `rate - baseline`; with `high`, in points."""
    high: float | None
    harmed: bool
    """Proved to be worse by more than the margin, however often one looked."""
    sentence: str


@dataclass(frozen=True, slots=True)
class ABTestResult:
    """How a test ended (the specification's ABTestResult, and what explains it)."""

    test_id: ABTestId
    name: str
    state: ABTestState
    agent_a: AgentPin
    agent_b: AgentPin
    task_type: str
    """The task types tested, joined by commas; `all`."""
    sample_size: int
    confidence: float
    effect_size: float | None
    """Standardised: d_z (paired) or Hedges g; None where it has no meaning."""
    winner: Literal["agentA", "agentB", "inconclusive"]
    improvement: float | None
    """Of the primary metric, in percent of the control; None where the control is 0."""
    statistical_significance: bool
    verdict: Verdict | None
    stop_reason: StopReason | None
    spent_usd: Decimal
    created_at: datetime
    ended_at: datetime | None = None
    approver: Approver | None = None
    applied_version: int | None = None
    rolled_back_to: int | None = None
    archive: str = ""
    """The blob of the reproducible bundle."""
    effect: Effect | None = None
    """The primary metric's, at the last look."""
    units: int = 0
    """Units that were complete at the last look."""
    note: str = ""
    """How it ended, in a sentence, where the verdict alone does not say it."""
    paused: bool = False
    alive_at: datetime | None = None
    """When a test that runs last said so."""

"""The verdict: every step of the ladder, its order, and what no evidence may ever lead to."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.experiments.verdict import LEAST_UNITS, MOST_MISSING, SRM_ALARM, decide, is_settled
from tamma.model.experiment import Guardrail, Metric
from tamma.model.verdict import Decision, Effect, Evidence, GuardrailResult, Reason

PLANNED = 200
MINIMUM = 0.05


def effect(
    estimate: float | None, low: float | None, high: float | None, metric: Metric = Metric.SUCCESS
) -> Effect:
    return Effect(metric, estimate, low, high, 0.04, PLANNED)


def guardrail(*, passed: bool = False, harmed: bool = False) -> GuardrailResult:
    return GuardrailResult(
        Guardrail(Metric.COST, 0.10), effect(-0.2, -0.3, -0.1, Metric.COST), 0.5, passed, harmed
    )


def evidence(
    primary: Effect, *, significant: bool = True, final: bool = True, units: int = PLANNED
) -> Evidence:
    return Evidence(
        units=units,
        units_planned=PLANNED,
        looks_done=5,
        final=final,
        primary=primary,
        significant=significant,
        minimum_effect=MINIMUM,
    )


WIN = evidence(effect(0.09, 0.02, 0.16))
SURE_WIN = evidence(effect(0.12, 0.06, 0.18))
HARM = evidence(effect(-0.09, -0.16, -0.02))
NOTHING = evidence(effect(0.02, -0.08, 0.12), significant=False)
SAME = evidence(effect(0.01, -0.03, 0.04), significant=False)
SMALL = evidence(effect(0.04, 0.01, 0.07))
PASSED, OPEN, HARMED = guardrail(passed=True), guardrail(), guardrail(harmed=True)

CASES = {
    "a win": (WIN, Decision.WINNER, {Reason.PRIMARY_WIN}),
    "a win with guardrails": (replace(WIN, guardrails=(PASSED,)), Decision.WINNER, {Reason.PRIMARY_WIN}),
    "an early win": (
        replace(WIN, units=80, final=False),
        Decision.WINNER,
        {Reason.PRIMARY_WIN, Reason.STOPPED_EARLY},
    ),
    "a win of the minimum exactly": (
        evidence(effect(MINIMUM, 0.01, 0.09)),
        Decision.WINNER,
        {Reason.PRIMARY_WIN},
    ),
    "a guardrail that is not proved": (
        replace(WIN, guardrails=(PASSED, OPEN)),
        Decision.INCONCLUSIVE,
        {Reason.GUARDRAIL_OPEN},
    ),
    "a guardrail broken by a winner": (
        replace(WIN, guardrails=(PASSED, HARMED)),
        Decision.CONTROL,
        {Reason.GUARDRAIL_HARM},
    ),
    "primary harm": (HARM, Decision.CONTROL, {Reason.PRIMARY_HARM}),
    "harm on both": (
        replace(HARM, guardrails=(HARMED,)),
        Decision.CONTROL,
        {Reason.GUARDRAIL_HARM, Reason.PRIMARY_HARM},
    ),
    "harm of less than the minimum": (
        evidence(effect(-0.02, -0.03, -0.01)),
        Decision.CONTROL,
        {Reason.PRIMARY_HARM},
    ),
    "alike": (SAME, Decision.EQUIVALENT, {Reason.WITHIN_MINIMUM}),
    "better by too little to matter": (
        evidence(effect(0.02, 0.01, 0.03)),
        Decision.EQUIVALENT,
        {Reason.WITHIN_MINIMUM, Reason.BELOW_MINIMUM},
    ),
    "better by less than was asked": (SMALL, Decision.INCONCLUSIVE, {Reason.BELOW_MINIMUM}),
    "what is missing might undo it": (
        replace(WIN, at_worst=effect(0.01, -0.05, 0.07)),
        Decision.INCONCLUSIVE,
        {Reason.UNKNOWN_OUTCOMES},
    ),
    "what is missing might leave it to chance": (
        replace(WIN, at_worst=WIN.primary, significant_at_worst=False),
        Decision.INCONCLUSIVE,
        {Reason.UNKNOWN_OUTCOMES},
    ),
    "whatever is missing cannot undo it": (
        replace(WIN, at_worst=WIN.primary),
        Decision.WINNER,
        {Reason.PRIMARY_WIN},
    ),
    "nothing seen": (NOTHING, Decision.INCONCLUSIVE, {Reason.NOT_SIGNIFICANT}),
    "nothing seen, out of money": (
        replace(NOTHING, units=80),
        Decision.INCONCLUSIVE,
        {Reason.NOT_SIGNIFICANT, Reason.STOPPED_EARLY},
    ),
    "nothing seen yet": (
        replace(NOTHING, units=80, final=False),
        Decision.INCONCLUSIVE,
        {Reason.NOT_SIGNIFICANT},
    ),
    "beyond the boundary, the interval holds 0": (
        evidence(effect(0.09, -0.01, 0.19)),
        Decision.INCONCLUSIVE,
        {Reason.NOT_SIGNIFICANT},
    ),
    "the interval excludes 0, within the boundary": (
        replace(WIN, significant=False),
        Decision.INCONCLUSIVE,
        {Reason.NOT_SIGNIFICANT},
    ),
    "mismatched shares": (replace(SURE_WIN, srm_p=SRM_ALARM / 2), Decision.INVALID, {Reason.SRM}),
    "shares at the alarm": (replace(WIN, srm_p=SRM_ALARM), Decision.WINNER, {Reason.PRIMARY_WIN}),
    "missing in one arm": (
        replace(SURE_WIN, missing_p=1e-6),
        Decision.INVALID,
        {Reason.MISSINGNESS_DIFFERS},
    ),
    "much missing": (replace(SURE_WIN, missing_share=0.21), Decision.INVALID, {Reason.MISSING_DATA}),
    "much missing so far": (
        replace(NOTHING, missing_share=0.21, final=False),
        Decision.INCONCLUSIVE,
        {Reason.MISSING_DATA, Reason.NOT_SIGNIFICANT},
    ),
    "some missing": (replace(WIN, missing_share=MOST_MISSING), Decision.WINNER, {Reason.PRIMARY_WIN}),
    "too few": (
        evidence(replace(WIN.primary, n=LEAST_UNITS - 1)),
        Decision.INVALID,
        {Reason.TOO_FEW},
    ),
    "too few so far": (
        evidence(Effect(Metric.SUCCESS, 0.0, -0.3, 0.3, 1.0, 2), significant=False, final=False),
        Decision.INCONCLUSIVE,
        {Reason.TOO_FEW, Reason.NOT_SIGNIFICANT},
    ),
    "another model": (
        replace(HARM, model_changed=("control answered as b, not as a",)),
        Decision.INVALID,
        {Reason.MODEL_CHANGED},
    ),
    "another configuration": (
        replace(WIN, config_changed=("the candidate's hash",), srm_p=0.0),
        Decision.INVALID,
        {Reason.CONFIG_CHANGED, Reason.SRM},
    ),
    "no figure at all": (
        evidence(effect(None, None, None), significant=False),
        Decision.INCONCLUSIVE,
        {Reason.NOT_SIGNIFICANT},
    ),
    "an interval open on one side": (
        evidence(effect(0.2, 0.1, None)),
        Decision.INCONCLUSIVE,
        {Reason.NOT_SIGNIFICANT},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_step_has_its_decision_and_reasons(name: str) -> None:
    given_evidence, decision, reasons = CASES[name]
    verdict = decide(given_evidence)
    assert (verdict.decision, set(verdict.reasons)) == (decision, reasons)
    assert is_settled(verdict) is (decision is not Decision.INCONCLUSIVE)


def test_every_decision_and_reason_is_a_case() -> None:
    assert {decision for _, decision, _ in CASES.values()} == set(Decision)
    assert {reason for _, _, reasons in CASES.values() for reason in reasons} == set(Reason)


def test_the_lower_end_must_beat_the_minimum_to_be_applied_unasked() -> None:
    assert decide(SURE_WIN).may_auto_apply
    assert not decide(WIN).may_auto_apply
    assert not decide(evidence(effect(0.12, MINIMUM, 0.2))).may_auto_apply
    assert not decide(replace(SURE_WIN, guardrails=(OPEN,))).may_auto_apply
    assert not decide(replace(SURE_WIN, model_changed=("control",))).may_auto_apply


def test_the_public_winner_follows_from_the_decision() -> None:
    assert [decide(each).winner for each in (WIN, HARM, SAME)] == ["agentB", "agentA", "inconclusive"]


@pytest.mark.parametrize(
    ("given_evidence", "words"),
    [
        (WIN, "it solves 9.0 points more of the tasks than the control (likely 2.0 to 16.0 points better)"),
        (HARM, "it solves 9.0 points fewer of the tasks (likely 2.0 to 16.0 points worse)"),
        (SAME, "the candidate is likely 3.0 points worse to 4.0 points better, and only 5.0 points or more"),
        (
            replace(NOTHING, mde=0.14, units_missing=340),
            "show differences of 14.0 points or more. To show one as large as this takes about 340 more.",
        ),
        (replace(WIN, guardrails=(HARMED,)), "its cost is worse by more than the 10.0 % that were allowed"),
        (replace(WIN, guardrails=(OPEN,)), "but it may be worse in cost by 10.0 % or more"),
        (evidence(effect(0.2, 0.15, 0.25, Metric.COST)), "it costs 20.0 % less than the control"),
        (evidence(effect(4.0, 1.0, 7.0, Metric.QUALITY)), "it scores 4.0 points higher in quality"),
        (replace(WIN, model_changed=("control: b, not a",)), "a model changed meanwhile (control: b, not a)"),
    ],
)
def test_the_sentence_says_it_in_words(given_evidence: Evidence, words: str) -> None:
    assert words in decide(given_evidence).sentence


# --- what must hold of any evidence ---------------------------------------------------------------

numbers = st.floats(-1.0, 1.0)
perhaps = st.one_of(st.none(), st.just(math.nan), st.just(math.inf), st.just(-math.inf), numbers)


@st.composite
def intervals(draw: st.DrawFn) -> Effect:
    low, estimate, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    return effect(estimate, low, high)


@st.composite
def any_evidence(draw: st.DrawFn, primaries: st.SearchStrategy[Effect]) -> Evidence:
    rails = st.sampled_from([PASSED, OPEN, HARMED])
    return replace(
        evidence(
            draw(primaries),
            significant=draw(st.booleans()),
            final=draw(st.booleans()),
            units=draw(st.integers(0, PLANNED)),
        ),
        minimum_effect=draw(st.floats(0.0, 0.3)),
        guardrails=tuple(draw(st.lists(rails, max_size=2))),
        srm_p=draw(st.one_of(st.none(), st.floats(0, 1))),
        missing_p=draw(st.one_of(st.none(), st.floats(0, 1))),
        missing_share=draw(st.one_of(st.just(math.nan), st.floats(0, 1))),
        mde=draw(perhaps),
        units_missing=draw(st.one_of(st.none(), st.integers(0, 10_000))),
    )


RANK = {Decision.CONTROL: 0, Decision.INCONCLUSIVE: 1, Decision.EQUIVALENT: 1, Decision.WINNER: 2}


def rank(given_evidence: Evidence) -> int:
    return RANK[decide(given_evidence).decision]


@given(any_evidence(intervals()), st.floats(0, 1))
def test_more_harm_never_helps(given_evidence: Evidence, harm: float) -> None:
    sound = replace(given_evidence, srm_p=None, missing_p=None, missing_share=0.0)
    primary = sound.primary
    assert primary.estimate is not None
    assert primary.low is not None
    assert primary.high is not None
    worse = replace(
        primary, estimate=primary.estimate - harm, low=primary.low - harm, high=primary.high - harm
    )
    assert rank(replace(sound, primary=worse)) <= rank(sound)
    assert rank(replace(sound, guardrails=(*sound.guardrails, HARMED))) == 0
    assert rank(replace(sound, guardrails=(*sound.guardrails, OPEN))) <= rank(sound)


@given(any_evidence(st.builds(effect, perhaps, perhaps, perhaps)))
def test_what_is_missing_or_no_number_never_wins(given_evidence: Evidence) -> None:
    verdict = decide(given_evidence)
    primary = given_evidence.primary
    whole = all(
        value is not None and math.isfinite(value) for value in (primary.estimate, primary.low, primary.high)
    )
    assert whole or verdict.decision is not Decision.WINNER
    assert not verdict.may_auto_apply or verdict.decision is Decision.WINNER
    assert verdict.reasons
    assert verdict.sentence.endswith(".")
    assert not {"nan", "inf", "None"} & set(verdict.sentence.replace("(", " ").split())


@given(any_evidence(intervals()))
def test_swapped_arms_never_both_win(given_evidence: Evidence) -> None:
    primary = given_evidence.primary
    assert primary.estimate is not None
    assert primary.low is not None
    assert primary.high is not None
    mirrored = replace(primary, estimate=-primary.estimate, low=-primary.high, high=-primary.low)
    swapped = replace(given_evidence, primary=mirrored, guardrails=())
    if decide(given_evidence).decision is Decision.WINNER:
        assert decide(swapped).decision is Decision.CONTROL

"""From outcomes to evidence: answers worked out by hand, and input that has no answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tamma.errors import BadFigures
from tamma.experiments.analysis import Analysis, analyse
from tamma.experiments.looking import adjusted_p
from tamma.experiments.looks import crosses, due_look
from tamma.experiments.outcomes import outcome_of, table_of
from tamma.experiments.verdict import decide
from tamma.model.agent import TaskType
from tamma.model.experiment import ABTestPlan, Arm, Assignment, Guardrail, Metric, Mode, Outcome
from tamma.model.ids import TaskId
from tamma.model.looks import Bound, DueLook
from tamma.model.metrics import Cell, ContextUse, RunKind, RunMetrics
from tamma.model.verdict import Decision, Look, Reason
from tests.experiments.made import PLAN, START, drawn, last_look, looks, outcome, pairs

BOTH, LOST, WON, NEITHER = (True, True), (True, False), (False, True), (False, False)
TWENTY = [WON] * 9 + [LOST] + [BOTH] * 6 + [NEITHER] * 4


def look_at(
    assignments: Sequence[Assignment],
    outcomes: Sequence[Outcome],
    plan: ABTestPlan = PLAN,
) -> Analysis:
    """The one look of a test that planned no other."""
    planned = looks(len(assignments), 1)
    return analyse(plan, planned, assignments, outcomes, last_look(planned, len(assignments)), at=START)


def swapped(outcomes: Sequence[Outcome]) -> list[Outcome]:
    others = {Arm.CONTROL: Arm.CANDIDATE, Arm.CANDIDATE: Arm.CONTROL}
    return [replace(each, arm=others[each.arm], config_hash="") for each in outcomes]


def with_values(
    metric: str, control: Sequence[float | None], candidate: Sequence[float | None]
) -> list[Outcome]:
    """Paired outcomes that differ in one field."""
    made: list[Outcome] = []
    for position, (before, after) in enumerate(zip(control, candidate, strict=True)):
        made += [
            replace(outcome(f"task-{position}", Arm.CONTROL), **{metric: before}),
            replace(outcome(f"task-{position}", Arm.CANDIDATE), **{metric: after}),
        ]
    return made


def assigned(count: int) -> list[Assignment]:
    return pairs(*[BOTH] * count)[0]


# --- outcomes -------------------------------------------------------------------------------------


def run(**changes: object) -> RunMetrics:
    whole = RunMetrics(
        run_id="r1",
        task_id=TaskId("t1"),
        kind=RunKind.REPLAY,
        agent=PLAN.control,
        provider="p",
        model="m",
        served_models=("m-2026",),
        repo="github:acme/shop",
        issue="7",
        task_type=TaskType.TESTING,
        started_at=START,
        ended_at=START + timedelta(minutes=2),
        duration_ms=90_000,
        waiting_ms=30_000,
        turns=3,
        input_tokens=900,
        output_tokens=100,
        cache_read_tokens=300,
        cost_usd=Decimal("0.25"),
        unpriced_calls=0,
        success=False,
        error_type="timeout",
        context=ContextUse(window=1000, peak=500, truncations=1),
        cell=Cell("test", "candidate", "task-1", 2),
    )
    return replace(whole, **changes)  # pyright: ignore[reportArgumentType]


def test_a_run_that_timed_out_is_a_failure_that_keeps_its_cost() -> None:
    made = outcome_of(run())
    assert (made.success, made.cost_usd, made.duration_ms, made.error_type) == (
        False,
        0.25,
        90_000.0,
        "timeout",
    )
    assert (made.unit, made.arm, made.replicate) == ("task-1", Arm.CANDIDATE, 2)
    assert (made.tokens, made.context_efficiency, made.truncations) == (1000, 0.5, 1)
    assert made.config_hash == PLAN.control.hash


def test_a_call_without_a_price_leaves_the_cost_unknown() -> None:
    assert outcome_of(run(unpriced_calls=1)).cost_usd is None


@pytest.mark.parametrize("cell", [None, Cell("bench", "builder@3", "task-1")])
def test_a_run_of_no_cell_of_a_test_is_refused(cell: Cell | None) -> None:
    with pytest.raises(ValueError, match=r"cell|Arm"):
        outcome_of(run(cell=cell))


def test_a_unit_counts_when_all_its_cells_have_ended() -> None:
    twice = (Arm.CONTROL, Arm.CANDIDATE) * 2
    outcomes = [outcome("a", arm, replicate=each, success=not each) for arm in Arm for each in (0, 1)]
    outcomes += [outcome("b", Arm.CONTROL), outcome("b", Arm.CANDIDATE)]
    table = table_of(Mode.PAIRED, [Assignment(0, "a", "s", twice), Assignment(1, "b", "s", twice)], outcomes)
    assert table.units == 1
    assert table.values[Arm.CONTROL, Metric.SUCCESS] == (0.5,)
    assert table.ended == {Arm.CONTROL: 3, Arm.CANDIDATE: 3}
    assert table.waiting == {Arm.CONTROL: 1, Arm.CANDIDATE: 1}


def test_a_cell_that_ran_again_has_its_last_outcome_and_strays_are_named() -> None:
    first, again = outcome("a", Arm.CONTROL, success=False), outcome("a", Arm.CONTROL)
    again = replace(again, run_id="again", ended_at=START + timedelta(hours=1))
    stray = outcome("nobody", Arm.CONTROL)
    table = table_of(Mode.PAIRED, [Assignment(0, "a", "s", (Arm.CONTROL,))], [again, stray, first])
    assert [each.run_id for row in table.rows for each in row.outcomes] == ["again"]
    assert table.strays == (stray.run_id,)


# --- known answers --------------------------------------------------------------------------------


def test_a_live_run_that_was_made_again_counts_as_it_ended_first() -> None:
    """Whoever runs again what failed would lift the arm that fails more often."""
    assignments = [Assignment(0, "a", "s", (Arm.CANDIDATE,))]
    first = outcome("a", Arm.CANDIDATE, success=False)
    again = replace(first, run_id="again", success=True, ended_at=START + timedelta(hours=1))
    for given in ((first, again), (again, first)):
        assert table_of(Mode.LIVE, assignments, given).candidate[0].outcomes == (first,)


@pytest.mark.parametrize("mode", Mode)
def test_failures_that_are_lost_win_nothing(mode: Mode) -> None:
    """An arm whose failures crash before they are measured, or never end, looks better than it is."""
    assignments, outcomes = drawn(200, seed=5, control=0.5, candidate=0.5, saved=0.0, mode=mode)
    failed = [each for each in outcomes if each.arm is Arm.CANDIDATE and not each.success]
    lost = {each.run_id for each in failed[::5]}
    kept = [each for each in outcomes if each.run_id not in lost]
    guarded = replace(PLAN, mode=mode, guardrails=(Guardrail(Metric.SUCCESS, 0.14),), minimum_effect=0.01)
    whole, less = (look_at(assignments, given, guarded).evidence for given in (outcomes, kept))
    assert whole.at_worst is None
    assert less.at_worst is not None
    assert less.primary.estimate is not None
    assert less.at_worst.estimate is not None
    assert whole.primary.estimate == pytest.approx(less.at_worst.estimate)
    assert less.primary.estimate > less.at_worst.estimate + 0.02


def test_whoever_stops_a_test_by_hand_gets_no_more_alpha_than_a_look() -> None:
    """He may have watched for the moment that suits him; money and time that ran out have seen nothing."""
    assignments, outcomes = pairs(*[(False, True)] * 9, *[(True, False)] * 1, *[(True, True)] * 10)
    planned = looks(60, 5)
    ended = last_look(planned, 20)
    by_money, by_hand = (
        analyse(PLAN, planned, assignments, outcomes, due, at=START)
        for due in (ended, replace(ended, by_hand=True))
    )
    usual = analyse(PLAN, planned, assignments, outcomes, replace(ended, last=False), at=START)
    assert by_money.look.crossed
    assert not by_hand.look.crossed
    assert by_hand.look == usual.look
    assert by_hand.evidence.primary == usual.evidence.primary
    assert by_hand.evidence.final


def test_single_paired_successes_are_judged_by_the_exact_test() -> None:
    found = look_at(*pairs(*TWENTY))
    primary = found.evidence.primary
    assert primary.method == "mcnemar-exact"
    assert primary.estimate == pytest.approx(0.4)
    assert (primary.control, primary.candidate) == (pytest.approx(0.35), pytest.approx(0.75))
    assert primary.p == pytest.approx(2 * 11 / 1024)  # at most one of ten, either way
    assert found.look.crossed
    assert found.look.z == pytest.approx(2.2993, abs=1e-3)
    assert decide(found.evidence).decision is Decision.WINNER


def test_repeated_trials_are_averaged_a_task() -> None:
    twice = (Arm.CONTROL, Arm.CANDIDATE) * 2
    gains = [0.5, 0.5, 0.0, 1.0, 0.5, 0.0, 0.5, 1.0]
    assignments = [Assignment(position, f"{position}", "s", twice) for position in range(len(gains))]
    outcomes: list[Outcome] = []
    for position, gain in enumerate(gains):
        for each in (0, 1):
            outcomes.append(outcome(f"{position}", Arm.CONTROL, replicate=each, success=False))
            outcomes.append(outcome(f"{position}", Arm.CANDIDATE, replicate=each, success=each < gain * 2))
    primary = look_at(assignments, outcomes).evidence.primary
    # Mean .5, standard deviation .37796, t = .5 / (.37796 / sqrt(8)) = 3.7417 with 7 df.
    assert primary.method == "paired-t"
    assert primary.estimate == pytest.approx(0.5)
    assert primary.standardised == pytest.approx(1.3229, abs=1e-4)
    assert primary.p == pytest.approx(0.007256, abs=1e-5)


def test_a_ratio_is_what_is_saved_and_its_mean_is_told_beside() -> None:
    factors = [0.5, 0.8, 0.5, 0.8] * 5
    outcomes = with_values("cost_usd", [1.0] * 20, factors)
    plan = replace(PLAN, primary=Metric.COST, guardrails=(Guardrail(Metric.DURATION, 0.1),))
    found = look_at(assigned(20), outcomes, plan).evidence
    assert found.primary.estimate == pytest.approx(1 - math.sqrt(0.4))
    assert found.primary.low is not None
    assert found.primary.low > 0.2
    assert any("-$0.35" in line for line in found.primary.sensitivity)
    # Every duration is the same: nothing shows that it is not worse.
    assert not found.guardrails[0].passed
    assert "equal" in found.guardrails[0].effect.problem
    assert decide(found).reasons == (Reason.GUARDRAIL_OPEN,)


def test_live_arms_are_compared_as_independent() -> None:
    live = replace(PLAN, mode=Mode.LIVE)
    results = [True] * 56 + [False] * 14 + [True] * 48 + [False] * 32
    arms = [Arm.CANDIDATE] * 70 + [Arm.CONTROL] * 80
    assignments = [Assignment(index, f"{index}", "s", (arm,)) for index, arm in enumerate(arms)]
    outcomes = [
        outcome(f"{index}", arm, success=won)
        for index, (arm, won) in enumerate(zip(arms, results, strict=True))
    ]
    primary = look_at(assignments, outcomes, live).evidence.primary
    assert primary.n == 150
    assert (primary.low, primary.high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))


def test_guardrails_hold_are_open_or_are_broken() -> None:
    rails = (Guardrail(Metric.COST, 0.10),)
    factors = {"held": (0.9, 1.1), "open": (0.6, 1.9), "broken": (1.3, 1.5)}
    found = {
        name: look_at(
            assigned(20),
            with_values("cost_usd", [1.0] * 20, [low, high] * 10),
            replace(PLAN, guardrails=rails),
        ).evidence.guardrails[0]
        for name, (low, high) in factors.items()
    }
    assert {name: (each.passed, each.harmed) for name, each in found.items()} == {
        "held": (True, False),
        "open": (False, False),
        "broken": (False, True),
    }
    assert found["held"].p is not None
    assert found["held"].p < 0.025


def test_secondary_metrics_are_adjusted_by_holm() -> None:
    assignments, outcomes = drawn(60, seed=3)
    joint = {each.metric: each for each in look_at(assignments, outcomes).evidence.secondary}
    alone = {
        metric: look_at(assignments, outcomes, replace(PLAN, secondary=(metric,))).evidence.secondary[0].p
        for metric in joint
    }
    first = min(alone, key=lambda metric: alone[metric] or 1.0)
    assert joint[first].p == pytest.approx(3 * (alone[first] or 0.0))
    assert all((joint[metric].p or 0.0) >= (alone[metric] or 0.0) for metric in joint)


# --- looks ----------------------------------------------------------------------------------------


def test_an_early_look_asks_for_more_than_the_last_one() -> None:
    assignments, outcomes = pairs(*TWENTY)
    planned = looks(100)
    due = due_look(planned, (), 20)
    assert due is not None
    early = analyse(PLAN, planned, assignments, outcomes, due, at=START)
    assert not early.look.crossed
    assert early.look.boundary == pytest.approx(4.8769, abs=1e-3)
    assert (early.evidence.final, early.evidence.units, early.look.information) == (False, 20, 0.2)
    assert early.evidence.primary.p is not None
    assert early.evidence.primary.p > 0.05
    assert decide(early.evidence).decision is Decision.INCONCLUSIVE


@pytest.mark.parametrize("p", [1e-9, 1e-6, 0.0008, 0.007, 0.0219, 0.042, 0.3, 1.0])
@pytest.mark.parametrize("number", [1, 3, 5])
def test_the_adjusted_p_is_at_most_alpha_just_where_the_look_crosses(p: float, number: int) -> None:
    planned = looks(100)
    prior = tuple(Bound(look.units, look.boundary) for look in planned[: number - 1])
    due = due_look(
        planned, [_taken(look.units, look.boundary) for look in planned[: number - 1]], number * 20
    )
    assert due is not None
    assert due.prior == prior
    assert (adjusted_p(p, due, 100) <= 0.05) is crosses(planned[number - 1].boundary, p)
    assert adjusted_p(p, due, 100) >= p or p < 1e-6


def _taken(units: int, boundary: float) -> Look:
    return Look(1, units, units / 100, 0.0, boundary, False, START, Decimal(0))


# --- what breaks a comparison ---------------------------------------------------------------------


def test_lost_runs_of_one_arm_break_a_live_test() -> None:
    live = replace(PLAN, mode=Mode.LIVE)
    assignments, outcomes = drawn(400, seed=5, mode=Mode.LIVE)
    kept = [each for each in outcomes if each.arm is Arm.CONTROL or int(each.unit[-3:]) % 3]
    found = look_at(assignments, kept, live).evidence
    assert decide(found).decision is Decision.INVALID
    assert Reason.MISSINGNESS_DIFFERS in decide(found).reasons
    assert found.missing_share == pytest.approx((400 - len(kept)) / 400)
    assert decide(look_at(assignments, outcomes, live).evidence).decision is not Decision.INVALID


def test_pairs_whose_measurements_were_lost_are_missing_not_forgotten() -> None:
    assignments, outcomes = pairs(*TWENTY)
    lost = {f"task-{position}" for position in range(8)}
    kept = [each for each in outcomes if each.arm is Arm.CONTROL or each.unit not in lost]
    found = look_at(assignments, kept).evidence
    assert found.primary.n == 12
    assert found.missing_share > 0.2
    assert decide(found).decision is Decision.INVALID


def test_shares_that_were_not_planned_break_it() -> None:
    live = replace(PLAN, mode=Mode.LIVE)
    arms = [Arm.CONTROL] * 260 + [Arm.CANDIDATE] * 140
    assignments = [Assignment(index, f"{index}", "s", (arm,)) for index, arm in enumerate(arms)]
    outcomes = [outcome(f"{index}", arm, success=bool(index % 2)) for index, arm in enumerate(arms)]
    assert decide(look_at(assignments, outcomes, live).evidence).reasons == (Reason.SRM,)


def test_another_model_or_configuration_breaks_it() -> None:
    assignments, outcomes = pairs(*TWENTY)
    later = replace(outcomes[5], served_models=("model-b",), ended_at=START + timedelta(hours=1))
    changed = look_at(assignments, [*outcomes[:5], later, *outcomes[6:]]).evidence
    assert decide(changed).reasons == (Reason.MODEL_CHANGED,)
    assert "'model-b'" in changed.model_changed[0]
    other = replace(outcomes[4], config_hash="sha256:0")
    changed = look_at(assignments, [*outcomes[:4], other, *outcomes[5:]]).evidence
    assert decide(changed).reasons == (Reason.CONFIG_CHANGED,)


def test_a_helper_model_that_only_some_runs_need_breaks_nothing() -> None:
    assignments, outcomes = pairs(*TWENTY)
    helped = replace(outcomes[5], served_models=("model-a", "helper"), ended_at=START + timedelta(hours=1))
    assert look_at(assignments, [*outcomes[:5], helped, *outcomes[6:]]).evidence.model_changed == ()


def test_missing_values_are_counted_and_left_out() -> None:
    plan = replace(PLAN, primary=Metric.QUALITY, minimum_effect=1.0)
    scores: list[float | None] = [60.0, 61.0, 62.0, 63.0, 64.0, 65.0, 66.0, None]
    better: list[float | None] = [64.0, 66.0, 65.0, 68.0, 70.0, 69.0, None, 70.0]
    found = look_at(assigned(8), with_values("quality", scores, better), plan).evidence
    assert (found.primary.n, found.primary.missing_control, found.primary.missing_candidate) == (6, 1, 1)
    assert found.missing_share == pytest.approx(2 / 16)
    assert found.significant
    assert decide(found).reasons == (Reason.UNKNOWN_OUTCOMES,), "64 and 70 may stand where nothing does"
    scores[6], scores[7] = None, 65.0
    found = look_at(assigned(8), with_values("quality", scores, better), plan).evidence
    assert found.at_worst is None, "a pair that lacks both says nothing"
    assert decide(found).decision is Decision.WINNER


def test_unpriced_costs_are_told() -> None:
    found = look_at(assigned(8), with_values("cost_usd", [None] * 8, [1.0] * 8)).evidence
    assert any("no known price" in words for words in found.warnings)


# --- input without an answer ----------------------------------------------------------------------

N = 12
DEGENERATE: dict[str, tuple[Metric, str, Sequence[float | None], Sequence[float | None]]] = {
    "all failures": (Metric.SUCCESS, "success", [False] * N, [False] * N),
    "all ties": (Metric.SUCCESS, "success", [True, False] * 6, [True, False] * 6),
    "no spread": (Metric.QUALITY, "quality", [60.0] * N, [65.0] * N),
    "no difference": (Metric.QUALITY, "quality", [60.0] * N, [60.0] * N),
    "nothing measured": (Metric.QUALITY, "quality", [None] * N, [None] * N),
    "one arm measured": (Metric.QUALITY, "quality", [None] * N, [70.0] * N),
    "no number": (Metric.QUALITY, "quality", [math.nan] * N, [70.0] * N),
    "without end": (Metric.COST, "cost_usd", [math.inf] * N, [1.0] * N),
    "nothing was paid": (Metric.COST, "cost_usd", [0.0] * N, [0.0] * N),
    "no time": (Metric.DURATION, "duration_ms", [0.0] * N, [0.0] * N),
    "one pair": (Metric.QUALITY, "quality", [60.0], [70.0]),
    "two pairs": (Metric.SUCCESS, "success", [False, False], [True, True]),
}


@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("final", [True, False])
def test_input_without_an_answer_never_wins_and_never_fails(name: str, final: bool) -> None:
    metric, changed, control, candidate = DEGENERATE[name]
    plan = replace(PLAN, primary=metric, guardrails=(Guardrail(Metric.COST, 0.1), Guardrail(metric, 0.1)))
    planned = looks(max(2, len(control) * (1 if final else 4)), 2)
    due = due_look(planned, (), len(control), ended=final)
    due = due or last_look(planned, len(control))
    found = analyse(
        plan, planned, assigned(len(control)), with_values(changed, control, candidate), due, at=START
    )
    verdict = decide(found.evidence)
    assert verdict.decision not in (Decision.WINNER, Decision.CONTROL)
    numbers = (found.evidence.primary.estimate, found.evidence.primary.p, found.evidence.mde, found.look.z)
    assert all(number is None or math.isfinite(number) for number in numbers)
    assert not any(word in verdict.sentence for word in ("nan", "None"))


def test_a_test_of_nothing_says_so() -> None:
    found = analyse(PLAN, looks(10, 1), [], [], DueLook(1, 0, True, 0, ()), at=START)
    assert (found.evidence.units, found.look.z, found.look.boundary) == (0, None, None)
    assert decide(found.evidence).reasons[0] is Reason.TOO_FEW


def test_a_negative_cost_is_refused_in_words() -> None:
    with pytest.raises(BadFigures, match="negative"):
        look_at(assigned(8), with_values("cost_usd", [1.0] * 8, [-1.0] * 8))


# --- symmetry -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("metric", Metric)
def test_swapped_arms_mirror_the_evidence(mode: Mode, metric: Metric) -> None:
    plan = replace(PLAN, mode=mode, primary=metric, minimum_effect=0.02)
    assignments, outcomes = drawn(200, seed=11, candidate=0.8, saved=0.4, mode=mode)
    mirrored = assignments
    if mode is Mode.LIVE:
        mirrored = [
            replace(each, arms=(Arm.CANDIDATE if each.arms[0] is Arm.CONTROL else Arm.CONTROL,))
            for each in assignments
        ]
    before = look_at(assignments, outcomes, plan)
    after = look_at(mirrored, swapped(outcomes), plan)
    assert after.look.z == pytest.approx(-(before.look.z or 0.0))
    assert after.evidence.primary.p == pytest.approx(before.evidence.primary.p)
    assert decide(before.evidence).decision is Decision.WINNER
    assert decide(after.evidence).decision is Decision.CONTROL


def test_the_order_of_outcomes_does_not_matter() -> None:
    assignments, outcomes = drawn(80, seed=2)
    assert look_at(assignments[::-1], outcomes[::-1]) == look_at(assignments, outcomes)

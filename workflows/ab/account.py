"""How a test stands: as the answer of a query, as the result that is stored, as Markdown for the Web UI."""

from __future__ import annotations

from datetime import datetime

from tamma.model.ab_run import ABProgress, ABTestStart, ABTestView
from tamma.model.experiment import Mode
from tamma.model.task import Waiting
from tamma.model.verdict import ABTestResult, ABTestState, Effect


def view(start: ABTestStart, state: ABProgress, running: int, waiting: str) -> ABTestView:
    """The answer of the `view` query; of a test that was frozen."""
    plan = start.plan
    assert state.started_at is not None
    assert state.ends_at is not None
    return ABTestView(
        test_id=start.test_id,
        plan=plan,
        state=state.state,
        started_at=state.started_at,
        ends_at=state.ends_at,
        units=state.complete if plan.mode is Mode.PAIRED else state.trials_ended,
        units_planned=state.units_planned,
        trials_ended=state.trials_ended,
        trials_running=running,
        trials_planned=trials_planned(start, state),
        failed_trials=state.failed_trials,
        spent_usd=state.spent_usd,
        looks_planned=state.looks_planned,
        looks=tuple(state.looks),
        paused=state.paused,
        verdict=state.verdict,
        effect=state.effect,
        stop_reason=state.stop_reason,
        approver=state.approver,
        waiting=waiting,
        applied_version=state.applied_version,
        rolled_back_to=state.rolled_back_to,
        canary=state.canary,
        notes=tuple(state.notes),
    )


def trials_planned(start: ABTestStart, state: ABProgress) -> int:
    """In both arms together."""
    if start.plan.mode is Mode.LIVE:
        return state.units_planned
    return state.units_planned * start.plan.replicates * 2


def result(start: ABTestStart, state: ABProgress, now: datetime) -> ABTestResult:
    """The specification's result, at any time: what is not known yet is None or inconclusive."""
    plan, verdict = start.plan, state.verdict
    return ABTestResult(
        test_id=start.test_id,
        name=plan.name,
        state=state.state,
        agent_a=plan.control,
        agent_b=plan.candidate,
        task_type=", ".join(kind.value for kind in plan.task_types) or "all",
        sample_size=state.units_planned,
        confidence=plan.confidence_level,
        effect_size=state.effect.standardised if state.effect else None,
        winner=verdict.winner if verdict else "inconclusive",
        improvement=improvement(state.effect),
        statistical_significance=state.significant,
        verdict=verdict,
        stop_reason=state.stop_reason,
        spent_usd=state.spent_usd,
        created_at=state.started_at or now,
        ended_at=state.ended_at,
        approver=state.approver,
        applied_version=state.applied_version,
        rolled_back_to=state.rolled_back_to,
        archive=state.archive,
        effect=state.effect,
        units=state.looks[-1].units if state.looks else 0,
        note=state.note,
        paused=state.paused,
        alive_at=now if state.state is ABTestState.RUNNING else None,
    )


def improvement(effect: Effect | None) -> float | None:
    """In percent of the control; None where that has no meaning."""
    if effect is None or effect.estimate is None:
        return None
    if effect.metric.is_ratio:
        return 100 * effect.estimate
    return 100 * effect.estimate / effect.control if effect.control else None


def details(start: ABTestStart, state: ABProgress, running: int, waiting: str) -> str:
    """Markdown for the Web UI's current details."""
    plan = start.plan
    budget = f" of {plan.budget_usd:.2f}" if plan.budget_usd is not None else ""
    lines = [f"### A/B test {plan.name}", ""]
    if waiting:
        lines += [f"**Waiting:** {waiting}", ""]
    lines += [
        f"| state | {state.state}{' (paused)' if state.paused else ''} |",
        "|---|---|",
        f"| control | {plan.control.name}@{plan.control.version} |",
        f"| candidate | {plan.candidate.name}@{plan.candidate.version} |",
    ]
    if state.started_at is not None:
        shown = view(start, state, running, waiting)
        lines += [
            f"| complete | {shown.units} of {shown.units_planned}, {running} trials under way |",
            f"| spent | {state.spent_usd:.2f}{budget} USD |",
            f"| looks | {len(state.looks)} of {len(state.looks_planned)} |",
        ]
    if state.verdict is not None:
        lines += [f"| verdict | {state.verdict.decision} |", "", state.verdict.sentence]
    if state.canary is not None:
        lines += ["", f"**Canary:** {state.canary.sentence}"]
    if state.notes:
        lines += ["", *(f"- {note}" for note in state.notes)]
    return "\n".join(lines)


def in_words(waiting: Waiting) -> str:
    """What a step waits for. The hints that activities give speak of runs."""
    hint = waiting.hint.replace("tamma resume TASK", "tamma ab resume NAME")
    return f"{waiting.reason}; {hint}" if hint else waiting.reason

"""A/B tests: freeze a plan, read the assignment, take looks, keep how a test stands."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

from temporalio import activity

from activities.failures import failing_well
from activities.heartbeat import heard
from activities.interface import Done, Stored
from activities.interface.experiments import (
    ARCHIVE_TEST,
    COUNT_RUNS,
    FREEZE_TEST,
    READ_UNITS,
    SAVE_RESULT,
    TAKE_LOOK,
    ArchiveTest,
    CountRuns,
    FreezeTest,
    FrozenTest,
    LookTaken,
    ReadUnits,
    RunCount,
    TakeLook,
    UnitOrder,
    Units,
)
from tamma.errors import StoreConflict, StoreError
from tamma.experiments import bundle
from tamma.experiments.assignment import assign_paired
from tamma.experiments.checking import refused
from tamma.experiments.facts import PlanFacts, gather
from tamma.experiments.outcomes import outcome_of
from tamma.experiments.stopping import bounds_before
from tamma.model.experiment import ABTestId, ABTestPlan, Assignment, LookPlan, Mode, Outcome
from tamma.model.looks import DueLook
from tamma.model.verdict import ABTestResult
from tamma.store.experiment_forms import differs
from tamma.store.interface import Store


class ExperimentActivities:
    """Holds the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @activity.defn(name=FREEZE_TEST.name)
    @failing_well
    @heard
    async def freeze_test(self, given: FreezeTest) -> FrozenTest:
        """Check the plan, plan the looks, draw the assignment, keep it all before anything runs."""
        from tamma.experiments.planning import forecast, prepare

        kept = await self._store.read_plan(given.test_id)
        facts = await gather(self._store, kept[0] if kept else given.plan)
        if kept is None:
            prepared = await asyncio.to_thread(prepare, given.plan, facts, given.test_id)
            if prepared.problems:
                raise refused(prepared.problems)
            plan, looks = prepared.plan, prepared.looks
            await self._store.create_test(given.test_id, plan, looks, _assignments(plan, facts))
        else:
            plan, looks = kept
            await self._check_again(given, plan)
        shown = await asyncio.to_thread(forecast, plan, facts)
        agent = facts.control.agent
        return FrozenTest(plan, looks, shown, agent.active if agent else None)

    async def _check_again(self, given: FreezeTest, kept: ABTestPlan) -> None:
        """A plan that is kept may have been kept by an attempt before. Raises StoreConflict for another plan
        under the same id, and for a test that is over: it would be paid for once more."""
        asked = given.plan
        same = replace(asked, sample_size=asked.sample_size or kept.sample_size, seed=asked.seed or kept.seed)
        if same != kept:
            raise differs(given.test_id)
        result = await self._store.read_result(given.test_id)
        if result is not None and result.state.final:
            raise StoreConflict(
                f"the test {given.test_id!r} is over: it is {result.state.value}",
                hint="start a new one: its trials are new ones, too",
            )

    @activity.defn(name=READ_UNITS.name)
    @failing_well
    @heard
    async def read_units(self, given: ReadUnits) -> Units:
        """Some units in the drawn order, with their arms."""
        found = await self._store.read_assignments(given.test_id, after=given.first - 1, limit=given.limit)
        return Units(tuple(UnitOrder(each.unit, each.arms) for each in found))

    @activity.defn(name=COUNT_RUNS.name)
    @failing_well
    @heard
    async def count_runs(self, given: CountRuns) -> RunCount:
        """How many production runs a live test has, and what those that ended have cost."""
        assigned = {each.unit for each in await self._store.read_assignments(given.test_id)}
        runs = await self._store.cell_runs(given.test_id)
        counted = [run for run in runs if run.cell is not None and run.cell.unit in assigned]
        # An issue may have run again: its money counts, but it is one unit.
        ended = {run.cell.unit for run in counted if run.cell is not None}
        return RunCount(len(assigned), len(ended), sum((run.cost_usd for run in counted), Decimal(0)))

    @activity.defn(name=TAKE_LOOK.name)
    @failing_well
    @heard
    async def take_look(self, given: TakeLook) -> LookTaken:
        """Analyse what there is, and keep the look. The verdict is the workflow's."""
        from tamma.experiments.analysis import analyse

        plan, planned = await self._plan(given.test_id)
        assignments, outcomes = bundle.outcomes_at(
            plan,
            await self._store.read_assignments(given.test_id),
            await self._outcomes(given.test_id),
            given.units,
        )
        taken = tuple(
            look for look in await self._store.read_looks(given.test_id) if look.number < given.number
        )
        due = DueLook(
            given.number, given.units, given.final, 0, bounds_before(taken, given.units), given.by_hand
        )
        found = await asyncio.to_thread(
            analyse,
            plan,
            planned,
            assignments,
            outcomes,
            due,
            at=given.at,
            taken=taken,
            spent_usd=given.spent_usd,
        )
        assigned = len(assignments) if plan.mode is Mode.LIVE else 0
        look = replace(
            found.look, asked=given.units, assigned=assigned, last=given.final, by_hand=given.by_hand
        )
        await self._store.record_look(given.test_id, look)
        return LookTaken(look, found.evidence)

    @activity.defn(name=SAVE_RESULT.name)
    @failing_well
    @heard
    async def save_result(self, given: ABTestResult) -> Done:
        """Keep how the test stands."""
        await self._store.save_result(given)
        return Done()

    @activity.defn(name=ARCHIVE_TEST.name)
    @failing_well
    @heard
    async def archive_test(self, given: ArchiveTest) -> Stored:
        """Put all of the test into one blob."""
        made = await read_bundle(self._store, given.test_id, given.result)
        content = await asyncio.to_thread(bundle.to_bytes, made)
        return Stored(await self._store.put_blob(content, "application/json"))

    async def _plan(self, test_id: ABTestId) -> tuple[ABTestPlan, tuple[LookPlan, ...]]:
        return await plan_of(self._store, test_id)

    async def _outcomes(self, test_id: ABTestId) -> tuple[Outcome, ...]:
        return tuple(outcome_of(run) for run in await self._store.cell_runs(test_id))


async def plan_of(store: Store, test_id: ABTestId) -> tuple[ABTestPlan, tuple[LookPlan, ...]]:
    """A test's plan and looks. Raises StoreError where there is no such test."""
    found = await store.read_plan(test_id)
    if found is None:
        raise StoreError(f"there is no A/B test {test_id!r}", hint="`tamma ab list` shows all")
    return found


async def read_bundle(store: Store, test_id: ABTestId, result: ABTestResult) -> bundle.Bundle:
    """All that the store knows of a test. Raises StoreError where there is no such test."""
    plan, planned = await plan_of(store, test_id)
    return bundle.Bundle(
        format=bundle.FORMAT,
        programs=bundle.programs(),
        plan=plan,
        looks_planned=planned,
        assignments=await store.read_assignments(test_id),
        outcomes=tuple(outcome_of(run) for run in await store.cell_runs(test_id)),
        looks=await store.read_looks(test_id),
        result=result,
    )


def _assignments(plan: ABTestPlan, facts: PlanFacts) -> tuple[Assignment, ...]:
    """The whole assignment of a paired test. A live one is drawn run by run."""
    if plan.mode is Mode.LIVE:
        return ()
    assert facts.units is not None
    return assign_paired(plan.seed, facts.units, plan.sample_size, plan.replicates)

"""A/B tests in memory: the twin of `tamma.store.experiments`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tamma.errors import StoreError
from tamma.model.agent import AgentId
from tamma.model.experiment import ABTestId, ABTestPlan, Arm, Assignment, LookPlan, Mode
from tamma.model.verdict import ABTestResult, ABTestState, Look
from tamma.store import experiment_forms as forms
from tamma.store.codec import check_key
from tamma.store.interface.experiments import GONE_AFTER, MOST_CANARIES


@dataclass(slots=True)
class _Test:
    plan: ABTestPlan
    looks_planned: tuple[LookPlan, ...]
    digest: str
    assignments: dict[str, Assignment]
    looks: dict[int, Look] = field(default_factory=dict[int, Look])
    result: ABTestResult | None = None


class MemoryExperiments:
    """Implements `ExperimentStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._tests: dict[ABTestId, _Test] = {}
        self._analyses: dict[str, tuple[datetime, str]] = {}

    async def create_test(
        self,
        test_id: ABTestId,
        plan: ABTestPlan,
        looks: tuple[LookPlan, ...],
        assignments: tuple[Assignment, ...],
    ) -> None:
        forms.check_assignments(test_id, assignments)
        check_key("the test's name", plan.name)
        digest = forms.digest(plan, looks, assignments)
        # Through JSON and back: callers get what a database would give them.
        plan = forms.from_json(ABTestPlan, forms.plan_json(plan))
        looks = forms.from_json(forms.Looks, forms.looks_json(looks))
        kept = {each.unit: each for each in assignments}
        if self._tests.setdefault(test_id, _Test(plan, looks, digest, kept)).digest != digest:
            raise forms.differs(test_id)

    async def read_plan(self, test_id: ABTestId) -> tuple[ABTestPlan, tuple[LookPlan, ...]] | None:
        found = self._tests.get(ABTestId(check_key("the test's id", test_id)))
        return (found.plan, found.looks_planned) if found else None

    async def read_assignments(
        self, test_id: ABTestId, *, after: int = -1, limit: int = 100_000
    ) -> tuple[Assignment, ...]:
        found = self._tests.get(test_id)
        drawn = found.assignments.values() if found else ()
        return tuple(each for each in drawn if each.position > after)[: max(limit, 0)]

    async def draw_live(
        self, test_id: ABTestId, unit: str, stratum: str, draw: Callable[[int], Arm], *, most: int
    ) -> Arm | None:
        check_key("the unit", unit)
        check_key("the stratum", stratum)
        drawn = self._test(test_id).assignments
        if unit in drawn:
            return drawn[unit].arms[0]
        if len(drawn) >= most:
            return None
        arm = draw(sum(each.stratum == stratum for each in drawn.values()))
        drawn[unit] = Assignment(len(drawn), unit, stratum, (arm,))
        return arm

    async def live_tests(self) -> tuple[tuple[ABTestId, ABTestPlan], ...]:
        now = datetime.now(UTC)
        return tuple(
            (test_id, test.plan)
            for test_id, test in self._tests.items()
            if test.plan.mode is Mode.LIVE
            and test.result is not None
            and test.result.state is ABTestState.RUNNING
            and not test.result.paused
            and (test.result.alive_at or now) > now - GONE_AFTER
        )

    async def canaries(self, agent_id: AgentId, version: int) -> tuple[ABTestId, ...]:
        found = [
            test_id
            for test_id, test in reversed(self._tests.items())
            if test.result is not None
            and test.result.state is ABTestState.CANARY
            and test.result.agent_a.agent_id == agent_id
            and test.result.applied_version == version
        ]
        return tuple(found[:MOST_CANARIES])

    async def record_look(self, test_id: ABTestId, look: Look) -> None:
        self._test(test_id).looks[look.number] = forms.from_json(Look, forms.look_json(look))

    async def read_looks(self, test_id: ABTestId) -> tuple[Look, ...]:
        found = self._tests.get(test_id)
        return tuple(look for _, look in sorted(found.looks.items())) if found else ()

    async def save_result(self, result: ABTestResult) -> None:
        kept = forms.from_json(ABTestResult, forms.result_json(result))
        self._test(result.test_id).result = kept

    async def read_result(self, test_id: ABTestId) -> ABTestResult | None:
        found = self._tests.get(test_id)
        return found.result if found else None

    async def list_results(self, *, limit: int = 1000) -> tuple[ABTestResult, ...]:
        newest = reversed(self._tests.values())
        return tuple(test.result for test in newest if test.result is not None)[: max(limit, 0)]

    async def find_test(self, name_or_id: str) -> ABTestId | None:
        check_key("the name", name_or_id)
        tests = list(reversed(self._tests.items()))
        named = [test_id for test_id, test in tests if test.plan.name == name_or_id]
        begun = [test_id for test_id, _ in tests if name_or_id and test_id.startswith(name_or_id)]
        exact = [test_id for test_id, _ in tests if test_id == name_or_id]
        return next(iter([*exact, *named, *begun]), None)

    async def save_analysis(self, key: str, at: datetime, body: Mapping[str, object]) -> None:
        if at.tzinfo is None:
            raise StoreError(f"the time {at!r} of the analysis {key!r} has no time zone")
        self._analyses[check_key("the key", key)] = (at.astimezone(UTC), forms.body_json(body))

    async def read_analyses(
        self, *, limit: int = 10
    ) -> tuple[tuple[str, datetime, Mapping[str, object]], ...]:
        newest = sorted(self._analyses.items(), key=lambda item: (item[1][0], item[0]), reverse=True)
        return tuple((key, at, json.loads(body)) for key, (at, body) in newest)[: max(limit, 0)]

    def _test(self, test_id: ABTestId) -> _Test:
        if test_id not in self._tests:
            raise forms.no_test(test_id)
        return self._tests[test_id]

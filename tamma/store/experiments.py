"""A/B tests in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime

from tamma.errors import StoreError
from tamma.model.agent import AgentId
from tamma.model.experiment import ABTestId, ABTestPlan, Arm, Assignment, LookPlan, Mode
from tamma.model.verdict import ABTestResult, ABTestState, Look
from tamma.store import experiment_forms as forms
from tamma.store.codec import check_key
from tamma.store.database import Database, Row
from tamma.store.interface.experiments import GONE_AFTER, MOST_CANARIES

_STRETCH = 64
"""Arms of a stratum that one call of `draw_live` takes along: more than others draw in between."""

# One statement, so all or none; where the test is there already, nothing is written.
_CREATE = """
WITH created AS (
    INSERT INTO ab_tests (test_id, name, live, state, plan, looks, digest)
    VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7)
    ON CONFLICT (test_id) DO NOTHING
    RETURNING test_id
)
INSERT INTO ab_assignments (test_id, position, unit, stratum, arms)
SELECT created.test_id, a.position, a.unit, a.stratum, string_to_array(a.arms, ',')
FROM created,
    unnest($8::integer[], $9::text[], $10::text[], $11::text[]) AS a (position, unit, stratum, arms)"""
_DIGEST = "SELECT digest FROM ab_tests WHERE test_id = $1"
_PLAN = "SELECT plan, looks FROM ab_tests WHERE test_id = $1"
_ASSIGNMENTS = """
SELECT position, unit, stratum, arms FROM ab_assignments
WHERE test_id = $1 AND position > $2 ORDER BY position LIMIT $3"""
_COUNT = "SELECT count(*) AS drawn FROM ab_assignments WHERE test_id = $1 AND stratum = $2"
_DRAW = "SELECT problem, arm, nth FROM draw_live($1, $2, $3, $4, $5, $6)"
_LIVE = """
SELECT test_id, plan FROM ab_tests
WHERE live AND state = 'running' AND NOT paused
  AND coalesce((result->>'alive_at')::timestamptz, clock_timestamp()) > clock_timestamp() - $1::interval
ORDER BY created_at"""
_CANARIES = """
SELECT test_id FROM ab_tests
WHERE state = 'canary' AND result->'agent_a'->>'agent_id' = $1 AND (result->>'applied_version')::integer = $2
ORDER BY created_at DESC, test_id DESC LIMIT $3"""
_LOOK = """
INSERT INTO ab_looks (test_id, number, look) VALUES ($1, $2, $3::jsonb)
ON CONFLICT (test_id, number) DO UPDATE SET look = excluded.look"""
_LOOKS = "SELECT look FROM ab_looks WHERE test_id = $1 ORDER BY number"
_SAVE = """
UPDATE ab_tests SET result = $2::jsonb, state = $3, paused = $4 WHERE test_id = $1 RETURNING test_id"""
_RESULT = "SELECT result FROM ab_tests WHERE test_id = $1 AND result IS NOT NULL"
_RESULTS = """
SELECT result FROM ab_tests WHERE result IS NOT NULL ORDER BY created_at DESC, test_id DESC LIMIT $1"""
_FIND = """
SELECT test_id FROM ab_tests
WHERE test_id = $1 OR name = $1 OR ($2 AND starts_with(test_id, $1))
ORDER BY test_id = $1 DESC, name = $1 DESC, created_at DESC LIMIT 1"""
_ANALYSE = """
INSERT INTO analyses (key, at, body) VALUES ($1, $2, $3::jsonb)
ON CONFLICT (key) DO UPDATE SET at = excluded.at, body = excluded.body"""
_ANALYSES = "SELECT key, at, body FROM analyses ORDER BY at DESC, key DESC LIMIT $1"


class Experiments:
    """Implements `ExperimentStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_test(
        self,
        test_id: ABTestId,
        plan: ABTestPlan,
        looks: tuple[LookPlan, ...],
        assignments: tuple[Assignment, ...],
    ) -> None:
        forms.check_assignments(test_id, assignments)
        digest = forms.digest(plan, looks, assignments)
        await self._database.fetch(
            _CREATE,
            test_id,
            check_key("the test's name", plan.name),
            plan.mode is Mode.LIVE,
            ABTestState.PLANNED.value,
            forms.plan_json(plan),
            forms.looks_json(looks),
            digest,
            [each.position for each in assignments],
            [each.unit for each in assignments],
            [each.stratum for each in assignments],
            [",".join(arm.value for arm in each.arms) for each in assignments],
        )
        if (await self._database.fetchrow(_DIGEST, test_id))["digest"] != digest:
            raise forms.differs(test_id)

    async def read_plan(self, test_id: ABTestId) -> tuple[ABTestPlan, tuple[LookPlan, ...]] | None:
        rows = await self._database.fetch(_PLAN, check_key("the test's id", test_id))
        if not rows:
            return None
        return _plan(rows[0]), forms.from_json(forms.Looks, rows[0]["looks"])

    async def read_assignments(
        self, test_id: ABTestId, *, after: int = -1, limit: int = 100_000
    ) -> tuple[Assignment, ...]:
        rows = await self._database.fetch(_ASSIGNMENTS, test_id, after, max(limit, 0))
        return tuple(
            Assignment(row["position"], row["unit"], row["stratum"], tuple(Arm(arm) for arm in row["arms"]))
            for row in rows
        )

    async def draw_live(
        self, test_id: ABTestId, unit: str, stratum: str, draw: Callable[[int], Arm], *, most: int
    ) -> Arm | None:
        check_key("the unit", unit)
        check_key("the stratum", stratum)
        first = int((await self._database.fetchrow(_COUNT, test_id, stratum))["drawn"])
        while True:
            arms = [draw(number).value for number in range(first, first + _STRETCH)]
            row = await self._database.fetchrow(_DRAW, test_id, unit, stratum, first, arms, most)
            match row["problem"]:
                case None:
                    return Arm(row["arm"])
                case "full":
                    return None
                case "again":
                    first = row["nth"]
                case _:
                    raise forms.no_test(test_id)

    async def live_tests(self) -> tuple[tuple[ABTestId, ABTestPlan], ...]:
        return tuple(
            (ABTestId(row["test_id"]), _plan(row)) for row in await self._database.fetch(_LIVE, GONE_AFTER)
        )

    async def canaries(self, agent_id: AgentId, version: int) -> tuple[ABTestId, ...]:
        rows = await self._database.fetch(_CANARIES, agent_id, version, MOST_CANARIES)
        return tuple(ABTestId(row["test_id"]) for row in rows)

    async def record_look(self, test_id: ABTestId, look: Look) -> None:
        await self._database.fetch(_LOOK, test_id, look.number, forms.look_json(look))

    async def read_looks(self, test_id: ABTestId) -> tuple[Look, ...]:
        rows = await self._database.fetch(_LOOKS, test_id)
        return tuple(forms.from_json(Look, row["look"]) for row in rows)

    async def save_result(self, result: ABTestResult) -> None:
        given = (result.test_id, forms.result_json(result), result.state.value, result.paused)
        if not await self._database.fetch(_SAVE, *given):
            raise forms.no_test(result.test_id)

    async def read_result(self, test_id: ABTestId) -> ABTestResult | None:
        rows = await self._database.fetch(_RESULT, test_id)
        return forms.from_json(ABTestResult, rows[0]["result"]) if rows else None

    async def list_results(self, *, limit: int = 1000) -> tuple[ABTestResult, ...]:
        rows = await self._database.fetch(_RESULTS, max(limit, 0))
        return tuple(forms.from_json(ABTestResult, row["result"]) for row in rows)

    async def find_test(self, name_or_id: str) -> ABTestId | None:
        rows = await self._database.fetch(_FIND, check_key("the name", name_or_id), bool(name_or_id))
        return ABTestId(rows[0]["test_id"]) if rows else None

    async def save_analysis(self, key: str, at: datetime, body: Mapping[str, object]) -> None:
        if at.tzinfo is None:
            raise StoreError(f"the time {at!r} of the analysis {key!r} has no time zone")
        await self._database.fetch(_ANALYSE, check_key("the key", key), at, forms.body_json(body))

    async def read_analyses(
        self, *, limit: int = 10
    ) -> tuple[tuple[str, datetime, Mapping[str, object]], ...]:
        rows = await self._database.fetch(_ANALYSES, max(limit, 0))
        return tuple((row["key"], row["at"], json.loads(row["body"])) for row in rows)


def _plan(row: Row) -> ABTestPlan:
    return forms.from_json(ABTestPlan, row["plan"])

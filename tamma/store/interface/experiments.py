"""A/B tests: plans, assignments, looks, results; and what performance analysis found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from tamma.model.agent import AgentId
from tamma.model.experiment import ABTestId, ABTestPlan, Arm, Assignment, LookPlan
from tamma.model.verdict import ABTestResult, Look

MOST_CANARIES = 10
"""Tests that are told of one run's end, at most: one version hardly ever has two."""
GONE_AFTER = timedelta(hours=2)
"""A live test that has not been saved for so long has nobody who watches it: its workflow was terminated, or
no worker is there. A test saves how it stands several times an hour."""


class ExperimentStore(Protocol):
    """Everything is idempotent on its key: a test's id, a position, a unit, a look's number.
    What the trials gave is in the run metrics (`cell_runs`): there is one account of it."""

    async def create_test(
        self,
        test_id: ABTestId,
        plan: ABTestPlan,
        looks: tuple[LookPlan, ...],
        assignments: tuple[Assignment, ...],
    ) -> None:
        """Keep a plan and its whole assignment, all or none. The same again is done already; StoreConflict
        where another plan or another assignment stands under that id."""
        ...

    async def read_plan(self, test_id: ABTestId) -> tuple[ABTestPlan, tuple[LookPlan, ...]] | None: ...

    async def read_assignments(
        self, test_id: ABTestId, *, after: int = -1, limit: int = 100_000
    ) -> tuple[Assignment, ...]:
        """By position, those after `after`."""
        ...

    async def draw_live(
        self, test_id: ABTestId, unit: str, stratum: str, draw: Callable[[int], Arm], *, most: int
    ) -> Arm | None:
        """The arm of a live unit: the one it was given, or `draw(n)` where `n` units of its stratum came
        before it, recorded. One draw at a time, whoever asks. None where `most` units have arms already.

        Raises StoreError where there is no such test.
        """
        ...

    async def live_tests(self) -> tuple[tuple[ABTestId, ABTestPlan], ...]:
        """Live tests that take runs now, oldest first: neither paused nor ended, nor silent for `GONE_AFTER`
        (a result without `alive_at` is never silent)."""
        ...

    async def canaries(self, agent_id: AgentId, version: int) -> tuple[ABTestId, ...]:
        """Tests that applied this version and watch its runs now: newest first, at most `MOST_CANARIES`."""
        ...

    async def record_look(self, test_id: ABTestId, look: Look) -> None: ...

    async def read_looks(self, test_id: ABTestId) -> tuple[Look, ...]: ...

    async def save_result(self, result: ABTestResult) -> None:
        """How the test stands; the last one counts. Raises StoreError where there is no such test."""
        ...

    async def read_result(self, test_id: ABTestId) -> ABTestResult | None: ...

    async def list_results(self, *, limit: int = 1000) -> tuple[ABTestResult, ...]:
        """Newest first."""
        ...

    async def find_test(self, name_or_id: str) -> ABTestId | None:
        """By id, the beginning of an id, or the newest of that name."""
        ...

    async def save_analysis(self, key: str, at: datetime, body: Mapping[str, object]) -> None:
        """Keep an analysis under its key (its schedule's time); the same key again replaces it."""
        ...

    async def read_analyses(
        self, *, limit: int = 10
    ) -> tuple[tuple[str, datetime, Mapping[str, object]], ...]:
        """Newest first."""
        ...

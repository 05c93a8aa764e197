"""Benchmark suites."""

from __future__ import annotations

from typing import Protocol

from tamma.model.suite import GraderWeights, Suite, SuiteHash, SuiteRef, SuiteTask


class SuiteStore(Protocol):
    async def put_suite(self, suite: Suite) -> SuiteRef:
        """Keep a suite under its name and hash; the same again is done already. The newest of a name is what
        the name alone means."""
        ...

    async def find_suite(self, name: str, suite_hash: SuiteHash | None = None) -> Suite | None: ...

    async def list_suites(self) -> tuple[SuiteRef, ...]:
        """The newest of each name."""
        ...

    async def read_graders(self, suite_hash: SuiteHash) -> GraderWeights | None:
        """How the tasks of a suite are graded."""
        ...

    async def list_tasks(
        self, suite_hash: SuiteHash, *, after: int = 0, limit: int = 1000
    ) -> tuple[str, ...]:
        """Ids of tasks in the suite's order, without the first `after`."""
        ...

    async def read_task(self, suite_hash: SuiteHash, task_id: str) -> SuiteTask | None:
        """One task, without reading the others."""
        ...

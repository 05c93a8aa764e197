"""Benchmark suites."""

from __future__ import annotations

from typing import Protocol

from tamma.model.bench import BenchRecord
from tamma.model.suite import GraderWeights, Suite, SuiteHash, SuiteRef, SuiteTask


class SuiteStore(Protocol):
    """Suites by name and content, and the benchmarks that were run on them."""

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

    async def save_bench(self, record: BenchRecord) -> None:
        """Keep how a benchmark stands, under its id; the last one counts."""
        ...

    async def find_bench(self, bench: str) -> BenchRecord | None:
        """By id, or by the beginning or the end of one that no other has."""
        ...

    async def list_benches(self, *, limit: int = 100) -> tuple[BenchRecord, ...]:
        """Newest first."""
        ...

    async def read_task(self, suite_hash: SuiteHash, task_id: str) -> SuiteTask | None:
        """One task, without reading the others."""
        ...

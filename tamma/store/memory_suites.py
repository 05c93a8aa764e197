"""Suites in memory: the same answers as in PostgreSQL."""

from __future__ import annotations

from tamma.model.bench import BenchRecord
from tamma.model.serial_suites import bench_from_json, bench_to_json, task_from_json, task_to_json
from tamma.model.suite import GraderWeights, Suite, SuiteHash, SuiteRef, SuiteTask
from tamma.store.codec import check_key


class MemorySuites:
    """Implements `SuiteStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._suite_names: list[tuple[str, SuiteHash, str]] = []
        """Name, hash, description; the last of a name is what the name alone means."""
        self._suite_tasks: dict[SuiteHash, dict[str, str]] = {}
        self._benches: dict[str, str] = {}
        self._suite_graders: dict[SuiteHash, GraderWeights] = {}

    async def put_suite(self, suite: Suite) -> SuiteRef:
        check_key("the suite's name", suite.name)
        check_key("the suite's description", suite.description)
        bodies = {
            check_key("the task's id", task.id): check_key("a task", task_to_json(task))
            for task in suite.tasks
        }
        self._suite_tasks.setdefault(suite.hash, bodies)
        self._suite_graders.setdefault(suite.hash, suite.graders)
        newest = next((entry for entry in reversed(self._suite_names) if entry[0] == suite.name), None)
        if newest is None or newest[1] != suite.hash:
            self._suite_names.append((suite.name, suite.hash, suite.description))
        return SuiteRef(suite.name, suite.hash, len(suite.tasks))

    async def find_suite(self, name: str, suite_hash: SuiteHash | None = None) -> Suite | None:
        check_key("the suite's name", name)
        for known, content, description in reversed(self._suite_names):
            if known == name and suite_hash in (None, content):
                tasks = tuple(task_from_json(body) for body in self._suite_tasks[content].values())
                return Suite(known, content, tasks, description, self._suite_graders[content])
        return None

    async def list_suites(self) -> tuple[SuiteRef, ...]:
        newest = {name: content for name, content, _ in self._suite_names}
        return tuple(
            SuiteRef(name, content, len(self._suite_tasks[content]))
            for name, content in sorted(newest.items())
        )

    async def read_graders(self, suite_hash: SuiteHash) -> GraderWeights | None:
        return self._suite_graders.get(suite_hash)

    async def list_tasks(
        self, suite_hash: SuiteHash, *, after: int = 0, limit: int = 1000
    ) -> tuple[str, ...]:
        return tuple(self._suite_tasks.get(suite_hash, {}))[after : after + max(limit, 0)]

    async def save_bench(self, record: BenchRecord) -> None:
        self._benches[record.request.bench_id] = check_key("a benchmark", bench_to_json(record))

    async def find_bench(self, bench: str) -> BenchRecord | None:
        check_key("the benchmark's id", bench)
        found = [
            body
            for known, body in self._benches.items()
            if bench and (known.startswith(bench) or known.endswith(bench))
        ]
        return bench_from_json(found[0]) if len(found) == 1 else None

    async def list_benches(self, *, limit: int = 100) -> tuple[BenchRecord, ...]:
        records = [bench_from_json(body) for body in self._benches.values()]
        newest = sorted(records, key=lambda each: (each.created_at, each.request.bench_id), reverse=True)
        return tuple(newest[: max(limit, 0)])

    async def read_task(self, suite_hash: SuiteHash, task_id: str) -> SuiteTask | None:
        check_key("the task's id", task_id)
        body = self._suite_tasks.get(suite_hash, {}).get(task_id)
        return task_from_json(body) if body is not None else None

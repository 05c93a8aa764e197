"""Suites in PostgreSQL: a row a suite, a row a task, so that one task is read without the others."""

from __future__ import annotations

from tamma.model.bench import BenchRecord
from tamma.model.serial_suites import (
    bench_from_json,
    bench_to_json,
    graders_from_json,
    graders_to_json,
    task_from_json,
    task_to_json,
)
from tamma.model.suite import GraderWeights, Suite, SuiteHash, SuiteRef, SuiteTask
from tamma.store.codec import check_key
from tamma.store.database import Database, Row

_PUT = "SELECT put_suite($1, $2, $3, $4, $5, $6)"
_FIND = """
SELECT s.name, s.hash, s.description, c.graders
FROM suites s JOIN suite_contents c USING (hash)
WHERE s.name = $1 AND ($2::text IS NULL OR s.hash = $2)
ORDER BY s.position DESC LIMIT 1"""
_TASKS = "SELECT body FROM suite_tasks WHERE hash = $1 ORDER BY number"
_LIST = """
SELECT DISTINCT ON (s.name) s.name, s.hash, c.tasks
FROM suites s JOIN suite_contents c USING (hash)
ORDER BY s.name, s.position DESC"""
_TASK = "SELECT body FROM suite_tasks WHERE hash = $1 AND id = $2"
_GRADERS = "SELECT graders FROM suite_contents WHERE hash = $1"
_IDS = "SELECT id FROM suite_tasks WHERE hash = $1 AND number > $2 ORDER BY number LIMIT $3"
_SAVE_BENCH = """
INSERT INTO benches (id, created_at, body) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET body = excluded.body"""
_FIND_BENCH = """
SELECT body FROM benches
WHERE $1 <> '' AND (starts_with(id, $1) OR right(id, length($1)) = $1) LIMIT 2"""
_LIST_BENCHES = "SELECT body FROM benches ORDER BY created_at DESC, id DESC LIMIT $1"
_TRANSFER_SECONDS = 300.0


class Suites:
    """Implements `SuiteStore`. Tasks are kept by the suite's hash, once for all names of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_suite(self, suite: Suite) -> SuiteRef:
        check_key("the suite's name", suite.name)
        bodies = [_storable(task_to_json(task)) for task in suite.tasks]
        await self._database.fetchrow(
            _PUT,
            suite.name,
            suite.hash,
            check_key("the suite's description", suite.description),
            graders_to_json(suite.graders),
            [check_key("the task's id", task.id) for task in suite.tasks],
            bodies,
            timeout=_TRANSFER_SECONDS,
        )
        return SuiteRef(suite.name, suite.hash, len(suite.tasks))

    async def find_suite(self, name: str, suite_hash: SuiteHash | None = None) -> Suite | None:
        check_key("the suite's name", name)
        found = await self._database.fetch(_FIND, name, suite_hash)
        if not found:
            return None
        row = found[0]
        tasks = await self._database.fetch(_TASKS, row["hash"], timeout=_TRANSFER_SECONDS)
        return Suite(
            row["name"],
            SuiteHash(row["hash"]),
            tuple(task_from_json(task["body"]) for task in tasks),
            row["description"],
            graders_from_json(row["graders"]),
        )

    async def list_suites(self) -> tuple[SuiteRef, ...]:
        return tuple(_ref(row) for row in await self._database.fetch(_LIST))

    async def read_graders(self, suite_hash: SuiteHash) -> GraderWeights | None:
        found = await self._database.fetch(_GRADERS, suite_hash)
        return graders_from_json(found[0]["graders"]) if found else None

    async def list_tasks(
        self, suite_hash: SuiteHash, *, after: int = 0, limit: int = 1000
    ) -> tuple[str, ...]:
        found = await self._database.fetch(_IDS, suite_hash, after, max(limit, 0))
        return tuple(row["id"] for row in found)

    async def save_bench(self, record: BenchRecord) -> None:
        body = check_key("a benchmark", bench_to_json(record))
        await self._database.fetch(_SAVE_BENCH, record.request.bench_id, record.created_at, body)

    async def find_bench(self, bench: str) -> BenchRecord | None:
        found = await self._database.fetch(_FIND_BENCH, check_key("the benchmark's id", bench))
        return bench_from_json(found[0]["body"]) if len(found) == 1 else None

    async def list_benches(self, *, limit: int = 100) -> tuple[BenchRecord, ...]:
        found = await self._database.fetch(_LIST_BENCHES, max(limit, 0))
        return tuple(bench_from_json(row["body"]) for row in found)

    async def read_task(self, suite_hash: SuiteHash, task_id: str) -> SuiteTask | None:
        check_key("the task's id", task_id)
        found = await self._database.fetch(_TASK, suite_hash, task_id)
        return task_from_json(found[0]["body"]) if found else None


def _ref(row: Row) -> SuiteRef:
    return SuiteRef(row["name"], SuiteHash(row["hash"]), row["tasks"])


def _storable(body: str) -> str:
    return check_key("a task", body)

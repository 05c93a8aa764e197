"""How long a performance report takes over many runs: `python -m bench.perf [RUNS]`.

A PostgreSQL of its own gets so many runs of 24 versions of agents by `generate_series`; then the sums of a
report are asked for, as `tamma perf report` asks for them: all runs, one agent's, and the range with the one
before.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from tamma.model.analysis import MetricFilter, TimeRange
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tests.support.postgres import Servers, session

RUNS = 1_000_000
REPEATS = 5
END = datetime(2030, 1, 1, tzinfo=UTC)
DAYS = 60

SEED = """
INSERT INTO run_metrics
SELECT at - interval '1 hour', at, (exp(11 + 2 * random()) * (1 + n % 3))::bigint, 0,
    (40000 * random())::bigint + 1000, (4000 * random())::bigint, (20000 * random())::bigint,
    CASE WHEN n % 5 = 0 THEN NULL ELSE 100 * random() END, 12, (n % 50 = 0)::int, 200000,
    (150000 * random())::int, (n % 4 = 0)::int, 0, CASE WHEN n % 10 = 0 THEN NULL ELSE 1 + n % 3 END,
    NULL, success, false, (exp(-2 + random()))::numeric(12, 6), 'production',
    CASE WHEN n % 10 = 0 THEN NULL ELSE 'agent-' || n % 8 END,
    CASE WHEN n % 10 = 0 THEN NULL ELSE 'id-' || n % 8 END,
    (ARRAY['code-generation', 'code-review', 'testing', 'documentation', 'refactoring'])[1 + n % 5],
    'acme/repository-' || n % 40, 'model-' || n % 4,
    CASE WHEN success THEN '' ELSE (ARRAY['tests', 'stuck', 'timeout'])[1 + n % 3] END, 'provider',
    'run-' || n, 'task-' || n, n::text, CASE WHEN n % 10 = 0 THEN NULL ELSE 'sha256:' || n % 24 END,
    NULL, NULL, NULL, ARRAY['model-' || n % 4 || '-served'],
    '[{"grader": "gates", "score": 80, "weight": 0.5, "detail": "green in the second round"}]'
FROM (
    SELECT n, random() < 0.7 AS success, $2::timestamptz - random() * $3::interval AS at
    FROM generate_series(1, $1::integer) AS n
) AS made
ORDER BY at  -- runs are recorded as they end"""


async def measure(runs: int) -> dict[str, float]:
    """Median seconds by what was asked for."""
    servers = Servers()
    try:
        server = servers.get("18")
        dsn = server.dsn(server.create_database())
        await migrate(dsn)
        async with session(dsn) as connection:
            await connection.fetch(SEED, runs, END, timedelta(days=DAYS))
            await connection.execute("VACUUM ANALYZE run_metrics")
        store = PostgresStore(dsn, min_size=1, max_size=2)
        await store.open()
        whole, half = (TimeRange(END - timedelta(days=days), END) for days in (DAYS, DAYS / 2))
        every, one = MetricFilter(), MetricFilter(agents=("id-3",))
        asked: dict[str, Callable[[], Awaitable[object]]] = {
            "all runs": lambda: store.sum_runs(every, whole),
            "all runs, the range and the one before": lambda: store.sum_runs(every, whole, parts=2),
            "half of the runs": lambda: store.sum_runs(every, half),
            "one agent": lambda: store.sum_runs(one, whole),
            "one agent by day": lambda: store.sum_runs(one, whole, parts=DAYS),
            "a sample of one agent's": lambda: store.sample_runs(one, whole),
        }
        found = {name: [await _seconds(ask) for _ in range(REPEATS)] for name, ask in asked.items()}
        await store.close()
    finally:
        servers.stop()
    return {name: statistics.median(times) for name, times in found.items()}


async def _seconds(ask: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await ask()
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=RUNS)
    for name, seconds in asyncio.run(measure(parser.parse_args().runs)).items():
        sys.stdout.write(f"{seconds:6.2f} s  {name}\n")


if __name__ == "__main__":
    main()

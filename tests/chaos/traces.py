"""What a run leaves behind, in a form that is the same for every run of one story, however it was struck."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

from tamma.model.budget import EVERYTHING, Period, SpendLimit
from tamma.model.changed import CHANGE_COLLECTED
from tamma.model.task import DevResult
from tamma.store.postgres import PostgresStore
from tests.support.crash import World
from tests.support.loop import REPO, git
from tests.support.postgres import session

LIMIT = SpendLimit(EVERYTHING, Period.TOTAL, Decimal(50))
"""Never met: what runs reserve of it, and give back, is counted."""

# Not compared: CHANGE_COLLECTED is noted once for every time that a run asks, and a run asks again where its
# workspace was built again.


async def limit_spending(world: World) -> None:
    """Have the run reserve its money. Before it begins."""
    store = PostgresStore(world.dsn, min_size=1, max_size=1)
    await store.open()
    try:
        await store.set_spend_limit(LIMIT)
    finally:
        await store.close()


async def traces(world: World, result: DevResult) -> dict[str, Any]:
    """The tree and the refs, each effect on the forge, each event; nothing that a clock or a name decides."""
    assert world.handle is not None
    state = json.loads((world.folder / "state.json").read_text())["repos"][REPO.full_name]
    threads = [thread for there in state["threads"].values() for thread in there]
    return {
        "tree": git(world.remote, "rev-parse", "main^{tree}"),
        "commits": git(world.remote, "rev-list", "--count", "main"),
        "refs": world.refs(),
        "pushes": [line.split()[0] for line in (world.folder / "pushes").read_text().splitlines()],
        "effects": dict(sorted(Counter(entry.op for entry in world.ledger() if entry.effect).items())),
        "issue": state["issues"]["1"]["state"],
        "pulls": sorted(stored["pull"]["state"] for stored in state["pulls"].values()),
        "comments": sorted(_mark(there) for found in state["comments"].values() for there in found),
        "threads": [[_mark(there) for there in thread["comments"]] for thread in threads],
        "threads_resolved": [thread["resolved"] for thread in threads],
        **await _in_the_store(world, result),
    }


async def _in_the_store(world: World, result: DevResult) -> dict[str, Any]:
    async with session(world.dsn) as database:
        events = await database.fetch("SELECT type, count(*) AS n FROM events GROUP BY type ORDER BY type")
        counts = {
            table: await database.fetchval(f"SELECT count(*) FROM {table}")
            for table in ("entries", "run_metrics", "step_metrics")
        }
        held = await database.fetchval("SELECT count(*) FROM reservations WHERE settled_at IS NULL")
        spent = await database.fetchval("SELECT coalesce(sum(usd), 0) FROM spent_by_day")
    return {
        "events": {row["type"]: row["n"] for row in events if row["type"] != CHANGE_COLLECTED},
        **counts,
        "held": held,
        "countedAsTheRunDoes": spent == result.spend.cost_usd,
        "spent": str(result.spend.cost_usd),
    }


def _mark(comment: dict[str, Any]) -> str:
    """Whose comment, without the run's own id."""
    return (comment["op_id"] or "/somebody's").partition("/")[2]

"""Runs that need somebody are listed with why and what to do; retry and fork, as they are typed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tests.cli.shop import shop_of
from tests.cli.test_agent_runs import terminal
from tests.cli.test_commands import Terminal
from tests.support.loop import FIX_TURNS, RED_TURNS, script
from tests.support.postgres import postgres_dsn, postgres_server, postgres_servers

__all__ = ["postgres_dsn", "postgres_server", "postgres_servers", "terminal"]


@pytest.fixture
async def store(postgres_dsn: str) -> AsyncIterator[PostgresStore]:
    await migrate(postgres_dsn)
    store = PostgresStore(postgres_dsn, min_size=1, max_size=4)
    await store.open()
    yield store
    await store.close()


BEGUN = str(1 + len(RED_TURNS) + 1)
"""Model calls of a run that has made its first change."""


@pytest.mark.slow
async def test_what_stands_still_is_listed_and_what_was_cancelled_is_retried(
    client: Client, tmp_path: Path, terminal: Terminal, store: PostgresStore
) -> None:
    async with shop_of(tmp_path).worker(client, tmp_path, store=store) as loop:
        submit = ("submit", terminal.issue, "--provider", "scripted", "--max-turns", BEGUN)
        code, _, err = await terminal.type(*submit, "--watch")
        assert code == 1, err
        task = (await terminal.json("status", terminal.issue))["taskId"]

        (listed,) = await needy(terminal, task)
        assert "used all of its" in listed["why"]
        assert f"tamma budget add {task}" in listed["next"]
        code, _, err = await terminal.type("retry", task, "--agent", "scripted")
        assert code == 2
        assert f"tamma cancel {task}" in err

        await terminal.type("cancel", task, "--reason", "enough")
        await terminal.type("watch", task)
        (listed,) = await needy(terminal, task)
        assert listed["why"].startswith("cancelled by ")
        assert f"tamma retry {task}" in listed["next"]
        _, out, _ = await terminal.type("list", "--failed")
        assert f"  next  `tamma retry {task}` goes on from there" in out.splitlines()

        code, _, err = await terminal.type("retry", task)
        assert code == 2
        assert "--max-turns" in err
        code, out, err = await terminal.type("retry", task, "--max-turns", "20", "--watch", "--json")
        assert code == 0, err
        assert loop.show("main:calc.py").endswith("sum(values) / len(values)")
        shown = await terminal.json("status", terminal.issue)
        assert shown["continues"] == {"taskId": task, "step": None, "costUsd": 0.0}
        assert shown["turns"] == len(FIX_TURNS) - 1 + 1
        assert f"from {task}; " in (await terminal.type("status", terminal.issue))[1]

        assert not await needy(terminal, task), "it has a successor"
        code, _, err = await terminal.type("retry", task)
        assert code == 1
        assert f"has a successor already, {shown['taskId']}" in err
        code, _, err = await terminal.type("retry", shown["taskId"])
        assert code == 1
        assert "nothing left to do" in err
        assert "tamma submit --again" in err


@pytest.mark.slow
async def test_a_fork_of_a_live_run_works_beside_it(
    client: Client, tmp_path: Path, terminal: Terminal, store: PostgresStore
) -> None:
    words = tmp_path / "words.md"
    words.write_text("Mind the empty list.\n")
    async with shop_of(tmp_path).worker(client, tmp_path, script(), store=store):
        submit = ("submit", terminal.issue, "--provider", "scripted", "--max-turns", BEGUN)
        await terminal.type(*submit, "--watch")
        task = (await terminal.json("status", terminal.issue))["taskId"]
        code, _, err = await terminal.type("fork", task, "--step", "99")
        assert code == 2
        assert f"there is no step 99\nhint: the run's steps are: 1 to {BEGUN}" in err

        fork = ("fork", task, "--step", BEGUN, "--instructions", str(words), "--merge", "never")
        made = await terminal.json(*fork, "--max-turns", "30")
        assert made["continues"] == {"taskId": task, "step": int(BEGUN)}
        assert made["branch"].endswith(f"-fork-{made['taskId'][-6:]}")
        code, _, err = await terminal.type("watch", made["taskId"])
        assert code == 0, err
        _, out, _ = await terminal.type("inspect", made["taskId"])
        assert f"forked from step {BEGUN} of {task}" in out
        assert (await terminal.json("status", task))["waitingFor"]["gate"] == "turns", "the other one stays"
        await terminal.type("cancel", task)
        await terminal.type("watch", task)


async def needy(terminal: Terminal, task: str) -> list[dict[str, str]]:
    return [each for each in await terminal.json("list", "--failed") if each["taskId"] == task]

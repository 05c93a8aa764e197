"""Runs handed in for an agent, as they are typed: which version, how it is shown, what people think of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.model.agent import AgentConfig, AgentId
from tamma.model.conversation import Text
from tamma.model.ids import SessionId, uuid7
from tamma.model.metrics import Cell
from tamma.model.trial import trial_id, trial_task
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tests.cli.runs_made import answer, measured, stage, user_entry
from tests.cli.shop import configure, shop_of
from tests.cli.test_commands import Terminal
from tests.support.postgres import postgres_dsn, postgres_server, postgres_servers

__all__ = ["postgres_dsn", "postgres_server", "postgres_servers"]


@pytest.fixture
async def store(postgres_dsn: str) -> AsyncIterator[PostgresStore]:
    """A database with the agent `careful`."""
    await migrate(postgres_dsn)
    store = PostgresStore(postgres_dsn, min_size=1, max_size=4)
    await store.open()
    agent_id = AgentId(uuid7())
    config = AgentConfig("scripted", prompts={"implement": "CAREFULLY now."})
    await store.create_agent(agent_id, "careful", config, author="ada", reason="first")
    await store.activate(agent_id, 1, author="ada", reason="good", revision=1)
    yield store
    await store.close()


@pytest.fixture
def terminal(
    tmp_path: Path,
    tamma_home: Path,
    temporal_address: str,
    postgres_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    configure(tamma_home, temporal_address, monkeypatch)
    monkeypatch.setenv("TAMMA_DATABASE_URL", postgres_dsn)
    return Terminal(capsys, shop_of(tmp_path))


async def test_a_run_of_an_agent_is_shown_measured_and_rated(
    client: Client, tmp_path: Path, terminal: Terminal, store: PostgresStore
) -> None:
    async with shop_of(tmp_path).worker(client, tmp_path, store=store):
        code, _, err = await terminal.type("submit", terminal.issue, "--agent", "careful", "--watch")
        assert code == 0, err

        shown = await terminal.json("status", terminal.issue)
        assert shown["agent"] == "careful@1"
        assert shown["metrics"]["agent"]["version"] == 1
        assert [step["step"] for step in shown["metrics"]["steps"]] == ["plan", "test", "implement", "review"]
        assert shown["metrics"]["success"] is True
        _, sheet, _ = await terminal.type("status", terminal.issue)
        assert "careful@1 (scripted)" in sheet
        assert "of work" in sheet
        listed = await terminal.json("list")
        assert [run["agent"] for run in listed if run["taskId"] == shown["taskId"]] == ["careful@1"]

        code, out, err = await terminal.type("rate", terminal.issue, "40", "--note", "hard to read")
        assert code == 0, err
        assert "40 (weight 0.3), hard to read" in out
        _, out, _ = await terminal.type("inspect", terminal.issue)
        assert "measured: " in out
        assert "person:" in out
        await _steps_are_shown(tmp_path, terminal, out)
        rated = await terminal.json("rate", shown["taskId"], "60")
        assert [part["score"] for part in rated["qualityParts"]][-1] == 60
        assert rated["quality"] == pytest.approx(100 * 0.5 + 100 * 0.2 + 60 * 0.3)


async def _steps_are_shown(tmp_path: Path, terminal: Terminal, overview: str) -> None:
    """Of the scripted run: a plan, four steps that write a failing test, three that mend, a review."""
    assert [line.split(":")[0] for line in overview.splitlines() if " · " in line][:4] == [
        "plan",
        "test",
        "implement",
        "review",
    ]
    assert "bash python3 -m unittest tests.test_mean" in overview
    assert "[calc.py +1 -1]" in overview
    page, file = tmp_path / "run.html", tmp_path / "run.json"
    code, out, err = await terminal.type(
        "inspect", terminal.issue, "--html", str(page), "--export", str(file)
    )
    assert (code, out) == (0, ""), err
    assert "</html>" in page.read_text("utf-8")
    whole = json.loads(file.read_text("utf-8"))
    assert whole == await terminal.json("inspect", terminal.issue)
    assert [len(stage["steps"]) for stage in whole["stages"]] == [1, 4, 3, 1]
    assert [stage["totals"]["steps"] for stage in whole["stages"]] == [
        step["turns"] for step in whole["metrics"]["steps"]
    ]
    assert sorted(whole["change"]["files"]) == ["calc.py", "tests/test_mean.py"]
    _, out, _ = await terminal.type("inspect", whole["taskId"], "--step", "6", "--diff")
    assert "+    return sum(values) / len(values)" in out
    await terminal.type("inspect", terminal.issue, "--export", str(file), "--format", "mini-swe-agent")
    mini = json.loads(file.read_text("utf-8"))
    assert mini["info"]["exit_status"] == "Submitted"
    assert mini["info"]["submission"] == whole["change"]["patch"]
    code, _, err = await terminal.type("inspect", terminal.issue, "--step", "10")
    assert (code, "1 to 9" in err) == (2, True)
    _, logged, _ = await terminal.type("logs", terminal.issue)
    assert "  changed calc.py +1 -1" in logged


async def test_a_trial_is_found_by_its_cell_and_by_its_runs_id(
    terminal: Terminal, store: PostgresStore
) -> None:
    """In the store: the server that ran it need not know it any more."""
    cell = Cell("bench-1", "careful", "task-7", 2)
    name = trial_id(cell)
    task = trial_task(name)
    made = replace(measured(stage(1, "plan", 1), error="turns"), run_id=uuid7(), task_id=task, cell=cell)
    await store.record_run(made)
    entries = (user_entry(0, 1, "Plan it."), answer(1, 2, Text("A plan.")))
    await store.append_entries(SessionId(f"{task}/plan"), entries)
    for word in (name, made.run_id):
        shown = await terminal.json("inspect", word)
        assert (shown["taskId"], shown["run"]["name"], shown["run"]["status"]) == (task, name, "failed")
        assert [len(stage["steps"]) for stage in shown["stages"]] == [1]
    code, _, err = await terminal.type("inspect", uuid7())
    assert (code, "there is no run" in err) == (1, True)
    code, _, err = await terminal.type("inspect", "trial/of/nobody/at/0")
    assert (code, "nothing is stored of a trial" in err) == (1, True)


async def test_what_cannot_be_looked_up_is_told(terminal: Terminal, store: PostgresStore) -> None:
    code, _, err = await terminal.type("submit", terminal.issue, "--agent", "carefull")
    assert code == 2
    assert "there is no agent 'carefull'" in err
    assert "did you mean 'careful'" in err
    assert "tamma agent list" in err
    code, _, err = await terminal.type("submit", terminal.issue, "--agent", "careful@7")
    assert (code, "no version 7" in err) == (2, True)
    code, _, err = await terminal.type("submit", terminal.issue, "--agent", "careful", "--model", "m")
    assert (code, "exclude each other" in err) == (2, True)


async def test_a_dry_run_asks_no_store(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMMA_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    shown = await terminal.json("submit", terminal.issue, "--agent", "anything@3", "--dry-run")
    assert shown["agent"] == {"name": "anything@3"}


async def test_a_run_that_was_not_measured_cannot_be_rated(
    client: Client, tmp_path: Path, terminal: Terminal, store: PostgresStore
) -> None:
    async with shop_of(tmp_path).worker(client, tmp_path, store=store):
        code, _, err = await terminal.type(
            "submit", terminal.issue, "--agent", "scripted", "--approve", "plan"
        )
        assert code == 0, err
        assert (await terminal.json("status", terminal.issue))["agent"] == "scripted", "a plain provider"
        code, _, err = await terminal.type("rate", terminal.issue, "50")
        assert code == 1
        assert "nothing was measured of task" in err
        async with asyncio.timeout(120):
            while not (live := await terminal.json("inspect", terminal.issue))["stages"]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)  # the plan's answer is stored at some time, and nobody is told
        assert [stage["name"] for stage in live["stages"]] == ["plan"], "it goes on"
        assert (live["metrics"], live["change"], live["run"]["status"]) == (None, None, "running")
        await terminal.type("cancel", terminal.issue)

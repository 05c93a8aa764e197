"""The commands as they are typed, against a real server and a real run."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tamma.cli import main, output
from tamma.cli.commands import submit
from tamma.temporal import run_index
from tests.cli.shop import Shop, configure, shop_of
from tests.support.typewriter import typewriter

Captured = pytest.CaptureFixture[str]


class Terminal:
    """Types commands and reads what they print."""

    def __init__(self, capsys: Captured, shop: Shop) -> None:
        self._capsys = capsys
        self.issue = f"memory:{shop.repo.full_name}#1"

    async def type(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error. In a thread: a command runs its own event loop."""
        code = await asyncio.to_thread(main.run, arguments)
        said = self._capsys.readouterr()
        return code, said.out, said.err

    async def json(self, *arguments: str) -> Any:
        code, out, err = await self.type(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)


@pytest.fixture
def terminal(
    tmp_path: Path,
    tamma_home: Path,
    temporal_address: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> Terminal:
    configure(tamma_home, temporal_address, monkeypatch)
    return Terminal(capsys, shop_of(tmp_path))


async def test_submit_and_watch_to_the_merge(client: Client, tmp_path: Path, terminal: Terminal) -> None:
    async with shop_of(tmp_path).worker(client, tmp_path):
        code, out, err = await terminal.type("submit", terminal.issue, "--provider", "scripted", "--watch")
        assert code == 0, err
        lines = out.splitlines()
        assert lines[0].startswith(f"{terminal.issue}: mean() is too small (scripted)")
        assert "completed · merged into main" in lines[-1]
        assert any(line.endswith("] Implement") for line in lines)

        shown = await terminal.json("status", terminal.issue)
        assert shown["status"] == "completed"
        assert shown["mergeSha"]
        assert [task["taskId"] for task in await terminal.json("list") if task["taskId"] == shown["taskId"]]

        code, out, err = await terminal.type("submit", terminal.issue, "--provider", "scripted")
        assert (code, out) == (1, "")
        assert "already had a run, which completed" in err
        assert "--again" in err

        for words in (("pause",), ("finish",), ("cancel",), ("cancel", "--force")):
            code, out, err = await terminal.type(*words, shown["taskId"])
            assert (code, out) == (1, "")
            assert f"the run of {shown['issueReference']} completed on" in err


async def test_a_gate_without_a_person_ends_the_watch_with_1(
    client: Client, tmp_path: Path, terminal: Terminal
) -> None:
    async with shop_of(tmp_path).worker(client, tmp_path):
        submit = ("submit", terminal.issue, "--provider", "scripted", "--approve", "plan")
        code, out, err = await terminal.type(*submit, "--watch")
        assert code == 1
        assert "waiting for you (plan)" in out
        task = (await terminal.json("status", terminal.issue))["taskId"]
        assert f"tamma status {task}" in err
        assert f"tamma approve {task}" in out

        code, out, err = await terminal.type(*submit)
        assert code == 0
        assert "live run already" in err
        assert task in out

        code, out, err = await terminal.type("budget", "add", task, "--usd", "1")
        assert (code, out) == (0, ""), err
        assert "4.00 USD" in err
        code, _, err = await terminal.type("approve", task, "--gate", "merge")
        assert code == 1
        assert "plan" in err

        code, _, err = await terminal.type("cancel", task, "--reason", "enough")
        assert code == 0, err
        code, out, _ = await terminal.type("watch", task, "--json")
        assert code == 1
        assert json.loads(out.splitlines()[-1])["status"] == "cancelled"


async def test_an_edited_plan_is_an_approval(client: Client, tmp_path: Path, terminal: Terminal) -> None:
    plan = tmp_path / "plan.md"
    plan.write_text("Divide by the number of values.\n")
    async with shop_of(tmp_path).worker(client, tmp_path):
        await terminal.type(
            "submit", terminal.issue, "--provider", "scripted", "--approve", "plan", "--watch"
        )
        code, _, err = await terminal.type("approve", terminal.issue, "--edit", str(plan))
        assert code == 0, err
        code, _, err = await terminal.type("watch", terminal.issue)
        assert code == 0, err
        assert (await terminal.json("status", terminal.issue))["plan"].startswith("Divide by the number")


async def test_an_issue_that_is_not_there(client: Client, tmp_path: Path, terminal: Terminal) -> None:
    async with shop_of(tmp_path).worker(client, tmp_path):
        missing = terminal.issue.replace("#1", "#404")
        code, out, err = await terminal.type("submit", missing, "--provider", "scripted")
        assert (code, out) == (1, "")
        assert err.startswith("error: ")
        assert "404" in err


async def test_who_only_hands_in_is_let_go_though_nobody_can_read_the_issue(
    client: Client, tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit, "NO_WORKER_AFTER", 0.5)
    monkeypatch.setattr(submit, "LEAVES_AFTER", 1.5)
    words = ("submit", terminal.issue, "--provider", "scripted")
    outage = [{"on": "get_issue", "error": "Transient", "times": 1000}]
    async with shop_of(tmp_path).worker(client, tmp_path, faults=outage):
        code, out, err = await terminal.type(*words)
        assert code == 0, err
        assert "the run is stored" in err
        assert "tamma watch" in err
        assert "status       running (accept)" in out
        assert (await terminal.type("status", terminal.issue))[1].splitlines()[0] == out.splitlines()[0]
        told = await terminal.json(*words)
        assert (told["new"], told["phase"]) == (False, "accept")
        await client.get_workflow_handle(told["workflowId"]).terminate("enough of it")


async def test_a_watch_begins_with_the_stored_run_though_nobody_can_read_the_issue(
    client: Client, tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, begun = output.data, threading.Event()

    def data(text: str = "") -> None:
        shown(text)
        if text.endswith("] Issue"):
            begun.set()

    monkeypatch.setattr(submit, "NO_WORKER_AFTER", 0.5)
    monkeypatch.setattr(output, "data", data)
    outage = [{"on": "get_issue", "error": "Transient", "times": 1000}]
    async with shop_of(tmp_path).worker(client, tmp_path, faults=outage):
        submitting = terminal.type("submit", terminal.issue, "--provider", "scripted", "--watch")
        watching = asyncio.create_task(submitting)
        assert await asyncio.to_thread(begun.wait, 30)
        await client.get_workflow_handle(shop_of(tmp_path).name().workflow_id).terminate("enough of it")
        code, out, err = await watching
    assert code == 1
    assert "the run is stored" in err
    assert "] failed" in out.splitlines()[-1]


async def test_names_of_no_run(terminal: Terminal) -> None:
    for words in (("status", terminal.issue), ("watch", "ffffff"), ("logs", "dev/memory/x/y/1")):
        code, out, err = await terminal.type(*words)
        assert (code, out) == (1, "")
        assert "hint: " in err


async def test_a_server_that_is_not_there(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMMA_TEMPORAL_ADDRESS", "127.0.0.1:9")
    code, out, err = await terminal.type("list")
    assert (code, out) == (1, "")
    assert "127.0.0.1:9" in err
    assert "hint: " in err


@pytest.mark.slow
async def test_an_answer_that_comes_after_the_end(client: Client, tmp_path: Path, terminal: Terminal) -> None:
    async with shop_of(tmp_path).worker(client, tmp_path):
        await terminal.type("submit", terminal.issue, "--provider", "scripted", "--approve", "plan")
        task = (await terminal.json("status", terminal.issue))["taskId"]
        async with typewriter(sys.executable, "-m", "tamma.cli.main", "watch", task) as person:
            await person.reads("e(dit)")
            run = await run_index.find_by_task(client, task, whole=True)
            await client.get_workflow_handle(run.workflow_id).terminate("the test ends it")
            person.types("y\n")
            assert await person.leaves() == 1
        assert f"not taken: the run of {run.repo}#1 failed on" in person.seen
        assert "there is no run" not in person.seen

"""`tamma answer` and `tamma approve --option`, as they are typed, against a real run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.cli.shop import shop_of
from tests.cli.test_commands import Terminal, terminal
from tests.support.loop import script
from tests.support.typewriter import typewriter
from tests.workflows.test_asking import OPTIONS, UNCLEAR, plan

__all__ = ["terminal"]


async def waiting(terminal: Terminal, *more: str) -> str:
    """The task of a run that has come to wait."""
    code, out, err = await terminal.type("submit", terminal.issue, "--provider", "scripted", *more, "--watch")
    assert code == 1, err
    assert "waiting for you" in out
    return (await terminal.json("status", terminal.issue))["taskId"]


async def test_questions_are_shown_and_answered(client: Client, tmp_path: Path, terminal: Terminal) -> None:
    options = plan(options=OPTIONS, expects="median")
    turns = script(plan=[plan(**UNCLEAR), options, plan("into stats.py", expects="'new module'")])
    async with shop_of(tmp_path).worker(client, tmp_path, turns) as loop:
        task = await waiting(terminal, "--approve", "plan")
        _, out, _ = await terminal.type("status", task)
        assert "  waiting for you (questions): the issue leaves open what is wanted" in out
        assert "       - b) median" in out
        code, out, err = await terminal.type("answer", task, "--question", "q9", "median")
        assert code == 1
        assert "no question 'q9'; open are q1, q2" in err
        code, out, err = await terminal.type("answer", task)
        assert code == 2
        assert "hint: " in err
        code, out, err = await terminal.type("answer", task, "--question", "1", "b", "--question", "q2", "0")
        assert (code, out) == (0, ""), err

        handle = client.get_workflow_handle(shop_of(tmp_path).name().workflow_id)
        await loop.until(handle, lambda view: view.options)
        shown = await terminal.json("status", task)
        assert [option["name"] for option in shown["options"]] == ["in place", "new module"]
        assert [each["answer"] for each in shown["decided"]] == ["median", "0"]
        code, out, err = await terminal.type("approve", task, "--option", "new", "--reject")
        assert code == 2
        code, out, err = await terminal.type("approve", task, "--option", "new")
        assert (code, out) == (0, ""), err
        seen = await loop.until(handle, lambda view: view.plan.startswith("into stats.py"))
        assert "plan: approved by" in str(seen.notes)


@pytest.mark.slow
async def test_a_person_is_asked_question_by_question(
    client: Client, tmp_path: Path, terminal: Terminal
) -> None:
    turns = script(plan=[plan(**UNCLEAR), plan("the median", expects="median")])
    async with shop_of(tmp_path).worker(client, tmp_path, turns) as loop:
        task = await waiting(terminal)
        async with typewriter(sys.executable, "-m", "tamma.cli.main", "answer", task) as person:
            await person.reads("median")
            person.types("b\n")
            await person.reads("What of no values?")
            person.types("\n")
            assert await person.leaves() == 0
        handle = client.get_workflow_handle(shop_of(tmp_path).name().workflow_id)
        await loop.until(handle, lambda view: view.plan.startswith("the median"))

"""A project's build, type checker and linter judge changes beside its tests: whole runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.model.task import Approval, Gate, TaskStatus
from tests.support.loop import (
    FILES,
    RED_TURNS,
    REPO,
    call,
    git,
    running_loop,
    script,
    tell,
    turn,
)

LINTER = (
    "import pathlib, sys\n"
    "found = [f'{path}:{number}:1: T1 {line.strip()}' for path in sorted(pathlib.Path().glob('*.py'))\n"
    "         for number, line in enumerate(path.read_text().splitlines(), 1) if line.startswith('# TODO')]\n"
    "print('\\n'.join(found))\n"
    "sys.exit(bool(found))\n"
)
LINT = "python3 lint.py"
FAULT = turn(
    call("str_replace", path="calc.py", old="(len(values) + 1)", new="len(values)"),
    call("insert", path="calc.py", line=0, text="# TODO round it"),
)
DONE = turn(call("finish", summary="there"))
BROKEN = [RED_TURNS[1], RED_TURNS[-1], FAULT, DONE]
"""In as few turns as it takes."""
MENDED = [turn(call("str_replace", path="calc.py", old="# TODO round it\n", new="")), DONE]


def project(old: str = "", **commands: str) -> dict[str, str]:
    """The sample repository with gates; `old` is in it before anything is changed."""
    named = json.dumps({"commands": {"lint": LINT, **commands}})
    return {**FILES, "lint.py": LINTER, "old.py": old, ".tamma.json": named}


async def test_only_what_the_change_breaks_blocks_it(client: Client, tmp_path: Path) -> None:
    """The linter was red before, the type checker is not there, and the build writes into the work tree."""
    files = project("# TODO old\n", build="echo made > made.txt", typecheck="no-such-checker .")
    # The first attempt at the linter mends nothing.
    turns = script(agent=[*BROKEN, DONE, *MENDED])
    async with running_loop(client, tmp_path, turns=turns, files=files) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for or view.status.final, seconds=110)
        assert seen.waiting_for is None, seen.waiting_for
        assert "TODO" not in loop.show("main:calc.py")
        assert "made.txt" not in git(loop.remote, "ls-tree", "-r", "--name-only", "main")
        gates = {gate.name: (gate.run.exit_code, gate.blocks, gate.words) for gate in seen.gates}
        assert gates == {
            "build": (0, False, ""),
            "typecheck": (127, False, "its command is not here (exit code 127)"),
            "lint": (1, False, "red, as it was before any change; nothing new"),
        }
        assert seen.measured is not None
        assert [part.detail for part in seen.measured.quality_parts if part.grader == "gates"] == [
            "green, sent back 2 times"
        ]
        assert seen.session_id is not None
        entries = await loop.parts.store.read_entries(seen.session_id)
        told = "\n".join(getattr(part, "text", "") for entry in entries for part in entry.message.parts)
        assert "the lint is not: `python3 lint.py` ended with exit code 1. It was red before" in told
        assert "calc.py:1:1: T1 # TODO round it" in told
        assert "TODO old" not in told
        assert "This is attempt 2 of 3" in told
        pull = await (await loop.parts.platforms.get("memory")).get_pr(REPO, seen.pull_request)
        assert "- build `echo made > made.txt`: passes" in pull.body
        assert "- typecheck `no-such-checker .`: its command is not here (exit code 127)" in pull.body


@pytest.mark.slow
async def test_a_person_lets_a_red_linter_pass_after_all_attempts(client: Client, tmp_path: Path) -> None:
    turns = script(agent=[*BROKEN, DONE, DONE, DONE])
    async with running_loop(client, tmp_path, turns=turns, files=project()) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for, seconds=110)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.CHANGE
        assert seen.waiting_for.reason.startswith(
            f"the lint (`{LINT}`) still ends with exit code 1 after 3 attempts: calc.py:1:1: T1"
        )
        assert loop.effects("ensure_pr") == 0
        await tell(handle, "approve", Approval(Gate.CHANGE, "approve", by="ada"))
        assert (await handle.result()).status is TaskStatus.COMPLETED
        notes = (await loop.view(handle)).notes
        assert f"lint (`{LINT}`): a person let it pass" in notes

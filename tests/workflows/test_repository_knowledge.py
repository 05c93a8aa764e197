"""A run knows the repository: its map, its instructions, its wishes, as the base commit has them."""

from __future__ import annotations

import json
from pathlib import Path

from temporalio.client import Client

from tamma.model.ids import SessionId
from tamma.model.task import Gate
from tamma.store.memory import MemoryStore
from tests.support.loop import FILES, RED_TURNS, call, running_loop, script, turn


async def test_a_run_is_told_what_the_repository_says_and_asks_for_its_care(
    client: Client, tmp_path: Path
) -> None:
    wishes = {
        "commands": {"test": "python3 -m unittest -q", "lint": "true"},
        "policy": {"merge": "never", "maxTurns": 7, "budgetUsd": 900},
        "polcy": {},
    }
    files = {
        **FILES,
        ".tamma.json": json.dumps(wishes),
        "AGENTS.md": "Write docstrings.\n",
        "tests/AGENTS.md": "No mocks.\n",
        "issue-notes.md": "",
    }
    # The agent rewrites what it was told: nothing that counts is read from the work tree.
    sly = [
        turn(call("bash", command="echo '{}' > .tamma.json; echo 'Merge at once.' > AGENTS.md")),
        turn(call("bash", command="git checkout -q .tamma.json AGENTS.md")),
    ]
    fix = [
        turn(call("str_replace", path="calc.py", old="(len(values) + 1)", new="len(values)")),
        turn(call("finish", summary="mended")),
    ]
    store = MemoryStore()
    turns = script(agent=[*RED_TURNS, *sly, *fix])
    async with running_loop(client, tmp_path, files=files, turns=turns, store=store) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.TURNS, "seven turns were the repository's wish"
        assert seen.limits.max_turns == 7
        assert ".tamma.json asks for more care: max_turns is 7" in seen.notes
        assert ".tamma.json asks for more care: merge is never" in seen.notes
        assert any("budget_usd = 900; 3.00 holds" in note for note in seen.notes)
        assert any("no key 'polcy'; did you mean 'policy'?" in note for note in seen.notes)
        entries = await store.read_entries(SessionId(f"{seen.task_id}/agent"))
        told = entries[0].message.text
        assert "calc.py\n  def mean(values)" in told
        assert '<instructions path="AGENTS.md">\nWrite docstrings.\n</instructions>' in told
        assert "- tests: `python3 -m unittest -q` (from .tamma.json: test)" in told
        assert "- lint: `true` (from .tamma.json: lint)" in told

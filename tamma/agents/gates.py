"""Whether a gate beside the tests blocks a change. Pure functions over finished commands.

Only exit codes count, and only what the change has done: what was red before it does not block. A linter
that was red before blocks by its new findings, where they can be told from the old ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from tamma.agents.judgement import is_red
from tamma.model.gates import ProjectGate
from tamma.model.task import TestRun

_NOT_HERE = frozenset({126, 127})
"""The shell's: it could not be executed, or was not found. Package managers pass it on."""


@dataclass(frozen=True, slots=True)
class Verdict:
    blocks: bool
    words: str = ""
    """Why it does not block though it is red; how much is new where it blocks all the same."""


def unfit(gate: ProjectGate) -> str:
    """Why it says nothing of any change; empty where it does."""
    before = gate.before
    if before.timed_out:
        return f"it did not end within {before.seconds:.0f} s before any change"
    if before.exit_code in _NOT_HERE:
        return f"its command is not here (exit code {before.exit_code})"
    if not is_red(before) or gate.output is not None:
        return ""
    why = f"it was red before any change (exit code {before.exit_code})"
    return why if gate.name == "build" else f"{why}, and its findings cannot be told apart"


def judge(gate: ProjectGate, run: TestRun, new: int | None) -> Verdict:
    """How it stands now. `new`: findings that it had not before; None where that cannot be told."""
    if not is_red(run):
        return Verdict(blocks=False)
    if run.exit_code in _NOT_HERE:
        return Verdict(blocks=False, words="its command is not here any more")
    if not is_red(gate.before):
        return Verdict(blocks=True)
    if new is None:
        return Verdict(blocks=False, words="red, as it was before any change")
    if not new:
        return Verdict(blocks=False, words="red, as it was before any change; nothing new")
    return Verdict(blocks=True, words=f"{new} new finding{'s' if new > 1 else ''}")

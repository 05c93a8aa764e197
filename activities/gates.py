"""Running a project's gates: commands that may write what they like, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterable

from activities.heartbeat import Pulse
from activities.words import TAIL
from tamma.agents.judgement import is_red
from tamma.agents.lint_lines import findings, newly
from tamma.model.gates import ProjectGate
from tamma.model.ids import BlobId
from tamma.model.task import TestRun
from tamma.store.interface import BlobStore
from tamma.workspace.interface import CommandResult, GateCommand, Workspace

NO_CACHES = {"RUFF_NO_CACHE": "true", "RUFF_OUTPUT_FORMAT": "concise", "MYPY_CACHE_DIR": "/dev/null"}
"""A cache in the work tree is the agent's to write. A finding a line can be compared."""
MOST_NEW = 100
"""New findings that an agent is shown."""


def as_run(command: str, result: CommandResult) -> TestRun:
    """A finished command, in small."""
    return TestRun(
        command, result.exit_code, round(result.seconds, 3), result.timed_out, result.output[-TAIL:]
    )


async def run_aside(
    workspace: Workspace, command: str, timeout: float, pulse: Pulse, env: dict[str, str], key: str
) -> CommandResult:
    """Run a command and undo what it did to the work tree: what a build makes is no part of the change.

    `key` is the same for every attempt at this very run: another attempt begins with the tree as it was.
    """
    await workspace.begin_batch(0, key)
    result = await workspace.run(command, timeout=timeout, progress=pulse.say, env=env | NO_CACHES)
    await workspace.begin_batch(0, key)
    return result


async def gates_before(
    workspace: Workspace,
    gates: Iterable[GateCommand],
    timeout: float,
    pulse: Pulse,
    env: dict[str, str],
    key: str,
    blobs: BlobStore,
) -> tuple[ProjectGate, ...]:
    """The gates with how they end before anything is changed.

    Now, and not when one is red later: nothing that an agent leaves behind can have a part in it, and what
    cannot be run here is known before anything is spent.
    """
    found: list[ProjectGate] = []
    for gate in gates:
        command = gate.command.command
        pulse.say(f"{gate.name} as it is: {command}")
        result = await run_aside(workspace, command, timeout, pulse, env, f"{key}/{gate.name}")
        run = as_run(command, result)
        output: BlobId | None = None
        comparable = gate.name != "build" and is_red(run) and not result.truncated_bytes
        if comparable and not run.timed_out and findings(result.output):
            output = await blobs.put_blob(result.output.encode(), "text/plain")
        found.append(ProjectGate(gate.name, command, gate.command.source, run, output))
    return tuple(found)


def new_findings(before: str | None, result: CommandResult) -> tuple[str, ...] | None:
    """What a red gate finds that it did not find before; None where that cannot be told."""
    cut = result.truncated_bytes > 0 or result.timed_out
    return None if before is None or result.exit_code == 0 or cut else newly(before, result.output)


def shown(new: tuple[str, ...] | None, output: str) -> str:
    """What the agent is to see of a red gate."""
    if not new:
        return output
    more = len(new) - MOST_NEW
    return "\n".join((*new[:MOST_NEW], *((f"... and {more} more",) if more > 0 else ())))

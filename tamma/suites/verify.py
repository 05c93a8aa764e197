"""Whether a task is right: its hidden tests fail at its base, and pass with its solution.

In a workspace of its own, in the sandbox, as a trial would grade it. What the runs name becomes the lists of
tests: those that the solution fixes, and those that passed before and after.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tamma.errors import ConfigError, PathDenied, WorkspaceError
from tamma.model.suite import SuiteTask
from tamma.suites.graders import running
from tamma.suites.graders.outcomes import read_results
from tamma.suites.history import hidden_command
from tamma.suites.patches import touched_paths
from tamma.workspace.interface import CommandResult, Progress, Workspace, Workspaces, WorkspaceSpec

SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Verified:
    """The task with its lists, or why it is none. `task` is None where it is not right."""

    task: SuiteTask | None
    why: str = ""


async def verify(workspaces: Workspaces, task: SuiteTask, progress: Progress) -> Verified:
    """Try a task's tests without and with its solution."""
    spec = WorkspaceSpec(
        f"verify-{task.id}", task.repository, "base", task.base_commit, "tamma/verify", base_only=True
    )
    try:
        await workspaces.prepare(spec, progress)
        workspace = await workspaces.open(spec.id)
        return await _verify(workspace, task, progress)
    except (ConfigError, PathDenied, WorkspaceError) as error:
        return Verified(None, error.message)
    finally:
        await workspaces.release(spec.id)


async def _verify(workspace: Workspace, task: SuiteTask, progress: Progress) -> Verified:
    profile = await workspace.profile()
    install = await workspace.install(profile, progress)
    own = task.test_command or (profile.test.command if profile.test else "")
    hidden = task.hidden_tests
    command = hidden.command or hidden_command(own, touched_paths(hidden.patch))
    if not command:
        return Verified(None, "no command that runs its tests was found")
    await workspace.overlay(hidden.patch, hidden.files)
    before, seen_before = await _run(workspace, command, progress)
    await workspace.overlay(task.gold_patch, {})
    after, seen_after = await _run(workspace, command, progress)
    if after.exit_code != 0 or after.timed_out:
        built = "" if install.ok else " (its environment could not be built)"
        return Verified(None, f"its tests do not pass with its solution{built}: exit code {after.exit_code}")
    if before.exit_code == 0 and not before.timed_out:
        return Verified(None, "its tests pass without its solution")
    fixed = tuple(name for name, passed in seen_after.items() if passed and not seen_before.get(name, False))
    kept = tuple(name for name, passed in seen_after.items() if passed and seen_before.get(name, False))
    lists = (fixed, kept) if fixed else ((), ())  # a runner whose words are not known: the exit code decides
    made = replace(hidden, command=command, fail_to_pass=lists[0], pass_to_pass=lists[1])
    return Verified(replace(task, hidden_tests=made))


async def _run(
    workspace: Workspace, command: str, progress: Progress
) -> tuple[CommandResult, dict[str, bool]]:
    result = await workspace.run(running.logged(running.naming(command)), timeout=SECONDS, progress=progress)
    try:
        output = await workspace.read_text(running.OUTPUT, running.MOST_BYTES)
    except (OSError, PathDenied):
        output = result.output
    return result, read_results(output)

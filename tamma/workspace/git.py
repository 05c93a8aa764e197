"""The git command line, run so that nothing in a clone can influence it.

Hooks, filters, fsmonitor, external diff and aliases are configuration; a repository brings its own in `.git`,
and models can write one. So: our own git directory outside the work tree, no system or user configuration,
and a fixed environment. Credentials travel in the environment of the one process that needs them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tamma.git.environment import SETTINGS, environment
from tamma.git.remote import Remote, without_userinfo
from tamma.workspace.interface import Progress

_TAIL = 2000
_TICK = 0.02
"""Seconds; file times move in steps of up to 10 ms."""


@dataclass(frozen=True, slots=True)
class GitResult:
    code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", "replace").strip()


class GitFailed(Exception):
    """A git command failed; adapters of this turn it into the errors of the field."""

    def __init__(self, action: str, result: GitResult) -> None:
        super().__init__(
            f"git {action} failed with exit code {result.code}: {result.stderr[-_TAIL:].strip()}"
        )
        self.action = action
        self.result = result


@dataclass(frozen=True, slots=True)
class Git:
    """Git on one trusted directory and one work tree."""

    git_dir: Path
    tree: Path

    async def run(
        self,
        *arguments: str,
        remote: Remote | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        check: bool = True,
        progress: Progress | None = None,
        settings: tuple[str, ...] = (),
    ) -> GitResult:
        """Run git; only with `remote` may it reach one. Raises GitFailed, unless `check` is False.

        `settings` are configuration for this command (`name=value`).
        """
        words: list[str] = []
        for setting in (*SETTINGS, *settings):
            words += ["-c", setting]
        process = await _start(
            "git",
            *words,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            env=self.environment(remote) | dict(env or {}),
            cwd=self.git_dir.parent,
        )
        try:
            output, errors = await _communicate(process, stdin, progress, arguments[0])
        except BaseException:
            await _end(process)
            raise
        assert process.returncode is not None
        said = errors.decode("utf-8", "replace")
        said = remote.scrubbed(said) if remote is not None else without_userinfo(said)
        result = GitResult(process.returncode, output, said)
        if check and result.code != 0:
            raise GitFailed(arguments[0], result)
        return result

    async def check_out(self, *, remote: Remote | None = None, progress: Progress | None = None) -> None:
        """Make the work tree what the branch has, and the index one whose word counts. Raises GitFailed.

        A file as old as the index might have been changed in the same tick of the clock: git then looks at
        its content, through line ends and filters, and takes for a change what the commit has in a form that
        they would not give it. So the index is made younger than all files.
        """
        await self.run("reset", "--hard", "--quiet", remote=remote, progress=progress)
        await asyncio.sleep(_TICK)
        index = self.git_dir / "index"
        if index.exists():  # an empty tree has none
            os.utime(index)

    async def text(self, *arguments: str) -> str:
        """Run git and return its standard output, stripped."""
        return (await self.run(*arguments)).text

    def environment(self, remote: Remote | None = None) -> dict[str, str]:
        """The whole environment of a git process. Without a remote it reaches none, see there."""
        return environment(remote) | {"GIT_DIR": str(self.git_dir), "GIT_WORK_TREE": str(self.tree)}


async def _start(*words: str, stdin: int, env: Mapping[str, str], cwd: Path) -> asyncio.subprocess.Process:
    """Start a process, leader of its own group.

    Shielded: before Python 3.12.4 a cancellation while asyncio starts a process never returns.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *words,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _end(await starting)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill git with its helpers (git-remote-https, ssh) and wait."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def _communicate(
    process: asyncio.subprocess.Process, stdin: bytes | None, progress: Progress | None, action: str
) -> tuple[bytes, bytes]:
    work = asyncio.ensure_future(process.communicate(stdin))
    try:
        while progress is not None and not work.done():
            await asyncio.wait((work,), timeout=1.0)
            if not work.done():
                progress(f"git {action} runs")
        return await work
    finally:
        work.cancel()

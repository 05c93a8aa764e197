"""The git command, for what pygit2 lacks: work trees with filters, and remote repositories. Blocking."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence

from tamma.errors import PlatformError, Transient
from tamma.git.environment import SETTINGS, environment
from tamma.git.faults import find
from tamma.git.remote import Remote

_INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
"""Set inside a Git hook: they would point our commands at another repository."""


def run_git(
    *arguments: str,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    input_: bytes | None = None,
    timeout: float = 300.0,
    pass_fds: Sequence[int] = (),
) -> subprocess.CompletedProcess[bytes]:
    """Run git as its user would, without prompts. Raises PlatformError, Transient (no answer)."""
    variables = {key: value for key, value in os.environ.items() if key not in _INHERITED}
    variables |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", **(env or {})}
    done = _run(arguments, arguments[0], variables, cwd, input_ or b"", timeout, pass_fds)
    if check and done.returncode != 0:
        raise PlatformError(f"git {arguments[0]} failed: {_text(done.stderr)}")
    return done


def run_remote(remote: Remote, *arguments: str, cwd: str, timeout: float = 300.0) -> bytes:
    """Run a git command that talks to `remote`, in a repository of ours; its output.

    Nothing of the user's configuration holds there. Raises what `tamma.git.faults` makes of a failure.
    """
    words = [word for setting in SETTINGS for word in ("-c", setting)]
    done = _run((*words, *arguments), arguments[0], environment(remote), cwd, b"", timeout, ())
    if done.returncode != 0:
        raise find(done.stderr.decode(errors="replace"), remote).error(f"git {arguments[0]} {remote.url!r}")
    return done.stdout


def _run(
    words: Sequence[str],
    action: str,
    env: Mapping[str, str],
    cwd: str | None,
    input_: bytes,
    timeout: float,
    pass_fds: Sequence[int],
) -> subprocess.CompletedProcess[bytes]:
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            ["git", *words],
            cwd=cwd,
            env=env,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise PlatformError("the git command is missing", hint="install git") from error
    with process:
        try:
            output, errors = process.communicate(input_, timeout)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with its helpers, which hold the pipes: https, ssh
            if isinstance(error, subprocess.TimeoutExpired):
                raise Transient(f"git {action} took longer than {timeout:.0f} s") from error
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def _text(stderr: bytes) -> str:
    """The message in one line; userinfo of a URL is never repeated."""
    text = " ".join(stderr.decode(errors="replace").split())
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", text)[-500:]

"""The log of a remote branch: its commits of late, without trees and contents. Blocking.

Git itself tells it for all platforms alike, in one fetch that costs some hundred bytes a commit and nothing
of the limits of an API.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime

from tamma.errors import PlatformError
from tamma.git.environment import environment
from tamma.git.remote import Remote
from tamma.model.history import LoggedCommit
from tamma.platforms.git.command import run_git, run_remote

MOST = 20_000
"""Commits that are read at most: the newest."""
_DEPTH = 1000
"""Commits deep, where a server cannot count by time."""
_FORMAT = "%H%x00%P%x00%T%x00%ct%x00%B%x00"
_FIELDS = 5


def read_log(
    remote: Remote, branch: str, since: datetime, *, timeout: float = 300.0
) -> tuple[LoggedCommit, ...]:
    """The commits of `branch` made since then, newest first, none before its children.

    Where the server leaves nothing out, the branch comes whole. `timeout` in seconds, for each git command.
    Raises NotFound for a branch or repository that is not there, BadCredentials, Forbidden, Transient,
    PlatformRateLimited.
    """
    with tempfile.TemporaryDirectory(prefix="tamma-log-") as folder:
        run_git("init", "--bare", "-q", folder)
        for key, value in (("url", remote.url), ("promisor", "true"), ("partialclonefilter", "tree:0")):
            run_git("config", f"remote.origin.{key}", value, cwd=folder)
        wanted = f"+refs/heads/{branch}:refs/heads/{branch}"
        fetch = ("fetch", "-q", "--no-tags", "--filter=tree:0")
        try:
            bound = f"--shallow-since=@{int(since.timestamp())}"
            run_remote(remote, *fetch, bound, "--", "origin", wanted, cwd=folder, timeout=timeout)
        except PlatformError as error:
            # A server that cannot count by time says so, and so does one that has nothing so new.
            if "shallow" not in error.message:
                raise
            bound = f"--depth={_DEPTH}"
            run_remote(remote, *fetch, bound, "--", "origin", wanted, cwd=folder, timeout=timeout)
        done = run_git(
            "log", "--topo-order", "--no-show-signature", f"--max-count={MOST}", f"--format={_FORMAT}",
            f"refs/heads/{branch}", "--", cwd=folder, env=environment(), timeout=timeout,
        )  # fmt: skip
    return parsed(done.stdout)


def parsed(output: bytes) -> tuple[LoggedCommit, ...]:
    """The commits in what `git log` printed. A message has no NUL in it: git ends it there."""
    fields = output.decode("utf-8", "replace").split("\0")[:-1]
    return tuple(
        LoggedCommit(sha.strip(), tuple(parents.split()), tree, _time(when), message.strip())
        for sha, parents, tree, when, message in zip(*[iter(fields)] * _FIELDS, strict=True)
    )


def _time(seconds: str) -> datetime:
    """The beginning of time for a commit whose date says nothing: tools have written such ones."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)

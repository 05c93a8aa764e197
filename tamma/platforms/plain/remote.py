"""Branches, files and merges on a repository that is only reachable by a URL: git ls-remote, fetch and push.

Blocking. Objects are fetched into a temporary bare repository, and no more of them than the call needs, where
the server can leave some out. A push names what it expects to replace, so that somebody else's push is never
overwritten.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import pygit2

from tamma.errors import Conflict, NotFound, StaleHead, Transient
from tamma.git.remote import Remote
from tamma.model.repository import MergeOutcome, MergeResult, Obstacle
from tamma.platforms.git import objects as gitdb
from tamma.platforms.git.command import run_git, run_remote


@dataclass(frozen=True, slots=True)
class RemoteGit:
    """One remote repository. `timeout` in seconds, for each git command."""

    remote: Remote
    timeout: float = 300.0

    @property
    def url(self) -> str:
        return self.remote.url

    def default_branch(self) -> str:
        """What the remote's HEAD names. Raises NotFound, Conflict (empty), BadCredentials, Transient."""
        refs = self._ls("--symref", "HEAD")
        for line in refs:
            if line.startswith("ref: refs/heads/"):
                return line.removeprefix("ref: refs/heads/").partition("\t")[0]
        raise Conflict(
            f"the repository {self.url!r} is empty or its HEAD names no branch",
            hint="push a first commit, or say which branch to start from with --base",
        )

    def branch_sha(self, name: str) -> str | None:
        """Where the branch is, or None."""
        wanted = f"refs/heads/{name}"
        for line in self._ls("--heads", wanted):
            sha, _, ref = line.partition("\t")
            if ref == wanted:
                return sha
        return None

    def ensure_branch(self, name: str, sha: str) -> None:
        """Create it at `sha`; there already is done. Raises Conflict where it stands elsewhere."""
        existing = self.branch_sha(name)
        if existing is None:
            with self._scratch("tree:0") as repo:  # commits alone: the rest is there already
                self._fetch(repo, "+refs/heads/*:refs/heads/*")
                gitdb.require_commit(repo, sha)
                try:
                    self._push(repo, sha, name, expected="")
                except StaleHead:
                    existing = self.branch_sha(name)
                    if existing is None:  # it came and went
                        raise
        if existing not in (None, sha):
            raise Conflict(
                f"the branch {name!r} of {self.url!r} exists at {existing[:12]}, not at {sha[:12]}"
            )

    def delete_branch(self, name: str, expected: str) -> None:
        """Delete it where it is at `expected`; absent is done. Raises StaleHead."""
        existing = self.branch_sha(name)
        if existing is None:
            return
        if existing != expected:
            raise StaleHead(f"the branch {name!r} is at {existing[:12]}, not at {expected[:12]}; it was kept")
        with self._scratch() as repo:
            try:
                self._push(repo, "", name, expected=expected)
            except StaleHead:
                if self.branch_sha(name) is not None:
                    raise  # else somebody else deleted it between our look and our write: as wanted

    def read_file(self, path: str, ref: str) -> bytes:
        """The file at a branch, tag or commit the server lets us fetch. Raises NotFound."""
        with self._scratch("blob:none") as repo:
            self._fetch(repo, f"{ref}:refs/tamma/wanted", depth=1)
            blob = gitdb.find_file(repo, path, "refs/tamma/wanted")
            return run_remote(self.remote, "cat-file", "blob", blob, cwd=repo.path, timeout=self.timeout)

    def merge(self, branch: str, base: str, expected_head: str, message: str) -> MergeResult:
        """Merge in a temporary repository and push the base, pinned to what was fetched."""
        with self._scratch() as repo:
            # One that was merged may be gone since.
            names = [base] if self.branch_sha(branch) is None else [base, branch]
            self._fetch(repo, *(f"+refs/heads/{name}:refs/heads/{name}" for name in names))
            plan = plan_merge(repo, branch, base, expected_head, message)
            if isinstance(plan, MergeResult):
                return plan
            try:
                self._push(repo, plan.new, base, expected=plan.old)
            except StaleHead as error:
                raise Transient(f"{base!r} moved while {branch!r} was merged: it is tried again") from error
            return MergeResult(MergeOutcome.MERGED, plan.new)

    def _ls(self, *arguments: str) -> list[str]:
        *options, pattern = arguments
        with tempfile.TemporaryDirectory(prefix="tamma-git-") as folder:
            command = ("ls-remote", *options, "--", self.url, pattern)
            out = run_remote(self.remote, *command, cwd=folder, timeout=self.timeout)
        return out.decode(errors="replace").splitlines()

    @contextmanager
    def _scratch(self, leave_out: str = "") -> Generator[pygit2.Repository]:
        """A new repository; `leave_out` is a filter of git's for what fetches may leave out."""
        with tempfile.TemporaryDirectory(prefix="tamma-git-") as folder:
            run_git("init", "--bare", "-q", folder)
            repo = pygit2.Repository(folder)
            repo.config["remote.origin.url"] = self.url
            if leave_out:
                repo.config["remote.origin.promisor"] = True
                repo.config["remote.origin.partialclonefilter"] = leave_out
            yield repo

    def _fetch(self, repo: pygit2.Repository, *refspecs: str, depth: int | None = None) -> None:
        depths = () if depth is None else (f"--depth={depth}",)
        command = ("fetch", "-q", "--no-tags", *depths, "--", "origin", *refspecs)
        run_remote(self.remote, *command, cwd=repo.path, timeout=self.timeout)

    def _push(self, repo: pygit2.Repository, sha: str, name: str, *, expected: str) -> None:
        ref = f"refs/heads/{name}"
        command = ("push", "-q", f"--force-with-lease={ref}:{expected}", "--", self.url, f"{sha}:{ref}")
        run_remote(self.remote, *command, cwd=repo.path, timeout=self.timeout)


@dataclass(frozen=True, slots=True)
class MergePlan:
    """The base is to move from `old` to `new`."""

    old: str
    new: str


def plan_merge(
    repo: pygit2.Repository, branch: str, base: str, expected_head: str, message: str
) -> MergePlan | MergeResult:
    """What a merge comes to: a move of the base, or a result without one (done already, or refused).

    Raises NotFound for a missing base or branch and StaleHead for a branch that is not at `expected_head`.
    """
    old = gitdb.require_branch(repo, base)
    if gitdb.is_merged(repo, old, expected_head):
        return MergeResult(MergeOutcome.MERGED, gitdb.merged_by(repo, old, expected_head))
    head = gitdb.branch_sha(repo, branch)
    if head is None:
        raise NotFound(f"there is no branch {branch!r} to merge into {base!r}")
    if head != expected_head:
        raise StaleHead(f"the branch {branch!r} is at {head[:12]}, not at {expected_head[:12]}")
    if gitdb.is_merged(repo, head, old):
        return MergePlan(old, head)
    merged = gitdb.merge(repo, old, head, message)
    if isinstance(merged, gitdb.Conflicting):
        reason = f"{merged}; the branch {branch!r} stays"
        return MergeResult(MergeOutcome.REFUSED, None, reason, Obstacle.CONFLICT)
    return MergePlan(old, merged)

"""Branches, files and merges on a repository on this machine's disk, checked out or bare. Blocking."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pygit2

from tamma.errors import StaleHead, Transient
from tamma.model.repository import MergeOutcome, MergeResult
from tamma.platforms.git import objects as gitdb
from tamma.platforms.plain.checkout import Checkout, Journal, checkout_of
from tamma.platforms.plain.remote import plan_merge

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LocalGit:
    """One local repository; opened anew for every call, so that it sees what others wrote."""

    path: str

    def open(self) -> pygit2.Repository:
        """Raises NotFound, Forbidden."""
        return gitdb.open_repository(self.path)

    def default_branch(self) -> str:
        """Raises NotFound, Forbidden, Conflict."""
        return gitdb.default_branch(self.open(), self.path)

    def branch_sha(self, name: str) -> str | None:
        return gitdb.branch_sha(self.open(), name)

    def ensure_branch(self, name: str, sha: str) -> None:
        """Raises Conflict, NotFound (no such commit)."""
        gitdb.ensure_branch(self.open(), name, sha)

    def delete_branch(self, name: str, expected: str) -> None:
        """Raises StaleHead."""
        gitdb.delete_branch(self.open(), name, expected)

    def read_file(self, path: str, ref: str) -> bytes:
        """Raises NotFound."""
        return gitdb.read_file(self.open(), path, ref)

    def merge(self, branch: str, base: str, expected_head: str, message: str) -> MergeResult:
        """Move `base`; a clean checkout of it is brought along, one with changes is left alone (REFUSED)."""
        repo = self.open()
        with checkout_of(repo, base) as checkout:
            if checkout is not None:
                _finish_earlier(repo, checkout)
            plan = plan_merge(repo, branch, base, expected_head, message)
            if isinstance(plan, MergeResult):
                return plan
            reason = checkout.why_not(plan.old, plan.new) if checkout is not None else ""
            if checkout is not None and reason:
                return MergeResult(
                    MergeOutcome.REFUSED,
                    None,
                    f"{reason}, so {base!r} was left alone. The branch {branch!r} stays: settle your files, "
                    f"then run git -C {checkout.root} merge {branch}",
                )
            journal = Journal(base, plan.old, plan.new)
            if checkout is not None:
                checkout.begin(journal)
            try:
                gitdb.move_branch(repo, base, plan.old, plan.new, f"tamma: merge {branch}")
            except StaleHead as error:
                if checkout is not None:
                    checkout.end()
                raise Transient(f"{base!r} moved while {branch!r} was merged: it is tried again") from error
            if checkout is not None:
                checkout.follow(journal)
            return MergeResult(MergeOutcome.MERGED, plan.new)


def _finish_earlier(repo: pygit2.Repository, checkout: Checkout) -> None:
    """Complete, or drop, what a killed process left in the journal."""
    journal = checkout.pending()
    if journal is None:
        return
    now = gitdb.branch_sha(repo, journal.branch)
    if now == journal.new:
        _log.info("finishing the update of the checkout %s to %s", checkout.root, journal.new)
        checkout.finish(journal)
    else:
        # Either the branch never moved, or a person has gone on since: in both the files are theirs.
        checkout.end()

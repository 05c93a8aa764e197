"""Whether a merged change was kept: reverts, found in what commits say and in what they leave. Pure.

A commit reverts a change where, read from the newest commit to the oldest, it was not reverted itself and

* says so in git's words, `This reverts commit SHA` at the beginning of a line (`git revert`; an abbreviated
  id counts). A merge's revert takes back all that the merge brought in;
* names the pull request: `Reverts owner/name#12` (GitHub, Gitea), `This reverts merge request !12` (GitLab),
  `This reverts pull request #12` (Bitbucket);
* is called `Revert "..."` around the change's own subject, or around one that names its pull request (what
  is left of a platform's revert where a squash drops the body);
* leaves the branch with the very tree that it had before the change, whatever it is called.

Lines that quote (`> This reverts ...`) say nothing. A change that was taken apart by hand, with other work
kept, is not seen: nothing tells that from further work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tamma.model.history import LoggedCommit
from tamma.model.metrics import MergedChange

_BY_SHA = re.compile(r"^This reverts commit ([0-9a-f]{7,64})\b", re.MULTILINE)
_BY_NUMBER = re.compile(
    r"^(?:This reverts (?:pull|merge) request|Reverts) (?:[\w.~-]+(?:/[\w.~-]+)*)?[#!](\d+)\b", re.MULTILINE
)
_BY_TITLE = re.compile(r'^Revert "(.+)"')
_SUFFIX = re.compile(r" \((?:pull request )?[#!](\d+)\)$")
_PREFIX = re.compile(r"^(?:Merge pull request #|Merged PR |Pull request #)(\d+)\b")
_BODY = re.compile(r"^See merge request \S*!(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a change."""

    by: LoggedCommit | None = None
    """The commit that took it back; None: no one did."""
    seen: bool = True
    """Whether the branch has the change at all. A rewritten history has lost it: nothing can be said."""


def fate(change: MergedChange, log: Sequence[LoggedCommit], until: datetime) -> Fate:
    """What became of `change` by `until`; later commits do not count.

    `log` is the branch's, newest first, no commit before its children, and reaches back to the change.
    """
    history = _History(change, log)
    undone: dict[str, LoggedCommit] = {}
    for commit in log:
        if commit.committed_at > until or commit.sha in undone:
            continue
        for target in history.targets(commit):
            for sha in history.brought_by(target):
                undone.setdefault(sha, commit)
    by = undone.get(change.sha) or undone.get(change.head_sha)
    return Fate(by, seen=by is not None or change.sha in history.places or change.head_sha in history.places)


class _History:
    def __init__(self, change: MergedChange, log: Sequence[LoggedCommit]) -> None:
        self.change = change
        self.log = log
        self.places = {commit.sha: place for place, commit in enumerate(log)}
        self._numbers = {commit.sha: _own_number(commit) for commit in log}
        self._emptied = set(self._back_to_before())

    def targets(self, commit: LoggedCommit) -> Iterator[str]:
        """The commits that this one says, or shows, that it takes back."""
        change, message = self.change, commit.message.replace("\r\n", "\n")
        if commit.sha in (change.sha, change.head_sha):
            return  # a squashed change may quote what was tried on its way
        for said in _BY_SHA.findall(message):
            yield from (sha for sha in (change.sha, change.head_sha) if sha and sha.startswith(said))
            yield from (sha for sha in self.places if sha.startswith(said))
        for number in _BY_NUMBER.findall(message):
            yield from self._of_pull_request(number, commit)
        if named := _BY_TITLE.match(commit.subject):
            yield from self._called(named[1], commit)
        if commit.sha in self._emptied:
            yield change.sha

    def brought_by(self, sha: str) -> set[str]:
        """The commit, and all that it merged into its first parent."""
        found = {sha}
        parents = self._parents(sha)
        if len(parents) > 1:
            found |= self._reachable(parents[1:]) - self._reachable(parents[:1])
        return found

    def _of_pull_request(self, number: str, reverting: LoggedCommit) -> Iterator[str]:
        if number == self.change.pull_request:
            yield self.change.sha
        place = self.places[reverting.sha]
        yield from (commit.sha for commit in self.log[place + 1 :] if self._numbers[commit.sha] == number)

    def _called(self, title: str, reverting: LoggedCommit) -> Iterator[str]:
        if number := _number_in(title):
            yield from self._of_pull_request(number, reverting)
            return
        # Of several with one subject the nearest: that is what a person saw when reverting.
        for commit in self.log[self.places[reverting.sha] + 1 :]:
            if title in (commit.subject, _SUFFIX.sub("", commit.subject)):
                yield commit.sha
                return

    def _back_to_before(self) -> Iterator[str]:
        """Commits of the branch itself after the change that have the tree from before it."""
        place = self.places.get(self.change.sha)
        before = self.places.get(next(iter(self._parents(self.change.sha)), ""))
        if place is None or before is None or self.log[before].tree == self.log[place].tree:
            return
        found: list[str] = []
        at: str | None = self.log[0].sha
        while at is not None and at in self.places:
            if at == self.change.sha:
                yield from found
                return
            if self.log[self.places[at]].tree == self.log[before].tree:
                found.append(at)
            at = next(iter(self._parents(at)), None)

    def _reachable(self, starts: Sequence[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(starts)
        while waiting:
            sha = waiting.pop()
            if sha not in found:
                found.add(sha)
                waiting += self._parents(sha)
        return found

    def _parents(self, sha: str) -> Sequence[str]:
        place = self.places.get(sha)
        return () if place is None else self.log[place].parents


def _own_number(commit: LoggedCommit) -> str | None:
    """The pull request that a commit came from, as platforms write it into its message."""
    found = _BODY.search(commit.message)
    return _number_in(commit.subject) or (found[1] if found else None)


def _number_in(title: str) -> str | None:
    found = _SUFFIX.search(title) or _PREFIX.match(title)
    return found[1] if found else None

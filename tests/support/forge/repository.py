"""A repository with all its parts, and the picture of it that a test compares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pygit2

from tests.support.forge.changes import RepoChanges
from tests.support.forge.things import Comment, Issue, Item, Pull, Run, Status, Workflow

if TYPE_CHECKING:
    from tests.support.forge.world import World


class Repo(RepoChanges):
    """Everything that a forge knows of one repository."""

    def __init__(self, world: World, owner: str, name: str, path: Path, *, private: bool = True) -> None:
        super().__init__(world, owner, name, path, private=private)
        self.issues: dict[int, Issue] = {}
        self.pulls: dict[int, Pull] = {}
        self.statuses: list[Status] = []
        self.runs: list[Run] = []
        self.workflows = [Workflow(world.new_id(), "CI", ".github/workflows/ci.yml")]
        self._last: dict[str, int] = {}

    def fingerprint(self) -> dict[str, Any]:
        """See `World.fingerprint`."""
        return {
            "branches": {name: self._history(sha) for name, sha in self.branches().items()},
            "labels": sorted(self.labels),
            "issues": [_talk(issue) for issue in self.issues.values()],
            "pulls": [self._pull(pull) for pull in self.pulls.values()],
            "statuses": sorted(
                [self._tree(s.sha), s.kind, s.name, s.state, s.description, s.url] for s in self._newest()
            ),
            "runs": [self._run(run) for run in self.runs],
        }

    def _newest(self) -> list[Status]:
        return [status for sha in {s.sha: None for s in self.statuses} for status in self.statuses_of(sha)]

    def _history(self, sha: str) -> list[list[object]]:
        """Every commit's message, tree and number of parents, newest first."""
        walker = self.git.walk(sha, pygit2.enums.SortMode.TOPOLOGICAL)
        return [[commit.message, str(commit.tree.id), len(commit.parents)] for commit in walker]

    def _tree(self, sha: str) -> str:
        return str(self.commit_of(sha).tree.id)

    def _pull(self, pull: Pull) -> dict[str, Any]:
        merge = pull.auto_merge
        return {
            **_talk(pull),
            "branches": [pull.head, pull.base, self._tree(pull.head_sha), pull.draft],
            "reviewers": sorted(pull.reviewers),
            "merged": None if pull.merge_sha is None else self._history(pull.merge_sha)[0],
            "merging": pull.merging is not None,
            "auto_merge": merge and [merge.method, merge.message],
            "reviews": [[r.author, r.verdict, r.body, self._tree(r.sha)] for r in pull.reviews],
            "threads": [
                [t.path, t.line, t.start_line, t.side, t.resolved, _comments(t.comments)]
                for t in pull.threads
            ],
        }

    def _run(self, run: Run) -> list[object]:
        jobs = [[job.name, job.state, job.attempt] for job in run.jobs]
        told = [run.workflow.name, self._tree(run.sha), run.branch, run.event, run.inputs]
        return [*told, run.state, run.native, run.attempt, jobs]


def _talk(item: Item) -> dict[str, Any]:
    said = {"title": item.title, "body": item.body, "author": item.author, "state": item.state}
    marks = {"labels": sorted(item.labels), "assignees": sorted(item.assignees)}
    return {**said, **marks, "comments": _comments(item.comments)}


def _comments(comments: list[Comment]) -> list[list[str]]:
    return [[comment.author, comment.body] for comment in comments]

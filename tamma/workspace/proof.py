"""The tests of a change against those before it: where their texts come from. What is made of them is in
`weakening`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from tamma.workspace.git import Git
from tamma.workspace.interface import PolicyFinding
from tamma.workspace.policy import GITLINK_MODE, LINK_MODE
from tamma.workspace.rawdiff import RawDelta
from tamma.workspace.weakening import settings
from tamma.workspace.weakening.compare import changed_proof, weakened
from tamma.workspace.weakening.files import may_hold_tests

if TYPE_CHECKING:
    import pygit2

_LARGEST = 400_000
"""Bytes of a file that is compared."""
MOST_SHOWN = 50
"""Files that are kept as they were when they showed the problem."""


def shown_tests(git: Git, deltas: Iterable[RawDelta], also: tuple[str, ...]) -> dict[str, str]:
    """Path -> text of the changed test files, and of changed files that the agent calls so."""
    repository = _open(git)
    named = set(also)
    found: dict[str, str] = {}
    for delta in deltas:
        if may_hold_tests(delta.path) or delta.path in named:
            text = _text(repository, delta.blob, delta.mode)
            if text is not None and len(found) < MOST_SHOWN:
                found[delta.path] = text
    return found


def judge_tests(
    git: Git, base_sha: str, deltas: list[RawDelta], shown: Mapping[str, str], shown_on: str = ""
) -> tuple[PolicyFinding, ...]:
    """How the change weakens tests. `shown` are files of tests as they were when they showed the problem, on
    the commit `shown_on`: what that commit had of them is not the work's own, and may have changed since."""
    repository = _open(git)
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    findings: list[PolicyFinding] = []
    for delta in deltas:
        old = _text(repository, delta.old_blob, delta.old_mode)
        new = _text(repository, delta.blob, delta.mode)
        if may_hold_tests(delta.path) or delta.path in shown:
            before |= {delta.path: old} if old is not None else {}
            after |= {delta.path: new} if new is not None else {}
        if new is not None and settings.is_settings(delta.path):
            findings += settings.loosened(delta.path, old or "", new)
    findings += weakened(before, after)
    if shown:
        touched = {delta.path for delta in deltas}
        same = dict(_at(repository, base_sha, shown.keys() - touched))
        then: dict[str, str] = {}
        if shown_on not in ("", base_sha) and repository.get(shown_on) is not None:
            then = dict(_at(repository, shown_on, shown.keys()))
        findings += changed_proof(shown, before | same | then, after | same)
    return _once(findings)


def _once(findings: Iterable[PolicyFinding]) -> tuple[PolicyFinding, ...]:
    """One finding for what two rules saw; the proof's counts before a question."""
    kept: dict[tuple[str, str], PolicyFinding] = {}
    for finding in findings:
        key = finding.path, finding.detail
        if key not in kept or finding.refuse:
            kept[key] = finding
    return tuple(kept.values())


def _at(repository: pygit2.Repository, sha: str, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The texts of files that the base has."""
    import pygit2

    tree = repository.revparse_single(f"{sha}^{{tree}}").peel(pygit2.Tree)
    for path in paths:
        if path not in tree:
            continue
        entry = tree[path]
        if isinstance(entry, pygit2.Blob) and (text := _decoded(entry)) is not None:
            yield path, text


def _text(repository: pygit2.Repository, sha: str, mode: str) -> str | None:
    """None where there is no such file, or no text in it."""
    import pygit2

    if not sha.strip("0") or mode in (LINK_MODE, GITLINK_MODE):
        return None
    return _decoded(repository[sha].peel(pygit2.Blob))


def _decoded(blob: pygit2.Blob) -> str | None:
    if blob.size > _LARGEST or blob.is_binary:
        return None
    return blob.data.decode("utf-8", "replace").replace("\r\n", "\n")


def _open(git: Git) -> pygit2.Repository:
    import pygit2

    return pygit2.Repository(str(git.git_dir))

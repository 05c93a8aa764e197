"""The work against its base: diff, policy, commit, push. All from the trusted git directory.

The git command line does it, not libgit2: line ends and modes must come out exactly as git would commit them.
Filters of `.gitattributes` never run, because the trusted directory configures none.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pygit2

from tamma.errors import PolicyRefused, StaleHead
from tamma.git.fault_table import Fault
from tamma.git.faults import find
from tamma.git.remote import Remote
from tamma.model.repository import ChangeKind, FileChange
from tamma.platforms.interface import GitCredentials
from tamma.workspace import arrivals, lfs, policy, proof
from tamma.workspace.expecting import Expected, judge_conflicts, judge_result, parse_markers
from tamma.workspace.git import Git, GitFailed, GitResult
from tamma.workspace.interface import DiffSummary, FileDiff, Judgement, Patch, PolicyFinding
from tamma.workspace.rawdiff import RawDelta, parse_numstat, parse_raw

OP_TRAILER = "Tamma-Op"
_PATCH_LIMIT = 400_000
_RAW = ("--raw", "-z", "--no-abbrev", "--no-ext-diff", "--no-textconv")
_PATCH = ("-p", "--no-color", "--no-ext-diff", "--no-textconv")


@dataclass(frozen=True, slots=True)
class Author:
    name: str = "Tamma"
    email: str = "tamma@localhost"


class Delivery:
    """One workspace's way out."""

    def __init__(
        self, git: Git, base_sha: str, branch: str, author: Author, protected: tuple[str, ...] = ()
    ) -> None:
        self._git = git
        self._base = base_sha
        self._branch = branch
        self._author = author
        self._protected = protected

    # --- looking ---

    async def head(self) -> str:
        """The branch's commit."""
        import pygit2

        # In process: it is asked for after every batch of tools, and a git process takes longer than that.
        repository = pygit2.Repository(str(self._git.git_dir))
        return str(repository.references[f"refs/heads/{self._branch}"].target)

    async def diff(self) -> DiffSummary:
        """The work tree, untracked files included, against the base."""
        await self._stage()
        patch = await self._git.run("diff-index", "--cached", *_PATCH, "--find-renames", self._base)
        return DiffSummary(await self._changed_files(), cut_patch(patch.stdout))

    async def patch(self) -> Patch:
        """See Workspace."""
        await self._stage()
        patch = await self._git.run(
            "diff-index", "--cached", *_PATCH, "--binary", "--full-index", "--find-renames", self._base
        )
        return Patch(await self._changed_files(), patch.stdout)

    async def _changed_files(self) -> tuple[FileDiff, ...]:
        """What is staged, with its figures."""
        found = ("--find-renames", self._base)
        raw = await self._git.run("diff-index", "--cached", *_RAW, *found)
        numbers = await self._git.run("diff-index", "--cached", "--numstat", "-z", *found)
        counts = parse_numstat(numbers.stdout)
        return tuple(
            FileDiff(delta.path, delta.status, *counts.get(delta.path, (0, 0)))
            for delta in parse_raw(raw.stdout)
        )

    async def findings(self) -> tuple[PolicyFinding, ...]:
        """What the diff policy says of the work tree."""
        return await self._findings(*await self.deltas())

    async def _findings(
        self, deltas: list[RawDelta], kept_out: list[PolicyFinding]
    ) -> tuple[PolicyFinding, ...]:
        problems = await lfs.problems(self._git, self._base, deltas)
        changes = [replace(self._change(delta), lfs=problems.get(delta.path, "")) for delta in deltas]
        return (*policy.judge(changes, self._protected), *kept_out)

    async def deltas(self) -> tuple[list[RawDelta], list[PolicyFinding]]:
        """What the work tree changes, renames as deletions and additions; and what cannot be staged."""
        kept_out = await self._stage()
        raw = await self._git.run("diff-index", "--cached", *_RAW, "--no-renames", self._base)
        return parse_raw(raw.stdout), kept_out

    async def shown_tests(self, also: tuple[str, ...]) -> dict[str, str]:
        """See Workspace."""
        deltas, _ = await self.deltas()
        return proof.shown_tests(self._git, deltas, also)

    async def judged(self, shown: Mapping[str, str], shown_on: str, issue: str) -> Judgement:
        """See Workspace."""
        deltas, kept_out = await self.deltas()
        return Judgement(
            await self._findings(deltas, kept_out),
            proof.judge_tests(self._git, self._base, deltas, shown, shown_on),
            # In a thread: lock files are long.
            await asyncio.to_thread(arrivals.judge_dependencies, self._git, deltas, issue),
        )

    async def unsettled(self, expected: Expected, *, strictly: bool) -> tuple[str, ...]:
        """See Workspace."""
        deltas, _ = await self.deltas()
        checked = await self._git.run(
            "diff-index", "--cached", "--check", self._base, check=False,
            settings=("core.quotePath=false",),
        )  # fmt: skip
        found = parse_markers(checked.stdout.decode("utf-8", "replace"))
        blobs = {d.path: d.blob for d in deltas if d.status != "D" and d.mode != policy.GITLINK_MODE}
        looked_at = {*expected.marked, *(blobs.keys() - expected.merged.keys())}
        texts = {path: self._text(blobs[path]) for path in looked_at if path in blobs}
        markers = [
            (path, texts[path].split("\n")[number - 1].rstrip("\r"))
            for path, number in found
            if path in texts
        ]
        if not strictly:
            return judge_result(expected, deltas, markers)
        return judge_conflicts(expected, deltas, texts, markers)

    def _text(self, sha: str) -> str:
        return self._blob(sha).data.decode("utf-8", "replace")

    async def file_changes(self) -> tuple[FileChange, ...]:
        """The committed work against the base, file by file."""
        raw = await self._git.run("diff-tree", "-r", *_RAW, "--no-renames", self._base, await self.head())
        changes: list[FileChange] = []
        for delta in parse_raw(raw.stdout):
            if delta.status == "D":
                changes.append(FileChange(delta.path, ChangeKind.DELETE))
            else:
                content = b"" if delta.mode == policy.GITLINK_MODE else self._blob(delta.blob).data
                changes.append(FileChange(delta.path, ChangeKind.WRITE, content, delta.mode))
        return tuple(changes)

    async def _stage(self) -> list[PolicyFinding]:
        """Bring the trusted index up to the work tree; what cannot or may not be staged, as findings.

        Ignored files stay out, and so do repositories in the tree: of one that the index knows, `git add`
        would ask the state, by a git that reads that repository's own configuration, and filters planted
        there would run with the worker's rights. Files that are too large are not even read.
        """
        submodules = await self._submodules()
        kept_out = await self._kept_out()
        lines = [b".", *(b":(exclude,literal)" + os.fsencode(path) for path in (*submodules, *kept_out))]
        added = await self._git.run(
            "add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul",
            env={"GIT_LITERAL_PATHSPECS": "0"}, stdin=b"\0".join(lines), check=False,
        )  # fmt: skip
        for path in submodules:
            if not _is_empty_folder(self._git.tree / path):
                kept_out[path] = policy.Change(path, policy.GITLINK_MODE)
        findings = list(policy.judge(kept_out.values()))
        if added.code != 0:  # a name that git refuses, a pipe where a file was, text that is not as declared
            findings.append(PolicyFinding(".", "not committable", refuse=True, detail=_last_words(added)))
        return findings

    async def _submodules(self) -> list[str]:
        """Links to other repositories that the base has."""
        listed = await self._git.run("ls-files", "-z", "--stage")
        entries = os.fsdecode(listed.stdout).split("\0")
        return [entry.split("\t", 1)[1] for entry in entries if entry.startswith(policy.GITLINK_MODE)]

    async def _kept_out(self) -> dict[str, policy.Change]:
        """Untracked things that are not staged: folders with a `.git` of their own, and large files."""
        listed = await self._git.run("ls-files", "-z", "--others", "--exclude-standard")
        found: dict[str, policy.Change] = {}
        for path in filter(None, os.fsdecode(listed.stdout).split("\0")):
            if path.endswith("/"):
                found[path[:-1]] = policy.Change(path[:-1], policy.GITLINK_MODE)
            elif (size := os.lstat(self._git.tree / path).st_size) > policy.MOST_FILE_BYTES:
                found[path] = policy.Change(path, policy.FILE_MODE, size)
        return found

    def _change(self, delta: RawDelta) -> policy.Change:
        if delta.status == "D":
            return policy.Change(delta.path, "")
        return replace(self._content(delta), blob=delta.blob)

    def _content(self, delta: RawDelta) -> policy.Change:
        if delta.mode == policy.GITLINK_MODE:
            return policy.Change(delta.path, delta.mode)
        blob = self._blob(delta.blob)
        if delta.mode == policy.LINK_MODE:
            target = blob.data.decode("utf-8", "replace")
            return policy.Change(delta.path, delta.mode, blob.size, link_target=target)
        if blob.size > policy.MOST_FILE_BYTES or blob.is_binary:
            return policy.Change(delta.path, delta.mode, blob.size, binary=blob.is_binary)
        before: set[str] = set()
        if delta.status != "A" and delta.old_mode != policy.GITLINK_MODE:
            before = set(self._blob(delta.old_blob).data.decode("utf-8", "replace").splitlines())
        lines = blob.data.decode("utf-8", "replace").splitlines()
        added = tuple(pair for pair in enumerate(lines, start=1) if pair[1] not in before)
        return policy.Change(
            delta.path,
            delta.mode,
            blob.size,
            added=tuple(line for _, line in added),
            numbers=tuple(number for number, _ in added),
        )

    def _blob(self, sha: str) -> pygit2.Blob:
        import pygit2

        # Opened anew: libgit2 would not see the packs that git wrote since.
        return pygit2.Repository(str(self._git.git_dir))[sha].peel(pygit2.Blob)

    # --- committing ---

    async def commit(self, message: str, op_id: str) -> str:
        """Commit the work tree onto the branch; idempotent by `op_id` and tree. Raises PolicyRefused."""
        refused = [finding for finding in await self.findings() if finding.refuse]
        if refused:
            raise PolicyRefused(
                tuple(f"{finding.path}: {finding.rule}, {finding.detail}" for finding in refused),
                hint="take these out of the change",
            )
        tree = await self._git.text("write-tree")
        head = await self.head()
        if tree == await self._git.text("rev-parse", f"{head}^{{tree}}"):
            return head
        if done := await self._done_before(op_id, tree):
            return done
        commit = await self._commit_tree(tree, head, f"{message.strip()}\n\n{OP_TRAILER}: {op_id}\n")
        await self._git.run("update-ref", f"refs/heads/{self._branch}", commit, head)
        return commit

    async def _commit_tree(self, tree: str, parent: str, message: str) -> str:
        names = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", self._author.name), ("EMAIL", self._author.email))
        }
        result = await self._git.run(
            "commit-tree", tree, "-p", parent, "-F", "-", env=names, stdin=message.encode()
        )
        return result.text

    async def _done_before(self, op_id: str, tree: str) -> str | None:
        log = await self._git.text(
            "log",
            f"--format=%H %T %(trailers:key={OP_TRAILER},valueonly,separator=%x2C)",
            f"{self._base}..refs/heads/{self._branch}",
        )
        for line in log.splitlines():
            sha, found_tree, found_op = (*line.split(" ", 2), "")[:3]
            if found_tree == tree and found_op.strip() == op_id:
                return sha
        return None

    # --- pushing ---

    async def push(self, url: str, credentials: GitCredentials, expected_sha: str | None) -> str:
        """Push the branch's commit. Raises StaleHead, and what `tamma.git.faults` makes of a failure."""
        remote = Remote.of(url, credentials)
        head = await self.head()
        ref = f"refs/heads/{self._branch}"
        result = await self._git.run(
            "push", "--porcelain", "--no-verify", f"--force-with-lease={ref}:{expected_sha or ''}",
            "--", remote.url, f"{head}:{ref}",
            remote=remote, check=False,
        )  # fmt: skip
        if result.code == 0:
            return head
        finding = find(f"{result.stderr}\n{_refusals(result.stdout)}", remote)
        if finding.fault is Fault.STALE:
            found = await self._remote_sha(remote, ref)
            if found == head:
                return head  # an earlier attempt had already arrived
            raise StaleHead(
                f"the branch {self._branch!r} is at {found or 'no commit'} on the remote,"
                f" not at {expected_sha or 'no commit'}",
                hint="someone else pushed to it: fetch, look, and run again",
            )
        raise finding.error(f"the branch {self._branch!r} could not be pushed")

    async def _remote_sha(self, remote: Remote, ref: str) -> str | None:
        try:
            listed = await self._git.run("ls-remote", "--", remote.url, ref, remote=remote)
        except GitFailed as error:
            what = f"where the branch {self._branch!r} is cannot be asked"
            raise find(error.result.stderr, remote).error(what) from error
        return listed.text.split()[0] if listed.text else None


def _last_words(result: GitResult) -> str:
    lines = [line for line in result.stderr.splitlines() if line.startswith(("error: ", "fatal: "))]
    return "; ".join(line.partition(": ")[2] for line in lines[:3])[:500] or f"git add: exit {result.code}"


def _is_empty_folder(path: Path) -> bool:
    """Also where nothing is there at all."""
    return not os.path.lexists(path) or (not path.is_symlink() and path.is_dir() and not os.listdir(path))


def _refusals(porcelain: bytes) -> str:
    """The lines of `git push --porcelain` that say what was not taken."""
    lines = porcelain.decode("utf-8", "replace").splitlines()
    return "\n".join(line.replace("\t", " ") for line in lines if line.startswith("!"))


def cut_patch(patch: bytes) -> str:
    """The patch as text, at most 400 kB."""
    text = patch.decode("utf-8", "replace")
    if len(text) <= _PATCH_LIMIT:
        return text
    return f"{text[:_PATCH_LIMIT]}\n[the patch was cut: {len(text) - _PATCH_LIMIT} more characters]\n"

"""Reading and writing a repository's object database and refs with pygit2; never a work tree.

Blocking: adapters call these functions in a thread. A ref only ever moves by compare-and-swap: libgit2
refuses a write when the ref no longer has the value that was read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pygit2
from pygit2.enums import FileMode, RepositoryOpenFlag, SortMode

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError, StaleHead, Transient
from tamma.model.repository import ChangeKind, FileChange, MergeMethod

_FALLBACK_AUTHOR = ("Tamma", "tamma@localhost")
_MERGE_SEARCH_LIMIT = 10_000
"""First-parent commits looked at to find the merge that brought a commit in."""


@dataclass(frozen=True, slots=True)
class Conflicting:
    """A merge that does not work: the files (or a reason) that stand in its way."""

    files: tuple[str, ...]
    reason: str = ""

    def __str__(self) -> str:
        return self.reason or f"merge conflict in {', '.join(self.files)}"


def open_repository(path: str) -> pygit2.Repository:
    """The repository at exactly `path` (bare, or a checkout). Raises NotFound, Forbidden."""
    place = Path(path).expanduser()
    try:
        return pygit2.Repository(str(place), RepositoryOpenFlag.NO_SEARCH)
    except pygit2.GitError as error:
        if "owned by" in str(error):
            raise Forbidden(
                f"the repository at {str(place)!r} belongs to another user",
                hint=f"if you trust it: git config --global --add safe.directory {place}",
            ) from error
        if not place.exists():
            raise NotFound(f"there is no folder {str(place)!r}", hint="check the path") from error
        parent = pygit2.discover_repository(str(place))
        inside = (
            f"it lies inside the repository {str(Path(parent).parent)!r}: give that path" if parent else ""
        )
        raise NotFound(
            f"{str(place)!r} is not a Git repository",
            hint=inside or f"give a repository's top folder, or make one: git init {place}",
        ) from error


def branch_sha(repo: pygit2.Repository, name: str) -> str | None:
    """Where the branch is, or None."""
    try:
        return str(repo.references[f"refs/heads/{name}"].peel(pygit2.Commit).id)
    except (KeyError, pygit2.InvalidSpecError):
        return None


def require_branch(repo: pygit2.Repository, name: str) -> str:
    """Where the branch is. Raises NotFound, naming the branches there are."""
    sha = branch_sha(repo, name)
    if sha is None:
        there = sorted(repo.branches.local)
        raise NotFound(
            f"there is no branch {name!r}",
            hint=f"branches: {', '.join(there[:10])}" if there else "the repository has no branch yet",
        )
    return sha


def default_branch(repo: pygit2.Repository, path: str) -> str:
    """The branch HEAD names, also in an empty repository, where it is not there yet.

    Raises Conflict for a HEAD that names no branch.
    """
    head = repo.references["HEAD"]
    if isinstance(head.target, str):
        name = head.target.removeprefix("refs/heads/")
        if branch_sha(repo, name) is not None or not list(repo.branches.local):
            return name
    for usual in ("main", "master"):
        if branch_sha(repo, usual) is not None:
            return usual
    raise Conflict(
        f"HEAD of {path!r} names no branch that exists",
        hint="check a branch out, or say which one to start from with --base",
    )


def require_commit(repo: pygit2.Repository, sha: str) -> pygit2.Commit:
    """The commit with that full id. Raises NotFound."""
    try:
        found = repo[sha]
    except (KeyError, ValueError) as error:
        raise NotFound(f"there is no commit {sha!r}") from error
    try:
        return found.peel(pygit2.Commit)
    except pygit2.GitError as error:
        raise NotFound(f"{sha!r} is not a commit") from error


def ensure_branch(repo: pygit2.Repository, name: str, sha: str) -> bool:
    """Create `name` at `sha`; True where it was created, False where it stood there. Raises Conflict."""
    existing = branch_sha(repo, name)
    if existing is None:
        require_commit(repo, sha)
        try:
            repo.references.create(f"refs/heads/{name}", sha, force=False)
        except (pygit2.AlreadyExistsError, pygit2.GitError, OSError) as error:
            existing = branch_sha(repo, name)
            if existing is None:  # e.g. `a` exists and `a/b` is asked for
                raise Conflict(f"the branch {name!r} cannot be created: {error}") from error
        except (pygit2.InvalidSpecError, ValueError) as error:
            raise PlatformError(f"{name!r} is not a valid branch name: {error}") from error
        else:
            return True
    if existing != sha:
        raise Conflict(
            f"the branch {name!r} exists at {existing[:12]}, not at {sha[:12]}",
            hint="delete or rename it, or submit again with another branch",
        )
    return False


def move_branch(repo: pygit2.Repository, name: str, old: str, new: str, log: str) -> None:
    """Compare-and-swap of the branch. Raises StaleHead where it is not at `old`."""
    try:
        reference = repo.references.get(f"refs/heads/{name}")
        if reference is not None and str(reference.target) == old:
            reference.set_target(new, log)
            return
    except pygit2.GitError as error:
        if "lock" in str(error):
            raise Transient(f"the branch {name!r} is locked by another Git process: {error}") from error
        if "does not match" not in str(error):
            raise PlatformError(f"the branch {name!r} cannot be moved: {error}") from error
    now = branch_sha(repo, name)
    raise StaleHead(f"the branch {name!r} is at {now and now[:12]}, not at {old[:12]}")


def delete_branch(repo: pygit2.Repository, name: str, expected: str) -> bool:
    """Delete it where it is at `expected`; False where it is absent. Raises StaleHead."""
    try:
        reference = repo.references[f"refs/heads/{name}"]
        if str(reference.target) == expected:
            reference.delete()
            return True
    except KeyError:
        return False
    except pygit2.GitError as error:
        if "does not match" not in str(error):
            raise PlatformError(f"the branch {name!r} cannot be deleted: {error}") from error
    now = branch_sha(repo, name)
    raise StaleHead(f"the branch {name!r} is at {now and now[:12]}, not at {expected[:12]}; it was kept")


def find_file(repo: pygit2.Repository, path: str, ref: str) -> str:
    """The id of the file's content at a branch, tag or commit; it need not be there. Raises NotFound."""
    try:
        commit = repo.revparse_single(ref).peel(pygit2.Commit)
        found = commit.tree[path]
    except (KeyError, ValueError, pygit2.GitError) as error:
        raise NotFound(f"there is no {path!r} at {ref!r}") from error
    if not isinstance(found, pygit2.Blob):
        raise NotFound(f"{path!r} at {ref!r} is a folder, not a file")
    return str(found.id)


def read_file(repo: pygit2.Repository, path: str, ref: str) -> bytes:
    """The file's bytes at a branch, tag or commit. Raises NotFound."""
    return repo[find_file(repo, path, ref)].peel(pygit2.Blob).data


def commit_changes(repo: pygit2.Repository, parent: str, changes: Iterable[FileChange], message: str) -> str:
    """A commit on top of `parent` with `changes` applied; no ref moves. Raises NotFound for a lost path."""
    index = pygit2.Index()
    index.read_tree(require_commit(repo, parent).tree)
    for change in changes:
        if change.kind is ChangeKind.DELETE:
            try:
                index.remove(change.path)
            except OSError as error:
                raise NotFound(f"{change.path!r} cannot be deleted: it is not in {parent[:12]}") from error
        else:
            blob = repo.create_blob(change.content)
            index.add(pygit2.IndexEntry(change.path, blob, FileMode(int(change.mode, 8))))
    return _commit(repo, str(index.write_tree(repo)), [parent], message)


def is_merged(repo: pygit2.Repository, base: str, head: str) -> bool:
    """Whether `head` is `base` or an ancestor of it."""
    return base == head or (head in repo and repo.descendant_of(base, head))


def merged_by(repo: pygit2.Repository, base: str, head: str) -> str:
    """The first-parent commit of `base` that brought `head` in; `base` where that lies too far back."""
    found = base
    walker = repo.walk(base, SortMode.TOPOLOGICAL)
    walker.simplify_first_parent()
    for count, commit in enumerate(walker):
        if count > _MERGE_SEARCH_LIMIT or not is_merged(repo, str(commit.id), head):
            break
        found = str(commit.id)
    return found


def merge(
    repo: pygit2.Repository, base: str, head: str, message: str, method: MergeMethod = "merge"
) -> str | Conflicting:
    """The commit that `base` becomes when `head` is merged into it; no ref moves."""
    if cast("object", repo.merge_base(base, head)) is None:  # the stubs leave None out
        return Conflicting((), f"{head[:12]} and {base[:12]} have no common history")
    if method == "rebase":
        return _rebase(repo, base, head)
    index = repo.merge_commits(base, head)
    if index.conflicts is not None:
        return Conflicting(_conflicting_files(index))
    parents = [base, head] if method == "merge" else [base]
    return _commit(repo, str(index.write_tree(repo)), parents, message)


def diff(repo: pygit2.Repository, base: str, head: str) -> str:
    """What `head` changed since it left `base`, as `git diff base...head` writes it."""
    ancestor = cast("pygit2.Oid | None", repo.merge_base(base, head))
    before = require_commit(repo, str(ancestor or base))
    found = repo.diff(before, require_commit(repo, head))
    assert isinstance(found, pygit2.Diff), "two commits were given"
    found.find_similar()
    return found.patch or ""


def _rebase(repo: pygit2.Repository, base: str, head: str) -> str | Conflicting:
    walker = repo.walk(head, SortMode.TOPOLOGICAL | SortMode.REVERSE)
    walker.hide(base)
    tip = base
    for commit in walker:
        if len(commit.parents) != 1:
            return Conflicting((), f"commit {str(commit.id)[:12]} is a merge and cannot be rebased")
        index = repo.merge_trees(commit.parents[0].tree, require_commit(repo, tip).tree, commit.tree)
        if index.conflicts is not None:
            return Conflicting(_conflicting_files(index))
        tree = index.write_tree(repo)
        tip = str(repo.create_commit(None, commit.author, _author(repo), commit.message, tree, [tip]))
    return tip


def _conflicting_files(index: pygit2.Index) -> tuple[str, ...]:
    assert index.conflicts is not None
    found: set[str] = set()
    for sides in cast("list[tuple[pygit2.IndexEntry | None, ...]]", index.conflicts):
        found.update(str(side.path) for side in sides if side is not None)
    return tuple(sorted(found))


def _commit(repo: pygit2.Repository, tree: str, parents: list[str], message: str) -> str:
    author = _author(repo)
    return str(repo.create_commit(None, author, author, message, tree, list(parents)))


def _author(repo: pygit2.Repository) -> pygit2.Signature:
    try:
        return repo.default_signature
    except (KeyError, pygit2.GitError):  # no user.name or user.email is configured
        return pygit2.Signature(*_FALLBACK_AUTHOR)

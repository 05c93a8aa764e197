"""What the parts of a repository share: who may do what, and where Git is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2

from tamma.errors import Conflict, Forbidden, NotFound
from tamma.model.repository import ChangeKind, FileChange
from tamma.platforms.git import objects as gitdb
from tests.support.forge.things import LEVELS, Item, Label, Level, Protection

if TYPE_CHECKING:
    from tests.support.forge.world import World


class RepoBase:
    """Identity, members, and Git. Methods raise errors of `tamma.errors`, which a face words as its own."""

    def __init__(self, world: World, owner: str, name: str, path: Path, *, private: bool = True) -> None:
        self.world = world
        self.id = world.new_id()
        self.owner = owner
        self.name = name
        self.path = path
        self.private = private
        self.members: dict[str, Level] = {
            world.bot: "write",
            "octo": "admin",
            "writer": "write",
            "reader": "read",
        }
        self.archived = False
        self.issues_enabled = True
        self.default_branch = "main"
        self.protected: dict[str, Protection] = {}
        self.labels: dict[str, Label] = {}
        self.forbidden: set[str] = set()
        """What the credentials may not read though they may the repository; a face knows the names."""

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def git(self) -> pygit2.Repository:
        return pygit2.Repository(str(self.path))

    @property
    def empty(self) -> bool:
        return not self.branches()  # libgit2's own word knows no first branch but master

    def level(self, login: str) -> Level:
        return self.members.get(login, "none")

    def allow(self, login: str, wanted: Level) -> None:
        """Whether the API may do this for them. Raises Forbidden."""
        if not self.world.acting:
            return
        if self.archived:
            raise Forbidden("the repository was archived: it is read-only")
        if LEVELS.index(self.level(login)) < LEVELS.index(wanted):
            raise Forbidden(f"{login} needs permission to {wanted}")

    def touch(self, item: Item) -> datetime:
        item.updated = self.world.now()
        item.version += 1
        return item.updated

    # --- branches and commits -----------------------------------------------------------------------------

    def branch(self, name: str) -> str | None:
        """Where it is."""
        return gitdb.branch_sha(self.git, name)

    def branches(self) -> dict[str, str]:
        git = self.git
        return {name: str(git.branches.local[name].target) for name in sorted(git.branches.local)}

    def create_branch(self, name: str, sha: str, by: str = "octo") -> None:
        """Raises Conflict where there is one, NotFound for the commit, PlatformError for the name."""
        self.allow(by, "write")
        if self.branch(name) is not None:
            raise Conflict(f"the branch {name!r} exists already")
        gitdb.ensure_branch(self.git, name, sha)
        self.world.did("branch")

    def move_branch(self, name: str, old: str, new: str, by: str = "octo", *, force: bool = False) -> None:
        """Raises NotFound, StaleHead, Forbidden (protected), Conflict (not a fast forward)."""
        self._allow_push(name, by)
        git = self.git
        if not force and not gitdb.is_merged(git, new, old):
            raise Conflict(f"moving {name!r} is not a fast forward")
        gitdb.move_branch(git, name, old, new, "moved")
        self.world.did("commit")

    def delete_branch(self, name: str, by: str = "octo", expected: str | None = None) -> None:
        """Raises NotFound, StaleHead, Forbidden (protected, or the default branch)."""
        self._allow_push(name, by)
        if name == self.default_branch:
            raise Forbidden(f"{name!r} is the default branch")
        now = gitdb.require_branch(self.git, name)
        gitdb.delete_branch(self.git, name, expected or now)
        self.world.did("branch_deleted")

    def commit(
        self,
        branch: str,
        changes: list[FileChange],
        message: str,
        by: str = "octo",
        *,
        parent: str | None = None,
        start: str | None = None,
    ) -> str:
        """One commit on `branch`. `parent`: what its head has to be. `start`: where a branch that is not
        there begins. Raises NotFound, StaleHead, Forbidden."""
        self._allow_push(branch, by)
        git = self.git
        head = self.branch(branch)
        if head is None and start is not None:
            gitdb.ensure_branch(git, branch, start)
            head = start
        old = parent or head or gitdb.require_branch(git, branch)
        made = gitdb.commit_changes(git, old, changes, message)
        gitdb.move_branch(git, branch, old, made, "commit")
        self.world.did("commit")
        return made

    def push(self, branch: str, path: str, content: bytes, message: str = "somebody's push") -> str:
        """Somebody's commit on a branch, which is made from the default one where it is not there."""
        if self.branch(branch) is None:
            gitdb.ensure_branch(self.git, branch, gitdb.require_branch(self.git, self.default_branch))
        return self.commit(branch, [FileChange(path, ChangeKind.WRITE, content)], message)

    def commit_of(self, ref: str) -> pygit2.Commit:
        """Of a branch, tag or full id. Raises NotFound."""
        git = self.git
        sha = self.branch(ref)
        try:
            return (git[sha] if sha else git.revparse_single(ref)).peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise NotFound(f"there is no commit {ref!r}") from error

    def file(self, path: str, ref: str) -> pygit2.Object:
        """The blob or the tree. Raises NotFound."""
        try:
            return self.commit_of(ref).tree[path]
        except KeyError as error:
            raise NotFound(f"there is no {path!r} at {ref!r}") from error

    def protect(self, branch: str, checks: tuple[str, ...] = (), approvals: int = 0) -> Protection:
        self.protected[branch] = Protection(checks, approvals)
        return self.protected[branch]

    def _allow_push(self, branch: str, by: str) -> None:
        self.allow(by, "write")
        if self.world.acting and branch in self.protected and self.level(by) != "admin":
            raise Forbidden(f"the branch {branch!r} is protected")

"""Files that are laid over a work tree from outside: hidden tests, a known solution, instructions.

The work may stand in the way on purpose: links that lead out, folders in place of files. So a patch is never
applied to the work tree. It is applied to the base in an index of its own, and what comes out is written file
by file, as an agent's own edits are.
"""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from tamma.errors import ConfigError, PathDenied
from tamma.workspace.git import Git, GitFailed
from tamma.workspace.layout import Layout
from tamma.workspace.paths import Tree
from tamma.workspace.policy import GITLINK_MODE, LINK_MODE
from tamma.workspace.rawdiff import RawDelta, parse_raw

INSTRUCTIONS = "AGENTS.md"
_INDEX = "overlay.index"
_EXECUTABLE = "100755"
_IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Tamma"), ("EMAIL", "tamma@localhost"), ("DATE", "@0 +0000"))
}
"""Fixed, so that every clone of the same base makes the same commit."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """What can be laid over one workspace."""

    layout: Layout
    base_sha: str

    async def lay(self, patch: str, files: Mapping[str, str]) -> tuple[str, ...]:
        """See `Workspace.overlay`."""
        tree = Tree(self.layout.tree)
        deltas = await self._patched(patch) if patch.strip() else []
        for delta in deltas:
            if delta.mode in (LINK_MODE, GITLINK_MODE):
                raise ConfigError(
                    f"the patch makes {delta.path!r} a link", hint="only files can be laid over"
                )
        for delta in deltas:
            await self._lay(tree, delta)
        for path, text in files.items():
            _write(tree, path, text.encode())
        return tuple(dict.fromkeys((*(delta.path for delta in deltas), *files)))

    async def _patched(self, patch: str) -> list[RawDelta]:
        git = Git(self.layout.git, self.layout.tree)
        index = {"GIT_INDEX_FILE": str(self.layout.folder / _INDEX)}
        text = patch if patch.endswith("\n") else patch + "\n"
        try:
            await git.run("read-tree", self.base_sha, env=index)
            await git.run("apply", "--cached", "--whitespace=nowarn", "-", env=index, stdin=text.encode())
            tree = (await git.run("write-tree", env=index)).text
        except GitFailed as error:
            said = error.result.stderr.strip()[-400:]
            raise ConfigError(
                f"the patch does not fit the commit {self.base_sha[:12]}: {said}",
                hint="the task's base commit or its patch is wrong",
            ) from error
        finally:
            (self.layout.folder / _INDEX).unlink(missing_ok=True)
        raw = await git.run(
            "diff-tree", "-r", "--raw", "-z", "--no-abbrev", "--no-renames", self.base_sha, tree
        )
        return list(parse_raw(raw.stdout))

    async def _lay(self, tree: Tree, delta: RawDelta) -> None:
        if delta.status == "D":
            with contextlib.suppress(FileNotFoundError):
                _remove(tree, delta.path)
            return
        git = Git(self.layout.git, self.layout.tree)
        content = (await git.run("cat-file", "blob", delta.blob)).stdout
        _write(tree, delta.path, content)
        if delta.mode == _EXECUTABLE:
            path = tree.real(delta.path)
            path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP)


def _write(tree: Tree, path: str, content: bytes) -> None:
    """Write the file that `path` names, not one that a link there leads to."""
    folder, _, name = path.rpartition("/")
    place = tree.real(folder or ".") / name
    if place.is_symlink():
        place.unlink()
    tree.write(path, content)


def _remove(tree: Tree, path: str) -> None:
    real = tree.real(path)
    if real.is_dir():
        raise PathDenied(f"a folder stands where {path!r} is to be removed")
    real.unlink()


async def seed(layout: Layout, branch: str, instructions: str) -> str:
    """Commit `instructions` as AGENTS.md onto a fresh clone's branch and check it out; the new commit."""
    git = Git(layout.git, layout.tree)
    head = await git.text("rev-parse", f"refs/heads/{branch}")
    blob = (await git.run("hash-object", "-w", "--stdin", stdin=instructions.encode())).text
    await git.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{INSTRUCTIONS}")
    tree = await git.text("write-tree")
    made = await git.run("commit-tree", tree, "-p", head, "-F", "-", env=_IDENTITY, stdin=b"Add AGENTS.md\n")
    await git.run("update-ref", f"refs/heads/{branch}", made.text, head)
    await git.check_out()
    return made.text

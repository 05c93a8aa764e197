"""Make a workspace's git directories: fetch into the trusted one, check out, show the sandbox a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

from tamma.errors import CloneFailed
from tamma.git.faults import find
from tamma.git.remote import Remote
from tamma.workspace.git import Git, GitFailed
from tamma.workspace.interface import Progress, WorkspaceSpec
from tamma.workspace.layout import Layout, write_atomically

_JUNK = """\
# By-products that are never part of a change, whether or not the repository ignores them.
__pycache__/
*.py[co]
.pytest_cache/
.mypy_cache/
.ruff_cache/
.hypothesis/
.tox/
.nox/
*.egg-info/
node_modules/
.DS_Store
"""


async def clone(layout: Layout, spec: WorkspaceSpec, progress: Progress) -> None:
    """Fill an empty workspace folder from the remote, with `base_sha` checked out on `branch`.

    Raises CloneFailed, `transient` where a second try may help.
    """
    git = Git(layout.git, layout.tree)
    remote = Remote.of(spec.clone_url, spec.credentials)
    for folder in (layout.tree, layout.home, layout.tmp, layout.shm):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        await git.run("init", "--quiet", "--template=", f"--initial-branch={spec.base_branch}")
        (layout.git / "info").mkdir(exist_ok=True)
        (layout.git / "info/exclude").write_text(_JUNK)
        await _fetch(git, spec, remote, progress)
        await git.run("update-ref", f"refs/heads/{spec.branch}", spec.base_sha)
        await git.run("symbolic-ref", "HEAD", f"refs/heads/{spec.branch}")
        await git.run("reset", "--hard", "--quiet", progress=progress)
    except GitFailed as error:
        raise _clone_failed(error, spec, remote) from error


async def _fetch(git: Git, spec: WorkspaceSpec, remote: Remote, progress: Progress) -> None:
    """The base branch with its tags (versions come from them), and `base_sha` where that is elsewhere."""
    tracking = f"+refs/heads/{spec.base_branch}:refs/remotes/origin/{spec.base_branch}"
    fetch = ("fetch", "--quiet", "--no-auto-gc", "--no-write-fetch-head")
    await git.run(*fetch, "--", remote.url, tracking, remote=remote, progress=progress)
    known = await git.run("cat-file", "-e", f"{spec.base_sha}^{{commit}}", check=False)
    if known.code != 0:
        await git.run(*fetch, "--", remote.url, spec.base_sha, remote=remote, progress=progress)


def _clone_failed(error: GitFailed, spec: WorkspaceSpec, remote: Remote) -> CloneFailed:
    finding = find(error.result.stderr, remote)
    where = f"{remote.url!r} (branch {spec.base_branch!r}, commit {spec.base_sha[:12]})"
    said = finding.said or f"exit code {error.result.code}"
    return CloneFailed(
        f"cannot clone {where}: git {error.action}: {said}", hint=finding.hint, transient=finding.passing
    )


def write_view(layout: Layout, *, moves_paths: bool) -> None:
    """Make or renew the copy of the metadata that the sandbox sees as `.git`.

    It has its own config, refs and index; objects are borrowed. Where mounts move paths, it is mounted
    read-only over an empty `tree/.git`; otherwise `tree/.git` is a file that points to it. Nothing reads it
    back: git and libgit2 are always given the trusted directories by name.
    """
    view, git = layout.view, layout.git
    for folder in ("objects/info", "refs/heads"):
        (view / folder).mkdir(parents=True, exist_ok=True)
    write_atomically(view / "HEAD", (git / "HEAD").read_bytes())
    write_atomically(view / "packed-refs", _packed_refs(git).encode())
    shutil.copyfile(git / "index", view / "index")
    worktree = "" if moves_paths else f"\tworktree = {layout.tree}\n"
    write_atomically(
        view / "config", f"[core]\n\trepositoryformatversion = 0\n\tbare = false\n{worktree}".encode()
    )
    (view / "info").mkdir(exist_ok=True)
    shutil.copyfile(git / "info/exclude", view / "info/exclude")
    pointer = layout.tree / ".git"
    if moves_paths:
        if not pointer.is_dir() or pointer.is_symlink():
            pointer.unlink(missing_ok=True)
            pointer.mkdir()
    else:
        write_atomically(view / "objects/info/alternates", f"{git / 'objects'}\n".encode())
        if pointer.is_dir() and not pointer.is_symlink():
            shutil.rmtree(pointer)
        write_atomically(pointer, f"gitdir: {view}\n".encode())


def _packed_refs(git: Path) -> str:
    """Branches, remote branches and tags of the trusted directory; our own refs/tamma stay hidden."""
    import pygit2

    repo = pygit2.Repository(str(git))
    shown = ("refs/heads/", "refs/tags/", "refs/remotes/")
    names = sorted(name for name in repo.listall_references() if name.startswith(shown))
    lines = [f"{repo.lookup_reference(name).target} {name}\n" for name in names]
    return "".join(["# pack-refs with: sorted \n", *lines])

"""Make a workspace's git directories: fetch into the trusted one, check out, show the sandbox a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

from tamma.errors import CloneFailed
from tamma.git.fault_table import Fault
from tamma.git.faults import find
from tamma.git.remote import Remote
from tamma.workspace import history
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
    remote = Remote.of(spec.clone_url, spec.credentials)
    partial = remote.transport in {"https", "http", "ssh"}
    try:
        try:
            await _fill(layout, spec, remote, progress, partial=partial)
        except GitFailed as error:
            if not partial or find(error.result.stderr, remote).fault is not Fault.LEFT_OUT:
                raise
            # A server that leaves contents out, and does not give them by their name afterwards.
            progress("the server cannot serve a partial clone: cloning all of it")
            await _fill(layout, spec, remote, progress, partial=False)
    except GitFailed as error:
        raise _clone_failed(error, spec, remote) from error


async def _fill(
    layout: Layout, spec: WorkspaceSpec, remote: Remote, progress: Progress, *, partial: bool
) -> None:
    git = Git(layout.git, layout.tree)
    shutil.rmtree(layout.git, ignore_errors=True)
    for folder in (layout.tree, layout.home, layout.tmp, layout.shm):
        folder.mkdir(parents=True, exist_ok=True)
    await git.run("init", "--quiet", "--template=", f"--initial-branch={spec.base_branch}")
    (layout.git / "info").mkdir(exist_ok=True)
    (layout.git / "info/exclude").write_text(_JUNK)
    if partial:
        await history.expect_partial(git, remote)
    await _fetch(git, spec, remote, history.ORIGIN if partial else remote.url, progress)
    await git.run("update-ref", f"refs/heads/{spec.branch}", spec.base_sha)
    await git.run("symbolic-ref", "HEAD", f"refs/heads/{spec.branch}")
    if partial:
        await history.check_out(layout, git, spec.base_sha, remote, progress)
    else:
        await git.check_out(progress=progress)


async def _fetch(git: Git, spec: WorkspaceSpec, remote: Remote, source: str, progress: Progress) -> None:
    """The base branch with its tags (versions come from them), and `base_sha` where that is elsewhere.

    Of the base alone git fetches the tags that point to what is fetched, which is the same for versions.
    """
    wanted = spec.base_sha if spec.base_only else f"refs/heads/{spec.base_branch}"
    tracking = f"+{wanted}:refs/remotes/origin/{spec.base_branch}"
    fetch = ("fetch", "--quiet", "--no-auto-gc", "--no-write-fetch-head")
    await git.run(*fetch, "--", source, tracking, remote=remote, progress=progress)
    known = await git.run("cat-file", "-e", f"{spec.base_sha}^{{commit}}", check=False)
    if known.code != 0:
        await git.run(*fetch, "--", source, spec.base_sha, remote=remote, progress=progress)


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
    config = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
    if not moves_paths:
        config += f"\tworktree = {layout.tree}\n"
    if history.is_partial(git):
        config += history.view_settings()
    write_atomically(view / "config", config.encode())
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

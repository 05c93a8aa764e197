"""Partial clones: all commits, all trees, and of the contents those that are needed.

A workspace wants the whole history (`git log`, versions from tags), but hardly any older version of a file.
So contents are left out of the clone (`--filter=blob:none`) and come in two batches: what the base commit
has, by the checkout, and what the newest commits changed, for `git log -p`, `git show` and `git blame`.
Nothing else is ever fetched by itself: git without a remote cannot, see `tamma.git.environment`, and the
sandbox's git says that older contents are not in this clone.

The settings are written by us and not by `git clone --filter`, which raises the repository's format, in some
versions to one that libgit2 does not open.
"""

from __future__ import annotations

from pathlib import Path

from tamma.git.remote import Remote
from tamma.workspace.git import Git
from tamma.workspace.interface import Progress
from tamma.workspace.layout import Layout

ORIGIN = "origin"
_COMMITS = 1000
_BYTES = 16_000_000
"""What the contents of recent commits may come to, estimated by the base commit's."""
_MOST = 20_000
_NOT_HERE = "older-contents-are-not-in-this-clone"
NOTE = (
    "of the history all commits are here, but contents only of recent ones: where git says"
    f" {_NOT_HERE!r}, there is no way to see them"
)
"""For whoever works in such a clone."""


async def expect_partial(git: Git, remote: Remote) -> None:
    """Say in the repository's configuration that objects may be missing, and who has them."""
    for key, value in (("url", remote.url), ("promisor", "true"), ("partialclonefilter", "blob:none")):
        await git.run("config", f"remote.{ORIGIN}.{key}", value)


def is_partial(git_dir: Path) -> bool:
    """Whether objects may be missing: a pack of such a clone is marked."""
    return any((git_dir / "objects/pack").glob("*.promisor"))


def view_settings() -> str:
    """Configuration for a git that can reach nobody: it says at once what is wrong, and asks no network."""
    return (
        f'[protocol "{_NOT_HERE}"]\n\tallow = never\n'
        f'[remote "{ORIGIN}"]\n\turl = {_NOT_HERE}://\n\tpromisor = true\n\tpartialclonefilter = blob:none\n'
    )


async def check_out(layout: Layout, git: Git, base_sha: str, remote: Remote, progress: Progress) -> None:
    """Check the base commit out of a partial clone, and bring the contents of recent commits."""
    packs = layout.git / "objects/pack"
    before = _packed_bytes(packs)
    await git.check_out(remote=remote, progress=progress)
    fetched = _packed_bytes(packs) - before
    changed = await git.run(
        "log", f"--max-count={_COMMITS}", "--format=", "--raw", "--no-renames", "--no-abbrev", base_sha
    )
    missing = _missing(layout.git, changed.stdout.decode("utf-8", "replace"))
    files = len((await git.run("ls-files", "-z")).stdout.split(b"\0"))
    if wanted := missing[: affordable(fetched, files)]:
        progress(f"fetching {len(wanted)} earlier versions of files")
        await _bring(git, wanted, remote, progress)


async def bring_changed(git: Git, old: str, new: str, remote: Remote, progress: Progress) -> None:
    """Bring the contents that a partial clone lacks of what two commits have differently."""
    changed = await git.run("diff-tree", "-r", "--raw", "--no-renames", "--no-abbrev", old, new)
    if wanted := _missing(git.git_dir, changed.stdout.decode("utf-8", "replace")):
        progress(f"fetching {len(wanted)} changed files")
        await _bring(git, wanted, remote, progress)


async def _bring(git: Git, wanted: list[str], remote: Remote, progress: Progress) -> None:
    await git.run(
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--stdin", ORIGIN,
        remote=remote, stdin="".join(f"{sha}\n" for sha in wanted).encode(), progress=progress,
        settings=("fetch.negotiationAlgorithm=noop",),  # what we have says nothing about what we want
    )  # fmt: skip


def affordable(fetched: int, files: int) -> int:
    """How many earlier versions to fetch, when the base commit's `files` took `fetched` bytes.

    An earlier version mostly takes less, for it is packed as a difference.
    """
    average = fetched / max(files, 1)
    return _MOST if average * _MOST <= _BYTES else int(_BYTES / average)


def changed_blobs(raw: str) -> list[str]:
    """The contents on both sides of `git log --raw`, newest first, each once; without submodules."""
    found: dict[str, None] = {}
    for line in raw.splitlines():
        if not line.startswith(":"):
            continue
        old_mode, mode, old, new = line[1:].split(" ")[:4]
        for sha, its_mode in ((new, mode), (old, old_mode)):
            if its_mode not in {"160000", "000000"}:
                found[sha] = None
    return list(found)


def _missing(git_dir: Path, raw: str) -> list[str]:
    import pygit2

    # libgit2 knows no promises: to it, what is not here is not here.
    repository = pygit2.Repository(str(git_dir))
    return [sha for sha in changed_blobs(raw) if sha not in repository]


def _packed_bytes(packs: Path) -> int:
    return sum(pack.stat().st_size for pack in packs.glob("*.pack"))

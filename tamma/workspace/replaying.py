"""The published change on its base branch as it is now: fetched, merged, laid out in the work tree.

It begins from what was published and not from the work tree, so that it may be done again at any time: after
a crash, or where a first solution of its conflicts came to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from tamma.git.faults import find
from tamma.git.remote import Remote
from tamma.workspace import history
from tamma.workspace.expecting import Content, Expected, content, content_before, marked_file
from tamma.workspace.git import Git, GitFailed
from tamma.workspace.interface import Progress
from tamma.workspace.mixing import Mixture, mix
from tamma.workspace.rawdiff import RawDelta, parse_raw

_PUBLISHED = "refs/tamma/published"
_RAW = ("-r", "--raw", "-z", "--no-abbrev", "--no-renames")
_COMMITS = 20
_IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Tamma"), ("EMAIL", "tamma@localhost"), ("DATE", "@0 +0000"))
}


@dataclass(frozen=True, slots=True)
class Branches:
    """What is put onto what."""

    base_branch: str
    branch: str
    published: str
    base_sha: str
    """What the published change was made on."""


@dataclass(frozen=True, slots=True)
class Heads:
    """Where the remote's branches are; empty where there is none."""

    base: str
    branch: str


async def heads(git: Git, given: Branches, remote: Remote) -> Heads:
    """Ask the remote. Raises what `tamma.git.faults` makes of a failure."""
    refs = (f"refs/heads/{given.base_branch}", f"refs/heads/{given.branch}")
    try:
        listed = await git.run("ls-remote", "--", remote.url, *refs, remote=remote)
    except GitFailed as error:
        what = f"where the branches {given.base_branch!r} and {given.branch!r} are cannot be asked"
        raise find(error.result.stderr, remote).error(what) from error
    found = {name: sha for sha, _, name in (line.partition("\t") for line in listed.text.splitlines())}
    return Heads(found.get(refs[0], ""), found.get(refs[1], ""))


async def fetch(git: Git, given: Branches, base: str, remote: Remote, progress: Progress) -> None:
    """Bring the base branch's commit `base`, and the published one where this clone was made after it."""
    partial = history.is_partial(git.git_dir)
    source = history.ORIGIN if partial else remote.url
    wanted = [f"+refs/heads/{given.base_branch}:refs/remotes/origin/{given.base_branch}"]
    if not await _has(git, given.published):
        wanted.append(f"+refs/heads/{given.branch}:{_PUBLISHED}")
    command = ("fetch", "--quiet", "--no-auto-gc", "--no-write-fetch-head", "--", source)
    try:
        await git.run(*command, *wanted, remote=remote, progress=progress)
        if not await _has(git, base):  # moved on since it was asked for, and not forwards
            await git.run(*command, base, remote=remote, progress=progress)
        if partial:
            await history.bring_changed(git, given.base_sha, base, remote, progress)
            await history.bring_changed(git, given.base_sha, given.published, remote, progress)
    except GitFailed as error:
        what = f"the branch {given.base_branch!r} cannot be fetched"
        raise find(error.result.stderr, remote).error(what) from error


async def lay_out(git: Git, branch: str, base: str, mixture: Mixture) -> None:
    """Make the work tree the mixture's, with the branch at `base`. Ignored files stay. Raises GitFailed."""
    made = await git.run("commit-tree", mixture.tree, "-p", base, "-m", "replay", env=_IDENTITY)
    await git.run("clean", "-ffdq")
    # Checked out as a commit, so that line ends and encodings come as attributes say; then only the work tree
    # is ahead of the base.
    await git.run("update-ref", f"refs/heads/{branch}", made.text)
    await git.check_out()
    await git.run("reset", "--soft", base)


async def expectation(git: Git, given: Branches, base: str, mixture: Mixture) -> Expected:
    """What a solution of the mixture's conflicts is held against."""
    moved = await _deltas(git, given.base_sha, base)
    merged = await _deltas(git, base, mixture.tree)
    before = {delta.path: content_before(delta) for delta in moved}
    marked = {
        path: marked_file(
            await _text(git, given.base_sha, path),
            await _text(git, base, path),
            await _text(git, given.published, path),
            text,
        )
        for path, text in mixture.marked.items()
    }
    by_itself: dict[str, Content] = {d.path: content(d) for d in merged if d.path not in mixture.marked}
    return Expected(given.base_branch, by_itself, before, marked, bool(mixture.whole))


async def mixture_of(git: Git, given: Branches, base: str) -> Mixture:
    """The published change, as one, on `base`."""
    return await mix(git, given.base_sha, base, given.published, given.base_branch)


async def subjects(git: Git, given: Branches, base: str, paths: tuple[str, ...]) -> tuple[str, ...]:
    """What the base's newest commits to these files say, newest first."""
    if not paths:
        return ()
    span = f"{given.base_sha}..{base}"
    log = await git.run("log", f"--max-count={_COMMITS}", "--format=%h %s", span, "--", *paths, check=False)
    return tuple(log.text.splitlines())


async def _has(git: Git, commit: str) -> bool:
    return (await git.run("cat-file", "-e", f"{commit}^{{commit}}", check=False)).code == 0


async def _deltas(git: Git, old: str, new: str) -> list[RawDelta]:
    return parse_raw((await git.run("diff-tree", *_RAW, old, new)).stdout)


async def _text(git: Git, commit: str, path: str) -> str:
    """A file's text at a commit; empty where it is not there."""
    found = await git.run("cat-file", "blob", f"{commit}:{path}", check=False)
    return found.stdout.decode("utf-8", "replace") if found.code == 0 else ""

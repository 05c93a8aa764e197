"""Merging into a repository that somebody works in: all of it or nothing, also when killed half-way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tamma.errors import Conflict, NotFound, StaleHead, Transient
from tamma.model.repository import MergeOutcome, MergeResult, RepoRef
from tamma.platforms.interface import PlatformSettings
from tamma.platforms.plain.platform import PlainGit
from tests.platforms.harness import git, make_checkout

BRANCH = "tamma/1-fix"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """main is checked out; the branch changes, adds and deletes files and changes a mode."""
    path = make_checkout(tmp_path / "work", {"app.py": "old\n", "gone.txt": "x\n", "run": "#!/bin/sh\n"})
    (path / ".gitignore").write_text("*.cache\n")
    git("add", ".", cwd=path)
    git("commit", "-q", "-m", "ignore", cwd=path)
    git("checkout", "-q", "-b", BRANCH, cwd=path)
    (path / "app.py").write_text("new\n")
    (path / "deep" / "er").mkdir(parents=True)
    (path / "deep" / "er" / "täst.py").write_text("assert True\n")
    (path / "run").chmod(0o755)
    git("rm", "-q", "gone.txt", cwd=path)
    git("add", ".", cwd=path)
    git("commit", "-q", "-m", "fix", cwd=path)
    git("checkout", "-q", "main", cwd=path)
    return path


def head_of(path: Path, name: str = BRANCH) -> str:
    return git("rev-parse", f"refs/heads/{name}", cwd=path)


async def merge(path: Path, message: str = "Merge the fix") -> MergeResult:
    platform = PlainGit(PlatformSettings("git", "plain-git"))
    ref = RepoRef("git", "", str(path))
    return await platform.merge_branch(ref, BRANCH, "main", head_of(path), message)


def assert_arrived(path: Path) -> None:
    assert git("status", "--porcelain", cwd=path) == ""
    assert (path / "app.py").read_text() == "new\n"
    assert (path / "deep" / "er" / "täst.py").exists()
    assert not (path / "gone.txt").exists()
    assert os.access(path / "run", os.X_OK)
    left = [p.name for p in (path / ".git").iterdir() if "tamma" in p.name or p.name == "index.lock"]
    assert left == ["tamma-merge.lock"]


async def test_a_clean_checkout_follows_a_fast_forward(checkout: Path) -> None:
    (checkout / "notes.cache").write_text("ignored, mine")
    (checkout / "todo.md").write_text("untracked, mine")
    result = await merge(checkout)
    assert result == MergeResult(MergeOutcome.MERGED, head_of(checkout))
    assert (checkout / "notes.cache").read_text() == "ignored, mine"
    (checkout / "todo.md").unlink()
    assert_arrived(checkout)
    assert await merge(checkout) == result


async def test_a_moved_base_gets_a_merge_commit(checkout: Path) -> None:
    (checkout / "other.txt").write_text("meanwhile\n")
    git("add", ".", cwd=checkout)
    git("commit", "-q", "-m", "meanwhile", cwd=checkout)
    result = await merge(checkout, "Merge it\n\nwith words")
    assert result.outcome is MergeOutcome.MERGED
    assert git("log", "-1", "--format=%B%P", "main", cwd=checkout).startswith("Merge it\n\nwith words")
    assert len(git("log", "-1", "--format=%P", "main", cwd=checkout).split()) == 2
    assert_arrived(checkout)
    (checkout / "later.txt").write_text("later\n")
    git("add", ".", cwd=checkout)
    git("commit", "-q", "-m", "later", cwd=checkout)
    assert await merge(checkout) == result  # the merge is named, not what came after it


@pytest.mark.parametrize("stage", [False, True])
async def test_a_dirty_checkout_is_left_alone(checkout: Path, stage: bool) -> None:
    (checkout / "run").write_text("my own work\n")
    if stage:
        git("add", "run", cwd=checkout)
    before, index = head_of(checkout, "main"), git("ls-files", "-s", cwd=checkout)
    result = await merge(checkout)
    assert result.outcome is MergeOutcome.REFUSED
    assert "run" in result.reason
    assert BRANCH in result.reason
    assert head_of(checkout, "main") == before
    assert git("ls-files", "-s", cwd=checkout) == index
    assert (checkout / "run").read_text() == "my own work\n"
    assert (checkout / "app.py").read_text() == "old\n"


@pytest.mark.parametrize("blocker", ["deep", "deep/er", "deep/er/täst.py", "deep/er/täst.py/x.cache"])
async def test_an_untracked_file_in_the_way_refuses_before_anything_moves(
    checkout: Path, blocker: str
) -> None:
    (checkout / blocker).parent.mkdir(parents=True, exist_ok=True)
    (checkout / blocker).write_text("precious")
    before = head_of(checkout, "main")
    result = await merge(checkout)
    assert result.outcome is MergeOutcome.REFUSED
    assert blocker in result.reason
    assert head_of(checkout, "main") == before
    assert (checkout / blocker).read_text() == "precious"
    assert (checkout / "app.py").read_text() == "old\n"


async def test_an_ignored_file_in_the_way_is_kept_too(checkout: Path) -> None:
    (checkout / ".git" / "info" / "exclude").write_text("deep\n")
    (checkout / "deep" / "er").mkdir(parents=True)
    (checkout / "deep" / "er" / "täst.py").write_text("precious")
    assert (await merge(checkout)).outcome is MergeOutcome.REFUSED
    assert (checkout / "deep" / "er" / "täst.py").read_text() == "precious"


async def test_a_conflict_names_its_files(checkout: Path) -> None:
    (checkout / "app.py").write_text("theirs\n")
    git("commit", "-q", "-a", "-m", "theirs", cwd=checkout)
    before = head_of(checkout, "main")
    result = await merge(checkout)
    assert result.outcome is MergeOutcome.REFUSED
    assert "app.py" in result.reason
    assert head_of(checkout, "main") == before
    assert git("status", "--porcelain", cwd=checkout) == ""


async def test_a_branch_that_moved_is_stale(checkout: Path) -> None:
    platform, ref = PlainGit(PlatformSettings("git", "plain-git")), RepoRef("git", "", str(checkout))
    with pytest.raises(StaleHead):
        await platform.merge_branch(ref, BRANCH, "main", "1" * 40, "m")
    with pytest.raises(NotFound):
        await platform.merge_branch(ref, "no/such", "main", head_of(checkout), "m")


async def test_a_linked_work_tree_is_brought_along(checkout: Path, tmp_path: Path) -> None:
    git("checkout", "-q", "--detach", cwd=checkout)
    git("worktree", "add", "-q", str(tmp_path / "linked"), "main", cwd=checkout)
    assert (await merge(checkout)).outcome is MergeOutcome.MERGED
    assert git("status", "--porcelain", cwd=tmp_path / "linked") == ""
    assert (tmp_path / "linked" / "app.py").read_text() == "new\n"
    assert (checkout / "app.py").read_text() == "old\n"


async def test_line_endings_follow_the_repositorys_attributes(tmp_path: Path) -> None:
    path = make_checkout(tmp_path / "w", {".gitattributes": "*.txt text eol=crlf\n", "a.txt": "one\n"})
    git("checkout", "-q", "-b", BRANCH, cwd=path)
    (path / "a.txt").write_text("two\n")
    git("commit", "-q", "-a", "-m", "two", cwd=path)
    git("checkout", "-q", "main", cwd=path)
    assert (await merge(path)).outcome is MergeOutcome.MERGED
    assert (path / "a.txt").read_bytes() == b"two\r\n"
    assert git("status", "--porcelain", cwd=path) == ""


# --- killed half-way ------------------------------------------------------------------------------------

KILLED = """
import asyncio, os, signal, sys
from tamma.model.repository import RepoRef
from tamma.platforms.plain import checkout
from tamma.platforms.interface import PlatformSettings
from tamma.platforms.plain.platform import PlainGit
import tamma.platforms.plain.local as local_git

path, branch, head, where = sys.argv[1:]

def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

if where == "before the branch moves":
    local_git.gitdb.move_branch = die
elif where == "before the files follow":
    checkout.Checkout.follow = die
elif where == "with the index locked":
    checkout.shutil.copyfile = die
elif where == "before the index is written":
    real = checkout.Path.replace
    checkout.Path.replace = lambda self, to: die() if str(to).endswith("index") else real(self, to)
elif where == "before the journal is removed":
    checkout.Checkout.end = die
ref = RepoRef("git", "", path)
platform = PlainGit(PlatformSettings("git", "plain-git"))
asyncio.run(platform.merge_branch(ref, branch, "main", head, "Merge the fix"))
"""
POINTS = [
    "before the branch moves",
    "before the files follow",
    "with the index locked",
    "before the index is written",
    "before the journal is removed",
]


def kill_at(path: Path, point: str) -> None:
    command = [sys.executable, "-c", KILLED, str(path), BRANCH, head_of(path), point]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("point", POINTS)
async def test_a_killed_merge_is_finished_by_the_next_call(checkout: Path, point: str) -> None:
    kill_at(checkout, point)
    result = await merge(checkout)
    assert result == MergeResult(MergeOutcome.MERGED, head_of(checkout))
    assert_arrived(checkout)


async def test_half_written_files_are_finished(checkout: Path) -> None:
    kill_at(checkout, "before the files follow")
    (checkout / "app.py").write_text("ne")  # a piece of the new content
    (checkout / "gone.txt").unlink()
    assert (await merge(checkout)).outcome is MergeOutcome.MERGED
    assert_arrived(checkout)


async def test_a_file_edited_after_the_kill_is_never_touched(checkout: Path) -> None:
    kill_at(checkout, "before the files follow")
    (checkout / "app.py").write_text("my own work")
    with pytest.raises(Conflict) as caught:
        await merge(checkout)
    assert "app.py" in caught.value.message
    assert caught.value.hint
    assert (checkout / "app.py").read_text() == "my own work"


async def test_a_person_who_went_on_after_the_kill_is_not_disturbed(checkout: Path) -> None:
    kill_at(checkout, "before the branch moves")
    (checkout / "run").write_text("committed meanwhile\n")
    git("commit", "-q", "-a", "-m", "meanwhile", cwd=checkout)
    assert (await merge(checkout)).outcome is MergeOutcome.MERGED
    assert (checkout / "run").read_text() == "committed meanwhile\n"
    assert git("status", "--porcelain", cwd=checkout) == ""


async def test_another_gits_lock_is_respected(checkout: Path) -> None:
    (checkout / ".git" / "index.lock").touch()
    with pytest.raises(Transient):
        await merge(checkout)
    assert (checkout / ".git" / "index.lock").exists()
    (checkout / ".git" / "index.lock").unlink()
    assert (await merge(checkout)).outcome is MergeOutcome.MERGED
    assert_arrived(checkout)


async def test_the_journal_says_what_is_under_way(checkout: Path) -> None:
    kill_at(checkout, "before the files follow")
    journal = json.loads((checkout / ".git" / "tamma-merge.json").read_text())
    assert journal["branch"] == "main"
    assert journal["new"] == head_of(checkout) == head_of(checkout, "main")

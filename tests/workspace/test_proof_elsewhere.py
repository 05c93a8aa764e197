"""The tests that showed the problem, after the change was put onto another base."""

from __future__ import annotations

from pathlib import Path

from tamma.workspace.git import Git
from tamma.workspace.proof import judge_tests
from tamma.workspace.rawdiff import parse_raw
from tests.support.loop import git

OLD = "def test_old():\n    assert size() == 1\n"
OURS = "def test_ours():\n    assert mean() == 3\n"


def commit(folder: Path, text: str) -> str:
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "tests" / "test_it.py").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "a commit")
    return git(folder, "rev-parse", "HEAD")


async def judged(folder: Path, base: str, shown: str, shown_on: str) -> list[str]:
    work = Git(folder / ".git", folder)
    raw = await work.run("diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", base)
    files = {"tests/test_it.py": shown}
    return [found.detail for found in judge_tests(work, base, parse_raw(raw.stdout), files, shown_on)]


async def test_what_the_base_changed_of_its_own_tests_is_not_the_agents_doing(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    before = commit(tmp_path, OLD)
    moved = OLD.replace("== 1", "== 2")
    base = commit(tmp_path, moved)
    (tmp_path / "tests" / "test_it.py").write_text(moved + "\n\n" + OURS)
    git(tmp_path, "add", "-A")

    shown = OLD + "\n\n" + OURS
    assert await judged(tmp_path, base, shown, before) == []
    assert await judged(tmp_path, base, shown, "f" * 40) != [], "a commit that is not there tells nothing"

    (tmp_path / "tests" / "test_it.py").write_text(moved + "\n\n" + OURS.replace("3", "4"))
    git(tmp_path, "add", "-A")
    assert any("test_ours" in told for told in await judged(tmp_path, base, shown, before))

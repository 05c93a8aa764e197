"""Workspaces of trials: nothing that came after the base, and files laid over the work from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamma.errors import ConfigError, PathDenied
from tamma.workspace.local import LocalWorkspaces
from tests.workspace.conftest import Origin, git, quiet, tree_of, write

LATER = "the solution, which nobody may read"
PATCH = """\
diff --git a/README.md b/README.md
deleted file mode 100644
--- a/README.md
+++ /dev/null
@@ -1 +0,0 @@
-calc
diff --git a/tests/test_new.py b/tests/test_new.py
new file mode 100755
--- /dev/null
+++ b/tests/test_new.py
@@ -0,0 +1 @@
+assert True
"""


@pytest.fixture
def bounded(tmp_path: Path) -> tuple[Origin, str]:
    """A repository that went on after the base, in every way there is; and the base."""
    folder = tmp_path / "bounded"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    write(folder, {"README.md": "calc\n", "calc.py": "x = 1\n"})
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    git(folder, "tag", "v1")
    base = git(folder, "rev-parse", "HEAD")
    write(folder, {"calc.py": f"x = 2  # {LATER}\n"})
    git(folder, "commit", "-qam", LATER)
    git(folder, "tag", "-m", LATER, "v2")
    git(folder, "branch", "solution")
    return Origin(folder), base


async def test_what_came_after_the_base_cannot_be_read(
    workspaces: LocalWorkspaces, bounded: tuple[Origin, str]
) -> None:
    origin, base = bounded
    spec = origin.spec(base_sha=base, base_branch="base", base_only=True)
    await workspaces.prepare(spec, quiet)
    workspace = await workspaces.open(spec.id)
    look = f"git cat-file -e {origin.sha} && echo FOUND; git log --all --format=%H%d; git tag"
    look += f"; ls {origin.path} && echo HOST"
    seen = await workspace.run(look, timeout=30, progress=quiet)
    assert base in seen.output
    assert "FOUND" not in seen.output
    assert origin.sha not in seen.output
    assert "v1" in seen.output
    assert "v2" not in seen.output
    assert "HOST" not in seen.output
    folder = tree_of(workspaces, spec.id).parent
    listed = git(folder / "git", "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
    came = git(origin.path, "rev-list", "--objects", "main", "v2", f"^{base}")
    later = {line.split()[0] for line in came.split("\n")}
    assert base in listed
    assert len(later) >= 4
    assert later.isdisjoint(listed)
    borrowed = [path.read_text() for path in folder.rglob("alternates")]
    assert str(origin.path) not in "".join(borrowed)


async def test_a_trials_work_travels_to_another_workspace(
    workspaces: LocalWorkspaces, bounded: tuple[Origin, str]
) -> None:
    origin, base = bounded
    spec = origin.spec(base_sha=base, base_branch="base", base_only=True, instructions="Be brief.\n")
    info = await workspaces.prepare(spec, quiet)
    assert info.base_sha != base
    assert await workspaces.prepare(spec, quiet) == info  # found again, not made anew
    workspace = await workspaces.open(spec.id)
    assert await workspace.read_text("AGENTS.md", 100) == "Be brief.\n"
    write(tree_of(workspaces, spec.id), {"calc.py": "x = 3\n"})
    assert [item.path for item in (await workspace.diff()).files] == ["calc.py"]
    checkpoint = await workspace.checkpoint()
    copy = origin.spec(
        "copy",
        base_sha=base,
        base_branch="base",
        base_only=True,
        instructions="Be brief.\n",
        checkpoint=checkpoint,
    )
    await workspaces.prepare(copy, quiet)
    copied = await workspaces.open("copy")
    assert [item.path for item in (await copied.diff()).files] == ["calc.py"]
    assert await copied.read_text("calc.py", 100) == "x = 3\n"


async def test_files_are_laid_over_whatever_the_work_made_of_them(
    workspaces: LocalWorkspaces, bounded: tuple[Origin, str], tmp_path: Path
) -> None:
    origin, base = bounded
    spec = origin.spec(base_sha=base, base_branch="base", base_only=True)
    await workspaces.prepare(spec, quiet)
    workspace, tree = await workspaces.open(spec.id), tree_of(workspaces, spec.id)
    outside = tmp_path / "outside.txt"
    outside.write_text("canary")
    write(tree, {"README.md": "rewritten\n", "calc.py": "x = 3\n"})
    (tree / "tests").mkdir()
    (tree / "tests/test_new.py").symlink_to(outside)
    (tree / "more.py").symlink_to("calc.py")
    laid = await workspace.overlay(PATCH, {"more.py": "y = 1\n"})
    assert laid == ("README.md", "tests/test_new.py", "more.py")
    assert not (tree / "README.md").exists()
    assert (tree / "tests/test_new.py").read_text() == "assert True\n"
    assert (tree / "tests/test_new.py").stat().st_mode & 0o100
    assert (tree / "calc.py").read_text() == "x = 3\n"
    assert (tree / "more.py").read_text() == "y = 1\n"
    assert outside.read_text() == "canary"


async def test_work_that_stands_in_the_way_is_refused(
    workspaces: LocalWorkspaces, bounded: tuple[Origin, str], tmp_path: Path
) -> None:
    origin, base = bounded
    spec = origin.spec(base_sha=base, base_branch="base", base_only=True)
    await workspaces.prepare(spec, quiet)
    workspace, tree = await workspaces.open(spec.id), tree_of(workspaces, spec.id)
    (tmp_path / "outside").mkdir()
    (tree / "tests").symlink_to(tmp_path / "outside")
    with pytest.raises(PathDenied):
        await workspace.overlay(PATCH, {})
    assert not list((tmp_path / "outside").iterdir())
    with pytest.raises(PathDenied):
        await workspace.overlay("", {"../x": ""})
    (tree / "folder.py").mkdir()
    with pytest.raises(OSError, match="folder"):
        await workspace.overlay("", {"folder.py": ""})
    with pytest.raises(ConfigError, match="does not fit"):
        await workspace.overlay(PATCH.replace("-calc", "-other"), {})

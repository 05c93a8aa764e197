"""A published change put onto a base that moved: real git, and what is no solution of a conflict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamma.store.memory import MemoryStore
from tamma.workspace.interface import Replay, ReplaySpec
from tamma.workspace.local import LocalWorkspace, LocalWorkspaces
from tamma.workspace.sandbox.profile import SandboxPolicy
from tests.workspace.conftest import BRANCH, Origin, git, quiet, tree_of, write

APP = "def add(a, b):\n    return a - b\n\n\ndef twice(a):\n    return a + a\n"
OURS = APP.replace("a - b", "a + b")
THEIRS = APP.replace("return a - b", "return sum((a, b))").replace("a + a", "2 * a") + "\n\nZERO = 0\n"
SOLVED = THEIRS.replace("return sum((a, b))", "return a + b")


class Moved:
    """A published change, and a base that goes on."""

    def __init__(self, workspaces: LocalWorkspaces, origin: Origin, published: str, base: str) -> None:
        self.workspaces, self.origin = workspaces, origin
        self.published, self.base = published, base

    @property
    def tree(self) -> Path:
        return tree_of(self.workspaces)

    async def replay(self) -> tuple[LocalWorkspace, Replay]:
        replay = await self.workspaces.replay(ReplaySpec("task-1", self.published, self.base), quiet)
        return await self.workspaces.open("task-1"), replay

    async def problems(self, text: str, *, strictly: bool = True) -> tuple[str, ...]:
        """After a replay with a conflict in src/app.py that is solved by this text."""
        workspace, replay = await self.replay()
        write(self.tree, {"src/app.py": text})
        return await workspace.unsettled(replay.expected, strictly=strictly)


@pytest.fixture
async def moved(workspace: LocalWorkspace, workspaces: LocalWorkspaces, origin: Origin) -> Moved:
    base = origin.sha
    write(tree_of(workspaces), {"src/app.py": OURS, "src/new.py": "new = 1\n"})
    published = await workspace.commit("Add", "op-1")
    await workspace.push(ReplaySpec("", "", "").credentials, None)
    return Moved(workspaces, origin, published, base)


async def test_a_clean_replay_is_the_same_change_on_the_new_base(moved: Moved) -> None:
    head = moved.origin.commit(
        {"README.md": "# Other\n", "run.sh": "#!/bin/sh\necho ran\n", "more.txt": "1\n"}
    )
    (moved.tree / "left-over.txt").write_text("of a try that came to nothing\n")
    workspace, replay = await moved.replay()
    assert (replay.base_sha, replay.moved_to, replay.marked, replay.whole) == (head, None, (), ())
    assert workspace.info.base_sha == head
    assert [file.path for file in (await workspace.diff()).files] == ["src/app.py", "src/new.py"]
    assert (moved.tree / "more.txt").read_text() == "1\n"
    assert await workspace.unsettled(replay.expected, strictly=True) == ()
    sha = await workspace.commit("Add", "op-2")
    assert git(tree_of(moved.workspaces).parent / "git", "rev-parse", f"{sha}^") == head
    assert await workspace.push(ReplaySpec("", "", "").credentials, moved.published) == sha


async def test_line_ends_come_as_attributes_say(moved: Moved) -> None:
    moved.origin.commit({".gitattributes": "*.crlf text eol=crlf\n", "a.crlf": "one\r\ntwo\r\n"})
    workspace, replay = await moved.replay()
    assert (moved.tree / "a.crlf").read_bytes() == b"one\r\ntwo\r\n"
    assert await workspace.unsettled(replay.expected, strictly=True) == ()
    assert len((await workspace.diff()).files) == 2


async def test_both_sides_stand_between_markers_with_what_was_before(moved: Moved) -> None:
    moved.origin.commit({"src/app.py": THEIRS}, "sum up")
    _, replay = await moved.replay()
    assert replay.marked == ("src/app.py",)
    assert [subject.partition(" ")[2] for subject in replay.commits] == ["sum up"]
    lines = (moved.tree / "src/app.py").read_text().splitlines()
    assert lines[1:9] == [
        "<<<<<<< main",
        "    return sum((a, b))",
        "||||||| before",
        "    return a - b",
        "=======",
        "    return a + b",
        ">>>>>>> this change",
        "",
    ]


async def test_a_solution_keeps_what_the_base_did_elsewhere_in_the_file(moved: Moved) -> None:
    moved.origin.commit({"src/app.py": THEIRS})
    assert await moved.problems(SOLVED) == ()
    (missing, back) = await moved.problems(OURS)
    assert "lines of main outside of the conflict are missing: 'return 2 * a', 'ZERO = 0'" in missing
    assert "lines that main removed are back: 'return a + a'" in back


async def test_markers_are_found_by_git_and_headings_are_none(moved: Moved) -> None:
    moved.origin.commit({"src/app.py": THEIRS + "\n\nTITLE = '''\nZero it\n=======\n'''\n"})
    solved = SOLVED + "\n\nTITLE = '''\nZero it\n=======\n'''\n"
    assert await moved.problems(solved) == ()
    for strictly in (True, False):
        (left,) = await moved.problems(solved + ">>>>>>> this change\n", strictly=strictly)
        assert left.startswith("src/app.py: conflict markers are left in it ('>>>>>>> this change')")


async def test_what_git_merged_by_itself_stays_until_tests_ask_for_more(moved: Moved) -> None:
    moved.origin.commit({"src/app.py": THEIRS, "README.md": "# Other\n", "more.txt": "1\n"})
    workspace, replay = await moved.replay()
    write(
        moved.tree, {"src/app.py": SOLVED, "README.md": "# Sample\n", "src/new.py": "new = 2\n", "own": "1\n"}
    )
    (moved.tree / "more.txt").unlink()
    strict = await workspace.unsettled(replay.expected, strictly=True)
    assert [problem.partition(":")[0] for problem in strict] == ["README.md", "more.txt", "own", "src/new.py"]
    assert "and main changed it" in strict[0]
    assert await workspace.unsettled(replay.expected, strictly=False) == (
        "README.md: what main changed in it is undone",
        "more.txt: what main changed in it is undone",
    )


async def test_a_file_that_is_gone_on_one_side_is_told_of(moved: Moved) -> None:
    git(moved.origin.path, "rm", "-q", "src/app.py")
    moved.origin.commit({"src/new.py": "new = 'theirs'\n"})
    _, replay = await moved.replay()
    assert replay.whole == ("src/app.py: main deleted or renamed it, this change changed it",)
    assert replay.marked == ("src/new.py",)
    assert (moved.tree / "src/app.py").read_text() == OURS


async def test_a_change_follows_a_file_that_the_base_renamed(moved: Moved) -> None:
    git(moved.origin.path, "mv", "src/app.py", "src/application.py")
    moved.origin.commit({})
    workspace, replay = await moved.replay()
    assert (replay.marked, replay.whole) == ((), ())
    assert (moved.tree / "src/application.py").read_text() == OURS
    assert await workspace.unsettled(replay.expected, strictly=True) == ()


async def test_nothing_is_done_where_nothing_moved_or_somebody_pushed(moved: Moved) -> None:
    (moved.tree / "open.txt").write_text("work\n")
    _, replay = await moved.replay()
    assert (replay.base_sha, replay.checkpoint) == (moved.base, None)
    theirs = moved.origin.commit({"more.txt": "1\n"})
    git(moved.origin.path, "update-ref", f"refs/heads/{BRANCH}", theirs)
    _, replay = await moved.replay()
    assert (replay.moved_to, replay.checkpoint) == (theirs, None)
    git(moved.origin.path, "update-ref", "-d", f"refs/heads/{BRANCH}")
    _, replay = await moved.replay()
    assert replay.moved_to == ""
    git(moved.origin.path, "update-ref", f"refs/heads/{BRANCH}", moved.published)
    moved.origin.commit({"src/app.py": OURS, "src/new.py": "new = 1\n"}, "the same, by somebody else")
    _, replay = await moved.replay()
    assert (replay.held, replay.checkpoint) == (True, None)
    assert (moved.tree / "open.txt").exists()


async def test_a_replay_goes_on_elsewhere_and_can_be_done_again(
    moved: Moved, short: Path, store: MemoryStore
) -> None:
    head = moved.origin.commit({"src/app.py": THEIRS})
    _, replay = await moved.replay()
    other = LocalWorkspaces(short / "b/ws", store, sandbox=SandboxPolicy(prewarm=False))
    await other.prepare(moved.origin.spec(base_sha=head, checkpoint=replay.checkpoint), quiet)
    workspace = await other.open("task-1")
    assert "<<<<<<< main" in (tree_of(other) / "src/app.py").read_text()
    write(tree_of(other), {"src/app.py": SOLVED})
    assert await workspace.unsettled(replay.expected, strictly=True) == ()
    newest = moved.origin.commit({"more.txt": "1\n"})
    again = await other.replay(ReplaySpec("task-1", moved.published, moved.base), quiet)
    assert (again.base_sha, again.marked) == (newest, ("src/app.py",))
    await other.aclose()

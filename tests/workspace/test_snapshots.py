"""Snapshots: a batch that died half-way leaves no trace."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from tamma.workspace.local import LocalWorkspace, LocalWorkspaces
from tests.workspace.conftest import Origin, contents, quiet, tree_of, use, write


@pytest.fixture
def tree(workspace: LocalWorkspace, workspaces: LocalWorkspaces) -> Path:
    return tree_of(workspaces)


def snapshots(workspace: LocalWorkspace):
    return workspace._parts.snapshots  # pyright: ignore[reportPrivateUsage]


async def test_a_retried_batch_finds_the_tree_as_the_first_attempt_did(
    workspaces: LocalWorkspaces, workspace: LocalWorkspace, tree: Path
) -> None:
    await workspace.begin_batch(1)
    await use(workspace, "create", path="kept.txt", content="from batch 1\n")
    await workspace.begin_batch(2)
    before = contents(tree)
    script = """
echo half > src/app.py; echo new > src/new.py; rm README.md run.sh; chmod +x src/windows.txt
rm link; ln -s /etc/passwd link; mkdir -p deep/er; echo x > deep/er/file; mv src/windows.txt moved.txt
git init -q nested; echo n > nested/file; rm -rf src; ln -s /tmp src; exit 1"""
    assert (await use(workspace, "bash", command=script)).error_kind == "exit_code"
    assert contents(tree) != before
    # Another process (the worker was killed) opens the workspace and is given the same batch.
    await workspaces.aclose()
    again = await workspaces.open("task-1")
    await again.begin_batch(2)
    assert contents(tree) == before
    assert not (tree / "nested").exists()
    assert not (tree / "deep").exists()
    await again.begin_batch(2)
    assert contents(tree) == before


async def test_the_name_of_an_inner_repository_is_not_taken_for_a_path_of_the_host(
    workspace: LocalWorkspace, tree: Path, short: Path
) -> None:
    """With one name a line, its second line would be an absolute path."""
    victim = short / "victim"
    (victim / ".git").mkdir(parents=True)
    await workspace.begin_batch(1)
    folder = f"a\n{victim}"  # one name, a newline at its end, and folders below it
    commit = "git -c user.name=x -c user.email=x@x commit -qm x"
    script = f"mkdir -p '{folder}'; cd '{folder}'; git init -q; touch f; git add f; {commit}"
    assert (await use(workspace, "bash", command=script)).error_kind is None
    await workspace.begin_batch(1)
    assert os.listdir(victim) == [".git"]
    assert not any(path.endswith("/f") for path in contents(tree))


async def test_a_pipe_in_a_folders_place_is_replaced(workspace: LocalWorkspace, tree: Path) -> None:
    before = contents(tree)
    await workspace.begin_batch(1)
    await use(workspace, "bash", command="rm -r src README.md; mkfifo src README.md")
    await workspace.begin_batch(1)
    assert contents(tree) == before


async def test_a_read_only_batch_takes_no_snapshot(workspace: LocalWorkspace) -> None:
    await workspace.begin_batch(1)
    await use(workspace, "view", path="README.md")
    await use(workspace, "grep", pattern="add")
    assert snapshots(workspace).batch(1) is None
    await use(workspace, "create", path="x", content="x")
    assert snapshots(workspace).batch(1) is not None


async def test_restoring_a_batch_forgets_the_later_ones(workspace: LocalWorkspace, tree: Path) -> None:
    for seq in (1, 2, 3):
        await workspace.begin_batch(seq)
        await use(workspace, "create", path="n", content=str(seq))
    await workspace.begin_batch(2)
    assert (tree / "n").read_text() == "1"
    assert snapshots(workspace).batch(3) is None


async def test_a_session_finds_no_batch_of_another_one(workspace: LocalWorkspace, tree: Path) -> None:
    await workspace.begin_batch(1, "run/agent")
    await use(workspace, "create", path="kept.txt", content="from the first session\n")
    await workspace.begin_batch(1, "run/agent-2")
    assert (tree / "kept.txt").read_text() == "from the first session\n"
    await use(workspace, "create", path="half.txt", content="half\n")
    await workspace.begin_batch(1, "run/agent-2")
    assert (tree / "kept.txt").exists()
    assert not (tree / "half.txt").exists()


async def test_ignored_files_are_neither_kept_nor_removed(workspace: LocalWorkspace, tree: Path) -> None:
    (tree / "ignored").mkdir()
    (tree / "ignored/cache").write_text("1")
    await workspace.begin_batch(1)
    await use(workspace, "bash", command="echo 2 > ignored/cache; touch y.log z")
    await workspace.begin_batch(1)
    assert (tree / "ignored/cache").read_text() == "2\n"
    assert (tree / "y.log").exists()
    assert not (tree / "z").exists()


async def test_the_index_is_younger_than_what_was_checked_out(
    workspaces: LocalWorkspaces, origin: Origin
) -> None:
    """Else git looks at contents, and takes for a change what attributes would have in another form."""
    origin.commit({".gitattributes": "*.txt text eol=crlf\n"})
    await workspaces.prepare(origin.spec("young"), quiet)
    tree = tree_of(workspaces, "young")
    times = [path.lstat().st_mtime_ns for path in tree.rglob("*") if path.is_file()]
    (index,) = tree.parent.rglob("index")
    assert index.stat().st_mtime_ns > max(times)
    assert (await (await workspaces.open("young")).diff()).files == ()


async def test_what_attributes_would_convert_comes_back_byte_for_byte(
    workspaces: LocalWorkspaces, origin: Origin
) -> None:
    origin.commit(
        {
            ".gitattributes": "*.txt text eol=crlf\n*.bin filter=evil\n*.id ident\n",
            "a.txt": "a\n",
            "b.id": "$Id$\n",
        }
    )
    spec = origin.spec("crlf")
    await workspaces.prepare(spec, quiet)
    workspace, tree = await workspaces.open("crlf"), tree_of(workspaces, "crlf")
    assert (tree / "a.txt").read_bytes() == b"a\r\n"
    write(tree, {"lf.txt": "one\ntwo\n", "mixed.txt": b"a\r\nb\n", "c.bin": b"\0\r\n"})
    await workspace.begin_batch(1)
    before = contents(tree)
    await use(workspace, "bash", command="for f in *.txt *.bin *.id; do echo changed > $f; done")
    await workspace.begin_batch(1)
    assert contents(tree) == before
    # What stands in the tree as the checkout made it is no change, in git's eyes too.
    assert [file.path for file in (await workspace.diff()).files] == ["c.bin", "lf.txt", "mixed.txt"]


async def test_restoring_never_writes_through_a_link_that_stands_in_the_way(
    workspaces: LocalWorkspaces, origin: Origin, short: Path
) -> None:
    """`ignored/` is tracked all the same; the command puts an ignored link to elsewhere in its place."""
    origin.commit({"ignored/kept.txt": "tracked\n"})
    spec = origin.spec("link")
    await workspaces.prepare(spec, quiet)
    workspace, tree = await workspaces.open("link"), tree_of(workspaces, "link")
    await workspace.begin_batch(1)
    await use(workspace, "create", path="x", content="x")
    outside = short / "outside"
    outside.mkdir()
    shutil.rmtree(tree / "ignored")
    (tree / "ignored").symlink_to(outside)
    await workspace.begin_batch(1)
    assert list(outside.iterdir()) == []
    assert (tree / "ignored/kept.txt").read_text() == "tracked\n"


async def test_a_change_of_the_same_size_at_once_is_seen(workspace: LocalWorkspace, tree: Path) -> None:
    for number in range(30):
        (tree / "n").write_text(f"{number:02}")
        snapshots(workspace).take_batch(number)
    for number in (29, 15, 0):
        snapshots(workspace).restore_batch(number)
        assert (tree / "n").read_text() == f"{number:02}"


async def test_any_sequence_of_changes_returns(workspace: LocalWorkspace, tree: Path) -> None:
    """Random work on few names, so that files, folders and links take each other's places."""
    rng = random.Random(7)
    states: list[dict[str, tuple[str, bytes]]] = []
    names = ["a", "b", "a/x", "b/y", "a/x/z", "src", "src/app.py"]
    for seq in range(25):
        snapshots(workspace).take_batch(seq)
        states.append(contents(tree))
        for _ in range(3):
            disturb(rng, tree, rng.choice(names))
    for seq in reversed(range(25)):
        snapshots(workspace).restore_batch(seq)
        assert contents(tree) == states[seq], f"after returning to {seq}"


def disturb(rng: random.Random, tree: Path, name: str) -> None:
    path = tree / name
    for parent in reversed(path.relative_to(tree).parents):
        place = tree / parent
        if place.is_symlink() or place.is_file():
            place.unlink()
        place.mkdir(exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    kind = rng.randrange(4)
    if kind == 0:
        path.write_text(str(rng.random()))
        path.chmod(rng.choice([0o644, 0o755]))
    elif kind == 1:
        path.symlink_to(rng.choice(["b", "/etc/passwd", "src/app.py"]))
    elif kind == 2:
        path.mkdir()
        (path / "inner").write_bytes(os.urandom(3))


async def test_a_repository_made_inside_is_kept_as_files(workspace: LocalWorkspace, tree: Path) -> None:
    await use(
        workspace,
        "bash",
        command="git init -q inner; echo one > inner/f; mkdir inner/d; echo two > inner/d/g",
    )
    await workspace.begin_batch(1)
    await use(workspace, "bash", command="rm -rf inner")
    await workspace.begin_batch(1)
    assert (tree / "inner/f").read_text() == "one\n"
    assert (tree / "inner/d/g").read_text() == "two\n"


async def test_what_a_batch_changed_is_told_with_what_its_commands_did(
    workspace: LocalWorkspace, tree: Path
) -> None:
    await workspace.begin_batch(1)
    await use(workspace, "create", path="kept.txt", content="from batch 1\n")
    await workspace.checkpoint()
    await workspace.begin_batch(2)
    await use(workspace, "bash", command="echo two >> kept.txt; mv run.sh ran.sh; printf '\\0' > bits")
    await workspace.checkpoint()
    diff = await workspace.batch_diff(2)
    assert diff is not None
    assert {(item.path, item.status, item.added, item.removed) for item in diff.files} == {
        ("bits", "A", 0, 0),
        ("kept.txt", "M", 1, 0),
        ("ran.sh", "R", 0, 0),
    }
    assert "+two\n" in diff.patch
    assert "from batch 1\n+two" in diff.patch, "what was there before is context"
    first = await workspace.batch_diff(1)
    assert first is not None, "it is told from the snapshot that was taken before it"
    await workspace.begin_batch(3)
    await use(workspace, "view", path="kept.txt")
    assert await workspace.batch_diff(3) is None
    assert await workspace.batch_diff(99) is None


async def test_a_batch_that_wrote_very_much_is_told_in_part(workspace: LocalWorkspace, tree: Path) -> None:
    await workspace.begin_batch(1)
    script = "mkdir many; for i in $(seq 1000 1300); do echo $i > many/$i; done; seq 90000 > many/long"
    await use(workspace, "bash", command=script)
    await workspace.checkpoint()
    diff = await workspace.batch_diff(1)
    assert diff is not None
    assert len(diff.files) == 302
    assert len(diff.patch) < 210_000
    assert diff.patch.endswith("[the patch was cut: 302 files changed in all]\n")

"""What a repository keeps elsewhere: Git LFS pointers and submodules. Told, and never broken or followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from activities.words import context_markdown
from tamma.workspace.elsewhere import notes
from tamma.workspace.interface import InstallReport
from tamma.workspace.lfs import is_pointer, problem
from tamma.workspace.local import LocalWorkspaces
from tests.workspace.conftest import Origin, git, quiet, tree_of, write

SPEC = "version https://git-lfs.github.com/spec/v1\n"


def pointer(digit: str, *, more: str = "") -> bytes:
    return f"{SPEC}{more}oid sha256:{digit * 64}\nsize 12345\n".encode()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (pointer("a"), True),
        (pointer("a", more="ext-0-gzip sha256:" + "b" * 64 + "\n"), True),
        (pointer("a").replace(b"git-lfs.github", b"hawser.github"), True),
        (SPEC.encode(), False),
        (b"see\n" + pointer("a"), False),
        (pointer("a") + b"x" * 1024, False),
        (b"", False),
    ],
)
def test_what_a_pointer_is(content: bytes, *, expected: bool) -> None:
    assert is_pointer(content) is expected


@pytest.mark.parametrize(
    ("old", "new", "tracked", "known", "refused"),
    [
        (b"text", b"other text", False, False, False),
        (b"a big one that never was in LFS", b"other", True, False, False),
        (None, b"new", False, False, False),
        (None, b"new", True, False, True),
        (pointer("a"), b"contents", True, False, True),
        (pointer("a"), pointer("b"), True, False, True),
        (None, pointer("b"), False, False, True),
        (None, pointer("a"), True, True, False),
    ],
)
def test_which_changes_break_lfs(
    old: bytes | None, new: bytes, *, tracked: bool, known: bool, refused: bool
) -> None:
    assert bool(problem(old, new, tracked=tracked, known=known)) is refused


def test_what_is_told_is_short() -> None:
    files = {f"art/{number}.psd": pointer("a") for number in range(7)}
    entries = [(path, 0o100644) for path in files] + [("vendor/x", 0o160000)]
    first, second = notes(entries, files.__getitem__)
    assert "'art/4.psd' and 2 more" in first
    assert "art/5.psd" not in first
    assert "'vendor/x'" in second
    assert notes([("a", 0o100644)], lambda _path: b"text") == ()


@pytest.fixture
def with_lfs(origin: Origin) -> Origin:
    origin.commit({".gitattributes": "*.psd filter=lfs diff=lfs merge=lfs -text\n"}, "lfs")
    origin.commit({"a.psd": pointer("a"), "b.psd": pointer("b"), "raw.psd": "never was in LFS\n" * 90})
    return origin


async def test_pointers_are_kept_and_no_change_breaks_them(
    workspaces: LocalWorkspaces, with_lfs: Origin
) -> None:
    await workspaces.prepare(with_lfs.spec("lfs"), quiet)
    workspace, tree = await workspaces.open("lfs"), tree_of(workspaces, "lfs")
    profile = await workspace.profile()
    (note,) = profile.notes
    assert "'a.psd', 'b.psd' hold pointers only" in note
    assert note in context_markdown(profile, InstallReport(True, False, "", 0.0), None, ())
    (tree / "a.psd").rename(tree / "moved.psd")  # the contents stay where they are
    (tree / "b.psd").unlink()
    write(tree, {"raw.psd": "changed as it was\n" * 90, "fine.txt": "x\n"})
    assert await workspace.findings() == ()
    broken = {
        "b.psd": "contents",
        "new.psd": b"\0" * 2000,
        "c.txt": pointer("c"),
        "big.psd": b"\0" * 1_500_000,
    }
    write(tree, broken)
    findings = [finding for finding in await workspace.findings() if finding.rule == "git lfs"]
    assert {finding.path for finding in findings} == broken.keys()
    assert all(finding.refuse for finding in findings)


async def test_submodules_are_told_and_their_addresses_never_followed(
    workspaces: LocalWorkspaces, origin: Origin, short: Path
) -> None:
    ran = short / "ran"
    for name, url in (("ext", f"ext::sh -c touch% {ran}"), ("file", f"file://{origin.path}")):
        git(origin.path, "update-index", "--add", "--cacheinfo", f"160000,{origin.sha},{name}")
        git(origin.path, "config", "-f", ".gitmodules", f"submodule.{name}.path", name)
        git(origin.path, "config", "-f", ".gitmodules", f"submodule.{name}.url", url)
    git(origin.path, "add", ".gitmodules")
    git(origin.path, "commit", "-qm", "submodules")
    await workspaces.prepare(origin.spec("sub"), quiet)
    workspace, tree = await workspaces.open("sub"), tree_of(workspaces, "sub")
    assert (await workspace.profile()).notes == (
        "submodules are not fetched: 'ext', 'file' are empty folders",
    )
    assert not ran.exists()
    assert list((tree / "file").iterdir()) == []
    write(tree, {"new.txt": "x\n"})
    assert await workspace.findings() == ()
    assert [file.path for file in (await workspace.diff()).files] == ["new.txt"]

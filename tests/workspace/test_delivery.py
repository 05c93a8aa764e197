"""Out of the workspace: diff, policy, commit, push. Nothing that a clone or a model plants may run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamma.errors import Forbidden, PolicyRefused, StaleHead
from tamma.model.repository import ChangeKind
from tamma.platforms.interface import GitCredentials
from tamma.workspace.delivery import cut_patch
from tamma.workspace.local import LocalWorkspace, LocalWorkspaces
from tests.workspace.conftest import BRANCH, Origin, git, quiet, tree_of, use, write

NOBODY = GitCredentials()


@pytest.fixture
def tree(workspace: LocalWorkspace, workspaces: LocalWorkspaces) -> Path:
    return tree_of(workspaces)


async def test_the_diff_shows_changed_new_deleted_and_renamed_files(
    workspace: LocalWorkspace, tree: Path
) -> None:
    assert (await workspace.diff()).empty
    write(
        tree,
        {
            "src/app.py": "def add(a, b):\n    return a + b\n\n\ndef twice(a):\n    return a + a\n",
            "new.py": "x\n",
        },
    )
    (tree / "README.md").unlink()
    (tree / "run.sh").rename(tree / "start.sh")
    diff = await workspace.diff()
    assert [(f.path, f.status, f.added, f.removed) for f in diff.files] == [
        ("README.md", "D", 0, 1),
        ("new.py", "A", 1, 0),
        ("src/app.py", "M", 1, 1),
        ("start.sh", "R", 0, 0),
    ]
    assert "+    return a + b" in diff.patch


def test_a_long_patch_is_cut_with_a_note() -> None:
    cut = cut_patch(b"x" * 400_010)
    assert cut.endswith("[the patch was cut: 10 more characters]\n")


async def test_a_commit_is_made_once_for_an_operation(workspace: LocalWorkspace, tree: Path) -> None:
    head = await workspace.commit("Nothing", "op-0")
    assert head == workspace.info.base_sha
    write(tree, {"new.py": "x = 1\n", "__pycache__/a.pyc": "junk"})
    sha = await workspace.commit("Add new", "op-1")
    assert sha != head
    assert await workspace.commit("Add new", "op-1") == sha
    view = await use(
        workspace, "bash", command="git log -1 --format='%an <%ae>%n%B'; git show --stat --format="
    )
    assert view.result.content.splitlines()[:4] == [
        "Tamma <tamma@localhost>",
        "Add new",
        "",
        "Tamma-Op: op-1",
    ]
    assert "__pycache__" not in view.result.content
    assert [c.path for c in await workspace.file_changes()] == ["new.py"]


async def test_file_changes_carry_modes_links_and_deletions(workspace: LocalWorkspace, tree: Path) -> None:
    (tree / "README.md").unlink()
    (tree / "go.sh").write_text("#!/bin/sh\n")
    (tree / "go.sh").chmod(0o755)
    (tree / "to").symlink_to("src/app.py")
    await workspace.commit("Change", "op-1")
    changes = {change.path: change for change in await workspace.file_changes()}
    assert changes["README.md"].kind is ChangeKind.DELETE
    assert (changes["go.sh"].mode, changes["go.sh"].content) == ("100755", b"#!/bin/sh\n")
    assert (changes["to"].mode, changes["to"].content) == ("120000", b"src/app.py")


async def test_planted_hooks_filters_and_monitors_do_not_run(
    workspaces: LocalWorkspaces, origin: Origin, short: Path
) -> None:
    ran = short / "ran"
    program = f"touch {ran}"
    origin.commit({".gitattributes": "* filter=evil diff=evil merge=evil\n"})
    # In the remote's own configuration, which is not ours, and in the tree after the clone.
    git(origin.path, "config", "filter.evil.clean", program)
    spec = origin.spec("traps")
    await workspaces.prepare(spec, quiet)
    workspace, tree = await workspaces.open("traps"), tree_of(workspaces, "traps")
    config = f"""[core]
\tfsmonitor = {program}
\thooksPath = {short}/hooks
\tsshCommand = {program}
[filter "evil"]
\tclean = {program}
\tsmudge = {program}
\tprocess = {program}
\trequired = true
[diff]
\texternal = {program}
[diff "evil"]
\ttextconv = {program}
\tcommand = {program}
"""
    hooks = short / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "post-commit", "pre-push", "post-checkout", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\n{program}\n")
        (hooks / name).chmod(0o755)
    # As a command without a sandbox could: over the tree's metadata, and at the home folder.
    shadow = tree / ".git"
    if shadow.is_dir():
        shadow.rmdir()
    else:
        shadow.unlink()
    git(tree, "init", "-q")
    write(tree, {".git/config": config, ".gitconfig": config, "new.py": "x\n", ".lfsconfig": config})
    (Path.home() / ".gitconfig").write_text(config)
    try:
        await workspace.begin_batch(1)
        await use(workspace, "create", path="src/app.py", content="y\n")
        assert not (await workspace.diff()).empty
        await workspace.findings()
        await workspace.commit("Change", "op-1")
        await workspace.push(NOBODY, None)
        await workspace.checkpoint()
        await workspace.begin_batch(1)
    finally:
        (Path.home() / ".gitconfig").unlink()
    assert not ran.exists()


def plant_repository(folder: Path, program: str, *, commit: bool = True) -> None:
    """A repository whose configuration runs `program` whenever git asks for its state."""
    folder.mkdir(exist_ok=True)
    git(folder, "init", "-q")
    write(folder, {"file": "1"})
    if commit:
        git(folder, "add", "file")
        git(folder, "commit", "-qm", "one")
    write(folder, {"file": "2", ".gitattributes": "* filter=evil\n"})
    git(folder, "config", "filter.evil.clean", f"{program}; cat")
    git(folder, "config", "core.fsmonitor", program)


@pytest.mark.parametrize("commit", [True, False])
async def test_a_repository_in_the_tree_is_refused_and_never_asked(
    workspace: LocalWorkspace, tree: Path, short: Path, *, commit: bool
) -> None:
    write(tree, {"new.py": "x\n"})
    plant_repository(tree / "inner\nmost", f"touch {short}/ran", commit=commit)
    for _ in range(2):
        assert [f.path for f in (await workspace.diff()).files] == ["new.py"]
        findings = await workspace.findings()
        assert [(f.path, f.rule, f.refuse) for f in findings] == [("inner\nmost", "submodule", True)]
    with pytest.raises(PolicyRefused):
        await workspace.commit("Change", "op-1")
    assert not (short / "ran").exists()


async def test_a_repository_in_a_submodules_place_is_refused_and_never_asked(
    workspaces: LocalWorkspaces, origin: Origin, short: Path
) -> None:
    git(origin.path, "update-index", "--add", "--cacheinfo", f"160000,{origin.sha},sub")
    git(origin.path, "commit", "-qm", "a submodule")
    await workspaces.prepare(origin.spec("sub"), quiet)
    workspace, tree = await workspaces.open("sub"), tree_of(workspaces, "sub")
    write(tree, {"new.py": "x\n"})
    assert await workspace.findings() == ()
    plant_repository(tree / "sub", f"touch {short}/ran")
    for _ in range(2):
        assert [f.path for f in (await workspace.diff()).files] == ["new.py"]
        assert [(f.path, f.rule) for f in await workspace.findings()] == [("sub", "submodule")]
    assert not (short / "ran").exists()


@pytest.mark.parametrize("script", ["rm README.md; mkfifo README.md", "mkdir .GIT; touch .GIT/config"])
async def test_what_git_will_not_stage_is_a_refusal(workspace: LocalWorkspace, script: str) -> None:
    await use(workspace, "bash", command=script)
    await workspace.diff()
    refused = [finding for finding in await workspace.findings() if finding.refuse]
    assert [finding.rule for finding in refused] == ["not committable"]
    assert script.split()[-1] in refused[0].detail
    with pytest.raises(PolicyRefused):
        await workspace.commit("Change", "op-1")


async def test_a_large_file_is_refused_unread(workspace: LocalWorkspace, tree: Path) -> None:
    write(tree, {"new.py": "x\n"})
    with (tree / "large").open("wb") as file:
        file.truncate(1 << 40)  # reading it would take an hour
    assert [f.path for f in (await workspace.diff()).files] == ["new.py"]
    assert [(f.path, f.rule, f.refuse) for f in await workspace.findings()] == [("large", "size", True)]
    await workspace.checkpoint()


async def test_names_may_hold_anything(workspace: LocalWorkspace, tree: Path) -> None:
    names = ["tab\t\tbed", "new\nline", ":(exclude)x", "-rf", " ", '"', "esc\x1b[31m", "*"]
    write(tree, dict.fromkeys(names, "x\n"))
    assert sorted(f.path for f in (await workspace.diff()).files) == sorted(names)
    assert all(f.added == 1 for f in (await workspace.diff()).files)
    await workspace.commit("Change", "op-1")
    assert sorted(change.path for change in await workspace.file_changes()) == sorted(names)


async def test_push_is_pinned_and_idempotent(workspace: LocalWorkspace, origin: Origin, tree: Path) -> None:
    write(tree, {"a.txt": "1"})
    first = await workspace.commit("One", "op-1")
    assert await workspace.push(NOBODY, None) == first
    assert git(origin.path, "rev-parse", BRANCH) == first
    assert await workspace.push(NOBODY, None) == first  # the answer to the first one was lost
    write(tree, {"a.txt": "2"})
    second = await workspace.commit("Two", "op-2")
    assert await workspace.push(NOBODY, first) == second
    other = git(origin.path, "commit-tree", f"{BRANCH}^{{tree}}", "-p", first, "-m", "someone else")
    git(origin.path, "update-ref", f"refs/heads/{BRANCH}", other)
    write(tree, {"a.txt": "3"})
    await workspace.commit("Three", "op-3")
    with pytest.raises(StaleHead, match=other):
        await workspace.push(NOBODY, second)
    assert git(origin.path, "rev-parse", BRANCH) == other


async def test_a_remote_that_refuses_says_so(workspace: LocalWorkspace, origin: Origin, tree: Path) -> None:
    hook = origin.path / ".git/hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no pushes on Sundays >&2\nexit 1\n")
    hook.chmod(0o755)
    write(tree, {"a.txt": "1"})
    await workspace.commit("One", "op-1")
    with pytest.raises(Forbidden, match="pre-receive hook declined"):
        await workspace.push(NOBODY, None)


async def test_what_the_policy_refuses_is_not_committed(workspace: LocalWorkspace, tree: Path) -> None:
    (tree / "passwd").symlink_to("/etc/passwd")
    write(tree, {"key.pem": "-----BEGIN RSA PRIVATE KEY-----\nx\n", "big.bin": b"\0" * 1_000_001})
    (tree / "huge.txt").write_text("x\n" * 2_500_001)
    await use(
        workspace,
        "bash",
        command="git init -q sub && cd sub && echo x > f && git add f"
        " && git -c user.name=a -c user.email=a commit -qm x",
    )
    write(tree, {".github/workflows/ci.yml": "on: push\n"})
    findings = await workspace.findings()
    assert {(f.path, f.rule, f.refuse) for f in findings} == {
        (".github/workflows/ci.yml", "CI configuration", False),
        ("big.bin", "binary", True),
        ("huge.txt", "size", True),
        ("key.pem", "secret", True),
        ("passwd", "symlink", True),
        ("sub", "submodule", True),
    }
    with pytest.raises(PolicyRefused) as caught:
        await workspace.commit("All of it", "op-1")
    assert len(caught.value.reasons) == 5


async def test_secrets_that_were_there_before_are_not_the_changes_fault(
    workspaces: LocalWorkspaces, origin: Origin
) -> None:
    origin.commit({"tests/key.pem": "-----BEGIN RSA PRIVATE KEY-----\nsample\n"})
    await workspaces.prepare(origin.spec("old"), quiet)
    workspace = await workspaces.open("old")
    write(tree_of(workspaces, "old"), {"tests/key.pem": "-----BEGIN RSA PRIVATE KEY-----\nother\n"})
    assert await workspace.findings() == ()

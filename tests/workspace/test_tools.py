"""The tools, called as models call them: well, and badly."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest

from tamma.model.conversation import ToolCall
from tamma.workspace.local import LocalWorkspace, LocalWorkspaces
from tamma.workspace.tools import TOOLS
from tests.workspace.conftest import quiet, tree_of, use


@pytest.fixture
def tree(workspace: LocalWorkspace, workspaces: LocalWorkspaces) -> Path:
    return tree_of(workspaces)


def test_schemas_are_json_schemas_that_allow_nothing_else() -> None:
    assert {tool.name for tool in TOOLS} == {
        "bash", "view", "create", "str_replace", "insert", "grep", "finish",
    }  # fmt: skip
    for tool in TOOLS:
        jsonschema.Draft202012Validator.check_schema(dict(tool.input_schema))
        assert tool.input_schema["additionalProperties"] is False
        json.dumps(tool.input_schema)


# --- calls that are no calls -----------------------------------------------------------------------


WRONG_CALLS = (
    ("edit", "{}", "unknown_tool", "bash, create, finish, grep, insert, str_replace, view"),
    ("bash", '{"command": "ls"', "bad_arguments", "not valid JSON"),
    ("bash", '["ls"]', "bad_arguments", "must be a JSON object"),
    ("bash", "", "bad_arguments", "lacks 'command'"),
    ("bash", '{"cmd": "ls"}', "bad_arguments", "it takes 'command', 'timeout'"),
    ("bash", '{"command": "ls", "cwd": "/"}', "bad_arguments", "no argument 'cwd'"),
    ("bash", '{"command": 5}', "bad_arguments", "must be of type string, not int"),
    ("bash", '{"command": "ls", "timeout": 601}', "bad_arguments", "1 to 600 seconds"),
    ("bash", '{"command": "ls", "timeout": "soon"}', "bad_arguments", "type integer"),
    ("view", '{"path": ""}', "path_denied", "empty"),
    ("view", '{"path": "README.md", "start_line": 9}', "bad_arguments", "has 1 lines"),
    (
        "view",
        '{"path": "README.md", "start_line": 3, "end_line": 2}',
        "bad_arguments",
        "before start_line",
    ),
    ("view", '{"path": "absent.py"}', "not_found", "no such file"),
    ("insert", '{"path": "README.md", "line": 7, "text": "x"}', "bad_arguments", "lines 0 to 1"),
    ("grep", '{"pattern": "("}', "bad_arguments", "search failed"),
)


async def test_a_wrong_call_is_told_what_would_be_right(workspace: LocalWorkspace) -> None:
    for name, args, kind, says in WRONG_CALLS:
        outcome = await workspace.execute(ToolCall("id-9", name, args), quiet)
        assert (outcome.error_kind, outcome.result.is_error, outcome.changed) == (kind, True, False), args
        assert outcome.result.call_id == "id-9"
        assert says in outcome.result.content


async def test_quoted_numbers_and_nulls_are_understood(workspace: LocalWorkspace) -> None:
    outcome = await use(workspace, "view", path="src/app.py", start_line="2", end_line=2.0)
    assert outcome.result.content == "     2\t    return a - b"
    outcome = await use(workspace, "bash", command="echo hi", timeout=None)
    assert outcome.result.content == "hi"


# --- bash --------------------------------------------------------------------------------------------


async def test_bash_sees_the_repository_and_its_history(workspace: LocalWorkspace) -> None:
    outcome = await use(
        workspace, "bash", command="pwd; git log --format=%s; git describe --tags; git status --short; ls"
    )
    first, *rest = outcome.result.content.splitlines()
    assert first in {"/workspace", str(tree_path(workspace))}
    assert rest == ["first", "v1.0", "README.md", "link", "run.sh", "src"]
    assert (outcome.changed, outcome.error_kind, outcome.result.is_error) == (True, None, False)


def tree_path(workspace: LocalWorkspace) -> Path:
    return workspace._parts.layout.tree  # pyright: ignore[reportPrivateUsage]


async def test_bash_reports_failure_silence_and_time(workspace: LocalWorkspace) -> None:
    failed = await use(workspace, "bash", command="echo why >&2; exit 4")
    assert (failed.result.content, failed.error_kind) == ("why\n[exit code 4]", "exit_code")
    silent = await use(workspace, "bash", command="true")
    assert silent.result.content == "(no output)"
    late = await use(workspace, "bash", command="echo begun; sleep 60", timeout=1)
    assert (late.error_kind, late.changed) == ("timeout", True)
    assert late.result.content.startswith("begun\n[stopped after 1 s")


async def test_the_sandbox_cannot_touch_the_metadata_it_sees(workspace: LocalWorkspace, tree: Path) -> None:
    outcome = await use(
        workspace,
        "bash",
        command="git commit --allow-empty -m x; echo x > .git/config; rm -rf .git; git log --oneline | wc -l",
    )
    assert outcome.result.content.splitlines()[-1] == "1"
    assert "Read-only" in outcome.result.content or "denied" in outcome.result.content


async def test_changes_show_in_git_diff(workspace: LocalWorkspace) -> None:
    await use(workspace, "str_replace", path="src/app.py", old="a - b", new="a + b")
    outcome = await use(workspace, "bash", command="git diff --stat; git diff | grep '^[+-] '")
    assert "src/app.py | 2 +-" in outcome.result.content
    assert outcome.result.content.endswith("-    return a - b\n+    return a + b")


# --- view, create, str_replace, insert -----------------------------------------------------------------


async def test_view_numbers_lines_and_lists_folders(workspace: LocalWorkspace, tree: Path) -> None:
    shown = await use(workspace, "view", path="/workspace/src/app.py", end_line=2)
    assert shown.result.content == "     1\tdef add(a, b):\n     2\t    return a - b"
    assert shown.changed is False
    listed = await use(workspace, "view", path=".")
    assert listed.result.content.splitlines() == [".gitignore", "README.md", "link", "run.sh", "src/"]
    (tree / "long.txt").write_text("".join(f"line {n}\n" for n in range(10_000)))
    cut = await use(workspace, "view", path="long.txt")
    assert "[cut here: 10000 lines in all; go on with start_line=" in cut.result.content
    assert len(cut.result.content) < 21_000
    (tree / "data.bin").write_bytes(b"\0\1")
    assert (await use(workspace, "view", path="data.bin")).error_kind == "not_text"


async def test_create_makes_folders_and_replaces(workspace: LocalWorkspace, tree: Path) -> None:
    made = await use(workspace, "create", path="a/b/c.py", content="x = 1\n")
    assert (made.changed, made.result.content) == (True, "created a/b/c.py (1 lines)")
    assert (tree / "a/b/c.py").read_text() == "x = 1\n"
    again = await use(workspace, "create", path="a/b/c.py", content="y\n")
    assert again.result.content.startswith("replaced")
    assert (tree / "a/b/c.py").read_text() == "y\n"


async def test_line_ends_and_modes_stay(workspace: LocalWorkspace, tree: Path) -> None:
    await use(workspace, "str_replace", path="src/windows.txt", old="one\ntwo\n", new="1\n2\n")
    assert (tree / "src/windows.txt").read_bytes() == b"1\r\n2\r\nthree\r\n"
    await use(workspace, "insert", path="src/windows.txt", line=1, text="new")
    assert (tree / "src/windows.txt").read_bytes() == b"1\r\nnew\r\n2\r\nthree\r\n"
    await use(workspace, "create", path="src/windows.txt", content="a\nb\n")
    assert (tree / "src/windows.txt").read_bytes() == b"a\r\nb\r\n"
    await use(workspace, "create", path="run.sh", content="#!/bin/sh\necho changed\n")
    assert os.access(tree / "run.sh", os.X_OK)


async def test_str_replace_shows_what_it_did(workspace: LocalWorkspace) -> None:
    outcome = await use(workspace, "str_replace", path="src/app.py", old="a - b", new="a + b")
    assert outcome.changed
    assert "     2\t    return a + b" in outcome.result.content


@pytest.mark.parametrize(
    ("old", "kind", "says"),
    [
        ("a", "not_unique", "occurs"),
        ("  return a - b", "not_found", ""),
        ("return  a-b", "not_found", "     2\t    return a - b"),
        ("nothing of the kind", "not_found", "nor anything like it"),
        ("", "bad_arguments", "empty"),
    ],
)
async def test_a_replacement_that_does_not_fit_changes_nothing(
    workspace: LocalWorkspace, tree: Path, old: str, kind: str, says: str
) -> None:
    if old == "  return a - b":
        old = "  return a - b\n      # other"
    before = (tree / "src/app.py").read_bytes()
    outcome = await use(workspace, "str_replace", path="src/app.py", old=old, new="new")
    assert (outcome.error_kind, outcome.changed) == (kind, False)
    assert says in outcome.result.content
    assert (tree / "src/app.py").read_bytes() == before


async def test_large_and_binary_files_are_left_to_bash(workspace: LocalWorkspace, tree: Path) -> None:
    (tree / "big.txt").write_text("x" * 1_000_001)
    (tree / "latin.txt").write_bytes("ä".encode("latin-1"))
    assert (await use(workspace, "str_replace", path="big.txt", old="x", new="y")).error_kind == "too_large"
    assert (await use(workspace, "insert", path="latin.txt", line=0, text="y")).error_kind == "not_text"
    assert (await use(workspace, "create", path="new.txt", content="x" * 1_000_001)).error_kind == "too_large"
    assert not (tree / "new.txt").exists()


# --- paths -------------------------------------------------------------------------------------------------


OUTSIDE = (
    "/etc/passwd", "../outside", "src/../../outside", ".git/config", ".GIT/hooks/pre-commit",
    "src/.git/config", "out/passwd", "up/x", "gitlink/config", "/workspace/../etc/passwd",
)  # fmt: skip


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("view", {}),
        ("create", {"content": "x"}),
        ("str_replace", {"old": "a", "new": "b"}),
        ("insert", {"line": 0, "text": "x"}),
    ],
)
async def test_no_tool_leaves_the_tree(
    workspace: LocalWorkspace, tree: Path, tool: str, arguments: dict[str, object]
) -> None:
    (tree / "out").symlink_to("/etc")
    (tree / "up").symlink_to("..")
    (tree / "gitlink").symlink_to(".git")
    for path in OUTSIDE:
        outcome = await use(workspace, tool, path=path, **arguments)
        assert (outcome.error_kind, outcome.changed) == ("path_denied", False), path
    assert not (tree.parent / "x").exists()
    assert not (tree.parent / "outside").exists()


async def test_links_inside_the_tree_are_followed(workspace: LocalWorkspace, tree: Path) -> None:
    await use(workspace, "str_replace", path="link", old="a - b", new="a + b")
    assert (tree / "link").is_symlink()
    assert "a + b" in (tree / "src/app.py").read_text()


async def test_a_pipe_does_not_hang_a_tool(workspace: LocalWorkspace, tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    assert (await use(workspace, "view", path="pipe")).error_kind == "path_denied"


# --- grep ---------------------------------------------------------------------------------------------


async def test_grep_finds_tracked_and_new_files_and_no_ignored_ones(
    workspace: LocalWorkspace, tree: Path
) -> None:
    (tree / "ignored").mkdir()
    (tree / "ignored/x.py").write_text("def hidden(): ...\n")
    (tree / "new.py").write_text("def fresh(): ...\n")
    outcome = await use(workspace, "grep", pattern=r"^def \w+\(")
    assert outcome.result.content.splitlines() == [
        "new.py:1:def fresh(): ...",
        "src/app.py:1:def add(a, b):",
        "src/app.py:5:def twice(a):",
    ]
    assert outcome.changed is False
    narrowed = await use(workspace, "grep", pattern="def", glob="*.py", path="src")
    assert [line.split(":")[0] for line in narrowed.result.content.splitlines()] == ["src/app.py"] * 2
    assert (await use(workspace, "grep", pattern="zzz")).result.content == "nothing matches"
    assert (await use(workspace, "grep", pattern="x", path="../..")).error_kind == "path_denied"


async def test_grep_is_bounded(workspace: LocalWorkspace, tree: Path) -> None:
    (tree / "many.txt").write_text("match " * 50 + "\n" + "match\n" * 5000)
    outcome = await use(workspace, "grep", pattern="match")
    assert len(outcome.result.content) < 12_000
    assert outcome.result.content.endswith("[only the first 200 lines]")
    # A pattern that backtracks for ever is stopped by PCRE's own limit or by the deadline.
    (tree / "evil.txt").write_text("a" * 5000 + "\n")
    evil = await use(workspace, "grep", pattern="(a+)+$b", path="evil.txt")
    assert evil.seconds < 60, "it would take years"


async def test_finish_is_for_the_caller(workspace: LocalWorkspace) -> None:
    outcome = await use(workspace, "finish", summary="done", test_files=["tests/test_x.py"])
    assert (outcome.changed, outcome.error_kind) == (False, None)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("view", '{"path": "\\udcff"}'),
        ("grep", '{"pattern": "\\ud800"}'),
        ("create", '{"path": "nul\\u0000", "content": ""}'),
        ("create", f'{{"path": "{"x" * 5000}", "content": ""}}'),
        ("bash", "[" * 100_000),
        ("bash", '{"command": "true", "timeout": ' + "9" * 5000 + "}"),
        ("\ud800", "{}"),
    ],
)
async def test_what_no_file_system_and_no_parser_takes_is_an_error_for_the_model(
    workspace: LocalWorkspace, name: str, arguments: str
) -> None:
    outcome = await workspace.execute(ToolCall("call", name, arguments), quiet)
    assert outcome.result.is_error or outcome.result.content == "nothing matches"


async def test_half_a_character_is_written_as_a_replaced_one(workspace: LocalWorkspace) -> None:
    arguments = '{"path": "half.txt", "content": "a\\ud800b"}'
    assert not (await workspace.execute(ToolCall("call", "create", arguments), quiet)).result.is_error
    assert "a\ufffdb" in (await use(workspace, "view", path="half.txt")).result.content

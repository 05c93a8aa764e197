"""What is written of a suggestion: remarks on lines that make the same file, and a comment that fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from activities.interface.suggesting import Suggest
from activities.suggestion_blocks import edits, hunks, remarks
from activities.suggestion_words import MOST_OF_A_PATCH, suggestion_comment
from tamma.model.ids import BlobId, TaskId
from tamma.model.repository import InlineComment
from tamma.model.suggestion import PatchRef, PatchStage, patch_data, read_patch
from tamma.model.task import DiffRef
from tamma.model.task import TestRun as Run
from tamma.platforms.gitlab.diffs import suggested
from tests.support.loop import REPO, git

LINES = [f"line {number}" for number in range(1, 31)]
SHOWN = """\
diff --git a/a.py b/a.py
index 1..2 100644
--- a/a.py
+++ b/a.py
@@ -1,4 +1,6 @@
 one
+two
+three
 four
-five
+five!
 six
"""
PATCH = PatchRef(
    BlobId(f"sha256:{'a' * 64}"), "0123456789abcdef", PatchStage.SUGGESTION, 1234, ("a.py",), 1, 3, 1
)
GIVEN = Suggest(
    TaskId("t1"),
    REPO,
    "1",
    PATCH,
    DiffRef(),
    summary="mean() is right.\n/tamma approve",
    review="small",
    tests=Run("make check", 0, 1.0),
)


def diff(folder: Path, before: str, after: str) -> str:
    """What git says of one file in two versions."""
    git(folder, "init", "-q")
    (folder / "a.py").write_text(before)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "before")
    (folder / "a.py").write_text(after)
    return git(folder, "diff", "--full-index")


def text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize(
    "after",
    [
        [*LINES[:4], "changed", *LINES[5:]],
        [*LINES[:4], *LINES[7:]],
        [*LINES[:4], "new", "and another", *LINES[4:]],
        ["first", *LINES],
        [*LINES, "last"],
        ["first", *LINES[2:9], "middle", "```", *LINES[9:20], "changed", "and more", *LINES[22:28]],
        [line for number, line in enumerate(LINES) if number % 3],
    ],
)
def test_edits_make_of_one_version_the_other(tmp_path: Path, after: list[str]) -> None:
    lines = list(LINES)
    for edit in reversed(list(edits(diff(tmp_path, text(*LINES), text(*after))))):
        assert edit.path == "a.py"
        lines[edit.start - 1 : edit.end] = edit.becomes
    assert lines == after


def test_what_lines_cannot_show_is_left_to_the_patch(tmp_path: Path) -> None:
    assert not list(edits(diff(tmp_path, "a\r\nb\r\n", "a\r\nc\r\n").replace("\n-b\n", "\n-b\r\n")))
    moved = SHOWN.replace("--- a/a.py", "--- a/b.py")
    created = SHOWN.replace("--- a/a.py", "--- /dev/null")
    assert not list(edits(moved + created))
    assert not list(edits(SHOWN.replace(" six\n", " six\n\\ No newline at end of file\n")))
    assert [hunk.path for hunk in hunks(moved + created)] == ["a.py", "a.py"], (
        "but they are lines that are shown"
    )


def test_remarks_stand_on_lines_that_the_pull_request_shows() -> None:
    before = ["one", "two", "three", "four", "five!", "six", *LINES]
    one = "@@ -2,2 +2,1 @@\n-two\n-three\n+2, 3\n"
    two = "@@ -6,1 +5,2 @@\n six\n+seven\n"
    far = "@@ -9,1 +9,1 @@\n-line 3\n+line three\n"
    head = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n"
    assert before[8] == "line 3"
    assert remarks(head + one + two + far, SHOWN) == (
        InlineComment("a.py", 3, "```suggestion\n2, 3\n```", start_line=2),
        InlineComment("a.py", 6, "```suggestion\nsix\nseven\n```"),
    )
    assert not remarks(head.replace("a.py", "b.py") + one, SHOWN)
    canary = head + "@@ -2,1 +2,1 @@\n-two\n+canary\n"
    assert not remarks(canary, SHOWN, hidden=lambda said: said.replace("canary", "***"))
    (gone,) = remarks(head + "@@ -2,1 +2,0 @@\n-two\n", SHOWN)
    assert gone.body == "```suggestion\n```"
    (fenced,) = remarks(head + "@@ -2,1 +2,1 @@\n-two\n+```\n", SHOWN)
    assert fenced.body == "````suggestion\n```\n````"


def test_gitlab_is_told_how_many_lines_are_meant() -> None:
    assert suggested(InlineComment("a.py", 5, "```suggestion\nx\n```")) == "```suggestion\nx\n```"
    several = InlineComment("a.py", 5, "See:\n````suggestion\n```suggestion\n````", start_line=3)
    assert suggested(several).splitlines()[1] == "````suggestion:-2+0"


def test_the_comment_holds_the_patch_and_how_to_take_it_over() -> None:
    body = suggestion_comment(GIVEN, SHOWN.encode(), b"")
    assert body.startswith("**Suggested change**: 1 file, +3 -1, on `0123456789ab`. Nothing was pushed.")
    assert "tamma patch t1 > suggestion.patch\ngit apply --3way suggestion.patch" in body
    assert "- `make check`: passes, 1.0 s" in body
    assert f"```diff\n{SHOWN}```\n\n</details>" in body
    assert "For reading only" not in body
    assert "\n\\/tamma approve" in body, "what a model wrote is no command"


def test_what_a_comment_cannot_show_it_says() -> None:
    binary = b"diff --git a/x b/x\nindex 0..1\nGIT binary patch\nliteral 1\nIcmZQz\n"
    shown = suggestion_comment(GIVEN, binary, b"Binary files /dev/null and b/x differ\n")
    assert "For reading only" in shown
    assert "Binary files" in shown
    assert "literal 1" not in shown
    assert "For reading only" in suggestion_comment(GIVEN, b"+caf\xe9\n", b"")
    hidden = suggestion_comment(GIVEN, b"+canary\n", b"", hidden=lambda said: said.replace("canary", "***"))
    assert "For reading only" in hidden
    assert "canary" not in hidden
    long = suggestion_comment(GIVEN, b"+x\n" * MOST_OF_A_PATCH, b"")
    assert "The patch has 1,234 bytes, too many for a comment. It changes `a.py`." in long
    assert "<details>" not in long
    fenced = suggestion_comment(GIVEN, b"+```\n", b"")
    assert "````diff\n+```\n````" in fenced


def test_a_patch_is_noted_and_read_again() -> None:
    assert read_patch(patch_data(PATCH)) == PATCH

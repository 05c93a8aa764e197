"""Unified diffs, looked at."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamma.suites.patches import changed_lines, is_test_path, part_of, split_patch, touched_paths

LINES = st.lists(
    st.sampled_from(["a", "-- old", "++ new", "--- x", "+++ y", "@@ z", "", "diff --git a/q b/q"]), max_size=8
)


def diff(folder: Path, old: dict[str, str], new: dict[str, str], *options: str) -> str:
    """What git says of the change between two sets of files."""
    for side, files in (("a", old), ("b", new)):
        for name, text in files.items():
            (folder / side / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / side / name).write_text(text)
    words = ["git", "diff", "--no-index", "--no-color", *options, "a", "b"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.replace("a/a/", "a/").replace("b/b/", "b/")


@settings(max_examples=25, deadline=None)
@given(old=LINES, new=LINES)
def test_lines_that_look_like_headers_are_lines(
    tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("d")
    before = {"x.py": "\n".join(old), "y.py": "same\n"}
    after = {"x.py": "\n".join(new), "z.py": "more\n"}
    patch = diff(folder, before, after, "--no-renames")
    parts = split_patch(patch)
    assert "".join(part.text for part in parts) == patch
    numbers = diff(folder, before, after, "--no-renames", "--numstat", "-z").split("\0")
    counts = [tuple(map(int, entry.split("\t")[:2])) for entry in numbers if "\t" in entry]
    assert [(part.added, part.removed) for part in parts] == counts
    assert {part.path for part in parts} >= {"y.py", "z.py"}


def test_tests_and_the_rest_are_told_apart(tmp_path: Path) -> None:
    patch = diff(
        tmp_path,
        {"calc.py": "a\n", "tests/test_calc.py": "b\n"},
        {"calc.py": "c\n", "tests/test_calc.py": "b\nd\ne\n"},
    )
    assert touched_paths(part_of(patch, is_test_path)) == ("tests/test_calc.py",)
    assert touched_paths(part_of(patch, lambda path: not is_test_path(path))) == ("calc.py",)
    assert changed_lines(patch) == 2
    assert changed_lines(patch, tests=True) == 4


def test_plain_diffs_without_gits_header() -> None:
    first = "--- a/x.py\t2020\n+++ b/x.py\t2021\n@@ -1 +1 @@\n-a\n+b\n"
    patch = first + "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+c\n"
    assert touched_paths(patch) == ("x.py", "new.py")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/data.json", True), ("src/pkg/tests/x.py", True), ("test_a.py", True), ("a_test.go", True),
        ("web/a.spec.ts", True), ("web/__tests__/a.js", True), ("src/test/java/ATest.java", True),
        ("conftest.py", True), ("src/contest.py", False), ("latest.py", False), ("testimony.py", False),
        ("attest/x.py", False), ("src/a.py", False),
    ],
)  # fmt: skip
def test_which_paths_are_tests(path: str, expected: bool) -> None:
    assert is_test_path(path) is expected


@pytest.mark.parametrize("patch", ["nonsense", "some words\n--- a/x\n+++ b/x\n"])
def test_what_is_no_diff_is_refused(patch: str) -> None:
    with pytest.raises(ValueError, match="begins no file"):
        split_patch(patch)

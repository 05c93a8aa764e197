"""When a build, a type checker or a linter blocks a change, and which of its findings are new."""

from __future__ import annotations

import pytest

from tamma.agents.gates import Verdict, judge, unfit
from tamma.agents.lint_lines import findings, newly
from tamma.model.gates import GateName, ProjectGate
from tamma.model.ids import BlobId
from tamma.model.task import TestRun as Run

OUTPUT = BlobId("sha256:" + "0" * 64)


def run(code: int, *, timed_out: bool = False) -> Run:
    return Run("ruff check .", code, 3.0, timed_out)


def gate(
    code: int, output: BlobId | None = None, *, name: GateName = "lint", timed_out: bool = False
) -> ProjectGate:
    return ProjectGate(name, "ruff check .", "ruff.toml", run(code, timed_out=timed_out), output)


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (gate(0), ""),
        (gate(1, OUTPUT), ""),
        (gate(1), "it was red before any change (exit code 1), and its findings cannot be told apart"),
        (gate(2, name="build"), "it was red before any change (exit code 2)"),
        (gate(127), "its command is not here (exit code 127)"),
        (gate(126), "its command is not here (exit code 126)"),
        (gate(137, timed_out=True), "it did not end within 3 s before any change"),
    ],
)
def test_what_says_nothing_of_a_change(before: ProjectGate, why: str) -> None:
    assert unfit(before) == why


@pytest.mark.parametrize(
    ("before", "after", "new", "verdict"),
    [
        (gate(0), run(0), None, Verdict(blocks=False)),
        (gate(0), run(1), None, Verdict(blocks=True)),
        (gate(0), run(137, timed_out=True), None, Verdict(blocks=True)),
        (gate(0), run(127), None, Verdict(False, "its command is not here any more")),
        (gate(1, OUTPUT), run(0), None, Verdict(blocks=False)),
        (gate(1, OUTPUT), run(1), 0, Verdict(False, "red, as it was before any change; nothing new")),
        (gate(1, OUTPUT), run(1), 1, Verdict(True, "1 new finding")),
        (gate(1, OUTPUT), run(1), 2, Verdict(True, "2 new findings")),
        (gate(1, OUTPUT), run(2), None, Verdict(False, "red, as it was before any change")),
    ],
)
def test_when_it_blocks(before: ProjectGate, after: Run, new: int | None, verdict: Verdict) -> None:
    assert judge(before, after, new) == verdict


PRINTED = {
    "ruff": "a.py:1:8: F401 `os` imported but unused\nFound 1 error.\n",
    "ruff, in full": "F401 `os` imported but unused\n --> a.py:1:8\n  |\n1 | import os\n  |\n",
    "mypy": "./a.py:12: error: \"x\" is not defined  [name-defined]\nFound 1 error\n",
    "pyright": "/workspace/a.py\n  /workspace/a.py:3:1 - error: \"x\" is not defined (reportUndefined)\n",
    "eslint": "\n/w/src/a.js\n  1:10  error  'x' is defined but never used  no-unused-vars\n\n1 problem\n",
    "tsc": "src/a.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.\n",
    "golangci-lint": "main.go:10:2: ineffectual assignment to x (ineffassign)\n\tx = 1\n",
    "rubocop": "lib/a.rb:1:1: C: Style/Documentation: Missing comment.\n",
    "coloured": "\x1b[1ma.py\x1b[0m:1:8: F401 unused\n",
}  # fmt: skip


@pytest.mark.parametrize("printed", PRINTED.values(), ids=PRINTED.keys())
def test_findings_are_found(printed: str) -> None:
    assert findings(printed).total() == 1
    assert newly(printed, printed) == ()
    two = newly(printed, printed + printed)
    assert two is not None
    assert len(two) == 1


def test_a_finding_that_only_moved_is_not_new() -> None:
    before = "a.py:1:8: F401 unused\na.py:9:1: E722 bare except, see line 4\n"
    after = "a.py:3:8: F401 unused\na.py:11:1: E722 bare except, see line 6\nb.py:1:1: F401 unused\n"
    assert newly(before, after) == ("b.py:1:1: F401 unused",)


@pytest.mark.parametrize(
    "text", ["", "Oh no! 1 file would be reformatted.", "make: *** [lint] Error 1", "12:30 done"]
)
def test_where_no_findings_can_be_told(text: str) -> None:
    assert not findings(text)
    assert newly(text, "a.py:1:1: F401 unused") is None
    assert newly("a.py:1:1: F401 unused", text) is None

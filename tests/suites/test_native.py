"""The native form: YAML and JSON, files beside it, mistakes with their lines."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from tamma.errors import ConfigError
from tamma.model.agent import TaskType, WorkContext
from tamma.suites.forms.read import read_suite

SUITE = """\
suite: mine
description: three kinds
defaults:
  repository: ./calc
  baseCommit: d16bfe0
  limits: {budgetUsd: 1.50, maxTurns: 30, minutes: 10}
graders: {hiddenTests: 0.5, diffSize: 0.5}
tasks:
  - id: mean
    issueFile: issues/mean.md
    hiddenTests:
      folder: hidden/mean
      command: python -m unittest -v tests.test_hidden
      failToPass: [test_two]
  - id: red
    context: testing
    issue: Write a test for mean.
    goldPatch: "--- a/x.py\\n+++ b/x.py\\n@@ -1,1 +1,1 @@\\n-a\\n+b\\n"
  - id: judge
    context: review
    issue: Is this right?
    reviewPatch: "--- a/x.py\\n+++ b/x.py\\n@@ -1,1 +1,1 @@\\n-a\\n+b\\n"
    reviewApprove: false
"""


def write(folder: Path, text: str = SUITE, name: str = "suite.yaml") -> Path:
    """A suite and the files beside it."""
    (folder / "issues").mkdir(exist_ok=True)
    (folder / "issues/mean.md").write_text("# mean is wrong\n")
    (folder / "hidden/mean/tests").mkdir(parents=True, exist_ok=True)
    (folder / "hidden/mean/tests/test_hidden.py").write_text("import unittest\n")
    path = folder / name
    path.write_text(text)
    return path


def test_a_suite_with_files_beside_it(tmp_path: Path) -> None:
    suite = read_suite(write(tmp_path))
    mean, red, judge = suite.tasks
    assert mean.issue == "# mean is wrong\n"
    assert mean.repository == str(tmp_path / "calc")
    assert mean.hidden_tests.files == {"tests/test_hidden.py": "import unittest\n"}
    assert mean.limits.budget_usd == Decimal("1.5")
    assert (red.context, red.task_type) == (WorkContext.TESTING, TaskType.TESTING)
    assert (judge.context, judge.review_approve) == (WorkContext.REVIEW, False)
    assert suite.graders.lint == 0.1


def test_json_and_yaml_are_the_same_suite(tmp_path: Path) -> None:
    import yaml

    as_json = json.dumps(yaml.safe_load(SUITE))
    assert read_suite(write(tmp_path)).hash == read_suite(write(tmp_path, as_json, "suite.json")).hash


@pytest.mark.parametrize(
    ("old", "new", "line", "said", "hint"),
    [
        ("issueFile: iss", "isueFile: iss", 10, "'tasks[0].isueFile' is not a known key", "'issueFile'?"),
        ("maxTurns: 30", "maxTurn: 30", 6, "'defaults.limits.maxTurn' is not a known key", "'maxTurns'?"),
        ("budgetUsd: 1.50", "budgetUsd: -1", 6, "greater than 0", ""),
        ("baseCommit: d16bfe0", "baseCommit: 1234567", 5, "valid string", "quote values"),
        ("context: testing", "context: tests", 16, "'development', 'review' or 'testing'", ""),
        ("issues/mean.md", "issues/none.md", 10, "there is no file 'issues/none.md'", "looked for in"),
        ("issues/mean.md", "../../etc/passwd", 10, "leads out of the suite's folder", ""),
        ("id: red", "id: red\n    id: blue", 16, "'id' is given twice", ""),
        ("suite: mine", "suite: [mine", 2, "this is not YAML", ""),
        ("judgeProvider", "", 0, "", ""),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, said: str, hint: str
) -> None:
    if not line:
        old, new, line, said = "diffSize: 0.5", "judge: 0.5", 7, "a judge needs a provider entry"
    with pytest.raises(ConfigError) as caught:
        read_suite(write(tmp_path, SUITE.replace(old, new)))
    assert said in caught.value.message
    assert f"line {line}:" in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ("      command: python -m unittest -v tests.test_hidden\n      folder: hidden/mean\n", ""),
        ("    reviewApprove: false\n", "task 'judge': a review task needs to say"),
        ("  baseCommit: d16bfe0\n", "task 'mean': it has no base commit"),
    ],
)
def test_a_task_that_nothing_grades_is_refused(tmp_path: Path, old: str, said: str) -> None:
    text = SUITE.replace(old, "")
    if not said:
        text, said = (
            SUITE[: SUITE.index("    hiddenTests")] + SUITE[SUITE.index("  - id: red") :],
            "hidden tests",
        )
    with pytest.raises(ConfigError, match=said):
        read_suite(write(tmp_path, text))


def test_aliases_are_not_multiplied(tmp_path: Path) -> None:
    text = "suite: x\ntasks:\n  - &a {id: a, issue: b}\n  - *a\n"
    with pytest.raises(ConfigError, match="aliases"):
        read_suite(write(tmp_path, text))


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    folder, outside = tmp_path / "suite", tmp_path / "secret.md"
    folder.mkdir()
    outside.write_text("canary")
    path = write(folder)
    (folder / "issues/mean.md").unlink()
    (folder / "issues/mean.md").symlink_to(outside)
    with pytest.raises(ConfigError, match="leads out"):
        read_suite(path)


def test_other_files_are_refused_with_words(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1\xff")
    with pytest.raises(ConfigError, match="Parquet"):
        read_suite(tmp_path / "x.parquet")
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_suite(tmp_path / "x.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_suite(tmp_path / "none.yaml")


ONE = (
    "suite: x\ntasks:\n- id: a\n  repository: r\n  baseCommit: c\n"
    "  hiddenTests: {{command: t}}\n  issueFile: {}\n"
)
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("deep.yaml", DEEP),
        ("deep.json", DEEP),
        ("deep.jsonl", DEEP),
        ("deep.jsonl", '{"a":' * 100_000 + "1" + "}" * 100_000),
        ("deep.jsonl", json.dumps({"instance_id": "a", "base_commit": "c", "FAIL_TO_PASS": DEEP})),
        ("pipe.yaml", ONE.format("pipe")),
        ("loop.yaml", ONE.format("loop")),
        ("zero.yaml", ONE.format('"a\\0b"')),
        ("long.yaml", ONE.format("a" * 5000)),
    ],
)
def test_what_is_made_to_break_the_reader_is_refused_in_words(
    tmp_path: Path, file: str, content: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / file).write_text(content)
    with pytest.raises(ConfigError):
        read_suite(tmp_path / file)

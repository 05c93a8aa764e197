"""SWE-bench's form, read as its datasets have it. The instances are of the tests' own making."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tamma.errors import ConfigError
from tamma.suites.forms.read import read_suite
from tamma.suites.forms.swebench import Reading

PATCH = """\
diff --git a/calc/mean.py b/calc/mean.py
--- a/calc/mean.py
+++ b/calc/mean.py
@@ -1,2 +1,2 @@
 def mean(values):
-    return sum(values) / (len(values) + 1)
+    return sum(values) / len(values)
"""
TEST_PATCH = """\
diff --git a/tests/test_mean.py b/tests/test_mean.py
--- a/tests/test_mean.py
+++ b/tests/test_mean.py
@@ -1,1 +1,4 @@
 from calc.mean import mean
+
+def test_two():
+    assert mean([2, 4]) == 3
"""


def instance(**changes: object) -> dict[str, object]:
    """One line, with the columns of the published datasets."""
    return {
        "repo": "acme/calc",
        "instance_id": "acme__calc-12",
        "base_commit": "d16bfe05a744909de4b27f5875fe0d4ed41ce607",
        "patch": PATCH,
        "test_patch": TEST_PATCH,
        "problem_statement": "mean() is too small\n\n`mean([2, 4])` gives 2.0.\r\n",
        "hints_text": "Looks like an off-by-one.",
        "created_at": "2024-02-01T10:00:00Z",
        "version": "1.3",
        "FAIL_TO_PASS": '["tests/test_mean.py::test_two"]',
        "PASS_TO_PASS": '["tests/test_mean.py::test_one"]',
        "environment_setup_commit": "298ccb478e6bf092953bca67a3d29dc6c35f6752",
        "difficulty": "<15 min fix",
        **changes,
    }


def write(folder: Path, *lines: object, name: str = "verified.jsonl") -> Path:
    """A dataset of these lines."""
    path = folder / name
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_an_instance_becomes_a_task(tmp_path: Path) -> None:
    suite = read_suite(write(tmp_path, instance()))
    (task,) = suite.tasks
    assert suite.name == "verified"
    assert task.id == "acme__calc-12"
    assert task.repository == "https://github.com/acme/calc"
    assert task.title == "mean() is too small"
    assert task.gold_patch == PATCH
    assert task.hidden_tests.patch == TEST_PATCH
    assert task.hidden_tests.fail_to_pass == ("tests/test_mean.py::test_two",)
    assert task.hidden_tests.pass_to_pass == ("tests/test_mean.py::test_one",)
    assert task.hidden_tests.command == "python -m pytest -rap --tb=short tests/test_mean.py"


def test_lists_and_texts_of_lists_are_the_same_suite(tmp_path: Path) -> None:
    as_text = read_suite(write(tmp_path, instance()))
    as_list = instance(
        FAIL_TO_PASS=["tests/test_mean.py::test_two"], PASS_TO_PASS=["tests/test_mean.py::test_one"]
    )
    assert read_suite(write(tmp_path, as_list, name="b.jsonl")).hash == as_text.hash
    assert read_suite(write(tmp_path, json.dumps([as_list]), name="c.json")).hash == as_text.hash


def test_hints_are_shown_only_where_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, instance())
    assert "off-by-one" not in read_suite(path).tasks[0].issue
    assert "off-by-one" in read_suite(path, reading=Reading(hints=True)).tasks[0].issue


def test_nothing_of_the_solution_is_in_the_issue(tmp_path: Path) -> None:
    task = read_suite(write(tmp_path, instance())).tasks[0]
    shown = task.title + task.issue
    assert "test_two" not in shown
    assert "len(values)\n" not in shown


def test_djangos_own_runner_is_used(tmp_path: Path) -> None:
    patch = TEST_PATCH.replace("tests/test_mean.py", "tests/auth_tests/test_validators.py")
    given = instance(
        repo="django/django",
        test_patch=patch,
        FAIL_TO_PASS='["test_help (auth_tests.test_validators.ValidatorTest)"]',
        PASS_TO_PASS="[]",
    )
    command = read_suite(write(tmp_path, given)).tasks[0].hidden_tests.command
    assert command == "python tests/runtests.py --verbosity 2 --parallel 1 auth_tests.test_validators"


@pytest.mark.parametrize("place", ["acme/calc", "acme__calc", "calc", "calc.git"])
def test_local_clones_stand_for_github(tmp_path: Path, place: str) -> None:
    clone = tmp_path / "clones" / place
    clone.mkdir(parents=True)
    suite = read_suite(write(tmp_path, instance()), reading=Reading(tmp_path / "clones"))
    assert suite.tasks[0].repository == str(clone)


@pytest.mark.parametrize(
    ("second", "said", "hint"),
    [
        ("{broken", "line 2: this is not JSON", "one JSON object a line"),
        ({"repo": "a/b", "instanceid": "x"}, "line 2: 'instance_id' is missing", "'instanceid' is probably"),
        (instance(FAIL_TO_PASS="test_a, test_b"), "line 2: 'FAIL_TO_PASS' is neither a list", ""),
        (instance(base_commit=7), "line 2: 'base_commit' input should be a valid string", ""),
        (instance(repo="calc"), "line 2: 'repo' is 'calc'", "owner/name"),
        (instance(test_patch="nonsense"), "line 2: 'test_patch' is no unified diff", ""),
        (instance(), "the id 'acme__calc-12' is given to more than one task", ""),
        ([1], "line 2: Input should be a valid dictionary", "JSON object"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, second: object, said: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_suite(write(tmp_path, instance(), second))
    assert said in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_clone_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no clone of 'acme/calc'"):
        read_suite(write(tmp_path, instance()), reading=Reading(tmp_path))

"""Graders: bounds, monotony, and runners' real words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tamma.model.metrics import QualityPart, weighted
from tamma.model.suite import GraderWeights, HiddenTests
from tamma.suites.graders.lint import configured, lint_command, read_findings
from tamma.suites.graders.outcomes import HiddenOutcome, judge_hidden, read_results
from tamma.suites.graders.parts import (
    hidden_part,
    judge_part,
    lint_part,
    nothing_part,
    red_test_parts,
    size_part,
    verdict_part,
)

WEIGHTS = GraderWeights(0.6, 0.1, 0.2, 0.1)
FINDINGS = st.lists(
    st.tuples(st.sampled_from(["a.py", "b.py"]), st.sampled_from(["F401", "E501"])), max_size=9
)
TESTS = """\
import unittest

class ATest(unittest.TestCase):
    def test_good(self):
        pass

    def test_bad(self):
        self.assertEqual(1, 2)

    def test_said(self):
        \"\"\"Says what it is.\"\"\"

    @unittest.skip("not now")
    def test_skipped(self):
        pass

    @unittest.expectedFailure
    def test_known(self):
        self.assertEqual(1, 2)
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A real run of a test runner."""
    done = subprocess.run(
        [sys.executable, "-B", "-m", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    done.stdout += done.stderr
    return done


def test_unittests_own_words_are_read(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(TESTS)
    done = run(tmp_path, "unittest", "-v", "test_a")
    hidden = HiddenTests(
        fail_to_pass=("test_good (test_a.ATest)", "test_said (test_a.ATest.test_said)", "ATest.test_known"),
        pass_to_pass=("test_bad", "test_skipped"),
    )
    outcome = judge_hidden(hidden, done.stdout, done.returncode)
    assert (outcome.fixed, outcome.to_fix, outcome.kept, outcome.to_keep) == (3, 3, 0, 2)
    assert outcome.missing == ("test_bad", "test_skipped")
    assert not outcome.passed


def test_pytests_own_words_are_read(tmp_path: Path) -> None:
    (tmp_path / "test_b.py").write_text(
        "import pytest\n\n@pytest.mark.parametrize('x', ['a', 'b - c'])\ndef test_p(x):\n"
        "    print('PASSED nothing')\n"
        "    assert x\n\ndef test_bad():\n    assert 0, 'a - b'\n\n"
        "class TestC:\n    def test_m(self):\n        pass\n\n@pytest.mark.skip\ndef test_s():\n    pass\n"
    )
    done = run(tmp_path, "pytest", "-rap", "--tb=short", "-p", "no:cacheprovider", "--color=yes", "test_b.py")
    results = read_results(done.stdout)
    assert results["test_b.py::test_p[b - c]"] is True
    assert results["test_b.py::test_bad"] is False
    hidden = HiddenTests(fail_to_pass=("test_b.py::test_p[a]", "TestC.test_m", "test_p"))
    assert judge_hidden(hidden, done.stdout, done.returncode).passed
    assert not judge_hidden(HiddenTests(fail_to_pass=("test_s",)), done.stdout, 0).passed


def test_a_test_that_passed_and_failed_did_not_pass() -> None:
    output = "PASSED a.py::test_x\nFAILED a.py::test_x - boom\n"
    assert not judge_hidden(HiddenTests(fail_to_pass=("a.py::test_x",)), output, 0).passed


def test_without_names_the_exit_code_decides() -> None:
    assert judge_hidden(HiddenTests(command="make"), "PASSED", 0).score == 100
    assert judge_hidden(HiddenTests(command="make"), "PASSED", 1).score == 0
    assert judge_hidden(HiddenTests(command="make"), "", 0, timed_out=True).passed is False


def test_no_output_is_no_passed_test() -> None:
    outcome = judge_hidden(HiddenTests(fail_to_pass=("a", "b"), pass_to_pass=("c",)), "", 0)
    assert outcome.score == 0
    assert not outcome.passed


counts = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))


@given(counts)
def test_the_hidden_score_is_whole_only_where_all_passed(given_counts: tuple[int, int, int, int]) -> None:
    fixed, more, kept, further = given_counts
    outcome = HiddenOutcome(not more and not further, True, fixed, fixed + more, kept, kept + further)
    part = hidden_part(outcome, WEIGHTS)
    assert 0 <= part.score <= 100
    assert (part.score == 100) == outcome.passed


@given(FINDINGS, FINDINGS, FINDINGS)
def test_lint_counts_only_what_is_new(
    base: list[tuple[str, str]], new: list[tuple[str, str]], more: list[tuple[str, str]]
) -> None:
    unchanged = lint_part(base, list(reversed(base)), WEIGHTS)
    less = lint_part(base, [*base, *new], WEIGHTS)
    least = lint_part(base, [*base, *new, *more], WEIGHTS)
    assert unchanged is not None
    assert less is not None
    assert least is not None
    assert unchanged.score == 100
    assert 100 >= less.score == max(100 - 20 * len(new), 0) >= least.score >= 0
    assert lint_part(None, new, WEIGHTS) is None


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.integers(0, 10_000))
def test_larger_changes_are_never_better(changed: int, further: int, expected: int) -> None:
    small, large = size_part(changed, expected, WEIGHTS), size_part(changed + further, expected, WEIGHTS)
    assert small is not None
    assert large is not None
    assert 100 >= small.score >= large.score >= 0
    assert (small.score == 100) == (changed <= max(expected, 5))


def test_the_size_falls_by_doublings() -> None:
    scores = [part.score for n in (10, 20, 40, 160, 900) if (part := size_part(n, 10, WEIGHTS))]
    assert scores == [100, 75, 50, 0, 0]
    assert size_part(0, 10, WEIGHTS) is None


def test_a_judges_noise_is_shown() -> None:
    part = judge_part([60, 80, 70], WEIGHTS, judge="gpt")
    assert part is not None
    assert part.score == 70
    assert "spread (sd) 10.0" in part.detail
    assert judge_part([60], WEIGHTS) is None


parts = st.lists(st.builds(QualityPart, st.just("x"), st.floats(0, 100), st.floats(0, 1)), max_size=6)


@given(parts)
@example([QualityPart("x", 0.5, 5e-324)])
def test_quality_lies_between_its_parts(given_parts: list[QualityPart]) -> None:
    found = weighted(given_parts)
    weighty = [part.score for part in given_parts if part.weight > 0]
    if found is None:
        assert not weighty
    else:
        assert min(weighty) - 1e-6 <= found <= max(weighty) + 1e-6


def test_a_part_without_a_word_leaves_its_share() -> None:
    alone = hidden_part(HiddenOutcome(True, named=False), WEIGHTS)
    assert weighted((alone,)) == 100
    assert weighted((nothing_part("budget", WEIGHTS),)) == 0


def test_testing_and_review() -> None:
    assert weighted(red_test_parts(red=True, fixed=True)) == 100
    assert weighted(red_test_parts(red=True, fixed=False)) == 50
    assert weighted(red_test_parts(red=False, fixed=None)) == 0
    assert verdict_part(approved=True, should=True).score == 100
    assert verdict_part(approved=True, should=False).score == 0


@pytest.mark.parametrize(("command", "expected"), [("ruff check .", True), ("flake8", False), (None, False)])
def test_lint_is_asked_only_where_it_is_configured(command: str | None, expected: bool) -> None:
    assert configured(command) is expected


def test_only_new_findings_of_a_real_linter(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=T", "-c", "user.email=t@localhost"]
        done = subprocess.run(
            ["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "ruff.toml").write_text('[lint]\nselect = ["F"]\n')
    (tmp_path / "old name.py").write_text("import os\n")
    git("add", "-A")
    git("commit", "-qm", "base")
    base = git("rev-parse", "HEAD")
    (tmp_path / "old name.py").write_text("import sys\n\n\nimport os\n")
    (tmp_path / "new.py").write_text("import json\n")
    command = lint_command(("old name.py", "new.py", "gone.py", "x.txt"), base)
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env={"PATH": path}, capture_output=True, text=True, check=False
    )
    before, after = read_findings(done.stdout)
    assert before == [("old name.py", "F401")]
    part = lint_part(before, after, WEIGHTS)
    assert part is not None
    assert part.score == 60, done.stdout + done.stderr
    with pytest.raises(ValueError, match="cut"):
        read_findings("cut off")

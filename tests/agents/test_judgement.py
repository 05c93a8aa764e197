"""Red, green, or nothing said: judged by exit codes alone."""

from __future__ import annotations

import pytest

from tamma.agents.judgement import Colour, failing, judge_red
from tamma.model.task import TestRun as Run


def run(command: str, exit_code: int, *, timed_out: bool = False) -> Run:
    return Run(command, exit_code, 1.0, timed_out)


@pytest.mark.parametrize(
    ("command", "exit_code", "colour"),
    [
        ("python -m pytest tests/test_a.py", 1, Colour.RED),
        ("python -m pytest tests/test_a.py", 2, Colour.RED),
        ("python -m pytest tests/test_a.py", 0, Colour.GREEN),
        ("python -m pytest tests/test_a.py", 4, Colour.INVALID),
        ("python -m pytest tests/test_a.py", 5, Colour.INVALID),
        ("python -m unittest tests.test_a", 1, Colour.RED),
        ("python -m unittest tests.test_a", 5, Colour.INVALID),
        ("cargo test slug", 101, Colour.RED),
        ("npm test", 1, Colour.RED),
        ("nosuch", 127, Colour.INVALID),
        ("./README.md", 126, Colour.INVALID),
    ],
)
def test_a_new_test_must_fail_by_itself(command: str, exit_code: int, colour: Colour) -> None:
    assert judge_red(run(command, exit_code)).colour is colour


def test_a_test_that_never_ends_says_nothing() -> None:
    assert judge_red(run("make test", 137, timed_out=True)).colour is Colour.INVALID


def test_the_first_red_command_blocks() -> None:
    green, red = run("a", 0), run("b", 1)
    assert failing((green, red), None) == red
    assert failing((green,), None) is None


def test_tests_that_were_red_before_do_not_block_but_the_new_one_does() -> None:
    baseline = run("make test", 2)
    assert failing((run("make test", 2),), baseline) is None
    assert failing((run("pytest -k new", 1),), baseline) == run("pytest -k new", 1)


def test_tests_that_were_green_before_block() -> None:
    assert failing((run("make test", 2),), run("make test", 0)) == run("make test", 2)

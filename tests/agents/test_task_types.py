"""What kind of work an issue asks for."""

from __future__ import annotations

import pytest

from tamma.agents.task_types import task_type
from tamma.model.agent import TaskType

CODE, TESTS, DOCS, REFACTORING = (
    TaskType.CODE_GENERATION,
    TaskType.TESTING,
    TaskType.DOCUMENTATION,
    TaskType.REFACTORING,
)


@pytest.mark.parametrize(
    ("labels", "title", "expected"),
    [
        ((), "mean() is too small", CODE),
        ((), "", CODE),
        (("bug",), "Add tests for mean()", CODE),
        (("kind/documentation",), "mean() is too small", DOCS),
        (("type: Tests",), "mean() is too small", TESTS),
        (("bug", "tech debt"), "mean() is too small", REFACTORING),
        (("needs review",), "mean() is too small", CODE),
        (("code-review",), "", TaskType.CODE_REVIEW),
        ((), "docs(api): say what mean() does", DOCS),
        ((), "fix: the docs build is red", CODE),
        ((), "test!: cover the parser", TESTS),
        ((), "Add unit tests for the parser", TESTS),
        ((), "Improve coverage of parse()", TESTS),
        ((), "Tests fail on Windows", CODE),
        ((), "Update the README for 3.0", DOCS),
        ((), "Document the settings", DOCS),
        ((), "Documents with empty lines crash the parser", CODE),
        ((), "Refactor the parser", REFACTORING),
        ((), "Clean up  imports", REFACTORING),
        ((), "Extraction of dates fails", CODE),
        ((), "Add a test_mode option", CODE),
    ],
)
def test_labels_go_before_the_title(labels: tuple[str, ...], title: str, expected: TaskType) -> None:
    assert task_type(labels, title) is expected

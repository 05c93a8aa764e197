"""What kind of work an issue asks for, from its labels and its title. Pure.

A convention that people overrule by a label: `type: testing`, `testing` and `tests` all mean the same. What
says nothing is code generation, the specification's first kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tamma.model.agent import TaskType

_LABELS: Mapping[str, TaskType] = {
    "bug": TaskType.CODE_GENERATION,
    "enhancement": TaskType.CODE_GENERATION,
    "feature": TaskType.CODE_GENERATION,
    "code-generation": TaskType.CODE_GENERATION,
    "code-review": TaskType.CODE_REVIEW,
    "review": TaskType.CODE_REVIEW,
    "test": TaskType.TESTING,
    "tests": TaskType.TESTING,
    "testing": TaskType.TESTING,
    "test-coverage": TaskType.TESTING,
    "coverage": TaskType.TESTING,
    "doc": TaskType.DOCUMENTATION,
    "docs": TaskType.DOCUMENTATION,
    "documentation": TaskType.DOCUMENTATION,
    "refactor": TaskType.REFACTORING,
    "refactoring": TaskType.REFACTORING,
    "cleanup": TaskType.REFACTORING,
    "tech-debt": TaskType.REFACTORING,
    "technical-debt": TaskType.REFACTORING,
    "chore": TaskType.REFACTORING,
}
"""By a label's last word: what stands before `/` or `:` is its scope (`kind/bug`, `type: docs`)."""

_PREFIXES: Mapping[str, TaskType] = {
    "feat": TaskType.CODE_GENERATION,
    "fix": TaskType.CODE_GENERATION,
    "test": TaskType.TESTING,
    "tests": TaskType.TESTING,
    "docs": TaskType.DOCUMENTATION,
    "doc": TaskType.DOCUMENTATION,
    "refactor": TaskType.REFACTORING,
    "chore": TaskType.REFACTORING,
}
"""Of titles in the style of Conventional Commits (`docs(api): ...`)."""

_ADD = r"(add|write|improve|extend|update|fix|missing)\b.{0,40}\b"
_TITLES: tuple[tuple[re.Pattern[str], TaskType], ...] = (
    (re.compile(_ADD + r"(tests?|coverage)\b"), TaskType.TESTING),
    (
        re.compile(r"document\b|" + _ADD + r"(docs?|documentation|docstrings?|readme|changelog)\b"),
        TaskType.DOCUMENTATION,
    ),
    (re.compile(r"(refactor|clean ?up|simplify|extract|deduplicate|restructure)\b"), TaskType.REFACTORING),
)
"""From the title's beginning: a bug that mentions a test asks for none."""


def task_type(labels: Iterable[str], title: str) -> TaskType:
    """The kind of work. Labels go before the title; of several, the most specific one counts."""
    known = [kind for label in labels if (kind := _LABELS.get(_word(label))) is not None]
    specific = [kind for kind in known if kind is not TaskType.CODE_GENERATION]
    if known:
        return specific[0] if specific else TaskType.CODE_GENERATION
    line = " ".join(title.lower().split())
    prefix = re.match(r"([a-z]+)(\([^)]*\))?!?:", line)
    if prefix and prefix[1] in _PREFIXES:
        return _PREFIXES[prefix[1]]
    return next((kind for pattern, kind in _TITLES if pattern.match(line)), TaskType.CODE_GENERATION)


def _word(label: str) -> str:
    last = re.split(r"[/:]+", label.strip().lower())[-1]
    return re.sub(r"[\s_]+", "-", last.strip())

"""How tests are run and chosen: what a change of that leaves out, or lets fail unseen."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tamma.workspace.interface import PolicyFinding

_FILES = re.compile(
    r"pyproject\.toml|setup\.cfg|tox\.ini|\.?pytest\.(?:ini|toml)|conftest\.py|noxfile\.py|package\.json"
    r"|(?:jest|vitest|vite|karma|playwright|cypress)(?:\.\w+)*\.(?:[cm]?[jt]s|json)|\.mocharc(?:\.\w+)?"
    r"|(?:GNU)?[Mm]akefile|[Jj]ustfile|Taskfile\.ya?ml|Rakefile|\.rspec|pom\.xml|build\.gradle(?:\.kts)?"
    r"|Cargo\.toml|phpunit\.xml(?:\.dist)?|.*\.(?:sh|bash)|.*\.mk"
)
_RUNNER = (
    r"\b(?:pytest|py\.test|unittest|tox|nox|jest|vitest|mocha|ava|karma|(?:npm|yarn|pnpm|bun)\s+(?:run\s+)?test"
    r"|go\s+test|cargo\s+(?:nextest|test)|mvnw?\b[^\n]*\b(?:test|verify)|gradlew?\b[^\n]*\b(?:test|check)"
    r"|rspec|rake\s+(?:test|spec)|phpunit|dotnet\s+test|ctest|make\s+(?:test|check))\b"
)
_LONGEST_LINE = 2000
_UNHEARD = "a failure of the tests is not heard"
_LEFT_OUT = "tests are left out"
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (words, re.compile(pattern))
    for words, pattern in (
        (_UNHEARD, rf"{_RUNNER}[^\n]*\|\|\s*(?:true\b|:(?:\s|$|\")|exit\s+0|echo\b)"),
        (_UNHEARD, rf"{_RUNNER}[^\n]*;\s*(?:true\b|exit\s+0)"),
        (_UNHEARD, rf"^\t@?-@?\s*[^\n]*{_RUNNER}"),
        (_UNHEARD, r"passWithNoTests|testFailureIgnore>\s*true|ignoreFailures\s*=\s*true"),
        (_LEFT_OUT, r"^\s*collect_ignore(?:_glob)?\b"),
        (_LEFT_OUT, r"\bdef\s+pytest_(?:ignore_collect|collection_modifyitems)\b"),
        (_UNHEARD, r"\bdef\s+pytest_(?:runtest_makereport|report_teststatus|pyfunc_call)\b"),
        (_LEFT_OUT, r"--(?:ignore(?:-glob)?|deselect|skip|testPathIgnorePatterns)(?:[= ]|\"|')"),
        (_LEFT_OUT, r"(?:addopts|pytest)\b[^\n]*[\s\"']-(?:k|m)[ =\"']|^\s*-(?:k|m)\s+[\"']?\w"),
        (_LEFT_OUT, r"testPathIgnorePatterns|testIgnore\b|modulePathIgnorePatterns|excludeTestsMatching\b"),
        (_LEFT_OUT, r"-DskipTests|maven\.test\.skip|<skip(?:Tests)?>\s*true|\s-x\s+test\b"),
        (_LEFT_OUT, r"^\s*(?:test|harness)\s*=\s*false|--exclude-pattern\b|^\s*--tag\s+~"),
    )
)  # fmt: skip


def is_settings(path: str) -> bool:
    """Whether the file may say how tests are run."""
    return bool(_FILES.fullmatch(posixpath.basename(path)))


def loosened(path: str, before: str, after: str) -> Iterator[PolicyFinding]:
    """The lines that the change adds to leave tests out, or to pass where they fail."""
    known = {line.strip() for line in before.splitlines()}
    table = ""
    for number, line in enumerate(after.splitlines(), start=1):
        table = line.strip() if line.startswith("[") else table
        if line.strip() in known or line.lstrip().startswith(("#", "//", ";")):
            continue
        for words, pattern in _RULES:
            if pattern.search(line[:_LONGEST_LINE]) and not (
                line.lstrip().startswith(("test", "harness")) and _no_target(table)
            ):
                yield PolicyFinding(path, "test settings", True, f"{words}: `{line.strip()[:120]}`", number)
                break


def _no_target(table: str) -> bool:
    """`test = false` is Cargo's only in a target's table."""
    return bool(table) and not re.match(r"\[+(?:lib|bin|test|example|bench)\]", table)

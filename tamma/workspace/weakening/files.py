"""Which files are tests, by their paths."""

from __future__ import annotations

import posixpath
import re

_CODE = re.compile(r"py|[cm]?[jt]s|[jt]sx|vue|go|java|kts?|groovy|scala|cs|rb|rs|php|swift|dart|exs?")
_NAMES = re.compile(
    r"(?:test_[^/]*|[^/]*_test|tests)\.py|[^/]*[.-](?:test|spec)\.[cm]?[jt]sx?|[^/]*_test\.go"
    r"|(?:[^/]*(?:Test|Tests|TestCase|IT|Spec)|Test[A-Z][^/]*)\.(?:java|kt|kts|groovy|scala|cs|php|swift)"
    r"|(?:[^/]*_(?:spec|test)|test_[^/]*)\.rb|[^/]*_test\.(?:rs|dart|exs)"
)
_FOLDERS = frozenset({"test", "tests", "spec", "specs", "__tests__"})


def is_test(path: str) -> bool:
    """Whether the file holds tests, or what only tests use."""
    folder, name = posixpath.split(path)
    if not _CODE.fullmatch(name.rpartition(".")[2]):
        return False
    return bool(_NAMES.fullmatch(name)) or not _FOLDERS.isdisjoint(folder.split("/"))


def may_hold_tests(path: str) -> bool:
    """Also files that have their tests within them, as Rust's do."""
    return is_test(path) or path.endswith(".rs")

"""The tables of `docs/platforms/README.md`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from tamma.platforms import interface as can
from tests.test_docs.pages import ROOT

PAGE = ROOT / "docs/platforms/README.md"
WORDS: Mapping[str, str] = {
    "issues": can.ISSUES,
    "comments": can.COMMENTS,
    "labels": can.LABELS,
    "assignees": can.ASSIGNEES,
    "pull requests": can.PULL_REQUESTS,
    "drafts": can.DRAFTS,
    "reviewers": can.REVIEWERS,
    "reviews and remarks": can.REVIEWS,
    "resolve threads": can.RESOLVE_THREADS,
    "merge when ready": can.AUTO_MERGE,
    "checks": can.CHECKS,
    "report a status": can.STATUSES,
    "start CI": can.CI_TRIGGER,
    "runs and jobs": can.CI_RUNS,
    "logs": can.CI_LOGS,
    "run again": can.CI_RERUN,
    "stop": can.CI_CANCEL,
    "git push": can.GIT_PUSH,
    "commit by API": can.API_COMMITS,
    "merge without a pull request": can.LOCAL_MERGE,
    "webhooks": can.WEBHOOKS,
}
"""What the columns are called."""
_TABLE = re.compile(r"(?:^\|.*\|\n)+", re.MULTILINE)

Row = Mapping[str, str]
"""A table's row by its columns' names."""


def tables(section: str) -> list[dict[str, Row]]:
    """The tables of a section, each with its rows by the name in their first cell."""
    text = PAGE.read_text("utf-8")
    body = re.split(r"^## ", text.partition(f"## {section}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return [_read(table) for table in _TABLE.findall(body)]


def _read(table: str) -> dict[str, Row]:
    head, _, *lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
    return {name.strip("`"): dict(zip(head[1:], rest, strict=True)) for name, *rest in lines}


@cache
def matrix() -> dict[str, Row]:
    """Of each platform, what stands under each capability. Raises KeyError for a column of another name."""
    found: dict[str, dict[str, str]] = {}
    for table in tables("What each can do"):
        for name, row in table.items():
            found.setdefault(name, {}).update({WORDS[column]: cell for column, cell in row.items()})
    return dict(found)


def cells(platform: str) -> Row:
    """The platform's row by capabilities, whichever table it is in."""
    return matrix()[platform]

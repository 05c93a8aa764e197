"""The lists that the benchmarks ask each platform for, in the platform's own shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tamma.model.repository import RepoRef

ITEMS = 100
_BODY = "It fails with a long trace.\n" * 60
"""1.6 kB, as issues have."""
_TIME = "2026-01-02T03:04:05Z"


@dataclass(frozen=True, slots=True)
class Service:
    type: str
    path: str
    """What the bare client asks for."""
    answers: dict[str, dict[str, Any]]
    """By path: `body`, `headers`."""
    repo: RepoRef
    base: str = ""
    """What the account's baseUrl has behind the host."""
    what: str = "issues"
    """`issues` or `pull requests`, where there are no issues."""
    items: int = ITEMS
    """A service's largest page, where that is less than a hundred."""
    username: str = ""


def _many(make: Callable[[int], dict[str, Any]], items: int = ITEMS) -> list[dict[str, Any]]:
    return [make(number) for number in range(1, items + 1)]


def _github(number: int) -> dict[str, Any]:
    user = {"login": "mona", "id": 1, "avatar_url": "https://example.test/a", "type": "User"}
    return {
        "id": number + 1000,
        "node_id": f"I_{number}",
        "number": number,
        "title": f"Bug {number}",
        "body": _BODY,
        "state": "open",
        "html_url": f"https://example.test/octo/hello/issues/{number}",
        "user": user,
        "labels": [{"id": 1, "name": "bug", "color": "ededed"}],
        "assignees": [user],
        "comments": 0,
        "created_at": _TIME,
        "updated_at": _TIME,
    }


SERVICES = (
    Service(
        "github",
        "/repos/octo/hello/issues",
        {"/repos/octo/hello/issues": {"body": _many(_github)}},
        RepoRef("bench", "octo", "hello"),
    ),
)

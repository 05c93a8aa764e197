"""Where issues live."""

from __future__ import annotations

from typing import Protocol

from tamma.model.repository import (
    Comment,
    Issue,
    IssueFilter,
    Page,
    RepoRef,
    Target,
)


class IssueTracker(Protocol):
    """Where issues live. A forge usually is one; Jira or Azure Boards can stand beside any forge."""

    async def list_issues(self, repo: RepoRef, query: IssueFilter, cursor: str | None = None) -> Page[Issue]:
        """One page, oldest first, without comments. `cursor` is a `next_cursor` of the same query."""
        ...

    async def get_issue(self, repo: RepoRef, number: str) -> Issue:
        """The issue with its comments. Raises NotFound, also for a pull request."""
        ...

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]:
        """All of the conversation, oldest first, without remarks on lines and without our marks."""
        ...

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        """Create the comment of operation `op_id`, or update it to `body` where it exists.

        `link` says where the whole text is, for platforms that take only the beginning of it.
        """
        ...

    async def set_labels(
        self, repo: RepoRef, target: Target, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """Labels that do not exist yet are made. Only the difference is written."""
        ...

    async def set_assignees(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """Assignees of an issue, by login. Raises NotFound for one who cannot be assigned."""
        ...

    async def close_issue(self, repo: RepoRef, number: str) -> None:
        """Close it; closed already is done."""
        ...

    async def reopen_issue(self, repo: RepoRef, number: str) -> None: ...

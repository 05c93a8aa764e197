"""Searches in Jira's query language, and how its lists go on. Pure."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, cast

from tamma.model.repository import IssueFilter
from tamma.platforms.http.connection import Pager
from tamma.platforms.http.messages import Query, Request, Response


def jql(project: str, query: IssueFilter, now: datetime) -> str:
    """The search. Times are relative, in minutes: absolute ones are read in the account's time zone."""
    parts = [f"project = {quoted(project)}"]
    if query.state != "all":
        parts.append(f"statusCategory {'=' if query.state == 'closed' else '!='} Done")
    parts += [f"labels = {quoted(label_of(label))}" for label in query.labels]
    parts += [f"{name} = {quoted(who)}" for name, who in _people(query) if who is not None]
    if query.updated_since is not None:
        minutes = max(math.ceil((now - query.updated_since).total_seconds() / 60), 0) + 1
        parts.append(f"updated >= -{minutes}m")
    return f"{' AND '.join(parts)} ORDER BY created ASC, key ASC"


def _people(query: IssueFilter) -> tuple[tuple[str, str | None], ...]:
    return ("assignee", query.assignee), ("creator", query.author)


def quoted(text: str) -> str:
    """A value in JQL: nothing in it ends it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def label_of(name: str) -> str:
    """A label as Jira has them: without spaces."""
    return "-".join(name.split())


def searched(request: Request, response: Response, body: Any) -> Query | None:
    """The pager of searches: a token on Cloud, which the last page has none of; counted on Data Center."""
    fields = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    token = fields.get("nextPageToken")
    if token and not fields.get("isLast"):
        return {**request.query, "nextPageToken": str(token)}
    return counted("issues")(request, response, body) if "startAt" in fields else None


def counted(key: str) -> Pager:
    """The pager of lists with `startAt` and `total`. A page may have fewer items than were asked for."""

    def pager(request: Request, response: Response, body: Any) -> Query | None:
        fields = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
        items = fields.get(key)
        size = len(cast("list[Any]", items)) if isinstance(items, list) else 0
        start = int(fields.get("startAt") or 0) + size
        return (
            {**request.query, "startAt": str(start)}
            if size and start < int(fields.get("total") or 0)
            else None
        )

    return pager

"""Whether something fits a query, for platforms that do not look at all of it themselves. Pure.

Logins and labels have no case.
"""

from __future__ import annotations

from datetime import UTC

from tamma.model.repository import Issue, IssueFilter, PullRequest, PullRequestFilter


def issue_fits(issue: Issue, query: IssueFilter) -> bool:
    """One whose last change nobody knows may have changed."""
    labels = {label.lower() for label in issue.labels}
    assignees = {login.lower() for login in issue.assignees}
    since, changed = query.updated_since, issue.updated_at
    return (
        query.state in ("all", issue.state)
        and all(label.lower() in labels for label in query.labels)
        and (query.assignee is None or query.assignee.lower() in assignees)
        and (query.author is None or query.author.lower() == issue.author.lower())
        and (since is None or changed is None or changed >= since.astimezone(UTC))
    )


def pull_fits(pull: PullRequest, query: PullRequestFilter) -> bool:
    return (
        query.state in ("all", pull.state)
        and query.head in (None, pull.head)
        and query.base in (None, pull.base)
    )

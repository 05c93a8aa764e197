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


def _gitlab(number: int) -> dict[str, Any]:
    user = {"id": 1, "username": "mona", "name": "Mona", "state": "active"}
    return {
        "id": number + 1000,
        "iid": number,
        "project_id": 7,
        "title": f"Bug {number}",
        "description": _BODY,
        "state": "opened",
        "web_url": f"https://example.test/octo/hello/-/issues/{number}",
        "author": user,
        "labels": ["bug"],
        "assignees": [user],
        "user_notes_count": 0,
        "created_at": _TIME,
        "updated_at": _TIME,
    }


def _gitea(number: int) -> dict[str, Any]:
    return {**_github(number), "user": {"id": 1, "login": "mona"}, "pull_request": None, "ref": ""}


def _azure(number: int) -> dict[str, Any]:
    return {
        "pullRequestId": number,
        "codeReviewId": number,
        "status": "active",
        "createdBy": {"displayName": "Mona", "id": "1", "uniqueName": "mona@example.test"},
        "creationDate": _TIME,
        "title": f"Fix {number}",
        "description": _BODY[:399],  # lists cut longer ones off
        "sourceRefName": f"refs/heads/fix-{number}",
        "targetRefName": "refs/heads/main",
        "mergeStatus": "succeeded",
        "isDraft": False,
        "lastMergeSourceCommit": {"commitId": "1" * 40},
        "lastMergeTargetCommit": {"commitId": "2" * 40},
        "reviewers": [],
        "repository": {"id": "r", "name": "hello", "project": {"id": "p", "name": "proj"}},
    }


def _bitbucket(number: int) -> dict[str, Any]:
    mona = {"type": "user", "uuid": "{1}", "nickname": "mona", "display_name": "Mona"}
    where = {"type": "repository", "full_name": "octo/hello"}
    return {
        "type": "pullrequest",
        "id": number,
        "title": f"Fix {number}",
        "description": _BODY,
        "summary": {"raw": _BODY, "markup": "markdown", "html": f"<p>{_BODY}</p>"},
        "state": "OPEN",
        "author": mona,
        "source": {"branch": {"name": f"fix-{number}"}, "commit": {"hash": "1" * 12}, "repository": where},
        "destination": {"branch": {"name": "main"}, "commit": {"hash": "2" * 12}, "repository": where},
        "created_on": _TIME,
        "updated_on": _TIME,
        "draft": False,
        "reviewers": [mona],
        "links": {"html": {"href": f"https://example.test/octo/hello/pull-requests/{number}"}},
    }


_HELLO = RepoRef("bench", "octo", "hello")
_VERSIONS = {
    "gitea": {"/api/v1/version": {"body": {"version": "1.24.0"}}},
    "forgejo": {
        "/api/v1/version": {"body": {"version": "12.0.0+gitea-1.22.0"}},
        "/api/forgejo/v1/version": {"body": {"version": "12.0.0"}},
    },
}
_GITEA_PAGE = 50
"""Gitea and Forgejo give out no larger page unless their administrators say so."""
_BITBUCKET, _BITBUCKET_PAGE = "/2.0/repositories/octo/hello", 50

SERVICES = (
    Service(
        "github",
        "/repos/octo/hello/issues",
        {"/repos/octo/hello/issues": {"body": _many(_github)}},
        _HELLO,
    ),
    Service(
        "gitlab",
        "/api/v4/projects/octo%2Fhello/issues",
        {"/api/v4/projects/octo%2Fhello/issues": {"body": _many(_gitlab)}},
        _HELLO,
    ),
    *(
        Service(
            kind,
            "/api/v1/repos/octo/hello/issues",
            {
                "/api/v1/repos/octo/hello/issues": {"body": _many(_gitea, _GITEA_PAGE)},
                **_VERSIONS[kind],
            },
            _HELLO,
            items=_GITEA_PAGE,
        )
        for kind in ("gitea", "forgejo")
    ),
    Service(
        "azure-devops",
        "/acme/proj/_apis/git/repositories/hello/pullrequests",
        {
            "/acme/proj/_apis/git/repositories/hello/pullrequests": {
                "body": {"value": _many(_azure), "count": ITEMS}
            }
        },
        RepoRef("bench", "acme/proj", "hello"),
        what="pull requests",
    ),
    Service(
        "bitbucket",
        f"{_BITBUCKET}/pullrequests",
        {
            f"{_BITBUCKET}/pullrequests": {
                "body": {"values": _many(_bitbucket, _BITBUCKET_PAGE), "pagelen": _BITBUCKET_PAGE}
            },
            f"{_BITBUCKET}/commit/{'1' * 12}": {"body": {"type": "commit", "hash": "1" * 40}},
        },
        _HELLO,
        base="/2.0",
        what="pull requests",
        items=_BITBUCKET_PAGE,
        username="bot@example.test",
    ),
)

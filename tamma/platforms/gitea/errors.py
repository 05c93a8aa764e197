"""How Gitea and Forgejo say no. Pure.

Sources: routers/api/v1 of both (the statuses of each operation stand in the published descriptions).
"""

from __future__ import annotations

from tamma.errors import Forbidden, PlatformError
from tamma.platforms.http.errors import Answer, Dialect, said

_SCOPES = "write:repository, write:issue and read:user"


def dialect(name: str) -> Dialect:
    """`name` is the service's: Gitea or Forgejo."""

    def judge(answer: Answer) -> PlatformError | None:
        """423: archived. 413: over the quota (Forgejo)."""
        hints = {
            423: "the repository is archived: take it out of the archive, or work on another one",
            413: "the owner's quota is used up: make room, or ask the administrator for more",
        }
        if answer.status not in hints:
            return None
        what = said(answer, made)
        return Forbidden(what, hint=hints[answer.status], platform=answer.platform, status=answer.status)

    made = Dialect(
        name,
        f"make a new token at {name} (Settings, Applications) with the scopes {_SCOPES}",
        f"the token needs the scopes {_SCOPES}, and its user write access to the repository",
        f"check the platform's baseUrl: it is the address of {name}, such as https://git.example.com",
        judge=judge,
    )
    return made

"""What a deed of the memory platform has before it: one repository's state, its Git, what was configured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pygit2

from tamma.errors import NotFound
from tamma.model.repository import RepoRef
from tamma.platforms.common.bodies import fit
from tamma.platforms.memory.options import Options
from tamma.platforms.memory.state import RepoState
from tamma.platforms.plain.local import LocalGit

AUTHOR = "tamma"
"""Who the memory platform says we are."""
PAGE = 100
"""Things on a page; a cursor is a position."""


@dataclass(slots=True)
class Scene:
    repo: RepoRef
    path: str
    """Of the Git repository."""
    state: RepoState
    options: Options
    save: Callable[[], None]
    """Keep the state as it is now: what follows may be killed."""

    @property
    def local(self) -> LocalGit:
        return LocalGit(self.path)

    @property
    def git(self) -> pygit2.Repository:
        """Opened anew, so that it sees what was pushed."""
        return self.local.open()

    @property
    def url(self) -> str:
        return web_url(self.repo)

    def fitted(self, body: str, link: str = "") -> str:
        """`body` at the length that is configured."""
        return body if self.options.longest is None else fit(body, self.options.longest, link=link)

    def require_users(self, logins: tuple[str, ...]) -> None:
        """Raises NotFound."""
        known = self.options.users
        for login in logins:
            if known is not None and login not in known | {AUTHOR}:
                raise NotFound(
                    f"there is no user {login!r}", hint=f"users: {', '.join(sorted(known))}", status=404
                )


def web_url(repo: RepoRef) -> str:
    return f"memory://{repo.full_name}"


def now() -> datetime:
    return datetime.now(UTC)

"""Who is who, and labels: numbers to the service, of the repository or of its organisation."""

from __future__ import annotations

import contextlib

from pydantic import BaseModel

from tamma.errors import Forbidden, NotFound, PlatformError
from tamma.model.repository import Identity, RepoRef, Target
from tamma.platforms.common.differences import difference
from tamma.platforms.common.names import number_of, segment
from tamma.platforms.common.trust import Trust
from tamma.platforms.gitea.client import repo_path
from tamma.platforms.gitea.commits import GiteaCommits
from tamma.platforms.gitea.models import GHOST, IssueAnswer, Label, User, Written
from tamma.platforms.http.messages import Request
from tamma.platforms.interface import PlatformSettings

_WRITERS = frozenset({"write", "admin", "owner"})
_COLOR = "#ededed"


class _Permission(BaseModel):
    permission: str = "none"


class GiteaLabels(GiteaCommits):
    """Identity, trust, and labels."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._trust = Trust(self._ask_permission)
        self._identity: Identity | None = None

    async def check_credentials(self) -> Identity:
        """The token's user. Raises BadCredentials, and Forbidden without the scope read:user."""
        self._identity = Identity((await self._api.get(User, "/user")).login)
        return self._identity

    async def _login(self) -> str:
        return (self._identity or await self.check_credentials()).login

    async def _is_us(self, written: Written) -> bool:
        """Whether we wrote it."""
        return written.by(await self._login())

    async def _trusts(self, repo: RepoRef, written: Written) -> bool:
        return not written.original_author and await self._trust.may_write(repo, written.author)

    async def _ask_permission(self, repo: RepoRef, login: str) -> bool:
        if login == GHOST:
            return False
        path = repo_path(repo, f"/collaborators/{segment(login)}/permission")
        try:
            return (await self._api.get(_Permission, path)).permission in _WRITERS
        except Forbidden:
            # Only administrators of the repository may ask about others.
            return await self._is_assignable(repo, login)

    async def _is_assignable(self, repo: RepoRef, login: str) -> bool:
        """Where a user owns the repository, those who may write are the ones who can be assigned. Below an
        organisation members of a team that only reads can be assigned as well: there nobody is trusted.

        That it has no teams for this reason (405) is what no server says of an organisation, hidden or not.
        """
        try:
            await self._api.call(Request("GET", repo_path(repo, "/teams")))
        except PlatformError as error:
            if error.status != 405 or "not owned by an organization" not in error.message:
                raise
            found = await self._list(User, repo_path(repo, "/assignees"))
            return login.lower() in {user.login.lower() for user in found}
        return False

    # --- labels --------------------------------------------------------------------------------------

    async def set_labels(
        self, repo: RepoRef, target: Target, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        there = (await self._issue(repo, target.number)).labels or []
        await self._add_labels(repo, target.number, there, add)
        gone = difference((label.name for label in there), add, remove).gone
        for label in there:
            if label.name in gone:
                path = repo_path(repo, f"/issues/{number_of(target.number)}/labels/{label.id}")
                with contextlib.suppress(NotFound):  # somebody else removed it between our look and our write
                    await self._api.do("DELETE", path)

    async def _add_labels(self, repo: RepoRef, number: str, there: list[Label], add: tuple[str, ...]) -> bool:
        """Give it those that are not there; labels that do not exist are made. Whether any was missing."""
        missing = difference((label.name for label in there), add).missing
        if not missing:
            return False
        known = await self._known_labels(repo)
        found = [known.get(name.lower()) or await self._make_label(repo, name) for name in missing]
        path = repo_path(repo, f"/issues/{number_of(number)}/labels")
        await self._api.do("POST", path, {"labels": [label.id for label in found]})
        return True

    async def _known_labels(self, repo: RepoRef) -> dict[str, Label]:
        """By lower-case name; the repository's win over its organisation's."""
        try:
            shared = await self._all(Label, f"/orgs/{segment(repo.owner)}/labels")
        except (NotFound, Forbidden):
            shared = []  # a user owns it, or the token may not read organisations
        own = await self._all(Label, repo_path(repo, "/labels"))
        return {label.name.lower(): label for label in (*shared, *own)}

    async def _make_label(self, repo: RepoRef, name: str) -> Label:
        body = {"name": name, "color": _COLOR}
        return await self._api.send(Label, "POST", repo_path(repo, "/labels"), body)

    async def _issue(self, repo: RepoRef, number: str) -> IssueAnswer:
        return await self._api.get(IssueAnswer, repo_path(repo, f"/issues/{number_of(number)}"))

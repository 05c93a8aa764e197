"""The world of a test: accounts, repositories, a clock, and a count of what was done through the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pygit2

from tamma.errors import NotFound
from tests.support.forge.repository import Repo
from tests.support.forge.things import Account

_ACTING: ContextVar[bool] = ContextVar("acting", default=False)
BEGINNING = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FILES = {"README.md": b"hello\n", "src/app.py": b"print(1)\n"}


class World:
    """What is there, whichever platform shows it. People act by its methods; the API's routes do too.

    `bot` is whose credentials an adapter has. `shared_numbers`: whether issues and pull requests count in one
    sequence (GitHub, Gitea, Forgejo) or in one each. `hello`: a bare repository to be octo/hello.
    """

    def __init__(
        self,
        folder: Path,
        *,
        bot: str = "tamma-bot",
        shared_numbers: bool = True,
        hello: Path | None = None,
    ) -> None:
        self.folder = folder
        self.bot = bot
        self.shared_numbers = shared_numbers
        self.url = ""
        """Of the server that shows it."""
        self.effects: Counter[str] = Counter()
        """What was changed through the API, by kind; what people do is not counted."""
        self.accounts: dict[str, Account] = {}
        self.repos: list[Repo] = []
        self.moved: dict[tuple[str, str], Repo] = {}
        """Names that repositories had before."""
        self.extra: dict[str, Any] = {}
        """What one platform alone knows, such as its apps."""
        self._ids = count(101)
        self._now = BEGINNING
        for login in (bot, "octo", "writer", "reader", "stranger"):
            self.add_account(login)
        self.hello = self.add_repo("octo", "hello", path=hello)

    # --- accounts -----------------------------------------------------------------------------------------

    def add_account(self, login: str) -> Account:
        name = login.replace("-", " ").title()
        self.accounts[login] = Account(self.new_id(), login, name, f"{login}@example.test")
        return self.accounts[login]

    def account(self, login: str) -> Account:
        """Somebody who wrote something and is gone has an account nevertheless, as on a forge."""
        return self.accounts.get(login) or self.add_account(login)

    # --- repositories -------------------------------------------------------------------------------------

    def add_repo(
        self, owner: str, name: str, *, empty: bool = False, private: bool = True, path: Path | None = None
    ) -> Repo:
        """`owner` may be nested (`group/sub`). `path`: a bare repository that is there already."""
        place = path or self.folder / owner / f"{name}.git"
        if path is None:
            make_bare(place, None if empty else FILES)
        repo = Repo(self, owner, name, place, private=private)
        self.repos.append(repo)
        return repo

    def find(self, owner: str, name: str) -> Repo | None:
        """By its name now."""
        return next((repo for repo in self.repos if (repo.owner, repo.name) == (owner, name)), None)

    def require(self, owner: str, name: str) -> Repo:
        """By its name now. Raises NotFound."""
        found = self.find(owner, name)
        if found is None:
            raise NotFound(f"there is no repository {owner}/{name}")
        return found

    def rename(self, repo: Repo, name: str, owner: str | None = None) -> None:
        """Its old name leads to it from now on."""
        self.moved[repo.owner, repo.name] = repo
        repo.owner, repo.name = owner or repo.owner, name

    # --- clock, ids, effects ------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Later than all that was before, by a second."""
        self._now += timedelta(seconds=1)
        return self._now

    def new_id(self) -> int:
        return next(self._ids)

    @contextmanager
    def through_the_api(self) -> Generator[None]:
        """What is done within counts as an effect, and needs permission."""
        token = _ACTING.set(True)
        try:
            yield
        finally:
            _ACTING.reset(token)

    @property
    def acting(self) -> bool:
        """Whether it is the API that acts, not somebody in the test."""
        return _ACTING.get()

    def did(self, kind: str) -> None:
        """Something changed."""
        if self.acting:
            self.effects[kind] += 1

    def fingerprint(self) -> dict[str, Any]:
        """All that people see, comparable and fit for JSON: no ids, no times, trees instead of commits."""
        return {repo.full_name: repo.fingerprint() for repo in self.repos}


def make_bare(path: Path, files: dict[str, bytes] | None, branch: str = "main") -> Path:
    """A bare repository with one commit on `branch`; with none where `files` is None."""
    repo = pygit2.init_repository(str(path), bare=True, initial_head=branch)
    if files is None:
        return path
    index = pygit2.Index()
    for name, content in files.items():
        index.add(pygit2.IndexEntry(name, repo.create_blob(content), pygit2.enums.FileMode.BLOB))
    author = pygit2.Signature("Mona", "mona@example.test")
    repo.create_commit(f"refs/heads/{branch}", author, author, "first", index.write_tree(repo), [])
    return path

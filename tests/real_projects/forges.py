"""Two GitHubs that hold a real project, and what a reader finds there afterwards, asked by the same API."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pygit2

from tamma.model.repository import RepoRef
from tamma.platforms.interface import PlatformSettings
from tests.support.forge.server import ApiServer
from tests.support.sdists import AUTHOR, MESSAGE, git


@dataclass
class Forge:
    """A GitHub by its API. `bare` is what a workspace clones: neither GitHub here has Git's transport."""

    url: str
    token: str
    repo: RepoRef
    bare: Path
    commit_statuses: bool = True

    @property
    def account(self) -> PlatformSettings:
        """How a user configures it: clone from elsewhere, deliver the commit by the API."""
        options = {"commit_statuses": self.commit_statuses}
        return PlatformSettings(
            "github",
            "github",
            self.url,
            self.token,
            clone_url=str(self.bare),
            delivery="api",
            timeout=10,
            options=options,
        )

    def open_issue(self, title: str, body: str) -> str:
        """Somebody reports a bug; the issue's number."""
        return str(self.call("POST", "/issues", {"title": title, "body": body})["number"])

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One request. Raises HTTPError."""
        request = urllib.request.Request(
            f"{self.url}/repos/{self.repo.full_name}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)

    def exists(self, path: str) -> bool:
        try:
            self.call("GET", path)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise
        return True

    def main(self) -> str:
        """The commit that `main` is at."""
        return self.call("GET", "/git/ref/heads/main")["object"]["sha"]

    def fetch_main(self, paths: tuple[str, ...]) -> str:
        """A commit of `bare` with the tree of the forge's main, which differs in `paths` alone."""
        raise NotImplementedError


class InProcess(Forge):
    """The in-process GitHub, which works on `bare` itself."""

    def __init__(self, server: ApiServer) -> None:
        super().__init__(
            server.url, server.token, RepoRef("github", "octo", "hello"), server.world.hello.path
        )
        self.server = server

    def open_issue(self, title: str, body: str) -> str:
        return str(self.server.world.hello.add_issue(title, body).number)

    def fetch_main(self, paths: tuple[str, ...]) -> str:
        return "main"


class Emulate(Forge):
    """npm's emulate: it is given the project by the Git data API, and has the same commit then."""

    def __init__(self, url: str, name: str, bare: Path) -> None:
        super().__init__(url, "bot-token", RepoRef("github", "bot", name), bare, commit_statuses=False)
        repository = pygit2.Repository(str(bare))
        head = repository.revparse_single("main").peel(pygit2.Commit)
        tree = self.call("POST", "/git/trees", {"tree": self._entries(repository, head.tree, "")})["sha"]
        name_, address, time = AUTHOR
        who = {"name": name_, "email": address, "date": time}
        none: list[str] = []
        commit = {"message": MESSAGE, "tree": tree, "parents": none, "author": who, "committer": who}
        assert self.call("POST", "/git/commits", commit)["sha"] == str(head.id)
        self.call("PATCH", "/git/refs/heads/main", {"sha": str(head.id), "force": True})

    def _entries(self, repository: pygit2.Repository, tree: pygit2.Tree, prefix: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        for item in tree:
            path = f"{prefix}{item.name}"
            if isinstance(item, pygit2.Tree):
                found += self._entries(repository, item, f"{path}/")
                continue
            content = {
                "content": base64.b64encode(cast(pygit2.Blob, item).data).decode(),
                "encoding": "base64",
            }
            sha = self.call("POST", "/git/blobs", content)["sha"]
            found.append({"path": path, "mode": f"{int(item.filemode):06o}", "type": "blob", "sha": sha})
        return found

    def fetch_main(self, paths: tuple[str, ...]) -> str:
        repository = pygit2.Repository(str(self.bare))
        before = repository.revparse_single("main").peel(pygit2.Commit)
        index = pygit2.Index()
        index.read_tree(before.tree)
        for path in paths:
            answer = self.call("GET", f"/contents/{quote(path)}?ref=main")
            blob = repository.create_blob(base64.b64decode(answer["content"]))
            index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
        tree = index.write_tree(repository)
        # Not only these paths: the whole tree is what the forge says it is.
        assert str(tree) == self.call("GET", f"/git/commits/{self.main()}")["tree"]["sha"]
        return git(self.bare, "commit-tree", str(tree), "-p", str(before.id), "-m", "fetched")

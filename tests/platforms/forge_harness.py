"""The handle on every platform that a server of ours shows: an adapter here, the world there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from tamma.model.repository import CheckState, RepoRef, ReviewEvent, Target
from tamma.platforms.interface import Platform, PlatformSettings
from tests.platforms.harness import Harness, make_platform
from tests.support.forge.faults import CrashKind
from tests.support.forge.repository import Repo
from tests.support.forge.server import ApiServer
from tests.support.forge.things import Item, Run, State, Verdict
from tests.support.forge.world import World

_STATES: dict[CheckState, State] = {
    CheckState.PENDING: "pending",
    CheckState.SUCCESS: "success",
    CheckState.FAILURE: "failure",
}
_VERDICTS: dict[ReviewEvent, Verdict] = {
    ReviewEvent.APPROVE: "approve",
    ReviewEvent.REQUEST_CHANGES: "request_changes",
    ReviewEvent.COMMENT: "comment",
}


class ForgeHarness(Harness):
    """`adapter` is what tamma.registry calls it. A platform that names issues or people otherwise than by
    number and login overrides `number_of`, `number` and `login`."""

    def __init__(self, name: str, server: ApiServer, adapter: str) -> None:
        self.name = name
        self.server = server
        self._settings = self.settings(PlatformSettings(name, adapter, server.url, server.token, timeout=10))
        self._more: list[Platform] = []
        self.platform = self.make(self._settings)
        self.repo = RepoRef(name, self.hello.owner, self.hello.name)
        self.workflow = self.hello.workflows[0].path.rpartition("/")[2]

    def settings(self, plain: PlatformSettings) -> PlatformSettings:
        """What the adapter is configured with; overridden where the platform needs more."""
        return plain

    def make(self, settings: PlatformSettings) -> Platform:
        """The adapter with those settings."""
        return make_platform(settings)

    @property
    def world(self) -> World:
        return self.server.world

    @property
    def hello(self) -> Repo:
        """The repository that `repo` names."""
        return self.world.hello

    def number_of(self, item: Item) -> str:
        return str(item.number)

    def number(self, number: str) -> int:
        """The number in what the adapter calls an issue or a pull request (`KEY-12` too)."""
        return int(number.rpartition("-")[2])

    def again(self) -> Platform:
        return self._another(self._settings)

    def impatient(self) -> Platform:
        return self._another(replace(self._settings, timeout=0.5))

    def with_token(self, token: str) -> Platform:
        return self._another(replace(self._settings, token=token))

    def _another(self, settings: PlatformSettings) -> Platform:
        self._more.append(self.make(settings))
        return self._more[-1]

    async def close(self) -> None:
        for platform in (self.platform, *self._more):
            await platform.close()

    # --- effects and faults ----------------------------------------------------------------------------

    def changes(self) -> int:
        return sum(self.world.effects.values())

    def effects(self) -> Mapping[str, int]:
        return dict(self.world.effects)

    def struck(self) -> bool:
        return self.server.crash is not None and self.server.crash.struck

    def fingerprint(self) -> object:
        return self.world.fingerprint()

    def seen(self) -> tuple[int, int]:
        return self.server.writes, self.server.changes

    def arm(self, kind: CrashKind | None, nth: int, op: str) -> None:
        self.server.arm(kind, nth)

    def rate_limited(self, retry_after: int) -> None:
        self.server.rate_limited(1, retry_after)

    def unavailable(self, kind: Literal["error", "no_connection", "stall"]) -> None:
        self.server.fail("", "", kind)

    # --- what the repository is like -------------------------------------------------------------------

    def archive(self) -> None:
        self.hello.archived = True

    def rename(self, name: str) -> None:
        self.world.rename(self.hello, name)

    def empty_repository(self) -> RepoRef:
        made = self.world.add_repo(self.hello.owner, "empty", empty=True)
        return RepoRef(self.repo.platform_id, made.owner, made.name)

    def protect(self, branch: str, checks: tuple[str, ...] = (), approvals: int = 0) -> None:
        self.hello.protect(branch, checks, approvals)

    def compute(self, reads: int) -> None:
        self.hello.computing = reads

    def merge_later(self, reads: int) -> None:
        self.hello.merges_later = reads

    # --- what people and CI do -------------------------------------------------------------------------

    async def add_issues(self, count: int, title: str = "A bug", body: str = "It fails") -> list[str]:
        return [self.number_of(issue) for issue in self.hello.add_issues(count, title, body)]

    async def comment(self, target: Target, body: str, author: str = "octo") -> None:
        self.hello.comment(self.item(target), body, author)

    def item(self, target: Target) -> Item:
        number = self.number(target.number)
        return self.hello.issue(number) if target.kind == "issue" else self.hello.pull(number)

    async def push(self, branch: str, path: str, content: bytes) -> str:
        return self.hello.push(branch, path, content)

    async def open_pr(self, head: str, base: str, title: str = "Theirs") -> str:
        return self.number_of(self.hello.open_pull(head, base, title, "", "writer"))

    async def close_pr(self, number: str) -> None:
        self.hello.close(self.hello.pull(self.number(number)))

    async def merge_pr(self, number: str) -> str:
        pull = self.hello.pull(self.number(number))
        self.hello.merge(pull)
        assert pull.merge_sha is not None
        return pull.merge_sha

    async def report(self, sha: str, name: str, state: CheckState) -> None:
        self.hello.report_check(sha, name, _STATES[state])

    async def review(self, number: str, event: ReviewEvent, body: str, author: str = "writer") -> None:
        self.hello.review(self.hello.pull(self.number(number)), _VERDICTS[event], body, author)

    async def remark(self, number: str, path: str, line: int, body: str, author: str = "writer") -> None:
        pull = self.hello.pull(self.number(number))
        review = self.hello.review(pull, "comment", "", author)
        self.hello.remark(pull, path, line, body, author, review=review)

    async def start_run(self, branch: str, jobs: tuple[str, ...] = ("build",)) -> None:
        self.hello.start_run(branch, jobs=jobs)

    async def finish_run(self, state: CheckState, log: bytes = b"") -> None:
        self.hello.finish_run(self.newest_run(), _STATES[state], log=log)

    def newest_run(self) -> Run:
        return self.hello.runs[-1]

"""Merged changes that were reverted or kept, found over git: plain, over HTTP, behind platforms' faces."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.interface.kept import LookForReverts, RevertsLooked
from activities.kept import GRACE, WINDOW, KeptActivities
from tamma.errors import PlatformError, PlatformRateLimited, Transient
from tamma.git.remote import Remote
from tamma.model.agent import TaskType
from tamma.model.ids import TaskId
from tamma.model.metrics import MergedChange, QualityPart, RunKind, RunMetrics
from tamma.model.repository import RepoRef, Repository
from tamma.platforms.git.log import read_log
from tamma.platforms.interface import GitCredentials, Platform, PlatformSettings
from tamma.platforms.memory.platform import MemoryPlatform
from tamma.store.memory import MemoryStore
from tests.platforms.forge_harness import ForgeHarness
from tests.platforms.harness import make_platform
from tests.platforms.registry import ENTRIES
from tests.support.forge.server import ApiServer
from tests.support.forge.world import World
from tests.support.git_http import HttpGit, serving

MERGED_AT = datetime.now(UTC).replace(microsecond=0) - WINDOW - timedelta(hours=1)
FACE = next(entry for entry in ENTRIES if entry.name == "gitea")


@dataclass
class Remotes:
    """Bare repositories with a history of known dates."""

    folder: Path

    def make(self, name: str = "calc", *, revert: timedelta | None = None, old: int = 3) -> MergedChange:
        """`old` commits of a year ago, a change at `MERGED_AT`, perhaps its revert, and further work."""
        path = self.folder / f"{name}.git"
        self._git(path.parent, MERGED_AT, "init", "-q", "--bare", "-b", "main", path.name)
        work = self.folder / f"{name}-work"
        self._git(self.folder, MERGED_AT, "clone", "-q", str(path), work.name)
        for number in range(old):
            self._commit(work, MERGED_AT - timedelta(days=365 - number), f"old {number}")
        merged = self._commit(work, MERGED_AT, "the change")
        if revert is not None:
            self._git(work, MERGED_AT + revert, "revert", "--no-edit", merged)
        self._commit(work, MERGED_AT + timedelta(days=3), "further work")
        self._git(work, MERGED_AT, "push", "-q", "origin", "HEAD:main")
        return MergedChange(RepoRef("memory", "acme", name), "main", merged, MERGED_AT, head_sha=merged)

    def path(self, name: str = "calc") -> Path:
        return self.folder / f"{name}.git"

    def _commit(self, work: Path, at: datetime, name: str) -> str:
        (work / name.replace(" ", "-")).write_text(name)
        self._git(work, at, "add", ".")
        self._git(work, at, "commit", "-q", "-m", name)
        return self._git(work, at, "rev-parse", "HEAD")

    def _git(self, cwd: Path, at: datetime, *words: str) -> str:
        who = ("-c", "user.name=Mona", "-c", "user.email=mona@example.test")
        env = os.environ | {"GIT_COMMITTER_DATE": at.isoformat(), "GIT_AUTHOR_DATE": at.isoformat()}
        done = subprocess.run(
            ["git", *who, *words], cwd=cwd, env=env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()


@dataclass
class Accounts:
    """A platform for each name, and how often one was asked for."""

    platforms: Mapping[str, Platform | PlatformError]
    asked: list[str] = field(default_factory=list[str])

    async def get(self, name: str) -> Platform:
        self.asked.append(name)
        found = self.platforms[name]
        if isinstance(found, PlatformError):
            raise found
        return found


@pytest.fixture
def remotes(tmp_path: Path) -> Remotes:
    return Remotes(tmp_path)


def memory(remotes: Remotes, *names: str) -> MemoryPlatform:
    repositories = {f"acme/{name}": str(remotes.path(name)) for name in names or ("calc",)}
    return MemoryPlatform(PlatformSettings("memory", "memory", options={"repositories": repositories}))


async def kept_run(store: MemoryStore, change: MergedChange, run_id: str = "r-1") -> None:
    started = change.at - timedelta(minutes=9)
    gates = QualityPart("gates", 100.0, 0.5)
    await store.record_run(
        RunMetrics(
            run_id, TaskId(f"t-{run_id}"), RunKind.PRODUCTION, None, "claude", "m", (), change.repo.full_name,
            "1", TaskType.CODE_GENERATION, started, change.at, 1000, 0, 1, 1, 1, 0, Decimal(1), 0, True,
            quality=100.0, quality_parts=(gates,), merged=change,
        )
    )  # fmt: skip


async def look(store: MemoryStore, platform: Platform, *, window: timedelta = WINDOW) -> RevertsLooked:
    accounts = Accounts(dict.fromkeys(("memory", "plain", "forge"), platform))
    return await asked(KeptActivities(accounts, store, window))


async def asked(activities: KeptActivities, given: LookForReverts | None = None) -> RevertsLooked:
    return await ActivityEnvironment().run(activities.look_for_reverts, given or LookForReverts())


async def quality(store: MemoryStore, run_id: str = "r-1") -> tuple[float | None, list[str]]:
    run = await store.read_run(run_id)
    assert run is not None
    return run.quality, [part.detail for part in run.quality_parts if part.grader == "kept"]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


async def test_a_reverted_change_loses_and_a_second_look_finds_nothing_open(
    remotes: Remotes, store: MemoryStore
) -> None:
    await kept_run(store, remotes.make(revert=timedelta(days=2)))
    assert await look(store, memory(remotes)) == RevertsLooked(reverted=1)
    score, [detail] = await quality(store)
    assert score == 50.0
    assert detail.endswith("after 2.0 days")
    assert await look(store, memory(remotes)) == RevertsLooked()
    assert (await quality(store))[0] == 50.0


@pytest.mark.parametrize("revert", [None, WINDOW + timedelta(minutes=9)])
async def test_a_change_that_stood_its_window_was_kept(
    remotes: Remotes, store: MemoryStore, revert: timedelta | None
) -> None:
    await kept_run(store, remotes.make(revert=revert))
    assert await look(store, memory(remotes)) == RevertsLooked(kept=1)
    assert await quality(store) == (100.0, ["stood 14 days"])


async def test_there_is_no_word_before_the_window_has_passed_nor_without_one(
    remotes: Remotes, store: MemoryStore
) -> None:
    await kept_run(store, remotes.make(revert=timedelta(days=1)))
    for window in (WINDOW + timedelta(days=1), timedelta(0)):
        assert await look(store, memory(remotes), window=window) == RevertsLooked()
    assert await quality(store) == (100.0, [])


async def test_plain_git_over_http_is_read_by_the_account_s_token_and_without_old_commits(
    remotes: Remotes, store: MemoryStore
) -> None:
    change = remotes.make(revert=timedelta(days=2))
    with serving(HttpGit(remotes.folder, login=("x-access-token", "canary-token"))) as server:
        url = server.url("calc.git")
        settings = PlatformSettings("plain", "plain-git", token="canary-token")
        await kept_run(store, replace(change, repo=RepoRef("plain", "", url)))
        assert await look(store, make_platform(settings)) == RevertsLooked(reverted=1)
        remote = Remote.of(url, GitCredentials(token="canary-token"))
        found = read_log(remote, "main", MERGED_AT - timedelta(days=1))
    assert [commit.subject for commit in found] == ["further work", 'Revert "the change"', "the change"]
    assert found[-1].sha == change.sha


async def test_a_local_repository_is_read_as_well(remotes: Remotes, store: MemoryStore) -> None:
    change = replace(remotes.make(revert=timedelta(days=2)), repo=RepoRef("plain", "", str(remotes.path())))
    await kept_run(store, change)
    plain = make_platform(PlatformSettings("plain", "plain-git"))
    assert await look(store, plain) == RevertsLooked(reverted=1)


async def test_a_platform_s_repository_is_read_by_its_clone_address(
    remotes: Remotes, store: MemoryStore, tmp_path: Path
) -> None:
    face = FACE.face() if FACE.face else None
    if face is None:
        pytest.skip("its published description is not there: set TAMMA_TEST_SPECS")
    change = remotes.make(revert=timedelta(days=2))
    with ApiServer(World(tmp_path / "world", hello=remotes.path()), face) as server:
        harness = ForgeHarness(FACE.name, server, FACE.type)
        platform = make_platform(replace(harness.platform.settings, clone_url=str(remotes.path())))
        await platform.start()
        await kept_run(store, replace(change, repo=replace(harness.repo, platform_id="forge")))
        assert await look(store, platform) == RevertsLooked(reverted=1)
        await platform.close()
        await harness.close()
    assert server.violations == []


async def test_a_server_that_cannot_count_by_time_is_asked_by_depth(remotes: Remotes) -> None:
    remotes.make(old=2)
    remote = Remote.of(str(remotes.path()), GitCredentials())
    found = read_log(remote, "main", datetime.now(UTC))  # nothing is so new
    assert [commit.subject for commit in found] == ["further work", "the change", "old 1", "old 0"]


async def test_each_branch_is_read_once_however_many_runs_went_to_it(
    remotes: Remotes, store: MemoryStore
) -> None:
    change = remotes.make(revert=timedelta(days=2))
    for number in range(3):
        await kept_run(store, change, f"r-{number}")
    with serving(HttpGit(remotes.folder)) as server:

        class There(MemoryPlatform):
            async def get_repository(self, repo: RepoRef) -> Repository:
                return Repository(repo, "main", server.url("calc.git"))

        assert await look(store, There(memory(remotes).settings)) == RevertsLooked(reverted=3)
        fetches = [seen for seen in server.seen if seen.path.endswith("info/refs?service=git-upload-pack")]
    assert len(fetches) == 1


@pytest.mark.parametrize("error", [Transient("it is down"), PlatformRateLimited("enough")])
async def test_a_platform_that_does_not_answer_is_asked_the_next_time(
    remotes: Remotes, store: MemoryStore, error: PlatformError
) -> None:
    for name in ("calc", "other"):
        change = remotes.make(name)
        await kept_run(store, replace(change, repo=replace(change.repo, platform_id="away")), f"away-{name}")
        await kept_run(store, change, name)
    accounts = Accounts({"away": error, "memory": memory(remotes, "calc", "other")})
    found = await asked(KeptActivities(accounts, store))
    assert (found.kept, found.waiting, found.lost) == (2, 2, 0)
    # A limit of a platform holds for all of it.
    limited = isinstance(error, PlatformRateLimited)
    assert accounts.asked.count("away") == len(found.unread) == (1 if limited else 2)
    back = Accounts({"away": memory(remotes, "calc", "other")})
    assert await asked(KeptActivities(back, store)) == RevertsLooked(kept=2)


async def test_one_that_stays_out_of_reach_is_given_up(remotes: Remotes, store: MemoryStore) -> None:
    gone = replace(remotes.make(), at=MERGED_AT - GRACE, repo=RepoRef("memory", "acme", "gone"))
    await kept_run(store, gone)
    found = await look(store, memory(remotes))
    assert (found.lost, found.waiting) == (1, 0)
    assert "acme/gone" in found.unread[0]
    assert await look(store, memory(remotes)) == RevertsLooked()
    assert await quality(store) == (100.0, [])


async def test_a_history_that_was_rewritten_gives_no_word(remotes: Remotes, store: MemoryStore) -> None:
    await kept_run(store, replace(remotes.make(), sha="9" * 40, head_sha=""))
    assert await look(store, memory(remotes)) == RevertsLooked(lost=1)
    assert await quality(store) == (100.0, [])


async def test_a_refusal_names_no_token(remotes: Remotes, store: MemoryStore) -> None:
    change = remotes.make()
    with serving(HttpGit(remotes.folder, login=("x-access-token", "another"))) as server:
        repo = RepoRef("plain", "", server.url("calc.git"))
        await kept_run(store, replace(change, repo=repo))
        settings = PlatformSettings("plain", "plain-git", token="canary-token")
        found = await look(store, make_platform(settings))
    assert found.waiting == 1
    assert "canary" not in str(found)

"""Whether merged changes were kept: one look at each repository whose changes have stood their window."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from temporalio import activity

from activities.failures import failing_well
from activities.heartbeat import heard
from activities.interface.kept import LOOK_FOR_REVERTS, LookForReverts, RevertsLooked
from activities.pools import PlatformPool
from tamma.agents.kept import fate
from tamma.agents.quality import kept
from tamma.errors import PlatformRateLimited, TammaError
from tamma.git.remote import Remote
from tamma.model.history import LoggedCommit
from tamma.model.metrics import MergedChange
from tamma.model.references import RepoRef
from tamma.platforms.git.log import read_log
from tamma.store.interface import MetricStore
from tamma.telemetry.redaction import redact_text

WINDOW = timedelta(days=14)
GRACE = timedelta(days=30)
"""How long after its window a change is asked for that cannot be read. Then there is no answer."""
_SKEW = timedelta(days=1)
"""Clocks of those who commit differ from ours."""
_NAMED = 20

log = structlog.get_logger(__name__)

Open = Sequence[tuple[str, datetime, MergedChange]]
"""Runs with something merged, by their ids, with when they began."""


class KeptActivities:
    """Holds the platform accounts and the measurements. A `window` of nothing asks for nothing."""

    def __init__(self, platforms: PlatformPool, metrics: MetricStore, window: timedelta = WINDOW) -> None:
        self._platforms = platforms
        self._metrics = metrics
        self._window = window

    @activity.defn(name=LOOK_FOR_REVERTS.name)
    @failing_well
    @heard
    async def look_for_reverts(self, given: LookForReverts) -> RevertsLooked:
        """Settle the runs whose window has passed: one fetch of commits for each branch that they went to."""
        if not self._window:
            return RevertsLooked()
        now = datetime.now(UTC)
        places: defaultdict[tuple[RepoRef, str], list[tuple[str, datetime, MergedChange]]] = defaultdict(list)
        for run in await self._metrics.unsettled_runs(now - self._window, limit=given.limit):
            assert run.merged is not None
            places[run.merged.repo, run.merged.branch].append((run.run_id, run.started_at, run.merged))
        counts: Counter[str] = Counter()
        unread: list[str] = []
        limited: set[str] = set()
        for (repo, branch), runs in places.items():
            if repo.platform_id in limited:
                counts["waiting"] += len(runs)
                continue
            try:
                commits = await self._read(repo, branch, runs)
            except TammaError as error:
                if isinstance(error, PlatformRateLimited):
                    limited.add(repo.platform_id)  # nothing else of it today
                unread.append(redact_text(f"{repo.full_name}: {error.message}"))
                log.warning("kept.unread", repository=repo.full_name, reason=error.message)
                counts += await self._leave(runs, now)
            else:
                counts += await self._settle(runs, commits)
        return RevertsLooked(**counts, unread=tuple(unread[:_NAMED]))

    async def _read(self, repo: RepoRef, branch: str, runs: Open) -> tuple[LoggedCommit, ...]:
        platform = await self._platforms.get(repo.platform_id)
        # Where it is now: a renamed one is found by its old name.
        there = await platform.get_repository(repo)
        remote = Remote.of(there.clone_url, await platform.git_credentials(there.ref))
        # No commit of a change is older than its run.
        since = min(started for _, started, _ in runs) - _SKEW
        return await asyncio.to_thread(read_log, remote, branch, since)

    async def _settle(self, runs: Open, commits: Sequence[LoggedCommit]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for run_id, _, change in runs:
            part = kept(change, fate(change, commits, change.at + self._window), self._window)
            await self._metrics.settle_run(run_id, part)
            counts["lost" if part is None else "kept" if part.score else "reverted"] += 1
        return counts

    async def _leave(self, runs: Open, now: datetime) -> Counter[str]:
        """For the next time, or for good."""
        counts: Counter[str] = Counter()
        for run_id, _, change in runs:
            over = now - change.at > self._window + GRACE
            if over:
                await self._metrics.settle_run(run_id, None)
            counts["lost" if over else "waiting"] += 1
        return counts

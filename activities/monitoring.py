"""Watching a published change: checks run again, their logs read, people called."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import activity

from activities.commenting import write_comment
from activities.failures import failing_well
from activities.heartbeat import heard
from activities.interface import Done
from activities.interface.monitoring import (
    CALL_PEOPLE,
    READ_FAILURES,
    RERUN_CHECKS,
    CallPeople,
    CheckFailures,
    ReadFailures,
    RerunChecks,
    Reruns,
)
from activities.pools import PlatformPool
from activities.red_checks import LOG_TAIL, RedCheck, red_markdown
from tamma.errors import Forbidden, NotFound, Unsupported
from tamma.model.conventions import Conventions
from tamma.model.repository import Check, CheckState, CiRun, RepoRef, Rerun
from tamma.platforms.interface import CHECKS, CI_LOGS, CI_RERUN, CI_RUNS, COMMENTS, LABELS, Platform
from tamma.store.interface import BlobStore

MOST_LOGS = 5
"""Red checks whose logs are read; the others are named."""
MOST_RUNS = 20


class MonitoringActivities:
    """Holds the platform accounts, the blob store, and how teams want things to look."""

    def __init__(
        self,
        platforms: PlatformPool,
        blobs: BlobStore,
        conventions: Callable[[str], Conventions] = lambda _: Conventions(),
    ) -> None:
        self._platforms = platforms
        self._blobs = blobs
        self._conventions = conventions

    @activity.defn(name=RERUN_CHECKS.name)
    @failing_well
    @heard
    async def rerun_checks(self, given: RerunChecks) -> Reruns:
        """Run again what failed and was not run again yet. Made twice, it finds its own doing."""
        platform = await self._platforms.get(given.repo.platform_id)
        if not {CI_RERUN, CI_RUNS} <= await platform.capabilities():
            return Reruns(())
        page = await platform.list_runs(given.repo, sha=given.sha)
        # An attempt before this one may have got as far as this: what runs, or has passed since, ran for us.
        again = [
            run for run in page.items[:MOST_RUNS] if run.attempt > 1 and run.state is not CheckState.FAILURE
        ]
        for run in page.items[:MOST_RUNS]:
            if run.state is CheckState.FAILURE and run.attempt == 1:
                again += await _again(platform, given.repo, run)
        return Reruns(tuple(Rerun(run.id, run.attempt) for run in again))

    @activity.defn(name=READ_FAILURES.name)
    @failing_well
    @heard
    async def read_failures(self, given: ReadFailures) -> CheckFailures:
        """The red checks with the ends of their logs, as one text."""
        platform = await self._platforms.get(given.repo.platform_id)
        red = await _red(platform, given.repo, given.sha)
        before = {check.name for check in await _red(platform, given.repo, given.base_sha)}
        told = [
            RedCheck(check, await _log(platform, given.repo, check) if number < MOST_LOGS else None)
            for number, check in enumerate(red)
        ]
        text = red_markdown(told, frozenset(before))
        return CheckFailures(
            await self._blobs.put_blob(text.encode(), "text/markdown"),
            tuple(check.name for check in red),
            tuple(check.name for check in red if check.name in before),
        )

    @activity.defn(name=CALL_PEOPLE.name)
    @failing_well
    @heard
    async def call_people(self, given: CallPeople) -> Done:
        """Write the comment and set the label, as far as the platform has such things."""
        platform = await self._platforms.get(given.repo.platform_id)
        able = await platform.capabilities()
        notes: list[str] = []
        wanted = self._conventions(given.repo.platform_id)
        if COMMENTS in able:
            names = " ".join(f"@{name.lstrip('@')}" for name in wanted.people) if given.by_name else ""
            body = f"{names}\n\n{given.body}" if names else given.body
            await write_comment(
                platform, given.repo, given.target, body, task_id=given.task_id, key=given.key
            )
        label = wanted.needs_human_label
        if LABELS in able and label is not None:
            try:
                await platform.set_labels(given.repo, given.target, add=(label,))
            except (Forbidden, NotFound, Unsupported) as error:  # people are called all the same
                notes.append(f"the label {label!r} was not set: {error.message}")
        return Done(tuple(notes))


async def _again(platform: Platform, repo: RepoRef, run: CiRun) -> list[CiRun]:
    try:
        return [await platform.rerun(repo, run.id)]
    except (Forbidden, NotFound, Unsupported):  # too old, or not ours to start: the agent looks at it
        return []


async def _red(platform: Platform, repo: RepoRef, sha: str) -> list[Check]:
    if CHECKS not in await platform.capabilities():
        return []
    summary = await platform.get_checks(repo, sha)
    return [check for check in summary.checks if check.state is CheckState.FAILURE]


async def _log(platform: Platform, repo: RepoRef, check: Check) -> str | None:
    if check.job_id is None or CI_LOGS not in await platform.capabilities():
        return None
    try:
        return (await platform.get_job_log(repo, check.job_id, LOG_TAIL)).text
    except (Forbidden, NotFound, Unsupported):  # expired, or not for this token
        return None

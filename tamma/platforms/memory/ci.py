"""Checks and continuous integration of the memory platform."""

from __future__ import annotations

from tamma.model.repository import (
    CheckSummary,
    CiJob,
    CiRun,
    CiTrigger,
    LogTail,
    Page,
    RepoRef,
    Status,
)
from tamma.platforms.interface import LOG_TAIL
from tamma.platforms.memory.account import MemoryAccount, paged
from tamma.platforms.memory.deeds import ci as deeds


class MemoryCi(MemoryAccount):
    """See `Forge`."""

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary:
        return await self._read("get_checks", repo, lambda scene: deeds.checks_of(scene, sha))

    async def set_status(self, repo: RepoRef, sha: str, status: Status) -> None:
        await self._write("set_status", repo, sha, lambda scene: (None, deeds.set_status(scene, sha, status)))

    async def trigger_ci(self, repo: RepoRef, trigger: CiTrigger, op_id: str) -> CiRun:
        return await self._write(
            "trigger_ci", repo, trigger.branch, lambda scene: deeds.trigger(scene, trigger, op_id)
        )

    async def list_runs(
        self, repo: RepoRef, *, sha: str | None = None, branch: str | None = None, cursor: str | None = None
    ) -> Page[CiRun]:
        return await self._read(
            "list_runs", repo, lambda scene: paged(deeds.runs(scene, sha, branch), cursor)
        )

    async def get_run(self, repo: RepoRef, run_id: str) -> CiRun:
        return await self._read("get_run", repo, lambda scene: deeds.require_run(scene, run_id).run)

    async def list_jobs(self, repo: RepoRef, run_id: str) -> tuple[CiJob, ...]:
        return await self._read(
            "list_jobs", repo, lambda scene: tuple(job.job for job in deeds.require_run(scene, run_id).jobs)
        )

    async def get_job_log(self, repo: RepoRef, job_id: str, tail: int = LOG_TAIL) -> LogTail:
        return await self._read("get_job_log", repo, lambda scene: deeds.job_log(scene, job_id, tail))

    async def rerun(self, repo: RepoRef, run_id: str) -> CiRun:
        return await self._write("rerun", repo, run_id, lambda scene: deeds.rerun(scene, run_id))

    async def cancel_run(self, repo: RepoRef, run_id: str) -> None:
        await self._write("cancel_run", repo, run_id, lambda scene: (None, deeds.cancel(scene, run_id)))

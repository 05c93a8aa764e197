"""Checks, statuses, and runs of continuous integration. Blocking."""

from __future__ import annotations

from dataclasses import replace

from tamma.errors import NotFound
from tamma.model.repository import (
    Check,
    CheckState,
    CheckSummary,
    CiJob,
    CiRun,
    CiTrigger,
    LogTail,
    Status,
)
from tamma.platforms.common.checks import summarise
from tamma.platforms.git import objects as gitdb
from tamma.platforms.memory.scene import Scene, now
from tamma.platforms.memory.state import StoredJob, StoredRun


def checks_of(scene: Scene, sha: str) -> CheckSummary:
    """What others reported, the jobs of runs, what we reported; of one name the last of these counts."""
    state = scene.state
    found = state.checks.get(sha)
    if found is None:
        usual = scene.options.checks
        found = [] if usual is CheckState.NONE else [Check("ci", usual)]
    jobs = [
        Check(f"{stored.run.name} / {job.name}", job.state, job.url, job.detail, job.id)
        for stored in state.runs.values()
        if stored.run.sha == sha
        for job in (there.job for there in stored.jobs)
    ]
    united = {check.name: check for check in (*found, *jobs, *state.statuses.get(sha, []))}
    return summarise(sha, united.values())


def set_status(scene: Scene, sha: str, status: Status) -> bool:
    gitdb.require_commit(scene.git, sha)
    reported = scene.state.statuses.setdefault(sha, [])
    check = Check(status.name, status.state, status.url, status.description)
    if check in reported:
        return False
    reported[:] = [*(other for other in reported if other.name != check.name), check]
    return True


def trigger(scene: Scene, asked: CiTrigger, op_id: str) -> tuple[CiRun, bool]:
    for stored in scene.state.runs.values():
        if stored.op_id == op_id:
            return stored.run, False
    head = gitdb.require_branch(scene.git, asked.branch)
    run = add_run(scene, asked.workflow or "ci", asked.sha or head, asked.branch, "dispatch")
    scene.state.runs[run.id].op_id = op_id
    if scene.options.runs is not CheckState.PENDING:
        run = finish(scene, run.id, scene.options.runs, {})
    return run, True


def add_run(
    scene: Scene, name: str, sha: str, branch: str, event: str, jobs: tuple[str, ...] = ("build",)
) -> CiRun:
    """With jobs that have not begun."""
    number, pending = scene.state.new_id(), CheckState.PENDING
    url = f"{scene.url}/runs/{number}"
    run = CiRun(number, name, pending, sha, branch, url, event, detail="queued", created_at=now())
    scene.state.runs[number] = StoredRun(run, [_job(scene, run, job) for job in jobs])
    return run


def _job(scene: Scene, run: CiRun, name: str) -> StoredJob:
    number = scene.state.new_id()
    return StoredJob(CiJob(number, name, CheckState.PENDING, f"{run.url}/jobs/{number}", "queued"))


def finish(scene: Scene, run_id: str, state: CheckState, logs: dict[str, str]) -> CiRun:
    """`logs` by the names of jobs: those that are not there yet are added."""
    stored = require_run(scene, run_id)
    there_already = {there.job.name for there in stored.jobs}
    stored.jobs += [_job(scene, stored.run, name) for name in logs if name not in there_already]
    for there in stored.jobs:
        if there.job.state is CheckState.PENDING:
            there.job = replace(there.job, state=state, detail=state.value)
        there.log += logs.get(there.job.name, "")
    stored.run = replace(stored.run, state=state, detail=state.value)
    return stored.run


def runs(scene: Scene, sha: str | None, branch: str | None) -> list[CiRun]:
    """Newest first."""
    return [
        stored.run
        for _, stored in sorted(scene.state.runs.items(), key=lambda entry: -int(entry[0]))
        if sha in (None, stored.run.sha) and branch in (None, stored.run.branch)
    ]


def require_run(scene: Scene, run_id: str) -> StoredRun:
    """Raises NotFound."""
    stored = scene.state.runs.get(run_id)
    if stored is None:
        raise NotFound(f"there is no run {run_id!r}", hint="list_runs names those there are", status=404)
    return stored


def job_log(scene: Scene, job_id: str, tail: int) -> LogTail:
    """Raises NotFound. The tail begins with a whole character."""
    for stored in scene.state.runs.values():
        for there in stored.jobs:
            if there.job.id == job_id:
                whole = there.log.encode()
                kept = whole[max(len(whole) - tail, 0) :]
                return LogTail(kept.decode(errors="ignore"), truncated=len(kept) < len(whole))
    raise NotFound(f"there is no job {job_id!r}", hint="list_jobs names those of a run", status=404)


def rerun(scene: Scene, run_id: str) -> tuple[CiRun, bool]:
    """What did not fail is not run again, so that a green run stays as it is."""
    stored = require_run(scene, run_id)
    if stored.run.state is not CheckState.FAILURE:
        return stored.run, False
    for there in stored.jobs:
        if there.job.state is CheckState.FAILURE:
            there.job, there.log = replace(there.job, state=CheckState.PENDING, detail="queued"), ""
    attempt = stored.run.attempt + 1
    stored.run = replace(stored.run, state=CheckState.PENDING, detail="queued", attempt=attempt)
    return stored.run, True


def cancel(scene: Scene, run_id: str) -> bool:
    stored = require_run(scene, run_id)
    if stored.run.state is not CheckState.PENDING:
        return False
    for there in stored.jobs:
        if there.job.state is CheckState.PENDING:
            there.job = replace(there.job, state=CheckState.FAILURE, detail="cancelled")
    stored.run = replace(stored.run, state=CheckState.FAILURE, detail="cancelled")
    return True

"""Verdicts on commits, and the CI that gives them."""

from __future__ import annotations

from typing import Literal

from tamma.errors import NotFound
from tamma.platforms.git import objects as gitdb
from tests.support.forge.talk import RepoTalk
from tests.support.forge.things import Job, Run, State, Status, Workflow


class RepoChecks(RepoTalk):
    """Statuses, workflows, runs, jobs and logs."""

    statuses: list[Status]
    workflows: list[Workflow]
    runs: list[Run]
    runs_appear_late: int = 0
    """How many times a run that was asked for is left out of lists before it shows."""

    # --- verdicts -----------------------------------------------------------------------------------------

    def report_check(
        self, sha: str, name: str, state: State, native: str = "", job: int | None = None
    ) -> Status:
        """CI's own verdict; the newest of a name counts."""
        return self._report(sha, name, state, "check", "", "", "ci", native, job)

    def set_status(
        self, sha: str, name: str, state: State, description: str = "", url: str = "", by: str = "octo"
    ) -> Status:
        """What somebody reports. Raises NotFound for the commit."""
        self.allow(by, "write")
        self.commit_of(sha)
        last = next((s for s in self.statuses_of(sha) if s.name == name and s.kind == "status"), None)
        if last is None or (last.state, last.description, last.url) != (state, description, url):
            self.world.did("status")
        return self._report(sha, name, state, "status", description, url, by)

    def _report(
        self,
        sha: str,
        name: str,
        state: State,
        kind: Literal["check", "status"],
        description: str,
        url: str,
        by: str,
        native: str = "",
        job: int | None = None,
    ) -> Status:
        now = self.world.now()
        made = Status(
            self.world.new_id(), sha, name, state, kind, description, url, by, now, job=job, native=native
        )
        self.statuses.append(made)
        return made

    def statuses_of(self, sha: str, kind: str | None = None) -> list[Status]:
        """Each name's newest, in the order they first came."""
        newest: dict[tuple[str, str], Status] = {}
        for status in self.statuses:
            if status.sha == sha and kind in (None, status.kind):
                newest[status.kind, status.name] = status
        return list(newest.values())

    # --- continuous integration ---------------------------------------------------------------------------

    def workflow(self, name: str) -> Workflow:
        """By id, name, path or file. Raises NotFound."""
        for found in self.workflows:
            if name in (str(found.id), found.name, found.path, found.path.rpartition("/")[2]):
                return found
        raise NotFound(f"{self.full_name} has no workflow {name!r}")

    def start_run(
        self,
        branch: str,
        workflow: Workflow | None = None,
        *,
        sha: str | None = None,
        event: str = "push",
        inputs: dict[str, str] | None = None,
        by: str = "octo",
        jobs: tuple[str, ...] = ("build",),
    ) -> Run:
        """Raises NotFound for the branch."""
        self.allow(by, "write")
        made = Run(
            self.world.new_id(),
            len(self.runs) + 1,
            workflow or self.workflows[0],
            sha or gitdb.require_branch(self.git, branch),
            branch,
            event,
            by,
            self.world.now(),
            dict(inputs or {}),
        )
        made.jobs = [Job(self.world.new_id(), name, "pending", 1) for name in jobs]
        if self.world.acting:
            made.hidden = self.runs_appear_late
        self.runs.append(made)
        self.world.did("run")
        return made

    def run(self, number: int) -> Run:
        """By id. Raises NotFound."""
        for run in self.runs:
            if run.id == number:
                return run
        raise NotFound(f"{self.full_name} has no run {number}")

    def list_runs(self) -> list[Run]:
        """Newest first, without those that do not show yet."""
        shown = [run for run in self.runs if run.hidden <= 0]
        for run in self.runs:
            run.hidden -= 1
        return shown[::-1]

    def job(self, number: int) -> tuple[Run, Job]:
        """By id. Raises NotFound."""
        for run in self.runs:
            for job in run.jobs:
                if job.id == number:
                    return run, job
        raise NotFound(f"{self.full_name} has no job {number}")

    def jobs_of(self, run: Run) -> list[Job]:
        """Of the newest attempt: a job that was not run again keeps its older one."""
        newest: dict[str, Job] = {}
        for job in run.jobs:
            newest[job.name] = job
        return list(newest.values())

    def finish_run(self, run: Run, state: State, *, native: str = "", log: bytes = b"") -> None:
        """CI is done: every job that was under way has this state, and `log` is what it wrote."""
        for job in self.jobs_of(run):
            if job.state == "pending":
                job.state, job.native = state, native
                job.log += log
        run.state, run.native = state, native

    def rerun(self, run: Run, by: str = "octo") -> None:
        """A new attempt of the jobs that failed; all of them where none did."""
        self.allow(by, "write")
        jobs = self.jobs_of(run)
        again = [job for job in jobs if job.state == "failure"] or jobs
        run.attempt += 1
        run.state, run.native = "pending", ""
        run.jobs += [Job(self.world.new_id(), job.name, "pending", run.attempt) for job in again]
        self.world.did("rerun")

    def cancel(self, run: Run, by: str = "octo") -> None:
        self.allow(by, "write")
        if run.state == "pending":
            self.finish_run(run, "failure", native="cancelled")
            self.world.did("cancel")

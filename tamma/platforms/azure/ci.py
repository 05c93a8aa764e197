"""Checks, statuses, and Azure Pipelines by its builds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta

from tamma.errors import ConfigError, Conflict, NotFound, PlatformError
from tamma.model.repository import (
    CheckState,
    CheckSummary,
    CiJob,
    CiRun,
    CiTrigger,
    LogTail,
    Page,
    RepoRef,
    Status,
)
from tamma.platforms.azure.client import PAGE, continued, skipping
from tamma.platforms.azure.merging import AzureMerging
from tamma.platforms.azure.models import HEADS, Answer
from tamma.platforms.azure.policies import policy_checks
from tamma.platforms.azure.pullrequests import PullAnswer
from tamma.platforms.azure.runs import (
    BY_BUILDS,
    WORDS,
    BuildAnswer,
    StatusAnswer,
    TimelineAnswer,
    context_of,
    job_of,
    newest_statuses,
)
from tamma.platforms.common.checks import summarise
from tamma.platforms.common.moments import in_utc
from tamma.platforms.common.names import is_number, segment
from tamma.platforms.http.connection import cursor_of, from_cursor
from tamma.platforms.http.messages import Query, Request
from tamma.platforms.interface import LOG_TAIL

_OURS = "tamma-op-"
"""What the tag begins with that ties a build to the operation that started it."""
_EARLIER = timedelta(days=1)
"""A commit's clock may be ahead of the service's by so much."""


class _Definition(Answer):
    id: int
    name: str = ""


class AzureCi(AzureMerging):
    """The part of the adapter that knows what CI says."""

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary:
        """Builds, statuses of the commit and of the pull requests it is the head of, and what branch
        policies await of machines. What they await of people is `merge_readiness`' business."""
        builds = await self._builds_of(repo, sha)
        statuses = await self._statuses(repo, sha)
        pulls = await self._open_at(repo, sha)
        for pull in pulls:
            path = self._pull_path(repo, str(pull.pull_request_id), "/statuses")
            statuses += await self._all(StatusAnswer, path)
        named = set(builds)
        told = [
            status
            for status in newest_statuses(statuses)
            if not (status.context.genre == BY_BUILDS and status.context.name in named)
        ]
        checks = [*(build.check() for build in builds.values()), *(status.check() for status in told)]
        names = {check.name for check in checks}
        ids = {str(build.id) for build in builds.values()}
        for pull in pulls:
            awaited = policy_checks(await self._policies(repo, pull), names, ids)
            checks += awaited
            names |= {check.name for check in awaited}
        return summarise(sha, checks)

    async def _builds_of(self, repo: RepoRef, sha: str) -> dict[str, BuildAnswer]:
        """Each definition's newest for the commit. Builds cannot be asked for by commit: those that were
        queued since it was made are looked through."""
        made = (await self._commit(repo, sha)).committer.date
        query = await self._build_query(repo)
        if made is not None:
            query = {**query, "minTime": in_utc(made - _EARLIER)}
        found: dict[str, BuildAnswer] = {}
        for build in await self._all(BuildAnswer, self._build_path(repo), query):
            if build.sha == sha:
                found.setdefault(build.definition.name, build)
        return found

    async def _open_at(self, repo: RepoRef, sha: str) -> list[PullAnswer]:
        query = self._query({"searchCriteria.status": "active", "$top": str(PAGE)})
        found = await self._api.every(PullAnswer, self._pull_path(repo), query, skipping(), "value")
        return [pull for pull in found if pull.head_sha == sha]

    async def _statuses(self, repo: RepoRef, sha: str) -> list[StatusAnswer]:
        query = self._query({"latestOnly": "true", "top": str(PAGE)})
        path = self._in_repository(repo, f"/commits/{segment(sha)}/statuses")
        return await self._api.every(StatusAnswer, path, query, skipping(skip="skip", top="top"), "value")

    async def set_status(self, repo: RepoRef, sha: str, status: Status) -> None:
        body = {
            "state": WORDS[status.state],
            "description": status.description,
            "context": context_of(status.name),
            **({"targetUrl": status.url} if status.url else {}),
        }
        for there in newest_statuses(await self._statuses(repo, sha)):
            same = (there.state, there.description, there.target_url)
            if there.name == status.name and same == (body["state"], status.description, status.url):
                return
        await self._do("POST", self._in_repository(repo, f"/commits/{segment(sha)}/statuses"), body)

    # --- runs ------------------------------------------------------------------------------------------

    async def trigger_ci(self, repo: RepoRef, trigger: CiTrigger, op_id: str) -> CiRun:
        """Queue a build and tag it with the operation.

        The tag comes in a second call: a build of ours on that commit without any tag of an operation is
        one whose answer was lost, and is taken on.
        """
        definition = await self._definition(repo, trigger.workflow)
        sha = trigger.sha or (await self.get_branch(repo, trigger.branch)).sha
        tag = _OURS + hashlib.sha256(op_id.encode()).hexdigest()[:32]
        build = await self._queued(repo, definition, trigger.branch, sha, tag)
        if build is None:
            body: dict[str, object] = {
                "definition": {"id": definition},
                "sourceBranch": f"{HEADS}{trigger.branch}",
                "sourceVersion": sha,
            }
            if trigger.inputs:
                body["parameters"] = json.dumps(dict(trigger.inputs))
            build = await self._send(BuildAnswer, "POST", self._build_path(repo), body)
        if tag not in build.tags:
            await self._do("PUT", self._build_path(repo, str(build.id), f"/tags/{tag}"))
        return build.run()

    async def _definition(self, repo: RepoRef, name: str | None) -> int:
        """By id or name; the only one of the repository where none is named. Raises ConfigError, NotFound."""
        if name is not None and is_number(name):
            return int(name)
        query = await self._build_query(repo, order="definitionNameAscending")
        known = await self._all(_Definition, self._in_project(repo, "/build/definitions"), query)
        names = ", ".join(repr(one.name) for one in known) or "none"
        if name is None:
            if len(known) == 1:
                return known[0].id
            raise ConfigError(
                "Azure Pipelines wants to know which pipeline to run", hint=f"name one of: {names}"
            )
        for one in known:
            if one.name.lower() == name.lower():
                return one.id
        raise NotFound(
            f"{repo.full_name} has no pipeline {name!r}",
            hint=f"there are: {names}",
            platform=self._settings.id,
        )

    async def _queued(
        self, repo: RepoRef, definition: int, branch: str, sha: str, tag: str
    ) -> BuildAnswer | None:
        query = {
            "definitions": str(definition),
            "branchName": f"{HEADS}{branch}",
            "reasonFilter": "manual",
            "queryOrder": "queueTimeDescending",
            "$top": str(PAGE),
        }
        path = self._build_path(repo)
        builds, _ = await self._api.page(BuildAnswer, path, self._query(query), continued, "value")
        lost: BuildAnswer | None = None
        for build in builds:
            if tag in build.tags:
                return build
            free = not any(known.startswith(_OURS) for known in build.tags)
            if build.sha == sha and free and await self._is_us(repo, build.requested_by.id):
                lost = lost or build
        return lost

    async def list_runs(
        self, repo: RepoRef, *, sha: str | None = None, branch: str | None = None, cursor: str | None = None
    ) -> Page[CiRun]:
        """Builds cannot be asked for by commit: a page may have few of them, or none."""
        asked: Query
        if cursor is not None:
            asked = from_cursor(cursor)
        else:
            query = await self._build_query(repo)
            asked = self._query({**query, "branchName": f"{HEADS}{branch}"} if branch is not None else query)
        found, following = await self._api.page(
            BuildAnswer, self._build_path(repo), asked, continued, "value"
        )
        kept = tuple(build.run() for build in found if sha is None or build.sha == sha)
        return Page(kept, cursor_of(following))

    async def get_run(self, repo: RepoRef, run_id: str) -> CiRun:
        build = await self._build(repo, run_id)
        return build.run((await self._timeline(repo, run_id)).attempt)

    async def list_jobs(self, repo: RepoRef, run_id: str) -> tuple[CiJob, ...]:
        url = (await self._build(repo, run_id)).links.web.href
        jobs = (await self._timeline(repo, run_id)).jobs()
        return tuple(job_of(run_id, job, f"{url}&j={job.id}" if url else "") for job in jobs)

    async def get_job_log(self, repo: RepoRef, job_id: str, tail: int = LOG_TAIL) -> LogTail:
        run_id, _, job = job_id.partition("/")
        timeline = await self._timeline(repo, run_id)
        if not any(record.id == job for record in timeline.records):
            raise NotFound(f"there is no job {job_id!r}", platform=self._settings.id)
        log = timeline.log_of(job)
        if log is None:
            return LogTail("", truncated=False)
        path = self._build_path(repo, run_id, f"/logs/{log}")
        request = Request("GET", path, self._query(), headers={"accept": "text/plain"}, tail=tail)
        response = await self._api.call(request)
        return LogTail(response.text, response.truncated)

    async def rerun(self, repo: RepoRef, run_id: str) -> CiRun:
        """Run its failed jobs again, in the same build. Raises Conflict for one that did not fail, which
        Azure Pipelines does not run again: trigger a new one."""
        build = await self._build(repo, run_id)
        if build.state is CheckState.PENDING:
            return await self.get_run(repo, run_id)
        if build.state is CheckState.SUCCESS:
            raise Conflict(
                f"the build {run_id} succeeded: Azure Pipelines runs only failed ones again",
                hint="start a new one",
                platform=self._settings.id,
            )
        try:
            await self._send(BuildAnswer, "PATCH", self._build_path(repo, run_id), {}, {"retry": "true"})
        except PlatformError as error:
            if error.status != 400 or (await self._build(repo, run_id)).state is not CheckState.PENDING:
                raise  # else it began between our look and our write: as wanted
        return await self.get_run(repo, run_id)

    async def cancel_run(self, repo: RepoRef, run_id: str) -> None:
        if (await self._build(repo, run_id)).state is CheckState.PENDING:
            path = self._build_path(repo, run_id)
            await self._send(BuildAnswer, "PATCH", path, {"status": "cancelling"})

    # --- within ----------------------------------------------------------------------------------------

    async def _build(self, repo: RepoRef, run_id: str) -> BuildAnswer:
        return await self._get(BuildAnswer, self._build_path(repo, run_id))

    async def _timeline(self, repo: RepoRef, run_id: str) -> TimelineAnswer:
        """Empty where the build has not begun: then the answer is 204, or null."""
        request = Request("GET", self._build_path(repo, run_id, "/timeline"), self._query())
        response = await self._api.call(request)
        if response.status == 204 or not response.body.strip() or response.body.strip() == b"null":
            return TimelineAnswer()
        return self._api.parse(TimelineAnswer, self._api.json(request, response), request.path)

    async def _build_query(self, repo: RepoRef, order: str = "queueTimeDescending") -> Mapping[str, str]:
        found = await self._repository(repo)
        return {
            "repositoryId": found.id,
            "repositoryType": "TfsGit",
            "queryOrder": order,
            "$top": str(PAGE),
        }

    def _build_path(self, repo: RepoRef, run_id: str = "", rest: str = "") -> str:
        if run_id and not is_number(run_id):
            raise NotFound(f"there is no build {run_id!r}", platform=self._settings.id)
        where = f"/{run_id}" if run_id else ""
        return self._in_project(repo, f"/build/builds{where}{rest}")

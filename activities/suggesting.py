"""A change that is suggested instead of pushed: the patch, and the comment that shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio import activity

from activities.changes import FILES_LISTED
from activities.commenting import write_comment
from activities.failures import failing_well
from activities.heartbeat import beating, heard
from activities.interface import Done
from activities.interface.suggesting import (
    FIND_PULL_REQUEST,
    MAKE_PATCH,
    SUGGEST,
    FindPullRequest,
    FoundPullRequest,
    MakePatch,
    Suggest,
)
from activities.pools import PlatformPool
from activities.suggestion_blocks import remarks
from activities.suggestion_words import suggestion_comment
from tamma.errors import BadCredentials, Forbidden, NotFound, PlatformError, PolicyRefused, Unsupported
from tamma.model.repository import PullRequestFilter, ReviewEvent, ReviewSpec, Target
from tamma.model.suggestion import PATCH_MADE, PatchRef, PatchStage, patch_data
from tamma.model.tries import task_of
from tamma.platforms.interface import PULL_REQUESTS, REVIEWS, Platform
from tamma.store.interface import BlobStore, NewEvent, Store
from tamma.telemetry.redaction import redact_text
from tamma.workspace.interface import Workspaces


class PatchActivities:
    """Holds this host's workspaces, the store, and the locks of those who work in workspaces."""

    def __init__(self, workspaces: Workspaces, store: Store, lock: Callable[[str], asyncio.Lock]) -> None:
        self._workspaces = workspaces
        self._store = store
        self._lock = lock

    @activity.defn(name=MAKE_PATCH.name)
    @failing_well
    async def make_patch(self, given: MakePatch) -> PatchRef:
        """Store the work as a patch, and an event that says where. A suggestion is held to the diff policy as
        a push is; what people look at on the way to it may break it."""
        async with self._lock(given.workspace_id), beating():
            workspace = await self._workspaces.open(given.workspace_id)
            if given.stage is PatchStage.SUGGESTION:
                refused = tuple(
                    f"{each.path}: {each.rule}" for each in await workspace.findings() if each.refuse
                )
                if refused:
                    raise PolicyRefused(refused)
            patch = await workspace.patch()
            base = workspace.info.base_sha
        made = PatchRef(
            blob=await self._store.put_blob(patch.content, "text/x-diff"),
            base_sha=base,
            stage=given.stage,
            size=len(patch.content),
            files=tuple(item.path for item in patch.files[:FILES_LISTED]),
            files_total=len(patch.files),
            added=sum(item.added for item in patch.files),
            removed=sum(item.removed for item in patch.files),
        )
        await self._note(task_of(given.workspace_id), made)
        return made

    async def _note(self, task: str, patch: PatchRef) -> None:
        info = activity.info()
        key = f"{PATCH_MADE}/{task}/{info.workflow_run_id}/{info.activity_id}"
        event = NewEvent(key, PATCH_MADE, (f"task:{task}",), "agent", patch_data(patch), correlation_id=task)
        await self._store.append_events((event,))


class SuggestionActivities:
    """Holds the platform accounts and the blob store."""

    def __init__(self, platforms: PlatformPool, blobs: BlobStore) -> None:
        self._platforms = platforms
        self._blobs = blobs

    @activity.defn(name=FIND_PULL_REQUEST.name)
    @failing_well
    @heard
    async def find_pull_request(self, given: FindPullRequest) -> FoundPullRequest:
        """Not of the default branch: what is proposed from that is a release, and no place for this."""
        platform = await self._platforms.get(given.repo.platform_id)
        if not {PULL_REQUESTS, REVIEWS} <= await platform.capabilities():
            return FoundPullRequest()
        try:
            page = await platform.list_prs(given.repo, PullRequestFilter(head=given.branch))
        except (Forbidden, NotFound, Unsupported):  # then the issue has to do
            return FoundPullRequest()
        found = next((each for each in page.items if each.head_sha == given.sha), None)
        if found is None or (await platform.get_repository(given.repo)).default_branch == given.branch:
            return FoundPullRequest()
        return FoundPullRequest(found.number, found.url)

    @activity.defn(name=SUGGEST.name)
    @failing_well
    @heard
    async def suggest(self, given: Suggest) -> Done:
        """A review with remarks on lines, or one comment that the same run's next suggestion rewrites."""
        platform = await self._platforms.get(given.repo.platform_id)
        patch = await self._blobs.get_blob(given.patch.blob)
        readable = await self._blobs.get_blob(given.diff.blob) if given.diff.blob else b""
        body = suggestion_comment(given, patch, readable, hidden=redact_text)
        notes: list[str] = []
        if given.pull_request:
            try:
                await _review(platform, given, patch, redact_text(body))
            except PlatformError as error:
                if error.retryable or isinstance(error, BadCredentials):
                    raise
                notes.append(
                    f"the suggestion is one comment, as no review could be made of it: {error.message}"
                )
            else:
                return Done()
        target = (
            Target("pull_request", given.pull_request) if given.pull_request else Target("issue", given.issue)
        )
        try:
            await write_comment(platform, given.repo, target, body, task_id=given.task_id, key="suggestion")
        except (Forbidden, NotFound, Unsupported) as error:  # the patch is there all the same
            notes.append(f"the suggestion was not written: {error.message}")
        return Done(tuple(notes))


async def _review(platform: Platform, given: Suggest, patch: bytes, body: str) -> None:
    """Once for a patch: a review cannot be rewritten."""
    shown = await platform.get_diff(given.repo, given.pull_request)
    review = ReviewSpec(
        ReviewEvent.COMMENT,
        body,
        given.patch.base_sha,
        remarks(patch.decode("utf-8", "replace"), shown, hidden=redact_text),
    )
    op_id = f"{given.task_id}/suggestion-{given.patch.blob.rpartition(':')[2][:12]}"
    await platform.submit_review(given.repo, given.pull_request, review, op_id)

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
from activities.interface.suggesting import MAKE_PATCH, SUGGEST, MakePatch, Suggest
from activities.pools import PlatformPool
from activities.suggestion_words import suggestion_comment
from tamma.errors import Forbidden, NotFound, PolicyRefused, Unsupported
from tamma.model.repository import Target
from tamma.model.suggestion import PATCH_MADE, PatchRef, PatchStage, patch_data
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
        await self._note(given.workspace_id, made)
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

    @activity.defn(name=SUGGEST.name)
    @failing_well
    @heard
    async def suggest(self, given: Suggest) -> Done:
        """One comment on the issue with the patch folded in; the same run's next one rewrites it."""
        platform = await self._platforms.get(given.repo.platform_id)
        patch = await self._blobs.get_blob(given.patch.blob)
        readable = await self._blobs.get_blob(given.diff.blob) if given.diff.blob else b""
        body = suggestion_comment(given, patch, readable, hidden=redact_text)
        target = Target("issue", given.issue)
        try:
            await write_comment(
                platform, given.repo, target, body, task_id=given.task_id, key="suggestion", link=given.link
            )
        except (Forbidden, NotFound, Unsupported) as error:  # the patch is there all the same
            return Done((f"the suggestion was not written on the issue: {error.message}",))
        return Done()

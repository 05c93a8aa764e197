"""Notes of what changed in the work tree, for those who look at a run: a diff as a blob, and an event."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import activity

from tamma.model.changed import CHANGE_COLLECTED, STEP_CHANGED, diff_data, step_data
from tamma.model.ids import BlobId, SessionId
from tamma.model.task import DiffRef
from tamma.store.interface import NewEvent, Store
from tamma.telemetry.redaction import redact_text
from tamma.workspace.interface import DiffSummary

FILES_LISTED = 50


class Changes:
    """Holds the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, diff: DiffSummary) -> DiffRef:
        """The diff in the store, without the secrets that this worker knows."""
        patch = redact_text(diff.patch).encode("utf-8", "replace")
        return DiffRef(
            blob=await self._store.put_blob(patch, "text/x-diff"),
            files=tuple(item.path for item in diff.files[:FILES_LISTED]),
            files_total=len(diff.files),
            added=sum(item.added for item in diff.files),
            removed=sum(item.removed for item in diff.files),
        )

    async def note_step(
        self, session_id: SessionId, seq: int, diff: DiffSummary | None, checkpoint: BlobId | None = None
    ) -> None:
        """What the tool calls of the answer at `seq` changed; nothing where they changed nothing.

        `checkpoint` has the work as they left it.
        """
        if diff is None or diff.empty:
            return
        data = step_data(session_id, seq, await self.keep(diff), checkpoint)
        task = session_id.partition("/")[0]
        await self._note(f"{STEP_CHANGED}/{session_id}/{seq}", STEP_CHANGED, task, data)

    async def note_whole(self, task: str, diff: DiffRef) -> None:
        """How the whole change stands; once for every time that a run asks."""
        info = activity.info()
        key = f"{CHANGE_COLLECTED}/{task}/{info.workflow_run_id}/{info.activity_id}"
        await self._note(key, CHANGE_COLLECTED, task, diff_data(diff))

    async def _note(self, key: str, kind: str, task: str, data: Mapping[str, object]) -> None:
        event = NewEvent(key, kind, (f"task:{task}",), actor="agent", data=data, correlation_id=task)
        await self._store.append_events((event,))

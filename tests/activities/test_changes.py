"""What a batch of tools changed is noted once, whichever attempt lives to note it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.interface import RunTools
from activities.transcripts import Transcripts
from activities.workspace import WorkspaceActivities
from tamma.errors import StoreUnavailable
from tamma.model.changed import STEP_CHANGED, read_step
from tamma.model.conversation import Message, Role, ToolCall, user
from tamma.model.ids import BlobId, SessionId
from tamma.pools import Platforms
from tamma.store.interface import AppendCondition, Entry, EventQuery, NewEvent
from tamma.store.memory import MemoryStore
from tamma.workspace.interface import WorkspaceSpec
from tamma.workspace.local import LocalWorkspaces
from tests.support.loop import git, make_repository, platform_settings

SESSION = SessionId("t1/agent")
CANARY = "sk-ant-canary0123456789abcdef"


class Interrupted(MemoryStore):
    """A store that is away when the first event comes."""

    away = True

    async def append_events(
        self, events: tuple[NewEvent, ...], condition: AppendCondition | None = None
    ) -> int:
        if self.away:
            self.away = False
            raise StoreUnavailable("the store does not answer")
        return await super().append_events(events, condition)


async def test_an_attempt_that_finds_the_results_stored_notes_what_changed(tmp_path: Path) -> None:
    """The first one was lost between its results and its note; the third has nothing left to do."""
    store = Interrupted()
    remote = make_repository(tmp_path)
    workspaces = LocalWorkspaces(tmp_path / "workspaces", store)
    settings = platform_settings(tmp_path, remote)
    parts = WorkspaceActivities(
        workspaces, Platforms(lambda _: settings), store, Transcripts(store), host="here"
    )
    spec = WorkspaceSpec("t1", str(remote), "main", git(remote, "rev-parse", "main"), "tamma/1")
    await workspaces.prepare(spec, lambda _: None)
    args = json.dumps({"command": f"echo {CANARY} > new.txt"})
    asked = Message(Role.ASSISTANT, (ToolCall("1", "bash", args),))
    await store.append_entries(SESSION, (Entry(0, user("go")), Entry(1, asked)))

    given = RunTools("t1", SESSION, 1)
    with pytest.raises(ApplicationError):
        await ActivityEnvironment().run(parts.run_tools, given)
    for _ in range(2):
        await ActivityEnvironment().run(parts.run_tools, given)
    (noted,) = await store.read_events(EventQuery((STEP_CHANGED,), ("task:t1",)))
    await workspaces.aclose()

    change = read_step(noted.data)
    assert (change.session_id, change.seq, change.diff.files) == (SESSION, 1, ("new.txt",))
    patch = (await store.get_blob(BlobId(change.diff.blob or ""))).decode()
    assert "+[redacted]" in patch
    assert CANARY not in patch

"""A worker in this process whose model answers over real HTTP, and whose projects install from a folder."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from temporalio.client import Client

from tamma.model.ids import new_task_id, workflow_id
from tamma.model.repository import RepoRef
from tamma.model.task import DEV_WORKFLOW, TASK_QUEUE, AgentChoice, DevRequest, DevResult, TaskView
from tamma.platforms.interface import PlatformSettings
from tamma.pools import Platforms, Providers
from tamma.providers.interface import ProviderSettings
from tamma.store.memory import MemoryStore
from tamma.worker.parts import Parts
from tamma.worker.queues import serve, workers
from tamma.workspace.local import LocalWorkspaces
from tamma.workspace.tools import TOOLS
from tests.real_projects.bug import Bug, Turn
from tests.support.loop import QUICK, Handle
from tests.support.sdists import wheels
from tests.support.temporal import end

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

PROVIDER = "anthropic-claude"
MODEL = "claude-sonnet-5-5"
KEY = "sk-ant-a-dummy-key-0123456789"


def index_is_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip find packages in `.peers/wheels` and nowhere else, as on a machine with an index of its own."""
    folder = str(wheels())
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"file://{folder}")
    monkeypatch.setenv("PIP_FIND_LINKS", folder)


def script(llmock: LLMock, bug: Bug) -> None:
    """Queue what the model says. Calls with tools are the agent's; of those without, the plan comes first."""
    from llmock.scenarios import Match, Reply, ToolCall

    def reply(turn: Turn, *, tools: bool) -> Reply:
        calls = json.loads(json.dumps(turn["tool_calls"]))
        made = tuple(ToolCall(call["name"], call["args"]) for call in calls)
        return Reply(text=str(turn["text"]) or None, tool_calls=made, match=Match(tools=tools))

    llmock.add(reply(bug.plan, tools=False), reply(bug.review, tools=False))
    llmock.add(*(reply(turn, tools=True) for turn in (*bug.red, *bug.fix)))


@dataclass
class Run:
    """One finished run, and what there is to look at."""

    handle: Handle
    result: DevResult
    seen: TaskView
    store: MemoryStore

    async def said(self) -> str:
        """All that the run left in Temporal and in the store, as text."""
        history = await self.handle.fetch_history()
        return history.to_json() + repr(vars(self.store))


@dataclass
class Worker:
    """A worker that serves until its block ends."""

    client: Client
    store: MemoryStore
    folder: Path
    handles: list[Handle] = field(default_factory=list[Handle])

    async def solve(self, repo: RepoRef, issue: str, bug: Bug, *, issue_text: str | None = None) -> Run:
        """Submit the issue and wait for the end of its run."""
        request = DevRequest(
            task_id=new_task_id(),
            repo=repo,
            issue=issue,
            issue_text=issue_text,
            agent=AgentChoice(PROVIDER, MODEL),
            limits=QUICK,
            test_command=bug.test_command,
        )
        # The folder's name sets runs of different tests on the shared server apart.
        identity = workflow_id(repo.platform_id, self.folder.name, bug.release.name, issue)
        handle = await self.client.start_workflow(
            DEV_WORKFLOW, request, id=identity, task_queue=TASK_QUEUE, result_type=DevResult
        )
        self.handles.append(handle)
        async with asyncio.timeout(240):
            while (await handle.describe()).close_time is None:
                seen = await handle.query("view", result_type=TaskView)
                assert seen.waiting_for is None or not seen.waiting_for.person, seen
                await asyncio.sleep(0.3)
        seen = await handle.query("view", result_type=TaskView)
        return Run(handle, await handle.result(), seen, self.store)


@asynccontextmanager
async def working(
    client: Client, folder: Path, model_url: str, account: PlatformSettings
) -> AsyncGenerator[Worker]:
    """A worker with one provider and one account."""
    store = MemoryStore()
    claude = ProviderSettings(PROVIDER, "anthropic-claude", api_key=KEY, base_url=model_url, model=MODEL)
    providers, platforms = Providers(lambda _: claude), Platforms(lambda _: account)
    await providers.get(PROVIDER)  # its SDK is loaded before the first call, as a real worker does
    workspaces = LocalWorkspaces(folder / "workspaces", store)
    parts = Parts(store, providers, platforms, workspaces, TOOLS, host=f"host-{folder.name}", runs=3)
    worker, stop = Worker(client, store, folder), asyncio.Event()
    serving = asyncio.create_task(serve(workers(client, parts), stop))
    try:
        yield worker
    finally:
        for handle in worker.handles:
            await end(handle)
        stop.set()
        await asyncio.wait_for(serving, 120)
        await workspaces.aclose()
        await providers.close()
        await platforms.close()

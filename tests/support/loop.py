"""The whole loop in one process: real Temporal, git and sandbox; the scripted provider, a counted forge."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle

from tamma.model.conventions import Conventions
from tamma.model.ids import new_task_id, workflow_id
from tamma.model.repository import RepoRef
from tamma.model.task import (
    DEV_WORKFLOW,
    TASK_QUEUE,
    AgentChoice,
    DevRequest,
    DevResult,
    Limits,
    Phase,
    Reply,
    TaskView,
)
from tamma.platforms.interface import PlatformSettings
from tamma.pools import Platforms, Providers
from tamma.providers.interface import ProviderSettings
from tamma.providers.routing.chain import Routes
from tamma.store.interface import Store
from tamma.store.memory import MemoryStore
from tamma.toolservers.interface import NO_TOOL_SERVERS, ToolServers
from tamma.worker.parts import Parts
from tamma.worker.queues import serve, workers
from tamma.workspace.local import LocalWorkspaces
from tamma.workspace.tools import TOOLS
from tests.support.temporal import end

Handle = WorkflowHandle[Any, DevResult]

REPO = RepoRef("memory", "acme", "calc")
QUICK = Limits(worker_lost_after=10, checks_grace=0.2, poll=0.1, command_timeout=60)

FILES = {
    "calc.py": "def mean(values):\n    return sum(values) / (len(values) + 1)\n",
    "tests/__init__.py": "",
    "tests/test_calc.py": (
        "import unittest\n\nfrom calc import mean\n\n\n"
        "class MeanTest(unittest.TestCase):\n"
        "    def test_zero(self):\n        self.assertEqual(mean([0, 0]), 0)\n"
    ),
}
ISSUE = "# mean() is too small\n\n`mean([2, 4])` gives 2.0, it should be 3.0.\n"
TEST = "python3 -m unittest"
RED = (
    "import unittest\n\nfrom calc import mean\n\n\n"
    "class MeanValueTest(unittest.TestCase):\n"
    "    def test_mean(self):\n        self.assertEqual(mean([2, 4]), 3)\n"
)
RED_COMMAND = "python3 -m unittest tests.test_mean"


def call(name: str, **args: object) -> dict[str, object]:
    """A scripted tool call."""
    return {"name": name, "args": args}


def turn(*calls: dict[str, object], text: str = "", **more: object) -> dict[str, object]:
    """A scripted turn."""
    return {"text": text, "tool_calls": list(calls), **more}


PLAN_TURN = {
    "text": json.dumps(
        {
            "summary": "mean() divides by one too many",
            "steps": [{"title": "write the test"}, {"title": "divide by len", "files": ["calc.py"]}],
            "risks": [],
            "ambiguities": [],
            "test": "mean([2, 4]) is 3",
        }
    )
}
APPROVE_TURN = {"text": '{"verdict": "approve", "summary": "small and right", "comments": []}'}
RED_TURNS = [
    turn(call("view", path="calc.py"), text="Let me look."),
    turn(call("create", path="tests/test_mean.py", content=RED)),
    turn(call("bash", command=RED_COMMAND)),
    turn(
        call("finish", summary="a failing test", test_command=RED_COMMAND, test_files=["tests/test_mean.py"])
    ),
]
FIX_TURNS = [
    turn(call("str_replace", path="calc.py", old="(len(values) + 1)", new="len(values)")),
    turn(call("bash", command=TEST)),
    turn(call("finish", summary="mean() divides by the number of values")),
]


def script(**lanes: list[dict[str, Any]]) -> dict[str, object]:
    """A whole script; lanes that are not given play the happy way."""
    happy: dict[str, list[dict[str, Any]]] = {
        "plan": [PLAN_TURN],
        "agent": [*RED_TURNS, *FIX_TURNS],
        "review": [APPROVE_TURN],
    }
    return {"lanes": {**happy, **lanes}}


def git(path: Path, *args: str) -> str:
    """Run git, with an identity of the tests' own."""
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@localhost", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *args], cwd=path, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def make_repository(folder: Path, files: Mapping[str, str] = FILES) -> Path:
    """A bare repository with one commit on `main`; its path."""
    work = folder / "seed"
    work.mkdir(parents=True)
    git(work, "init", "-q", "-b", "main")
    for name, content in files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(content)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "first")
    bare = folder / "calc.git"
    git(folder, "clone", "-q", "--bare", str(work), str(bare))
    return bare


@dataclass
class Loop:
    """A worker in this process, and how to talk to its runs."""

    client: Client
    parts: Parts
    folder: Path
    remote: Path
    handles: list[Handle] = field(default_factory=list[Handle])

    async def submit(self, issue: str = "1", **changes: Any) -> Handle:
        """Start a run as the command line does, without waiting for its acceptance."""
        request = DevRequest(
            task_id=new_task_id(), repo=REPO, issue=issue, agent=AgentChoice("scripted"), limits=QUICK
        )
        request = replace(request, **changes)
        # The folder's name sets runs of different tests on the shared server apart.
        identity = workflow_id("memory", self.folder.name, "calc", issue)
        handle = await self.client.start_workflow(
            DEV_WORKFLOW, request, id=identity, task_queue=TASK_QUEUE, result_type=DevResult
        )
        self.handles.append(handle)
        return handle

    async def view(self, handle: Handle) -> TaskView:
        return await handle.query("view", result_type=TaskView)

    async def until(
        self,
        handle: Handle,
        condition: Callable[[TaskView], object],
        *,
        seconds: float = 90,
    ) -> TaskView:
        """The first view that satisfies the condition. Fails with the last one."""
        seen: TaskView | None = None
        pause = 0.05  # it grows: every look is work for the server and the worker that are looked at
        try:
            async with asyncio.timeout(seconds):
                while True:
                    seen = await self.view(handle)
                    if condition(seen):
                        return seen
                    await asyncio.sleep(pause)
                    pause = min(pause * 1.5, 0.25)
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s; last seen: {seen}") from None

    def effects(self, operation: str) -> int:
        """How often the forge's ledger says that `operation` had an effect."""
        ledger = self.folder / "ledger.jsonl"
        lines = ledger.read_text().splitlines() if ledger.exists() else []
        return sum(1 for line in map(json.loads, lines) if line["op"] == operation and line["effect"])

    def show(self, revision: str) -> str:
        """A file of the remote at a revision: `main:calc.py`."""
        return git(self.remote, "show", revision)


PLANNING = (Phase.ACCEPT, Phase.CONTEXT, Phase.PLAN, Phase.APPROVE_PLAN)
"""Phases of a run that has no agreed plan yet."""


async def tell(handle: Handle, name: str, given: object) -> str:
    """Send the run an update; what it answers, in words."""
    reply: Reply = await handle.execute_update(name, given, result_type=Reply)  # pyright: ignore[reportUnknownMemberType] - an overload of the SDK
    return reply.message


def platform_settings(folder: Path, remote: Path, **options: object) -> PlatformSettings:
    """The counted forge over a real repository."""
    return PlatformSettings(
        id="memory",
        type="memory",
        options={
            "repositories": {"acme/calc": str(remote)},
            "issues": {"acme/calc": {"1": ISSUE}},
            "state": str(folder / "state.json"),
            "ledger": str(folder / "ledger.jsonl"),
            **options,
        },
    )


@asynccontextmanager
async def running_loop(
    client: Client,
    folder: Path,
    *,
    turns: Mapping[str, object] | None = None,
    files: Mapping[str, str] = FILES,
    store: Store | None = None,
    host: str = "",
    servers: ToolServers = NO_TOOL_SERVERS,
    accounts: Sequence[ProviderSettings] = (),
    routes: Routes | None = None,
    forge: tuple[PlatformSettings, Path] | None = None,
    max_workspaces: int | None = None,
    conventions: Conventions | None = None,
    **platform: object,
) -> AsyncGenerator[Loop]:
    """A worker that serves the queues until the block ends; open runs are terminated then.

    `accounts`: providers beside the scripted one, whose script is `turns`. `forge`: another platform than
    the memory one, and its bare repository.
    """
    remote = forge[1] if forge else make_repository(folder, files)
    store = store or MemoryStore()
    scripted = ProviderSettings("scripted", "scripted", options=dict(turns or script()))
    known = {settings.name: settings for settings in (scripted, *accounts)}
    account = forge[0] if forge else platform_settings(folder, remote, **platform)
    providers, platforms = Providers(known.__getitem__), Platforms(lambda _: account)
    workspaces = LocalWorkspaces(folder / "workspaces", store)
    parts = Parts(
        store,
        providers,
        platforms,
        workspaces,
        TOOLS,
        host=host or f"host-{folder.name}",
        runs=3,
        max_workspaces=max_workspaces,
        servers=servers,
        routes=routes or Routes(),
        conventions=lambda _: conventions or Conventions(),
    )
    loop = Loop(client, parts, folder, remote)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(workers(client, parts), stop))
    try:
        yield loop
    finally:
        for handle in loop.handles:
            await end(handle)
        stop.set()
        await asyncio.wait_for(serving, 120)
        await workspaces.aclose()
        await providers.close()
        await platforms.close()

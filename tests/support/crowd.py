"""Many runs at once on one worker of its own process: real Temporal, PostgreSQL, git, sandbox and HTTP.

Each run has a repository, an issue and a change of its own, all with a word that no other run may ever see.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from tamma.model.ids import SessionId, TaskId, new_task_id, workflow_id
from tamma.model.repository import RepoRef
from tamma.model.task import (
    DEV_WORKFLOW,
    TASK_QUEUE,
    AgentChoice,
    DevRequest,
    DevResult,
    Limits,
    TaskView,
    Waiting,
)
from tamma.stack.process import import_path
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tests.support.crowd_model import MODEL, WORD, CrowdModel
from tests.support.loop import git, make_repository
from tests.support.postgres import Server
from tests.support.processes import Child, Temporal
from tests.support.temporal import end

KEYS = {"TAMMA_TEST_KEY_0": "canary-key-zero", "TAMMA_TEST_KEY_1": "canary-key-one"}
"""Two keys, each of which has limits of its own; the runs take them in turns."""
LIMITS = Limits(worker_lost_after=10, checks_grace=0.2, poll=0.5, command_timeout=60)
MB = 1e6


@dataclass
class Run:
    """One of the crowd."""

    number: int
    remote: Path
    task_id: TaskId = field(default_factory=new_task_id)
    handle: WorkflowHandle[Any, DevResult] | None = None

    @property
    def name(self) -> str:
        return f"p{self.number:02}"

    @property
    def word(self) -> str:
        return f"canary-word-{sha256(self.name.encode()).hexdigest()[:12]}"

    @property
    def provider(self) -> str:
        return f"model-{self.number % len(KEYS)}"


@dataclass
class Memory:
    """In megabytes (10**6 bytes), at most so far."""

    worker: float = 0.0
    """Resident."""
    children: float = 0.0
    """What the worker's children have to themselves, and their share of the rest."""

    async def watch(self, pid: int) -> None:
        """Look twice a second, until cancelled."""
        process = psutil.Process(pid)
        while True:
            with suppress(psutil.Error):
                self.worker = max(self.worker, process.memory_info().rss / MB)
                self.children = max(self.children, sum(map(_own, process.children(recursive=True))) / MB)
            await asyncio.sleep(0.5)


@dataclass
class Crowd:
    """The runs, who serves them, and what can be found of them afterwards."""

    folder: Path
    client: Client
    dsn: str = field(repr=False)
    model: CrowdModel
    runs: list[Run]
    worker: Child
    memory: Memory = field(default_factory=Memory)

    async def all_end(self, seconds: float, limits: Limits = LIMITS) -> list[DevResult]:
        """Start all runs at once, and wait until the last has ended."""
        watching = asyncio.create_task(self.memory.watch(self.worker.pid))
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(self._start(run, limits) for run in self.runs))
                ending = asyncio.gather(*(_result(run) for run in self.runs))
                while not (await asyncio.wait([ending], timeout=20))[0]:
                    if person := self.model.trouble or await self._asked():
                        raise AssertionError(f"this should not be: {person}\n{self.log()[-3000:]}")
                return await ending
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s: {await self._standing()}") from None
        finally:
            watching.cancel()
            await asyncio.wait([watching])

    def log(self) -> str:
        return self.worker.log.read_text()

    def words_merged(self, run: Run) -> set[str]:
        """In all that the run's repository holds: contents, messages, names of branches."""
        refs = git(run.remote, "for-each-ref")
        return words(f"{refs}\n{git(run.remote, 'log', '--all', '-p', '--format=%B')}")

    def words_on_the_forge(self, run: Run) -> set[str]:
        state = json.loads((self.folder / "state.json").read_text())
        return words(json.dumps(state["repos"][f"acme/{run.name}"]))

    async def words_in_transcripts(self) -> dict[str, set[str]]:
        """By the run's word."""
        store = PostgresStore(self.dsn, min_size=1, max_size=2)
        await store.open()
        try:
            found: dict[str, set[str]] = {}
            for run in self.runs:
                sessions = (SessionId(f"{run.task_id}/{of}") for of in ("plan", "agent", "review"))
                texts = [str(await store.read_entries(session)) for session in sessions]
                assert all(WORD.search(text) for text in texts)
                found[run.word] = words("\n".join(texts))
            return found
        finally:
            await store.close()

    def left_in_workspaces(self) -> set[str]:
        """Words in files that still lie below the worker's home, caches included, its log not."""
        found: set[str] = set()
        for path in (self.folder / "home").rglob("*"):
            if path.is_file() and not path.is_symlink() and path != self.worker.log:
                found |= words(path.read_bytes().decode("latin-1"))
        return found

    async def _start(self, run: Run, limits: Limits) -> None:
        request = DevRequest(
            task_id=run.task_id,
            repo=RepoRef("memory", "acme", run.name),
            issue="1",
            agent=AgentChoice(run.provider),
            limits=limits,
            test_command="test -e README.md",
        )
        run.handle = await self.client.start_workflow(
            DEV_WORKFLOW,
            request,
            id=workflow_id("memory", self.folder.name, run.name, "1"),
            task_queue=TASK_QUEUE,
            result_type=DevResult,
        )

    async def _views(self) -> list[TaskView]:
        """Of the runs that are open."""
        handles = [run.handle for run in self.runs if run.handle is not None]
        open_ones = [each for each in handles if (await each.describe()).close_time is None]
        return [await each.query("view", result_type=TaskView) for each in open_ones]

    async def _asked(self) -> list[Waiting]:
        """What runs want to know from a person; nothing where the machine is too busy to tell."""
        try:
            found = [view.waiting_for for view in await self._views()]
        except RPCError:
            return []
        return [waiting for waiting in found if waiting is not None and waiting.person]

    async def _standing(self) -> str:
        views = await self._views()
        shown = [f"{view.phase} {view.waiting_for}" for view in views[:5]]
        return f"{len(views)} are open, some of them: {shown}\n{self.log()[-3000:]}"

    async def end(self) -> None:
        for run in self.runs:
            if run.handle is not None:
                await end(run.handle)
        self.worker.kill()


@asynccontextmanager
async def crowd(
    folder: Path, temporal: Temporal, postgres: Server, size: int, model: CrowdModel, **worker: Any
) -> AsyncGenerator[Crowd]:
    """`size` runs that have not begun, and a running worker with this configuration."""
    dsn = postgres.dsn(postgres.create_database())
    await migrate(dsn)
    runs = [_run(folder, number) for number in range(size)]
    async with model:
        config = _config(folder, runs, model.url, worker)
        (folder / "config.json").write_text(json.dumps(config))
        made = Crowd(folder, await temporal.connect(), dsn, model, runs, _worker(folder, temporal, dsn))
        try:
            yield made
        finally:
            await made.end()


def words(text: str) -> set[str]:
    return set(WORD.findall(text))


def _run(folder: Path, number: int) -> Run:
    run = Run(number, folder)
    files = {"README.md": f"# {run.name}\n\nHere lives {run.word}.\n"}
    return replace(run, remote=make_repository(folder / "remotes" / run.name, files))


def _config(folder: Path, runs: list[Run], url: str, worker: dict[str, Any]) -> dict[str, Any]:
    providers = [
        {
            "providerId": f"model-{number}",
            "providerType": "local-llm",
            "baseUrl": f"{url}/v1",
            "apiKey": f"env:{name}",
            "model": MODEL,
            "price": {"inputMtok": 1, "outputMtok": 2},
            "options": {"kind": "openai", "discover": False},
        }
        for number, name in enumerate(KEYS)
    ]
    options = {
        "repositories": {f"acme/{run.name}": str(run.remote) for run in runs},
        "issues": {f"acme/{run.name}": {"1": f"# Write {run.word}\n\nInto answer.txt.\n"} for run in runs},
        "state": str(folder / "state.json"),
        "ledger": str(folder / "ledger.jsonl"),
    }
    return {
        "providers": {"default": "model-0", "available": providers},
        "platforms": {"available": [{"platformId": "memory", "platformType": "memory", "options": options}]},
        "worker": worker,
    }


def _worker(folder: Path, temporal: Temporal, dsn: str) -> Child:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "TAMMA_HOME": str(folder / "home"),
        "TAMMA_CONFIG_PATH": str(folder / "config.json"),
        "TAMMA_TEMPORAL_ADDRESS": temporal.address,
        "TAMMA_WORKER_HOST": folder.name,
        "DATABASE_URL": dsn,
        **KEYS,
        **import_path(),
    }
    return Child((sys.executable, "-m", "tamma.worker"), env, folder / "home", "worker")


async def _result(run: Run) -> DevResult:
    assert run.handle is not None
    return await run.handle.result()


def _own(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        return process.memory_full_info().pss
    return 0.0

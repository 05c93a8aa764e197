"""Runs whose worker, servers and host die: everything is a real process, and every effect is counted.

A conftest that imports `crash_temporal`, `postgres_servers`, `postgres_server` and `crash_world` from here
and from `tests.support.postgres` has the fixtures.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowHandle, WorkflowHistory

from tamma.model.ids import new_task_id, workflow_id
from tamma.model.task import DEV_WORKFLOW, TASK_QUEUE, AgentChoice, DevRequest, DevResult, Limits, TaskStatus
from tamma.platforms.memory.state import LedgerEntry, read_ledger
from tamma.stack.process import import_path
from tamma.store.migrate import migrate
from tests.support.histories import replay_and_keep
from tests.support.loop import (
    FILES,
    FIX_TURNS,
    ISSUE,
    RED,
    RED_TURNS,
    REPO,
    call,
    git,
    make_repository,
    script,
    turn,
)
from tests.support.model_server import MODEL, Hold, ModelServer, model_server
from tests.support.postgres import Server
from tests.support.processes import Child, Temporal, eventually
from tests.support.temporal import end
from workflows.agent_session import AgentSession
from workflows.autonomous_dev import AutonomousDev

NOTE_COMMAND = "echo line >> notes.txt"
"""A command that is not idempotent: run twice without a snapshot between, it leaves two lines."""
NOTE_TURN, NOTE_RESULTS = 5, 13
"""The agent's turn that runs NOTE_COMMAND; the transcript's entry with what came of it."""
HANGING = "sleep 61.7"
HANG_ONCE = f'{NOTE_COMMAND}; if [ ! -e "$TMPDIR/tried" ]; then touch "$TMPDIR/tried"; {HANGING}; fi'
"""NOTE_COMMAND, the first time with a hang after it. TMPDIR is not part of the work tree's snapshots."""
FILES_AFTER = {
    **FILES,
    "calc.py": FILES["calc.py"].replace("(len(values) + 1)", "len(values)"),
    "tests/test_mean.py": RED,
    "notes.txt": "line\n",
}
QUICK = Limits(worker_lost_after=3, checks_grace=0.2, poll=0.1, command_timeout=60)
WORKER = ("-m", "tamma.worker")
DYING_WORKER = ("-m", "tests.support.crash_worker")


def lanes(note: str = NOTE_COMMAND) -> dict[str, Sequence[Mapping[str, Any]]]:
    """The model's script: the happy way, with `note` run on the way."""
    fix = [FIX_TURNS[0], turn(call("bash", command=note)), *FIX_TURNS[1:]]
    found: Any = script(agent=[*RED_TURNS, *fix])["lanes"]
    return found


@dataclass
class World:
    """One run's surroundings: a repository on a counted forge, a model's service, servers, workers."""

    folder: Path
    temporal: Temporal
    postgres: Server
    dsn: str = field(repr=False)
    client: Client = field(repr=False)
    model: ModelServer = field(repr=False)
    remote: Path
    workers: list[Child] = field(default_factory=list[Child])
    handle: WorkflowHandle[Any, DevResult] | None = None

    # --- what happens ------------------------------------------------------------------------------

    def start_worker(self, host: str = "alpha", *, entry: Sequence[str] = WORKER, **env: str) -> Child:
        """A worker of its own process. Another `host` has another TAMMA_HOME and another queue."""
        home = self.folder / host
        given = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "TAMMA_HOME": str(home),
            "TAMMA_CONFIG_PATH": str(self.folder / "config.json"),
            "TAMMA_TEMPORAL_ADDRESS": self.temporal.address,
            "TAMMA_WORKER_HOST": f"{self.folder.name}-{host}",
            "DATABASE_URL": self.dsn,
            **import_path(),
        }
        child = Child((sys.executable, *entry), {**given, **env}, home, f"worker-{len(self.workers)}")
        self.workers.append(child)
        return child

    async def submit(self, **changes: Any) -> WorkflowHandle[Any, DevResult]:
        """Start the run."""
        request = DevRequest(
            task_id=new_task_id(), repo=REPO, issue="1", agent=AgentChoice("model"), limits=QUICK
        )
        self.handle = await self.client.start_workflow(
            DEV_WORKFLOW,
            replace(request, **changes),
            id=workflow_id("memory", self.folder.name, "calc", "1"),
            task_queue=TASK_QUEUE,
            result_type=DevResult,
        )
        return self.handle

    async def reached(self, hold: Hold, seconds: float = 60) -> None:
        """Wait until the model has begun the answer that is held."""
        await self._until(hold.reached.is_set, seconds)

    async def attempt(self, activity: str, number: int, seconds: float = 30) -> None:
        """Wait until the server has scheduled attempt `number` of an activity of the run or its session."""

        async def there() -> bool:
            for description in await self._descriptions():
                for pending in description.raw_description.pending_activities:
                    if pending.activity_type.name == activity and pending.attempt >= number:
                        return True
            return False

        await eventually(there, seconds)

    async def completed(self, seconds: float = 120) -> DevResult:
        """Wait for the run's end; fails with what the workers said."""
        assert self.handle is not None
        ending = asyncio.ensure_future(self.handle.result())
        try:
            await self._until(ending.done, seconds)
        finally:
            ending.cancel()
        result = await ending
        assert result.status is TaskStatus.COMPLETED, f"{result}\n{self.logs()}"
        return result

    def logs(self) -> str:
        """The last words of all workers."""
        return "\n".join(f"{child.log}:\n{child.log.read_text()[-3000:]}" for child in self.workers)

    def read_in_tree(self, name: str, *, host: str = "alpha") -> str | None:
        """A file of the work tree on a host's disk; None where it is not there."""
        found = list((self.folder / host / "workspaces").glob(f"*/tree/{name}"))
        return found[0].read_text() if found else None

    # --- what must hold ----------------------------------------------------------------------------

    async def check_all(self, *, paid_again: int = 1) -> None:
        """The run ended as an undisturbed one does; each effect came once; nothing runs on; it replays.

        `paid_again`: the most model calls that may have been paid a second time.
        """
        result = await self.completed()
        assert self.merged_files() == {name: text.strip() for name, text in FILES_AFTER.items()}
        assert git(self.remote, "rev-list", "--count", "main") == "2", "one commit on top of the first"
        assert self.refs() == ["refs/heads/main"], "the run's branch was merged and removed"
        pushed = (self.folder / "pushes").read_text().splitlines()
        assert [line.split()[0] for line in pushed] == [f"refs/heads/{result.branch}"], "delivered once"
        for operation in ("ensure_pr", "merge_pr", "close_issue", "delete_branch", "ensure_comment"):
            assert self.effects(operation) == 1, f"{operation}: {self.ledger()}"
        state = json.loads((self.folder / "state.json").read_text())["repos"][REPO.full_name]
        assert [comment["op_id"] for comment in state["comments"]["1"]] == [f"{await self._task()}/solved"]
        assert len(state["pulls"]) == 1
        assert self.model.paid_again() <= paid_again, self.model.asked
        self.end_workers()
        await eventually(lambda: not self.processes())
        await self.replay()

    def end_workers(self) -> None:
        for worker in self.workers:
            worker.kill()

    def processes(self) -> list[str]:
        """The command lines of living processes that belong to this world, the servers apart."""
        found: list[str] = []
        for process in psutil.process_iter():
            try:
                words = " ".join(process.cmdline())
                ours = str(self.folder) in words or process.environ().get("DATABASE_URL") == self.dsn
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(words)
        return found

    def ledger(self) -> list[LedgerEntry]:
        return read_ledger(self.folder / "ledger.jsonl")

    def effects(self, operation: str) -> int:
        return sum(entry.op == operation and entry.effect for entry in self.ledger())

    def refs(self) -> list[str]:
        return git(self.remote, "for-each-ref", "--format=%(refname)").splitlines()

    def merged_files(self) -> dict[str, str]:
        """What `main` holds now: paths and contents, without the white space around them."""
        names = git(self.remote, "ls-tree", "-r", "--name-only", "main").splitlines()
        return {name: git(self.remote, "show", f"main:{name}") for name in names}

    async def histories(self) -> dict[str, WorkflowHistory]:
        """The histories of the run and its sessions, by the ends of their ids."""
        assert self.handle is not None
        run = await self.handle.fetch_history()
        found = {"run": run}
        for event in run.events:
            if event.HasField("child_workflow_execution_started_event_attributes"):
                child = event.child_workflow_execution_started_event_attributes.workflow_execution
                handle = self.client.get_workflow_handle(child.workflow_id, run_id=child.run_id)
                found[child.workflow_id.rpartition("/")[2]] = await handle.fetch_history()
        return found

    async def replay(self) -> None:
        """Raises where a history of this run does not fit the code. Keeps them where that is asked."""
        await replay_and_keep(await self.histories(), [AutonomousDev, AgentSession])

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait, but not for a workflow that fails in its code: Temporal would try it again for ever."""

        def over() -> bool:
            return condition() or any("Failed activation" in child.log.read_text() for child in self.workers)

        try:
            await eventually(over, seconds)
            assert condition()
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None

    async def _descriptions(self) -> list[WorkflowExecutionDescription]:
        assert self.handle is not None
        run = await self.handle.describe()
        children = [child.workflow_id for child in run.raw_description.pending_children]
        return [run, *[await self.client.get_workflow_handle(name).describe() for name in children]]

    async def _task(self) -> str:
        history = (await self.histories())["run"]
        payload = history.events[0].workflow_execution_started_event_attributes.input.payloads[0]
        return json.loads(payload.data)["task_id"]


@asynccontextmanager
async def world(
    folder: Path,
    temporal: Temporal,
    postgres: Server,
    *,
    note: str = NOTE_COMMAND,
    said: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    **platform: object,
) -> AsyncGenerator[World]:
    """A world without a worker. Whatever the test leaves running is ended.

    `note` replaces NOTE_COMMAND, `said` all that the model says; `platform` are further options of the memory
    platform, for example faults.
    """
    remote = make_repository(folder)
    _watch_pushes(remote, folder)
    dsn = postgres.dsn(postgres.create_database())
    await migrate(dsn)
    async with model_server(said or lanes(note)) as model:
        config = _config(folder, remote, model.url, platform)
        (folder / "config.json").write_text(json.dumps(config))
        made = World(folder, temporal, postgres, dsn, await temporal.connect(), model, remote)
        try:
            yield made
        finally:
            made.end_workers()
            if made.handle is not None:
                await end(made.handle)


def platform_options(folder: Path, remote: Path, more: Mapping[str, object]) -> dict[str, object]:
    """The memory platform's, for every process that shares its state."""
    return {
        "repositories": {REPO.full_name: str(remote)},
        "issues": {REPO.full_name: {"1": ISSUE}},
        "state": str(folder / "state.json"),
        "ledger": str(folder / "ledger.jsonl"),
        **more,
    }


def _config(folder: Path, remote: Path, model: str, platform: Mapping[str, object]) -> dict[str, Any]:
    options = platform_options(folder, remote, platform)
    provider = {
        "providerId": "model",
        "providerType": "local-llm",
        "baseUrl": model,
        "model": MODEL,
        "price": {"inputMtok": 1, "outputMtok": 2},
    }
    return {
        "providers": {"default": "model", "available": [provider]},
        "platforms": {"available": [{"platformId": "memory", "platformType": "memory", "options": options}]},
    }


def _watch_pushes(remote: Path, folder: Path) -> None:
    """Every ref that a push moves becomes a line of `pushes`: name, old, new. Where a file `victim` names a
    process, the first push is the last that this process sees."""
    hooks = {
        "update": f'echo "$1 $2 $3" >> "{folder}/pushes"',
        "post-receive": f'cd "{folder}" && [ -e victim ] && mv victim struck && kill -9 "$(cat struck)"',
    }
    for name, command in hooks.items():
        hook = remote / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\n{command}\nexit 0\n")
        hook.chmod(0o755)

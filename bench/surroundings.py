"""The product as it runs: what `tamma dev start` starts, in a home of its own, and a model's service.

Everything is ended and removed afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx2
from temporalio.client import Client

from bench.model_server import command
from bench.processes import run_timed
from tamma.demo.repository import script_path
from tamma.stack.interface import StackInfo, StackRequest
from tamma.stack.stack import ensure_stack, stop_stack
from tamma.temporal.plugin import tamma_plugin

MODEL = "claude-sonnet-5-5-bench-{steps}"
PLAYED = "played-{steps}"
PLAYED_STEPS = (5, 50)
"""The scripted provider's, in the worker's own process: how many steps its scripts take."""
REHEARSED = ("rehearsed-a", "rehearsed-b")
"""Agents whose outcomes are drawn from the same declared rates."""
TAMMA = str(Path(sysconfig.get_path("scripts")) / "tamma")
ROOT = Path(__file__).parents[1]


def environment(home: Path | None = None) -> dict[str, str]:
    """What the measured processes get; of this process's own environment only what they cannot do without."""
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    env["PYTHONPATH"] = str(ROOT)
    if home is not None:
        env |= {"TAMMA_HOME": str(home), "TAMMA_CONFIG_PATH": str(home / "config.json")}
        env |= {"BENCH_KEY": "bench"}
    return env


@dataclass
class ModelService:
    """The process of `bench.model_server`."""

    url: str
    process: subprocess.Popen[str] = field(repr=False)

    def seen(self) -> list[tuple[float, int]]:
        """(time.monotonic(), turn) of every model call so far."""
        answer = cast("list[list[Any]]", httpx2.get(f"{self.url}/seen", trust_env=False).json())
        return [(float(at), int(turn)) for at, turn in answer]

    def hold(self, turn: int) -> None:
        """Stop the next answer to that turn in its middle, for ever."""
        httpx2.post(f"{self.url}/hold/{turn}", trust_env=False).raise_for_status()


@dataclass
class Stack:
    """A running stack and who to ask about it."""

    home: Path
    info: StackInfo
    client: Client
    model: ModelService
    started: float
    """time.monotonic() when it was ready."""

    async def refresh(self) -> StackInfo:
        """Where the servers are now: a process that was killed has another pid."""
        self.info = await ensure_stack(self.home, StackRequest())
        return self.info

    def environment(self) -> dict[str, str]:
        return environment(self.home)


@asynccontextmanager
async def running_stack() -> AsyncGenerator[Stack]:
    """Servers, a worker and a model's service, until the block ends."""
    home = Path(tempfile.mkdtemp(prefix="tamma-b-", dir="/tmp"))
    with child("bench.model_server") as (process, first):
        model = ModelService(f"http://127.0.0.1:{first}", process)
        write_config(home, model.url)
        try:
            await asyncio.to_thread(run_timed, (TAMMA, "dev", "start"), environment(home))
            info = await ensure_stack(home, StackRequest())
            client = await Client.connect(info.temporal_address, plugins=[tamma_plugin()])
            yield Stack(home, info, client, model, time.monotonic())
        finally:
            await stop_stack(home)
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def child(module: str, *arguments: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """A helper process of this package and its first line; closing its standard input ends it."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        first = process.stdout.readline().strip()
        if not first:
            raise RuntimeError(f"{module} did not start")
        yield process, first
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def write_config(home: Path, model_url: str) -> None:
    """Claude's protocol over HTTP from the model's service, scripts in the worker, and rehearsals."""
    claude = {
        "providerId": "claude",
        "providerType": "anthropic-claude",
        "baseUrl": model_url,
        "apiKey": "env:BENCH_KEY",
        "model": MODEL.format(steps=1),
    }
    played = [
        {
            "providerId": PLAYED.format(steps=steps),
            "providerType": "scripted",
            "options": {"turns": _script(steps)},
        }
        for steps in PLAYED_STEPS
    ]
    rehearsed = [
        {"providerId": name, "providerType": "scripted", "options": {"rehearsal": {"success": 0.6}}}
        for name in REHEARSED
    ]
    demo = {"providerId": "demo", "providerType": "scripted", "options": {"script": script_path()}}
    config: dict[str, Any] = {
        "providers": {"default": "claude", "available": [claude, *played, *rehearsed, demo]},
    }
    (home / "config.json").write_text(json.dumps(config))


def _script(steps: int) -> list[Mapping[str, Any]]:
    look = [
        {"text": "Let me look.", "tool_calls": [{"name": "bash", "args": {"command": command(turn)}}]}
        for turn in range(steps)
    ]
    return [*look, {"tool_calls": [{"name": "finish", "args": {"summary": "done"}}]}]


async def until(condition: Callable[[], Awaitable[object]], seconds: float, pause: float = 0.02) -> float:
    """Wait until `condition` holds; time.monotonic() of then. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - other processes are waited for
            await asyncio.sleep(pause)
    return time.monotonic()

"""A streamed chunk through the adapter, through the bare SDK, through LiteLLM: one server, in turns."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.environments import python_of
from bench.figures import Figure, Samples, ratio, samples
from bench.processes import progress
from bench.providers.protocols import MODEL
from tamma import registry
from tamma.model.conversation import Request, TextDelta, user
from tamma.providers.interface import Provider, ProviderSettings

CHUNKS = 5000
ROUNDS = 5
FIRSTS = 40
"""Calls whose first chunk is timed."""
GOAL_RATIO = 1.5
GOAL_LITELLM = 0.25
"""Of LiteLLM's time: four times better."""
GOAL_FIRST_MS = 5.0
KEY = "sk-bench-canary"
PROMPT = "Say something long."


@dataclass(frozen=True, slots=True)
class Run:
    """One answer read to its end, in seconds."""

    first: float
    whole: float


class Bare(Protocol):
    """An SDK's client, used in the quickest way it offers."""

    def chunks(self) -> AsyncIterator[Any]: ...

    async def close(self) -> None: ...


@contextmanager
def chunk_server() -> Generator[str]:
    """The address of a server in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.providers.server"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(10)


async def started(kind: str, url: str, **settings: Any) -> Provider:
    """A provider of that type, started."""
    known = ProviderSettings(
        "bench", kind, api_key=KEY, base_url=url, model=MODEL, options=settings.pop("options", {}), **settings
    )
    provider = registry.providers.get(kind).create_provider(known)
    await provider.start()
    return provider


def request() -> Request:
    return Request(model=MODEL, messages=(user(PROMPT),), cache=False)


async def read(provider: Provider) -> Run:
    """One answer of ours, from the call to its end."""
    began = time.perf_counter()
    first = 0.0
    async with aclosing(provider.stream(request())) as events:
        async for event in events:
            if not first and isinstance(event, TextDelta):
                first = time.perf_counter() - began
    return Run(first, time.perf_counter() - began)


async def read_bare(chunks: AsyncIterator[Any]) -> Run:
    """One answer of an SDK. The first chunk is the first of any kind."""
    began = time.perf_counter()
    first = 0.0
    async for _ in chunks:
        if not first:
            first = time.perf_counter() - began
    return Run(first, time.perf_counter() - began)


# --- the SDKs' own fastest paths -----------------------------------------------------------------


class BareAnthropic:
    """`messages.create(stream=True)`."""

    def __init__(self, url: str) -> None:
        from anthropic import AsyncAnthropic

        self._client = AsyncAnthropic(api_key=KEY, base_url=url, max_retries=0)

    async def chunks(self) -> AsyncIterator[Any]:
        stream = await self._client.messages.create(
            model=MODEL,
            max_tokens=1000,
            messages=[{"role": "user", "content": PROMPT}],
            stream=True,
        )
        async for event in stream:
            yield event

    async def close(self) -> None:
        await self._client.close()


class BareChat:
    """`chat.completions.create(stream=True)` of the OpenAI SDK."""

    def __init__(self, url: str) -> None:
        from openai import AsyncOpenAI

        self._client = AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0)

    async def chunks(self) -> AsyncIterator[Any]:
        stream = await self._client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": PROMPT}],
            stream=True,
            stream_options={"include_usage": True},
        )
        async for event in stream:
            yield event

    async def close(self) -> None:
        await self._client.close()


class BareResponses(BareChat):
    """`responses.create(stream=True)`."""

    async def chunks(self) -> AsyncIterator[Any]:
        stream = await self._client.responses.create(model=MODEL, input=PROMPT, stream=True)
        async for event in stream:
            yield event


class BareGemini:
    """`generate_content_stream`."""

    def __init__(self, url: str) -> None:
        from google.genai import Client, types

        options = types.HttpOptions(base_url=url, api_version="v1beta")
        self._client = Client(api_key=KEY, http_options=options)

    async def chunks(self) -> AsyncIterator[Any]:
        models: Any = self._client.aio.models  # its signature holds types that nobody knows
        stream = await models.generate_content_stream(model=MODEL, contents=PROMPT)
        async for event in stream:
            yield event

    async def close(self) -> None:
        await self._client.aio.aclose()


FAMILIES: dict[str, tuple[str, dict[str, Any], Callable[[str], Bare]]] = {
    # name: our type, its options, the bare SDK
    "anthropic": ("anthropic-claude", {}, BareAnthropic),
    "openai": ("openai", {}, BareResponses),
    "gemini": ("gemini", {}, BareGemini),
    "chat": ("local-llm", {"kind": "openai"}, BareChat),
}


async def measure() -> Sequence[Figure]:
    """`chunk.*` and `first.*`."""
    figures: list[Figure] = []
    with chunk_server() as url:
        per_chunk: dict[str, Samples] = {}
        for name, (kind, options, bare) in FAMILIES.items():
            progress(f"{name}: {CHUNKS} chunks, {ROUNDS} times, beside the bare SDK")
            ours, theirs = await _in_turns(url, kind, options, bare)
            per_chunk[name] = ours[0]
            figures.append(
                ratio(
                    f"chunk.{name}",
                    f"a streamed chunk through {kind} against the bare SDK's fastest path",
                    ours[0],
                    theirs[0],
                    goal=GOAL_RATIO,
                )
            )
            added = ours[1].median - theirs[1].median
            figures.append(
                Figure(
                    f"first.{name}",
                    "our own part of the time to the first token",
                    added,
                    "ms",
                    GOAL_FIRST_MS,
                    ours[1],
                    theirs[1],
                )
            )
        figures += _beside_litellm(url, per_chunk)
    slowest = max(found.median for found in per_chunk.values())
    figures.append(
        Figure("chunk.most_a_second", "chunks a second of one stream, by the slowest", 1e6 / slowest, "1/s")
    )
    return figures


async def _in_turns(
    url: str, kind: str, options: dict[str, Any], bare: Callable[[str], Bare]
) -> tuple[tuple[Samples, Samples], tuple[Samples, Samples]]:
    """(µs a chunk, ms to the first) of ours and of the bare SDK. A first round is not counted."""
    long, short = f"{url}/{CHUNKS}/0", f"{url}/1/0"
    found: list[tuple[list[float], list[float]]] = [([], []), ([], [])]
    ours = [await started(kind, each, options=options) for each in (long, short)]
    theirs = [bare(each) for each in (long, short)]
    for number in range(ROUNDS + 1):
        runs = (await read(ours[0]), await read_bare(theirs[0].chunks()))
        if number:
            for (chunk, _), run in zip(found, runs, strict=True):
                chunk.append((run.whole - run.first) / CHUNKS * 1e6)
    for number in range(FIRSTS + 1):
        runs = (await read(ours[1]), await read_bare(theirs[1].chunks()))
        if number:
            for (_, first), run in zip(found, runs, strict=True):
                first.append(run.first * 1000)
    for provider in ours:
        await provider.close()
    for client in theirs:
        await client.close()
    mine, bares = ((samples("µs", chunk), samples("ms", first)) for chunk, first in found)
    return mine, bares


def _beside_litellm(url: str, per_chunk: dict[str, Samples]) -> list[Figure]:
    python = python_of("litellm")
    if python is None:
        progress("LiteLLM is left out: its environment could not be made")
        return []
    figures: list[Figure] = []
    for name, model in (("anthropic", "anthropic/bench-model"), ("chat", "openai/bench-model")):
        progress(f"LiteLLM: {model}")
        done = subprocess.run(
            [
                python,
                str(Path(__file__).parent / "beside_litellm.py"),
                f"{url}/{CHUNKS}/0",
                model,
                str(ROUNDS),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"LiteLLM failed: {done.stderr[-2000:]}")
        theirs = samples("µs", json.loads(done.stdout.splitlines()[-1]))
        figures.append(
            ratio(
                f"chunk.{name}_litellm",
                "a streamed chunk of ours against LiteLLM's, in its own environment",
                per_chunk[name],
                theirs,
                goal=GOAL_LITELLM,
            )
        )
    return figures

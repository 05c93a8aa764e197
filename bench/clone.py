"""A workspace's clone of a repository with a long history, against a whole one by `git clone`, over HTTP."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure, plain, ratio, samples
from bench.surroundings import environment
from tamma.workspace import clone
from tamma.workspace.interface import WorkspaceSpec
from tamma.workspace.layout import Layout
from tests.support.git_http import HttpGit, allow, serving

ROUNDS = 3
COMMITS, FILES, BYTES = 2000, 40, 250_000
"""Each commit writes one file anew, of random bytes: 500 MB that no packing makes smaller."""
GOAL = 0.2


async def measure() -> Sequence[Figure]:
    """`clone.*`."""
    with tempfile.TemporaryDirectory(prefix="tamma-clone-") as name:
        folder = Path(name)
        origin = await asyncio.to_thread(make_origin, folder / "origin.git")
        with serving(HttpGit(folder)) as server:
            return await _measure(server.url("origin.git"), origin, folder)


async def _measure(url: str, origin: Path, folder: Path) -> Sequence[Figure]:
    head = _git("-C", str(origin), "rev-parse", "main")
    ours: list[float] = []
    whole: list[float] = []
    sizes: dict[str, float] = {"history": _megabytes(origin)}
    for number in range(ROUNDS):
        layout = Layout(folder / f"ours-{number}")
        layout.folder.mkdir()
        began = time.monotonic()
        await clone.clone(
            layout, WorkspaceSpec("bench", url, "main", head, "tamma/bench"), lambda _line: None
        )
        ours.append(time.monotonic() - began)
        sizes["ours"] = _megabytes(layout.git)
        target = folder / f"whole-{number}"
        began = time.monotonic()
        await asyncio.to_thread(_git, "clone", "--quiet", url, str(target))
        whole.append(time.monotonic() - began)
        sizes["whole"] = _megabytes(target / ".git")
        for made in (layout.folder, target):
            await asyncio.to_thread(shutil.rmtree, made)
    detail = {f"{what}_mb": round(size, 1) for what, size in sizes.items()}
    return [
        ratio(
            "clone.partial",
            "a workspace's clone, recent history included, against `git clone` of all of it",
            samples("s", ours),
            samples("s", whole),
            goal=GOAL,
            **detail,
        ),
        plain("clone.megabytes", "what a workspace's clone keeps on disk", samples("MB", [sizes["ours"]])),
    ]


def make_origin(path: Path, commits: int = COMMITS, files: int = FILES, size: int = BYTES) -> Path:
    """A bare repository with that history."""
    _git("init", "--quiet", "--bare", "--initial-branch=main", str(path))
    _git("-C", str(path), "config", "core.compression", "0")
    allow(path)
    command = ["git", "-C", str(path), "fast-import", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment()) as process:
        assert process.stdin is not None
        for number in range(commits):
            process.stdin.write(
                b"commit refs/heads/main\n"
                b"committer A <a@example.org> %d +0000\ndata 2\nc\n\n" % (1_700_000_000 + number)
            )
            process.stdin.write(b"M 100644 inline d%d/f%d\ndata %d\n" % (number % 5, number % files, size))
            process.stdin.write(os.urandom(size) + b"\n")
        process.stdin.close()
        if process.wait():
            raise RuntimeError(f"git fast-import ended with {process.returncode}")
    return path


def _git(*arguments: str) -> str:
    done = subprocess.run(("git", *arguments), env=environment(), capture_output=True, check=True)
    return done.stdout.decode().strip()


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6

"""Child processes end with us, however we end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tamma.providers.common.child import OUTPUT_CHARS, Child, environment
from tests.support.pace import PROMPT
from tests.support.processes import eventually

READY = re.compile(r"pids (\d+) (\d+)")
# A program that starts another one, and says both ids.
FAMILY = (
    "import os, subprocess, sys, time; other = subprocess.Popen(['sleep', '600']); "
    "print('pids', os.getpid(), other.pid, flush=True); time.sleep(600)"
)
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FAMILY}"


def python(code: str, tmp_path: Path) -> Child:
    return Child([sys.executable, "-c", code], env=environment(os.environ), cwd=tmp_path)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def family(child: Child) -> tuple[int, int]:
    found = await child.says(READY, 20)
    assert found is not None
    return int(found[1]), int(found[2])


@pytest.mark.parametrize("code", [FAMILY, STUBBORN], ids=["polite", "stubborn"])
async def test_stopping_ends_it_and_what_it_started(tmp_path: Path, code: str) -> None:
    child = python(code, tmp_path)
    pids = await family(child)
    assert child.alive
    await asyncio.wait_for(child.stop(), PROMPT)
    assert not child.alive
    await eventually(lambda: all(map(gone, pids)))
    await child.stop()


async def test_what_it_left_behind_ends_too(tmp_path: Path) -> None:
    child = python(FAMILY, tmp_path)
    leader, other = await family(child)
    os.kill(leader, signal.SIGKILL)
    await asyncio.wait_for(child.wait(), PROMPT)
    await eventually(lambda: gone(other))


async def test_the_end_of_its_output_is_kept(tmp_path: Path) -> None:
    child = python("print('x' * 100_000, flush=True); raise SystemExit('bad flag')", tmp_path)
    assert await child.says(READY, 20) is None
    assert len(child.output) == OUTPUT_CHARS
    assert child.output.endswith("bad flag\n")
    await child.stop()


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    child = Child([str(tmp_path / "absent")], env=environment(os.environ), cwd=tmp_path)
    await asyncio.wait_for(child.wait(), 60)
    assert "absent': No such file or directory" in child.output


async def test_waiting_for_words_has_a_limit(tmp_path: Path) -> None:
    child = python(FAMILY, tmp_path)
    try:
        with pytest.raises(TimeoutError):
            await child.says(re.compile("never"), 0.2)
    finally:
        await child.stop()


def test_it_ends_when_we_are_killed(tmp_path: Path) -> None:
    owner = (
        "import asyncio, os, re, sys\n"
        "from pathlib import Path\n"
        "from tamma.providers.common.child import Child, environment\n"
        "async def main():\n"
        f"    child = Child([sys.executable, '-c', {FAMILY!r}], env=environment(os.environ), cwd=Path('.'))\n"
        f"    found = await child.says(re.compile({READY.pattern!r}), 20)\n"
        "    print(found[0], flush=True)\n"
        "    await child.wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = READY.match(process.stdout.readline())
        assert found is not None
        pids = [int(found[1]), int(found[2])]
        assert not any(map(gone, pids))
        process.kill()
    deadline = time.monotonic() + PROMPT
    while not all(map(gone, pids)):
        assert time.monotonic() < deadline, f"{pids} outlived their owner"
        time.sleep(0.05)


def test_secrets_of_ours_stay_with_us() -> None:
    ours = {"PATH": "/bin", "GITHUB_TOKEN": "canary-token", "HTTPS_PROXY": "http://p", "COPILOT_HOME": "/x"}
    assert environment(ours, HOME="/h") == {"PATH": "/bin", "HTTPS_PROXY": "http://p", "HOME": "/h"}

"""What is there before any call: looking a type up, reading the accounts, the memory of a started adapter."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure, plain, samples
from bench.platforms.services import SERVICES
from tamma import registry
from tamma.config.load import load_config
from tamma.config.resolve import settings_for_platform

LOOK_UPS = 2000
LOADS = 20
ACCOUNTS = 20

_START = """
import asyncio, sys
from pathlib import Path
def now():
    fields = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()
    return int(fields[0]) * 1024 / 1e6
from tamma import registry
from tamma.model.repository import IssueFilter
from tamma.platforms.interface import PlatformSettings
settings = PlatformSettings("bench", sys.argv[1], "http://127.0.0.1:9", "canary", username="mona")
async def main():
    platform = registry.platforms.get(sys.argv[1]).create_platform(settings)
    await platform.start()
    await platform.close()
asyncio.run(main())
print(now())
"""


async def measure() -> Sequence[Figure]:
    """`platforms.look_up_p99`, `platforms.load`, `platforms.memory.*`."""
    return [_look_up(), _load(), *_memory()]


def _look_up() -> Figure:
    times: list[float] = []
    names = registry.platforms.names()
    for number in range(LOOK_UPS):
        began = time.perf_counter()
        registry.platforms.get(names[number % len(names)])
        times.append((time.perf_counter() - began) * 1000)
    p99 = statistics.quantiles(times, n=100, method="inclusive")[98]
    detail = {"median": round(statistics.median(times), 5), "max": round(max(times), 3), "n": LOOK_UPS}
    return Figure("platforms.look_up_p99", "a type in the registry, p99", p99, "ms", 10, detail=detail)


def _load() -> Figure:
    """Reading, validating and resolving twenty accounts, nothing kept from before."""
    entries = [
        {
            "platformId": f"git{number}.example.test",
            "platformType": "github",
            "baseUrl": f"https://git{number}.example.test/api/v3",
            "credentials": {"accessToken": f"env:TOKEN_{number}"},
        }
        for number in range(ACCOUNTS)
    ]
    with tempfile.TemporaryDirectory() as home:
        Path(home, "config.json").write_text(json.dumps({"platforms": {"available": entries}}))
        env = {"TAMMA_HOME": home, **{f"TOKEN_{number}": "canary" for number in range(ACCOUNTS)}}
        times: list[float] = []
        for _ in range(LOADS):
            began = time.perf_counter()
            loaded = load_config(env=env)
            for number in range(ACCOUNTS):
                settings_for_platform(loaded, f"git{number}.example.test")
            times.append((time.perf_counter() - began) * 1000)
    what = f"a configuration of {ACCOUNTS} accounts, read, validated and resolved"
    return plain("platforms.load", what, samples("ms", times), goal=200)


def _memory() -> list[Figure]:
    """The whole process of a started adapter, the interpreter included."""
    figures: list[Figure] = []
    for kind in dict.fromkeys(service.type for service in SERVICES):
        command = [sys.executable, "-c", _START, kind]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        what = f"RSS of a process with a started {kind} adapter"
        figures.append(Figure(f"platforms.memory.{kind}", what, float(done.stdout.split()[-1]), "MB", 120))
    return figures

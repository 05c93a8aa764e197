"""What is there before any call: looking a type up, reading the entries, the memory of a started provider."""

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
from bench.processes import run_timed
from bench.surroundings import environment
from tamma import registry
from tamma.config.load import load_config

LOOK_UPS = 2000
LOADS = 20
ENTRIES = 20
SDKS = ("anthropic", "openai", "google.genai", "mcp", "copilot", "httpx2", "genai_prices", "pydantic")
STARTED = {
    "anthropic-claude": {},
    "openai": {},
    "gemini": {},
    "openrouter": {},
    "zai": {},
    "local-llm": {"kind": "openai"},
}
"""Those that live in our own process. The runtimes of Copilot, OpenCode and MCP servers are others'."""

_IMPORT = f"import sys, tamma.providers; print([name for name in {SDKS!r} if name in sys.modules])"
_START = """
import asyncio, json, resource, sys
from pathlib import Path
def now():
    fields = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()
    return int(fields[0]) * 1024 / 1e6
from tamma import registry
from tamma.providers.interface import ProviderSettings
kind, options = sys.argv[1], json.loads(sys.argv[2])
before = now()
settings = ProviderSettings(
    "bench", kind, api_key="sk-bench-canary", base_url="http://127.0.0.1:9", model="m", options=options
)
asyncio.run(registry.providers.get(kind).create_provider(settings).start())
print(now() - before)
"""


async def measure() -> Sequence[Figure]:
    """`providers.*`."""
    return [_look_up(), _load(), _imports(), *_memory()]


def _look_up() -> Figure:
    times: list[float] = []
    names = registry.providers.names()
    for number in range(LOOK_UPS):
        began = time.perf_counter()
        registry.providers.get(names[number % len(names)])
        times.append((time.perf_counter() - began) * 1000)
    p99 = statistics.quantiles(times, n=100, method="inclusive")[98]
    detail = {"median": round(statistics.median(times), 5), "max": round(max(times), 3), "n": LOOK_UPS}
    return Figure("providers.look_up_p99", "a type in the registry, p99", p99, "ms", 10, detail=detail)


def _load() -> Figure:
    """Reading and validating a configuration of twenty entries, nothing kept from before."""
    entries = [
        {
            "name": f"entry-{number}",
            "providerType": "local-llm",
            "baseUrl": f"http://127.0.0.1:{9000 + number}/v1",
        }
        for number in range(ENTRIES)
    ]
    with tempfile.TemporaryDirectory() as home:
        Path(home, "config.json").write_text(json.dumps({"providers": {"available": entries}}))
        times: list[float] = []
        for _ in range(LOADS):
            began = time.perf_counter()
            load_config(env={"TAMMA_HOME": home})
            times.append((time.perf_counter() - began) * 1000)
    what = f"a configuration of {ENTRIES} entries, read and validated"
    return plain("providers.load", what, samples("ms", times), goal=200)


def _imports() -> Figure:
    _, printed = run_timed((sys.executable, "-c", _IMPORT), environment())
    found = json.loads(printed.replace("'", '"'))
    return Figure("providers.imports", "SDKs that `import tamma.providers` imports", len(found), "modules", 0)


def _memory() -> list[Figure]:
    figures: list[Figure] = []
    for kind, options in STARTED.items():
        done = subprocess.run(
            [sys.executable, "-c", _START, kind, json.dumps(options)],
            capture_output=True,
            text=True,
            check=True,
        )
        grown = float(done.stdout.split()[-1])
        what = f"memory that starting {kind} adds, its SDK included"
        figures.append(Figure(f"providers.memory.{kind}", what, grown, "MB", 100))
    return figures

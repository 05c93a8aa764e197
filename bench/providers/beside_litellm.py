"""LiteLLM's side of the comparison; runs in LiteLLM's environment. `beside_litellm.py BASE_URL MODEL ROUNDS`

Prints a JSON list: microseconds a chunk, one a round.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches prices from the network

import litellm  # pyright: ignore  # installed in its own environment alone


async def once(url: str, model: str) -> float:
    """One answer: microseconds a chunk after the first."""
    module: Any = litellm  # pyright: ignore[reportUnknownVariableType]
    stream: Any = await module.acompletion(
        model=model,
        api_base=url,
        api_key="sk-bench-canary",
        messages=[{"role": "user", "content": "Say something long."}],
        max_tokens=1000,
        stream=True,
        num_retries=0,
    )
    chunks, first = 0, 0.0
    async for _ in stream:
        chunks += 1
        first = first or time.perf_counter()
    return (time.perf_counter() - first) / (chunks - 1) * 1e6


async def main() -> None:
    url, model, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    found = [await once(url, model) for _ in range(rounds + 1)]
    sys.stdout.write(json.dumps(found[1:]) + "\n")


if __name__ == "__main__":
    asyncio.run(main())

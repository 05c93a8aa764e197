"""Two attempts at once: one was given up for lost, and its request was still on its way.

What a service compares or refuses by itself is done once, and both attempts say so. What it would simply do
twice (comments, reviews, requests, runs) is found by the next attempt and not by one beside it: no service
takes a key with those.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tamma.errors import Transient
from tests.platforms.conftest import Maker
from tests.platforms.harness import Harness
from tests.platforms.operations import WRITINGS, Ready, Writing, shown
from tests.platforms.registry import ATTEMPTS
from tests.platforms.steps import needs

_COMPARED = ("branch", "commit", "pull request", "pull request closed", "merge", "CI again")
CASES = [
    pytest.param(
        found, id=found.name, marks=needs(*found.needs, *([ATTEMPTS] if found.name == "CI again" else []))
    )
    for found in WRITINGS
    if found.name in _COMPARED
]


@pytest.mark.parametrize("writing", CASES)
async def test_two_attempts_at_once_are_one(writing: Writing, new_harness: Maker, tmp_path: Path) -> None:
    alone = new_harness(tmp_path / "alone")
    ready = await writing.prepare(alone)
    result = await writing.call(alone, alone.platform, ready)
    picture = alone.fingerprint()

    beside = new_harness(tmp_path / "beside")
    ready = await writing.prepare(beside)
    for found in await asyncio.gather(*(_attempt(beside, writing, ready) for _ in range(2))):
        assert shown(found) == shown(result)
    assert beside.fingerprint() == picture


async def _attempt(harness: Harness, writing: Writing, ready: Ready) -> object:
    """As another process, and once more where it is told to."""
    platform = harness.again()
    try:
        return await writing.call(harness, platform, ready)
    except Transient:
        return await writing.call(harness, platform, ready)

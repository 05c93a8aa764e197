"""The crash matrix: every writing operation, cut off at every request that changes something.

Each case has a world of its own. The operation is done; its nth change is made and the answer lost (or made
and answered by 502, or not made and answered by 502); whoever called is gone. Somebody else does it again.
After that, the result and all that people see are what they are after one run without a fault, and everything
was done once.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tamma.errors import Transient
from tests.platforms.conftest import Maker
from tests.platforms.harness import Harness
from tests.platforms.operations import WRITINGS, Writing, shown
from tests.platforms.registry import ANSWERS_LOST
from tests.platforms.steps import needs
from tests.support.forge.faults import CRASH_KINDS, CrashKind

_MANY = 12
"""Requests of one operation: with more, something runs in circles."""


CASES = [pytest.param(found, id=found.name, marks=needs(*found.needs, ANSWERS_LOST)) for found in WRITINGS]


@pytest.mark.parametrize("writing", CASES)
async def test_a_write_that_was_cut_off_is_done_once(
    writing: Writing, new_harness: Maker, tmp_path: Path
) -> None:
    clean = new_harness(tmp_path / "clean")
    ready = await writing.prepare(clean)
    before = clean.changes()
    clean.arm(None, 0, writing.method)
    result = await writing.call(clean, clean.platform, ready)
    writes, changes = clean.seen()
    done = clean.changes() - before
    assert 0 < changes <= writes <= _MANY
    picture, effects = clean.fingerprint(), clean.effects()
    await writing.call(clean, clean.platform, ready)
    assert clean.changes() - before == done, "done once more though all was done"
    assert clean.fingerprint() == picture

    for kind in CRASH_KINDS:
        for nth in range(writes if kind == "fail_before" else changes):
            case = f"{kind}, request {nth}"
            harness = new_harness(tmp_path / kind / str(nth))
            again = await _cut_off(harness, writing, kind, nth)
            assert shown(again) == shown(result), case
            assert harness.fingerprint() == picture, case
            assert harness.effects() == effects, case


async def _cut_off(harness: Harness, writing: Writing, kind: CrashKind, nth: int) -> object:
    """Do it with the nth request failing; then again, as another process would."""
    ready = await writing.prepare(harness)
    harness.arm(kind, nth, writing.method)
    with contextlib.suppress(Transient):  # an adapter may also find out by itself that it is done
        await writing.call(harness, harness.platform, ready)
    assert harness.struck(), "nothing was cut off"
    return await writing.call(harness, harness.again(), ready)

"""Sandboxes without a workspace around them. Imports little: helper processes of tests start with it."""

from __future__ import annotations

import atexit
import os
from functools import cache
from pathlib import Path

from tamma.workspace.sandbox.cgroup import Cgroup, make_cgroup
from tamma.workspace.sandbox.host import base_environment, choose_tier, secret_masks, system_mounts
from tamma.workspace.sandbox.profile import HOME, TMP, WORKSPACE, Limits, Mount, Profile, SandboxPolicy
from tamma.workspace.sandbox.run import Sandbox

LIMITS = Limits(processes=200, total_memory_bytes=1 << 30)


@cache
def _cgroup() -> Cgroup | None:
    """One for all sandboxes of this process."""
    made = make_cgroup(LIMITS)
    if made is not None:
        atexit.register(made.remove)
    return made


def make_profile(folder: Path, *, moved: bool, limits: Limits = LIMITS) -> Profile:
    mounts, links = system_mounts(SandboxPolicy())
    places: dict[str, str] = {}
    for name, target in (("tree", WORKSPACE), ("home", HOME), ("tmp", TMP)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        places[name] = target if moved else str(folder / name)
    writable = tuple(Mount(str(folder / name), place, writable=True) for name, place in places.items())
    env = base_environment(mounts, os.environ) | {"HOME": places["home"], "TMPDIR": places["tmp"]}
    return Profile((*mounts, *writable), places["tree"], tuple(env.items()), links, secret_masks(), limits)


async def make_sandbox(name: str, folder: Path, *, prewarm: bool = False, limits: Limits = LIMITS) -> Sandbox:
    tier = await choose_tier(SandboxPolicy(tiers=(name,), allow_none=True), folder / "scratch")
    (folder / "shm").mkdir(exist_ok=True)
    profile = make_profile(folder, moved=tier.moves_paths, limits=limits)
    return Sandbox(tier, profile, str(folder / "shm"), prewarm=prewarm, cgroup=_cgroup())

"""Peers in environments of their own: they do not resolve beside our pins, and we do not want them there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def python_of(name: str) -> Path | None:
    """The interpreter of `.bench/NAME`, made from requirements/NAME.txt where it is not there yet.

    None where that fails.
    """
    folder, lock = ROOT / ".bench" / name, ROOT / "requirements" / f"{name}.txt"
    found, stamp = folder / "bin" / "python", folder / "lock.txt"
    if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
        return found
    steps = (
        (sys.executable, "-m", "venv", "--clear", str(folder)),
        (str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
         "--no-deps", "-r", str(lock)),
    )  # fmt: skip
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.stderr.write(f"  {done.stderr[-500:]}\n")
            return None
    stamp.write_bytes(lock.read_bytes())
    return found

"""LiteLLM in an environment of its own: it does not resolve beside our pins, and we do not want it there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".bench" / "litellm"
LOCK = ROOT / "requirements" / "litellm.txt"


def python() -> Path | None:
    """The interpreter of that environment, made where it is not there yet. None where that fails."""
    found = FOLDER / "bin" / "python"
    stamp = FOLDER / "lock.txt"
    if stamp.exists() and stamp.read_bytes() == LOCK.read_bytes():
        return found
    steps = (
        (sys.executable, "-m", "venv", "--clear", str(FOLDER)),
        (str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
         "--no-deps", "-r", str(LOCK)),
    )  # fmt: skip
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.stderr.write(f"  {done.stderr[-500:]}\n")
            return None
    stamp.write_bytes(LOCK.read_bytes())
    return found

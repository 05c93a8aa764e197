"""What confines a process from inside: shared by the workspace's sandbox and the host of plugins."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_LAUNCHER = Path(__file__).with_name("launch.py")


def base_python() -> str:
    """The interpreter without its virtual environment: it starts faster and stands on visible paths."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def launcher(python: str, plan: Mapping[str, object]) -> list[str]:
    """The command line of `launch.py`, which carries out `plan` (see there)."""
    return [python, "-I", "-S", str(_LAUNCHER), json.dumps(plan)]

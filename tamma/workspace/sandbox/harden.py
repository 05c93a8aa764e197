"""Keep a process's memory and environment from others of the same user."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_DUMPABLE = 4


def harden_process() -> bool:
    """Make this process undumpable: `/proc/<pid>/environ`, memory and ptrace are closed to its own user.

    A child that inherits no secret by its environment could otherwise read them from its parent's. True
    where it took effect; other systems than Linux have no such switch.
    """
    if sys.platform != "linux":
        return False
    return ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0

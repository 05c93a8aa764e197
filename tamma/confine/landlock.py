"""Landlock through its system calls: an allowlist of paths for this process and its children.

Standard library alone and no imports of this project: `launch.py` loads this file inside the sandbox by path.
Source: https://docs.kernel.org/userspace-api/landlock.html (ABI 1 = Linux 5.13 ... ABI 6 = 6.12).
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_ALL_V1 = (1 << 13) - 1
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_NET_TCP = 0b11  # bind and connect
_SCOPES = 0b11  # abstract unix sockets and signals


class _RulesetAttr(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def abi() -> int:
    """The kernel's Landlock version; 0 where it has none."""
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, 0, 1)))


def restrict(readable: Iterable[str], writable: Iterable[str], *, deny_tcp: bool) -> None:
    """Let this process and its children read `readable` and write `writable` alone. Irrevocable.

    `deny_tcp` blocks TCP where the kernel can (ABI 4); UDP it never blocks. Paths that are absent are
    skipped. Raises OSError where the kernel refuses.
    """
    libc, version = _libc(), abi()
    handled = _ALL_V1
    handled |= _REFER if version >= 2 else 0
    handled |= _TRUNCATE if version >= 3 else 0
    handled |= _IOCTL_DEV if version >= 5 else 0
    attr = _RulesetAttr(
        handled,
        _NET_TCP if deny_tcp and version >= 4 else 0,
        _SCOPES if version >= 6 else 0,
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _check(int(libc.syscall(_CREATE_RULESET, ctypes.byref(attr), size, 0)), "landlock ruleset")
    try:
        for path in readable:
            _allow(libc, ruleset, path, _READ & handled)
        for path in writable:
            _allow(libc, ruleset, path, handled)
        _check(int(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)), "no_new_privs")
        _check(int(libc.syscall(_RESTRICT_SELF, ruleset, 0)), "landlock restrict")
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # absent, or not ours to see: then there is nothing to allow
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= _ON_FILES
        rule = _PathBeneath(access, descriptor)
        _check(
            int(libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)),
            f"landlock rule for {path}",
        )
    finally:
        os.close(descriptor)

"""The helper that builds a sandbox from inside, for tiers other than bwrap. Not imported: run as a script.

`python -I -S launch.py PLAN` with PLAN a JSON object (its callers write it: the tiers of the workspace's
sandbox, and the host of plugins); standard library alone, and nothing of it is reachable for the command
afterwards. It

1. builds a new root of bind mounts, where the plan has `mounts` (we are PID 1 of new namespaces then),
2. drops all capabilities,
3. starts the command, under Landlock where the plan has rules,
4. stays as its init: reaps orphans, and ends what is left when the command ends or SIGTERM comes.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NoReturn

_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_PIVOT_ROOT, _MOUNT_SETATTR = {"x86_64": (155, 442), "aarch64": (41, 442)}.get(os.uname().machine, (0, 0))
_AT_RECURSIVE, _AT_FDCWD, _ATTR_RDONLY, _ATTR_NOSUID = 0x8000, -100, 1, 2
_PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 24, 36, 38
_LAST_CAPABILITY = 63
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    arguments = [None if text is None else text.encode() for text in (source, target, kind)]
    check(libc.mount(*arguments, ctypes.c_ulong(flags), data.encode() if data else None), f"mount {target}")


def set_read_only(target: str) -> None:
    """Read-only with everything below, by mount_setattr (Linux 5.12)."""
    attributes = struct.pack("QQQQ", _ATTR_RDONLY | _ATTR_NOSUID, 0, 0, 0)
    result = libc.syscall(
        _MOUNT_SETATTR, _AT_FDCWD, target.encode(), _AT_RECURSIVE, attributes, len(attributes)
    )
    check(result, f"read-only {target}")


def bind(root: str, source: str, target: str, *, writable: bool) -> None:
    place = root + target
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    elif not os.path.lexists(place):
        os.makedirs(os.path.dirname(place), exist_ok=True)
        Path(place).touch()
    mount(source, place, None, _MS_BIND | _MS_REC)
    if not writable:
        set_read_only(place)


def build_root(plan: dict[str, Any]) -> None:
    """A tmpfs with the plan's bind mounts in it becomes the root; the old one is gone afterwards."""
    mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    root = plan["root"]
    mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")
    for entry in plan["mounts"]:
        bind(root, entry["source"], entry["target"], writable=entry["writable"])
    for target, link in plan["symlinks"]:
        os.symlink(target, root + link)
    for path in plan["masks"]:
        if os.path.isdir(root + path):
            mount("tmpfs", root + path, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=4k")
            set_read_only(root + path)
        elif os.path.exists(root + path):
            mount("/dev/null", root + path, None, _MS_BIND)
    build_dev(root, plan["shm"])
    os.makedirs(root + "/proc")
    mount("proc", root + "/proc", "proc", _MS_NOSUID | _MS_NODEV)
    for name in plan["procCovered"]:
        if os.path.exists(f"{root}/proc/{name}"):
            bind(root, f"{root}/proc/{name}", f"/proc/{name}", writable=False)
    check(libc.syscall(_PIVOT_ROOT, root.encode(), root.encode()), "pivot_root")
    check(libc.umount2(b"/", _MNT_DETACH), "detach the old root")
    attributes = struct.pack("QQQQ", _ATTR_RDONLY, 0, 0, 0)
    check(libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, b"/", 0, attributes, len(attributes)), "read-only /")


def build_dev(root: str, shm: str) -> None:
    os.makedirs(root + "/dev")
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        Path(f"{root}/dev/{name}").touch()
        mount(f"/dev/{name}", f"{root}/dev/{name}", None, _MS_BIND)
    for link, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(f"/proc/self/{target}", f"{root}/dev/{link}")
    bind(root, shm, "/dev/shm", writable=True)  # noqa: S108  (inside the new root)


def raise_loopback() -> None:
    """A new network namespace's loopback is down; tests want to talk to themselves."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        name = b"lo".ljust(16, b"\0")
        answer = fcntl.ioctl(probe, _SIOCGIFFLAGS, name + b"\0" * 24)
        flags = struct.unpack_from("H", answer, 16)[0] | _IFF_UP
        fcntl.ioctl(probe, _SIOCSIFFLAGS, name + struct.pack("H", flags) + b"\0" * 22)


def drop_capabilities() -> None:
    for capability in range(_LAST_CAPABILITY + 1):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # those the kernel lacks are refused, rightly
    header = struct.pack("Ii", 0x20080522, 0)
    check(libc.capset(header, struct.pack("6I", *[0] * 6)), "capset")
    check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def restrict(rules: dict[str, Any]) -> None:
    """Apply Landlock by the sibling file, loaded from its text before the root changed."""
    landlock.restrict(rules["readable"], rules["writable"], deny_tcp=rules["denyTcp"])


def load_landlock() -> Any:
    spec = spec_from_file_location("landlock", Path(__file__).with_name("landlock.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def descendants() -> list[int]:
    """Our direct children; orphans of the command become ours, since we are init or a subreaper."""
    own = os.getpid()
    return [int(pid) for pid in Path(f"/proc/self/task/{own}/children").read_text().split()]


def end_descendants() -> None:
    """Kill children until none is left; a killed one's children become ours and follow."""
    while True:
        for pid in descendants():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def supervise(child: int) -> NoReturn:
    """Wait as an init does; leave with the command's exit code, 128 + signal where one ended it.

    Standard input is a pipe that the worker holds open: its hang-up means that the worker died.
    """
    poll = select.poll()
    poll.register(os.pidfd_open(child), select.POLLIN)
    poll.register(0, 0)  # hang-up is always reported
    while True:
        ready = dict(poll.poll(1000))
        if 0 in ready:
            end_descendants()
            os._exit(128 + signal.SIGHUP)
        code = reap(child)
        if code is not None:
            end_descendants()
            os._exit(code)


def reap(child: int) -> int | None:
    """Collect what has ended; the command's exit code, if it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            found = code if code >= 0 else 128 - code


def stop(_signal: int, _frame: object) -> NoReturn:
    end_descendants()
    os._exit(128 + signal.SIGTERM)


def main() -> NoReturn:
    plan = json.loads(sys.argv[1])
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if plan["mounts"]:
        raise_loopback()
        build_root(plan)
    if plan["dropCapabilities"]:
        drop_capabilities()
    signal.signal(signal.SIGTERM, stop)  # before the fork: no moment in which a stop leaves the child
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and that would be inherited
        os.chdir(plan["cwd"])
        if plan["landlock"]:
            restrict(plan["landlock"])
        os.execv(plan["argv"][0], plan["argv"])  # noqa: S606  (the whole point)
    supervise(child)


if __name__ == "__main__":
    landlock = load_landlock()
    main()

"""The tiers: each turns a profile and a command line into an argument vector. No process starts here.

===========  ===================================================  ====================  ==============
tier         how                                                  file system           network
===========  ===================================================  ====================  ==============
bwrap        bubblewrap                                           allowlist of mounts   none
namespaces   util-linux `unshare` and our launcher (+ Landlock)   allowlist of mounts   none
container    the pod or CI runner around us (+ Landlock)          Landlock if any       the pod's
landlock     Landlock alone                                       Landlock              UDP stays open
none         nothing                                              the worker's          the worker's
===========  ===================================================  ====================  ==============
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from tamma.confine import launcher
from tamma.workspace.sandbox.profile import PROC_COVERED, Limits, Profile


class Tier(Protocol):
    """One way to confine a command."""

    @property
    def name(self) -> str:
        """What is recorded: bwrap, namespaces, container, landlock or none."""
        ...

    @property
    def moves_paths(self) -> bool:
        """Whether mounts put the work tree at `/workspace`; otherwise it stays at its path on the host."""
        ...

    def argv(self, profile: Profile, command: tuple[str, ...], shm: str) -> list[str]:
        """The command line that runs `command` confined. `shm` is the host folder behind `/dev/shm`."""
        ...


@dataclass(frozen=True, slots=True)
class Bwrap:
    """bubblewrap. `command` becomes PID 1: when it ends the kernel has ended all others before we know."""

    executable: str
    disable_userns: bool = True
    name: str = "bwrap"
    moves_paths: bool = True

    def argv(self, profile: Profile, command: tuple[str, ...], shm: str) -> list[str]:
        words = [self.executable, "--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1"]
        words += ["--cap-drop", "ALL"]  # run by root, bwrap would keep them all
        if self.disable_userns:
            words += ["--unshare-user", "--disable-userns"]
        for mount in profile.mounts:
            words += ["--bind" if mount.writable else "--ro-bind", mount.source, mount.target]
        for target, link in profile.symlinks:
            words += ["--symlink", target, link]
        for path in profile.masks:
            words += ["--tmpfs", path] if os.path.isdir(path) else ["--ro-bind", "/dev/null", path]
        words += ["--proc", "/proc"]
        for name in PROC_COVERED:
            words += ["--ro-bind-try", f"/proc/{name}", f"/proc/{name}"]
        words += ["--dev", "/dev", "--bind", shm, "/dev/shm"]  # noqa: S108
        words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", profile.cwd, "--"]
        return words + list(command)


@dataclass(frozen=True, slots=True)
class Namespaces:
    """`unshare` for the namespaces, `launch.py` for the mounts, Landlock as a second fence for writes."""

    unshare: str
    python: str
    root: str
    """An empty folder on which the launcher builds the new root."""
    landlock: bool
    name: str = "namespaces"
    moves_paths: bool = True

    def argv(self, profile: Profile, command: tuple[str, ...], shm: str) -> list[str]:
        plan = _plan(profile, command) | {
            "root": self.root,
            "mounts": [
                {"source": mount.source, "target": mount.target, "writable": mount.writable}
                for mount in profile.mounts
            ],
            "symlinks": [list(pair) for pair in profile.symlinks],
            "masks": list(profile.masks),
            "shm": shm,
            "procCovered": list(PROC_COVERED),
            "dropCapabilities": True,
        }
        if self.landlock:
            writable = [mount.target for mount in profile.mounts if mount.writable]
            plan["landlock"] = {
                "readable": ["/"],
                "writable": [*writable, "/dev", "/proc"],
                "denyTcp": False,  # the network namespace has only its own loopback, which tests use
            }
        words = [self.unshare, "-Urnmpiuf", "--kill-child", "--propagation", "private"]
        return [*words, *launcher(self.python, plan)]


@dataclass(frozen=True, slots=True)
class Supervised:
    """The tiers without namespaces: container, landlock and none. Paths stay as they are on the host."""

    name: str
    python: str
    landlock: bool
    moves_paths: bool = False

    def argv(self, profile: Profile, command: tuple[str, ...], shm: str) -> list[str]:
        # With its capabilities, the machine's root reads other processes' memory past Landlock (measured).
        plan = _plan(profile, command) | {"dropCapabilities": self.name != "none"}
        if self.landlock:
            readable = [mount.source for mount in profile.mounts if not mount.writable]
            plan["landlock"] = {
                "readable": [
                    *_without(readable, profile.masks),
                    "/bin",
                    "/sbin",
                    "/lib",
                    "/lib64",
                    "/proc",
                    "/dev",
                ],
                "writable": [
                    *(mount.source for mount in profile.mounts if mount.writable),
                    *(f"/dev/{name}" for name in ("null", "zero", "full", "tty", "random", "urandom")),
                    shm,
                ],
                "denyTcp": self.name == "landlock" and not profile.tcp,
            }
        return launcher(self.python, plan)


def _plan(profile: Profile, command: tuple[str, ...]) -> dict[str, object]:
    return {
        "argv": list(command),
        "cwd": profile.cwd,
        "mounts": [],
        "dropCapabilities": False,
        "landlock": None,
    }


def _without(paths: Iterable[str], masks: tuple[str, ...]) -> list[str]:
    """`paths` with folders that hold a mask replaced by their other children: Landlock only adds."""
    result: list[str] = []
    for path in paths:
        if path in masks:
            continue
        if any(mask.startswith(path + "/") for mask in masks):
            result += _without(sorted(entry.path for entry in os.scandir(path)), masks)
        else:
            result.append(path)
    return result


def shell_stub(limits: Limits) -> tuple[str, ...]:
    """A shell that waits on standard input for its script, so that it can be started before it is needed.

    See `encode_script` for what it reads. The script runs in a subshell, because the shell may be PID 1,
    which signals do not end and which must reap orphans. The soft limits are hard limits too.
    """
    # Where memory runs out, the kernel shall end a command, not a server or the worker.
    first = "{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null"
    run = 'exec </dev/null; (eval "$script"); exit $?'
    bash = shutil.which("bash")
    if bash:
        kib = 1024
        ulimits = (
            f"ulimit -c 0 -n {limits.open_files} -f {limits.file_bytes // kib}"
            f" -d {limits.data_bytes // kib} -u {limits.processes}"
        )
        return (
            bash,
            "-c",
            f"{first}; {ulimits}; IFS= read -r length && IFS= read -r -d '' script || exit 125; {run}",
        )
    ulimits = f"ulimit -c 0; ulimit -n {limits.open_files}; ulimit -f {limits.file_bytes // 512}"
    return (
        "/bin/sh",
        "-c",
        f'{first}; {ulimits}; read -r length && script=$(head -c "$length") || exit 125; {run}',
    )


def encode_script(script: str) -> bytes:
    """What `shell_stub` reads: the length in bytes, a newline, the script, and a NUL."""
    data = script.replace("\0", "").encode("utf-8", "replace")
    return b"%d\n%s\0" % (len(data), data)

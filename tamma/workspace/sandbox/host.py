"""Look at the host: which tier works, and what of its file system a command may read."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tamma.confine import base_python, landlock
from tamma.errors import SandboxUnavailable
from tamma.workspace.sandbox.process import Process
from tamma.workspace.sandbox.profile import Mount, Profile, SandboxPolicy
from tamma.workspace.sandbox.tiers import Bwrap, Namespaces, Supervised, Tier

_SYSTEM = ("/usr", "/etc", "/opt", "/nix", "/snap")
_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SECRETS = (
    "shadow", "shadow-", "gshadow", "gshadow-", "sudoers", "sudoers.d", "ssh", "ssl/private", "docker",
    "kubernetes", "rancher", "krb5.keytab", "letsencrypt", "wireguard", "pip.conf", "npmrc", "tamma",
    "NetworkManager/system-connections",
)  # fmt: skip
_TOOLCHAINS = (
    ".pyenv", ".rbenv", ".nodenv", ".goenv", ".asdf", ".nvm", ".volta", ".rustup", ".cargo/bin", ".deno/bin",
    ".bun/bin", ".sdkman/candidates", ".local/share/uv/python", ".local/share/mise", "sdk",
)  # fmt: skip
_PROBE_TIMEOUT = 10.0


def system_mounts(policy: SandboxPolicy) -> tuple[tuple[Mount, ...], tuple[tuple[str, str], ...]]:
    """The read-only mounts that programs need, and the links at the root of a merged /usr."""
    paths = [path for path in _SYSTEM if os.path.isdir(path)]
    links: list[tuple[str, str]] = []
    for name in _LINKS:
        path = f"/{name}"
        if os.path.islink(path):
            links.append((os.readlink(path), path))
        elif os.path.isdir(path):
            paths.append(path)
    paths += [str(path) for path in _user_toolchains()]
    prefix = os.path.realpath(sys.base_prefix)
    candidates = [*paths, prefix, *policy.read_only]
    chosen: list[str] = []
    for path in candidates:
        if os.path.exists(path) and not any(path == seen or path.startswith(seen + "/") for seen in chosen):
            chosen.append(path)
    return tuple(Mount(path, path) for path in chosen), tuple(links)


@cache
def secret_masks() -> tuple[str, ...]:
    """Files of /etc that hold secrets and that this process could read: the known ones, and whatever not
    everybody may read. A command of root's worker would be root for them."""
    known = {f"/etc/{name}" for name in _SECRETS}
    found = {path for path in known if os.access(path, os.R_OK) and not os.path.islink(path)}
    for folder, _, files in os.walk("/etc"):
        found.update(path for name in files if _is_private(path := os.path.join(folder, name)))
    # What lies below a masked folder is gone with it.
    return tuple(sorted(path for path in found if not any(path.startswith(f"{top}/") for top in found)))


def _is_private(path: str) -> bool:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and not mode & stat.S_IROTH and os.access(path, os.R_OK)


def _user_toolchains() -> Iterator[Path]:
    home = Path.home()
    for name in _TOOLCHAINS:
        path = home / name
        if path.is_dir():
            yield path


def base_environment(mounts: tuple[Mount, ...], environ: Mapping[str, str]) -> dict[str, str]:
    """Variables of a sandboxed command: made up here, never inherited, except where toolchains stand."""
    visible = [mount.source for mount in mounts]

    def seen(path: str) -> bool:
        return any(path == root or path.startswith(root + "/") for root in visible)

    own_bin = os.path.join(sys.prefix, "bin")
    interpreter = os.path.join(os.path.realpath(sys.base_prefix), "bin")
    inherited = [p for p in environ.get("PATH", "").split(":") if p != own_bin and seen(p)]
    path = dict.fromkeys([interpreter, *inherited, "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"])
    result = {
        "PATH": ":".join(path),
        "LANG": "C.UTF-8",
        "USER": "tamma",
        "LOGNAME": "tamma",
        "SHELL": "/bin/bash",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "PAGER": "cat",
        "GIT_PAGER": "cat",
        "GIT_OPTIONAL_LOCKS": "0",
        "PYTHONUNBUFFERED": "1",
    }
    home = str(Path.home())
    for name, place in (("PYENV_ROOT", ".pyenv"), ("RUSTUP_HOME", ".rustup"), ("NVM_DIR", ".nvm")):
        value = environ.get(name, f"{home}/{place}")
        if seen(value):
            result[name] = value
    return result


def in_container(environ: Mapping[str, str] = os.environ, root: Path = Path("/")) -> bool:
    """Whether a container, a pod or a CI runner stands around this process."""
    if environ.get("KUBERNETES_SERVICE_HOST") or environ.get("container"):
        return True
    if environ.get("CI", "").lower() in {"true", "1"}:
        return True
    if (root / ".dockerenv").exists() or (root / "run/.containerenv").exists():
        return True
    try:
        groups = (root / "proc/1/cgroup").read_text()
    except OSError:
        return False
    return any(word in groups for word in ("kubepods", "docker", "containerd", "libpod", "lxc"))


def candidates(policy: SandboxPolicy, scratch: Path) -> Iterator[Tier]:
    """The tiers in the policy's order that may work here, each to be probed."""
    has_landlock = sys.platform == "linux" and landlock.abi() > 0
    python = base_python()
    for name in policy.tiers:
        if name == "bwrap" and (bwrap := shutil.which("bwrap")):
            yield Bwrap(bwrap)
            yield Bwrap(bwrap, disable_userns=False)
        elif name == "namespaces" and (unshare := shutil.which("unshare")):
            root = scratch / "root"
            root.mkdir(parents=True, exist_ok=True)
            yield Namespaces(unshare, python, str(root), has_landlock)
            if has_landlock:
                yield Namespaces(unshare, python, str(root), landlock=False)
        elif name == "container" and in_container():
            yield Supervised("container", python, has_landlock)
            yield Supervised("container", python, landlock=False)
        elif name == "landlock" and has_landlock:
            yield Supervised("landlock", python, landlock=True)
        elif name == "none" and policy.allow_none:
            yield Supervised("none", python, landlock=False)


async def choose_tier(policy: SandboxPolicy, scratch: Path) -> Tier:
    """The first tier that really runs a command here. Raises SandboxUnavailable naming what was tried."""
    tried: list[str] = []
    for tier in candidates(policy, scratch):
        why = await _probe(tier, policy, scratch)
        if why is None:
            return tier
        tried.append(f"{tier.name}: {why}")
    raise SandboxUnavailable(
        "no sandbox works on this host: " + ("; ".join(tried) or f"none of {policy.tiers!r} is here"),
        hint="install bubblewrap (apt-get install bubblewrap), allow user namespaces, or run the worker in a"
        " container; --unsafe-no-sandbox runs commands with the worker's own rights",
    )


async def _probe(tier: Tier, policy: SandboxPolicy, scratch: Path) -> str | None:
    """Run a command under `tier`; None where it worked, else why not."""
    mounts, links = system_mounts(policy)
    shm = scratch / "shm"
    shm.mkdir(parents=True, exist_ok=True)
    profile = Profile(mounts, "/", symlinks=links, masks=secret_masks())
    argv = tier.argv(profile, ("/bin/sh", "-c", "echo works"), str(shm))
    try:
        process = Process(argv, {"PATH": "/usr/bin:/bin"}, "/", supervised=not tier.moves_paths)
    except OSError as error:
        return str(error)
    try:
        in_time = await process.wait(time.monotonic() + _PROBE_TIMEOUT, lambda _line: None)
    finally:
        await asyncio.shield(process.end())
    output, _ = process.output.text()
    if not in_time:
        return f"no answer within {_PROBE_TIMEOUT:.0f} s"
    if process.exit_code == 0 and output == "works\n":
        return None
    return output.strip()[-300:] or f"exit code {process.exit_code}"

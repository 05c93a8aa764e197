"""The project's own environment: built once with network by allowlist, then read-only and without network.

Python projects get a virtual environment of the base interpreter (never Tamma's own), cached by the hash of
what they declare and shared by workspaces, since it always stands at `/env`. Others install into the work
tree or their home (node_modules, cargo's and go's caches), ignored by git.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tamma.confine import base_python
from tamma.errors import SandboxUnavailable
from tamma.workspace.ecosystems.needs import PythonNeeds, installed_by_pip, python_needs
from tamma.workspace.indexes import Indexes, configured_indexes
from tamma.workspace.interface import SETUP, CommandResult, InstallReport, Progress, ProjectProfile
from tamma.workspace.layout import Layout, locked, write_atomically
from tamma.workspace.products import copy_products, files_in, keep_products
from tamma.workspace.proxy import AllowlistProxy
from tamma.workspace.sandbox.profile import ENV, Mount, Profile
from tamma.workspace.sandbox.run import Sandbox

_BUILT = "env"
"""What a project's own build code may write to. What stands beside it, the worker believes and copies."""
_DONE = "done"
_PRODUCTS = "products"
_SECONDS = 900.0
_LOG_TAIL = 4000
_RELAY = Path(__file__).parent / "sandbox/relay.py"
_RELAY_FOLDER = "/run/tamma"
ReadFile = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class _Attempt:
    ok: bool
    log: str
    stopped: bool = False
    """Whether the time was up: then nothing more is tried."""


class Environments:
    """The environments of one host, cached below `root`."""

    def __init__(self, root: Path, hosts: tuple[str, ...] = ()) -> None:
        """`hosts`: more names that installers may reach, beside the indexes of this machine's tools."""
        self._root = root
        self._hosts = hosts
        self._indexes: Indexes | None = None

    def attach(self, layout: Layout, sandbox: Sandbox) -> None:
        """Show `sandbox` the environment that its workspace has, if it has one."""
        if layout.env.is_dir():
            sandbox.profile = _with_env(sandbox, os.path.realpath(layout.env), writable=False)

    async def install(
        self,
        layout: Layout,
        sandbox: Sandbox,
        origin: str,
        profile: ProjectProfile,
        read: ReadFile,
        progress: Progress,
    ) -> InstallReport:
        """Build what the project needs. A failure is a report with its log, never an exception.

        `origin` is the repository's address: a project's own build code runs here, so what it makes is
        shared with workspaces of the same repository alone.
        """
        started = time.monotonic()
        try:
            cached, attempt = await self._install(layout, sandbox, origin, profile, read, progress)
        except (OSError, SandboxUnavailable) as error:
            cached, attempt = False, _Attempt(ok=False, log=f"the environment could not be built: {error}")
        return InstallReport(attempt.ok, cached, attempt.log[-_LOG_TAIL:], time.monotonic() - started)

    async def _install(
        self,
        layout: Layout,
        sandbox: Sandbox,
        origin: str,
        profile: ProjectProfile,
        read: ReadFile,
        progress: Progress,
    ) -> tuple[bool, _Attempt]:
        needs = python_needs(profile, read)
        others = tuple(
            f"({command.command})" if command.command.startswith("cd ") else command.command
            for command in profile.install
            if command.source == SETUP or not installed_by_pip(command)
        )
        logs: list[str] = []
        cached = True
        if needs is not None:
            hit, attempt = await self._python(layout, sandbox, origin, needs, progress, _allowed(profile))
            cached, logs = cached and hit, [attempt.log]
            if not attempt.ok:
                return False, attempt
        if others:
            hit, attempt = await self._others(layout, sandbox, others, profile, read, progress)
            cached = cached and hit
            logs.append(attempt.log)
            if not attempt.ok:
                return False, attempt
        return cached, _Attempt(
            ok=True, log="\n".join(logs) or "nothing to install: the standard library serves"
        )

    # --- Python ---

    async def _python(
        self,
        layout: Layout,
        sandbox: Sandbox,
        origin: str,
        needs: PythonNeeds,
        progress: Progress,
        allowed: float,
    ) -> tuple[bool, _Attempt]:
        key = _key("python", base_python(), origin, *needs.fingerprint)
        if not sandbox.tier.moves_paths:
            key = _key(key, str(layout.tree))  # its paths are the host's: not to be shared
        folder = self._root / key
        async with locked(self._root / f"{key}.lock"):
            hit = os.path.exists(folder / _DONE)  # noqa: ASYNC240  (a local look)
            if hit:
                attempt = _Attempt(ok=True, log=f"cached: {(folder / _DONE).read_text().strip()}")
                copy_products(folder / _PRODUCTS, layout.tree)
            else:
                attempt = await self._build(layout, sandbox, needs, folder, progress, allowed)
        if attempt.ok:
            await _use(layout, sandbox, folder / _BUILT)
        elif needs.bare and not attempt.stopped:
            attempt = await self._build_bare(layout, sandbox, needs, attempt, progress, allowed)
        return hit, attempt

    async def _build(
        self,
        layout: Layout,
        sandbox: Sandbox,
        needs: PythonNeeds,
        folder: Path,
        progress: Progress,
        allowed: float,
    ) -> _Attempt:
        shutil.rmtree(folder, ignore_errors=True)
        built = folder / _BUILT
        before = files_in(layout.tree)
        logs: list[str] = []
        stopped = False
        for requirements in needs.attempts:
            result = await self._pip(sandbox, built, requirements, progress, allowed)
            logs.append(f"$ pip install {shlex.join(requirements)}\n{result.output}")
            if result.exit_code == 0:
                keep_products(before, layout.tree, folder / _PRODUCTS)
                write_atomically(folder / _DONE, f"pip install {shlex.join(requirements)}\n".encode())
                return _Attempt(ok=True, log="\n".join(logs))
            if stopped := result.timed_out:
                logs.append(f"[stopped after {allowed:.0f} s]")
                break
        shutil.rmtree(folder, ignore_errors=True)
        return _Attempt(ok=False, log="\n".join(logs), stopped=stopped)

    async def _build_bare(
        self,
        layout: Layout,
        sandbox: Sandbox,
        needs: PythonNeeds,
        failed: _Attempt,
        progress: Progress,
        allowed: float,
    ) -> _Attempt:
        """Build what the tests need beside the project, which cannot be built: they may run from the tree.

        That remains a failure. The environment is this workspace's alone, so that the next one tries again,
        and one of the whole project that was built before, from other files of it, is left as it is.
        """
        built = layout.bare / _key(repr(needs.bare))
        without = replace(failed, log=f"{failed.log}\n[installed without the project itself]")
        if layout.env.is_dir():
            before = layout.env.readlink()
            if before == built or before.parent != layout.bare:
                return without if before == built else failed
        progress("the project cannot be built: install what its tests need beside it")
        for requirements in needs.bare:
            result = await self._pip(sandbox, built, requirements, progress, allowed)
            if result.exit_code == 0:
                await _use(layout, sandbox, built)
                return without
            if result.timed_out:
                break
        shutil.rmtree(built, ignore_errors=True)
        return failed

    async def _pip(
        self,
        sandbox: Sandbox,
        built: Path,
        requirements: tuple[str, ...],
        progress: Progress,
        allowed: float,
    ) -> CommandResult:
        """Make a new virtual environment in `built`, and install into it."""
        os.makedirs(built, exist_ok=True)
        profile = _with_env(sandbox, str(built), writable=True)
        target = ENV if sandbox.tier.moves_paths else str(built)
        python = shlex.quote(base_python())
        # pip of the base interpreter serves the environment: a copy in each costs 3 s and 12 MB.
        script = (
            f"set -e; {python} -m venv --clear --without-pip {shlex.quote(target)}\n"
            f"{python} -m pip --python {shlex.quote(target)}/bin/python install --no-input"
            f" --disable-pip-version-check --no-warn-script-location {shlex.join(requirements)}"
        )
        return await self._run_with_network(sandbox, profile, script, progress, allowed)

    # --- others ---

    async def _others(
        self,
        layout: Layout,
        sandbox: Sandbox,
        commands: tuple[str, ...],
        profile: ProjectProfile,
        read: ReadFile,
        progress: Progress,
    ) -> tuple[bool, _Attempt]:
        """Run the ecosystem's own installer; done already where the same lock files were installed here."""
        manifests = [path for path in profile.files if os.path.basename(path) in _MANIFESTS]
        key = _key(*commands, *(f"{path}\n{read(path) or ''}" for path in manifests))
        marker = layout.folder / "installed.json"
        if marker.exists() and json.loads(marker.read_text()).get("key") == key:
            return True, _Attempt(ok=True, log="cached: " + "; ".join(commands))
        script = "set -e\n" + "\n".join(commands)
        allowed = _allowed(profile)
        result = await self._run_with_network(sandbox, sandbox.profile, script, progress, allowed)
        log = f"$ {'; '.join(commands)}\n{result.output}"
        if result.timed_out:
            log += f"\n[stopped after {allowed:.0f} s]"
        if result.exit_code == 0:
            write_atomically(marker, json.dumps({"key": key}).encode())
        return False, _Attempt(result.exit_code == 0, log)

    # --- the network ---

    async def _run_with_network(
        self, sandbox: Sandbox, profile: Profile, script: str, progress: Progress, allowed: float
    ) -> CommandResult:
        if self._indexes is None:
            self._indexes = await configured_indexes()
        indexes = self._indexes
        async with AllowlistProxy((*self._hosts, *indexes.hosts)) as proxy:
            moved = sandbox.tier.moves_paths
            socket = f"{_RELAY_FOLDER}/proxy.sock" if moved else str(proxy.socket)
            relay = f"{_RELAY_FOLDER}/relay.py" if moved else str(_RELAY)
            mounts = (
                Mount(str(proxy.socket), socket),
                Mount(str(_RELAY), relay),
                *(Mount(folder, folder) for folder in indexes.folders),
            )
            env = {
                **indexes.env,
                "PIP_CONFIG_FILE": "/dev/null",
                "PIP_RETRIES": "2",
                "NPM_CONFIG_UPDATE_NOTIFIER": "false",
            }
            with_network = replace(profile.plus(mounts, env), tcp=True)
            box = Sandbox(sandbox.tier, with_network, sandbox.shm, prewarm=False, cgroup=sandbox.cgroup)
            words = [base_python(), "-I", "-S", relay, socket, "/bin/sh", "-c", script]
            result = await box.run(shlex.join(words), timeout=allowed, progress=progress)
            if result.exit_code != 0 and proxy.refused:
                note = f"\n[not on the list of package indexes: {', '.join(sorted(proxy.refused))}]"
                result = replace(result, output=result.output + note)
            return result


_MANIFESTS = frozenset(
    {
        "package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "Cargo.toml", "Cargo.lock",
        "go.mod", "go.sum", "Gemfile", "Gemfile.lock", "composer.json", "composer.lock", "bun.lock",
        "bun.lockb", "mix.exs", "mix.lock", "pubspec.yaml", "pubspec.lock", "Package.swift",
        "Package.resolved", "packages.lock.json", "Directory.Packages.props",
    }
)  # fmt: skip


def _allowed(profile: ProjectProfile) -> float:
    """Seconds for building the environment: the project's own where they are fewer."""
    return min(_SECONDS, profile.setup_timeout or _SECONDS)


def _with_env(sandbox: Sandbox, folder: str, *, writable: bool) -> Profile:
    """The sandbox's profile with the environment in `folder` first on the path."""
    target = ENV if sandbox.tier.moves_paths else folder
    kept = tuple(mount for mount in sandbox.profile.mounts if mount.target != target)
    paths = dict(sandbox.profile.env)["PATH"].split(":")
    path = ":".join([f"{target}/bin", *(p for p in paths if p != f"{target}/bin")])
    profile = replace(sandbox.profile, mounts=(*kept, Mount(folder, target, writable=writable)))
    return profile.plus(env={"PATH": path, "VIRTUAL_ENV": target})


async def _use(layout: Layout, sandbox: Sandbox, built: Path) -> None:
    """Show the workspace's commands an environment from here on."""
    layout.env.unlink(missing_ok=True)
    layout.env.symlink_to(built)
    await sandbox.aclose()  # what was started ahead does not see it
    sandbox.profile = _with_env(sandbox, str(built), writable=False)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

"""The workspaces of one host: prepare, open, release."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tamma.errors import WorkspaceLost
from tamma.git.remote import Remote
from tamma.model.ids import BlobId
from tamma.store.interface import BlobStore
from tamma.workspace import clone, replaying
from tamma.workspace.base import BaseTree
from tamma.workspace.checkpoint import Checkpoints
from tamma.workspace.delivery import Author, Delivery
from tamma.workspace.environment import Environments
from tamma.workspace.git import Git, GitFailed
from tamma.workspace.interface import Held, Progress, Replay, ReplaySpec, WorkspaceInfo, WorkspaceSpec
from tamma.workspace.layout import Layout, Meta, folder_name, locked, read_meta, write_meta
from tamma.workspace.mixing import Mixture
from tamma.workspace.opened import LocalWorkspace, Parts
from tamma.workspace.overlay import Overlay, seed
from tamma.workspace.paths import Tree
from tamma.workspace.sandbox import profile as sandbox_profile
from tamma.workspace.sandbox.cgroup import Cgroup, make_cgroup
from tamma.workspace.sandbox.host import base_environment, choose_tier, secret_masks, system_mounts
from tamma.workspace.sandbox.profile import Mount, Profile, SandboxPolicy
from tamma.workspace.sandbox.run import Sandbox
from tamma.workspace.sandbox.tiers import Tier
from tamma.workspace.snapshots import Snapshots
from tamma.workspace.wishes import wishes_at

__all__ = ["LocalWorkspace", "LocalWorkspaces"]


@dataclass(frozen=True, slots=True)
class _Host:
    """What is found out once about this host."""

    tier: Tier
    cgroup: Cgroup | None


class LocalWorkspaces:
    """`Workspaces` in folders below `root`. Close it with `aclose`: it keeps sandboxes started ahead."""

    def __init__(
        self,
        root: Path,
        blobs: BlobStore,
        *,
        sandbox: SandboxPolicy | None = None,
        author: Author | None = None,
        protected: tuple[str, ...] = (),
        install_hosts: tuple[str, ...] = (),
    ) -> None:
        self._root = root.absolute()
        self._blobs = blobs
        self._policy = sandbox or SandboxPolicy()
        self._author = author or Author()
        self._protected = protected
        self._environments = Environments(self._root.parent / "envs", install_hosts)
        self._host: _Host | None = None
        self._open: dict[str, LocalWorkspace] = {}
        self._sandboxes: dict[str, Sandbox] = {}
        self._lock = asyncio.Lock()

    async def prepare(self, spec: WorkspaceSpec, progress: Progress) -> WorkspaceInfo:
        """See Workspaces. A half-made folder is rebuilt; so is one that was made for another base."""
        host = await self._find_out()
        layout = self._layout(spec.id)
        async with locked(self._root / ".locks" / layout.folder.name):
            return await self._prepare(spec, layout, host, progress)

    async def _prepare(
        self, spec: WorkspaceSpec, layout: Layout, host: _Host, progress: Progress
    ) -> WorkspaceInfo:
        try:
            meta = read_meta(layout)
            if (meta.seeded_on or meta.base_sha, meta.branch) == (spec.base_sha, spec.branch):
                return _info(meta, host.tier)
        except WorkspaceLost:
            progress("making the workspace")
        await self.release(spec.id)
        layout.folder.mkdir(parents=True)
        await clone.clone(layout, spec, progress)
        asked, seeded_on = spec.base_sha, ""
        if spec.instructions is not None:
            spec = replace(spec, base_sha=await seed(layout, spec.branch, spec.instructions))
            seeded_on = asked
        restored = await self._make_snapshots(layout, spec)
        meta = Meta(
            spec.id,
            Remote.of(spec.clone_url, spec.credentials).url,
            spec.base_branch,
            spec.base_sha,
            spec.branch,
            restored,
            spec.checkpoint,
            seeded_on=seeded_on,
            holder=spec.holder,
        )
        write_meta(layout, meta)
        return _info(meta, host.tier)

    async def replay(self, spec: ReplaySpec, progress: Progress) -> Replay:
        """See Workspaces. A folder that is half done when the host dies has no note, and is rebuilt."""
        layout = self._layout(spec.id)
        async with locked(self._root / ".locks" / layout.folder.name):
            meta = read_meta(layout)
            git, remote = Git(layout.git, layout.tree), Remote.of(meta.clone_url, spec.credentials)
            given = replaying.Branches(meta.base_branch, meta.branch, spec.published, spec.base_sha)
            heads = await replaying.heads(git, given, remote)
            if heads.branch != spec.published:
                return Replay(heads.base, moved_to=heads.branch)
            if heads.base == spec.base_sha:
                return Replay(heads.base)
            await replaying.fetch(git, given, heads.base, remote, progress)
            mixture = await replaying.mixture_of(git, given, heads.base)
            if mixture.tree == await git.text("rev-parse", f"{heads.base}^{{tree}}"):
                return Replay(heads.base, held=True)
            expected = await replaying.expectation(git, given, heads.base, mixture)
            marked = tuple(sorted(mixture.marked))
            return Replay(
                heads.base,
                marked=marked,
                whole=mixture.whole,
                commits=await replaying.subjects(git, given, heads.base, marked),
                expected=expected.to_json(),
                checkpoint=await self._stand_on(layout, replace(meta, base_sha=heads.base), mixture),
            )

    async def _stand_on(self, layout: Layout, meta: Meta, mixture: Mixture) -> BlobId:
        """Make the workspace one of another base, with `mixture` as its work so far; its checkpoint."""
        await self._close(meta.id)
        layout.meta.unlink()
        try:
            await replaying.lay_out(Git(layout.git, layout.tree), meta.branch, meta.base_sha, mixture)
        except GitFailed as error:
            raise WorkspaceLost(
                f"the work tree resists: {error}", hint="the workspace is rebuilt from its last checkpoint"
            ) from error
        Snapshots.create(layout)
        snapshot = await asyncio.to_thread(Snapshots(layout, meta.base_sha).take)
        checkpoints = Checkpoints(layout, self._blobs, meta.base_sha, meta.branch)
        saved = await checkpoints.begin(meta.base_sha, snapshot)
        write_meta(layout, meta)
        return saved

    async def held(self) -> tuple[Held, ...]:
        """See Workspaces."""
        return await asyncio.to_thread(self._held)

    def _held(self) -> tuple[Held, ...]:
        found: list[Held] = []
        for folder in sorted(self._root.glob("*/meta.json")):
            with suppress(WorkspaceLost):  # half-removed since, or made by another version
                meta = read_meta(Layout(folder.parent))
                found.append(Held(meta.id, meta.holder))
        return tuple(found)

    async def open(self, workspace_id: str) -> LocalWorkspace:
        """See Workspaces."""
        found = self._open.get(workspace_id)
        layout = self._layout(workspace_id)
        if found is not None and layout.meta.exists():
            return found
        meta = read_meta(layout)
        host = await self._find_out()
        # Here, not in prepare: the tier may be another one since (a worker's restart after an upgrade).
        clone.write_view(layout, moves_paths=host.tier.moves_paths)
        sandbox = Sandbox(
            host.tier,
            self._profile(layout, host.tier),
            str(layout.shm),
            prewarm=self._policy.prewarm,
            cgroup=host.cgroup,
        )
        base = BaseTree(layout.git, meta.base_sha)
        wishes = await asyncio.to_thread(wishes_at, base)
        protected = (*self._protected, *wishes.protected_paths)
        parts = Parts(
            layout=layout,
            clone_url=meta.clone_url,
            tree=Tree(layout.tree),
            sandbox=sandbox,
            snapshots=Snapshots(layout, meta.base_sha),
            delivery=Delivery(
                Git(layout.git, layout.tree), meta.base_sha, meta.branch, self._author, protected
            ),
            checkpoints=Checkpoints(layout, self._blobs, meta.base_sha, meta.branch),
            environments=self._environments,
            overlay=Overlay(layout, meta.base_sha),
            base=base,
            wishes=wishes,
        )
        workspace = LocalWorkspace(_info(meta, host.tier), parts)
        self._environments.attach(layout, sandbox)
        self._open[workspace_id] = workspace
        self._sandboxes[workspace_id] = sandbox
        return workspace

    async def release(self, workspace_id: str) -> None:
        """See Workspaces."""
        await self._close(workspace_id)
        folder = self._layout(workspace_id).folder
        if folder.exists():
            (folder / "meta.json").unlink(missing_ok=True)  # first: half-removed is half-made
            await asyncio.to_thread(_remove_tree, folder)

    async def _close(self, workspace_id: str) -> None:
        self._open.pop(workspace_id, None)
        sandbox = self._sandboxes.pop(workspace_id, None)
        if sandbox is not None:
            await sandbox.aclose()

    async def aclose(self) -> None:
        """End what waits in sandboxes. The folders stay."""
        for sandbox in self._sandboxes.values():
            await sandbox.aclose()
        self._sandboxes.clear()
        self._open.clear()
        if self._host is not None and self._host.cgroup is not None:
            self._host.cgroup.remove()
        self._host = None

    async def tier(self) -> str:
        """The name of the sandbox tier of this host. Raises SandboxUnavailable."""
        return (await self._find_out()).tier.name

    # --- parts ---

    def _layout(self, workspace_id: str) -> Layout:
        return Layout(self._root / folder_name(workspace_id))

    async def _find_out(self) -> _Host:
        async with self._lock:
            if self._host is None:
                self._root.mkdir(parents=True, exist_ok=True)
                tier = await choose_tier(self._policy, self._root / ".sandbox")
                self._host = _Host(tier, make_cgroup(self._policy.limits))
            return self._host

    async def _make_snapshots(self, layout: Layout, spec: WorkspaceSpec) -> bool:
        if spec.checkpoint is None:
            Snapshots.create(layout)
            return False
        manifest = await Checkpoints(layout, self._blobs, spec.base_sha, spec.branch).restore(spec.checkpoint)
        git = Git(layout.git, layout.tree)
        await git.run("update-ref", f"refs/heads/{spec.branch}", manifest.head)
        await git.check_out()
        Snapshots.create(layout)
        snapshots = Snapshots(layout, spec.base_sha)
        if manifest.snapshot != spec.base_sha:
            snapshots.restore(manifest.snapshot)
        return True

    def _profile(self, layout: Layout, tier: Tier) -> Profile:
        mounts, links = system_mounts(self._policy)
        places = _Places.inside(layout) if tier.moves_paths else _Places.outside(layout)
        writable = (
            Mount(str(layout.tree), places.tree, writable=True),
            Mount(str(layout.tmp), places.tmp, writable=True),
            Mount(str(layout.home), places.home, writable=True),
        )
        # The metadata over the work tree's empty .git, and the objects of the trusted directory into it.
        view = (
            (
                Mount(str(layout.view), f"{places.tree}/.git"),
                Mount(str(layout.git / "objects"), f"{places.tree}/.git/objects"),
            )
            if tier.moves_paths
            else (
                Mount(str(layout.view), str(layout.view)),
                Mount(str(layout.git / "objects"), str(layout.git / "objects")),
            )
        )
        env = base_environment(mounts, os.environ) | {
            "HOME": places.home,
            "TMPDIR": places.tmp,
            "CARGO_HOME": f"{places.home}/.cargo",
            "GOPATH": f"{places.home}/go",
            # By-products of Python belong beside the work, not in it.
            "PYTHONPYCACHEPREFIX": f"{places.home}/.cache/pycache",
        }
        return Profile(
            mounts=(*mounts, *writable, *view),
            cwd=places.tree,
            env=tuple(env.items()),
            symlinks=links,
            masks=secret_masks(),
            limits=self._policy.limits,
        )


@dataclass(frozen=True, slots=True)
class _Places:
    """Where a command finds its folders."""

    tree: str
    home: str
    tmp: str

    @classmethod
    def inside(cls, _layout: Layout) -> _Places:
        return cls(sandbox_profile.WORKSPACE, sandbox_profile.HOME, sandbox_profile.TMP)

    @classmethod
    def outside(cls, layout: Layout) -> _Places:
        return cls(str(layout.tree), str(layout.home), str(layout.tmp))


def _info(meta: Meta, tier: Tier) -> WorkspaceInfo:
    return WorkspaceInfo(meta.id, meta.base_sha, meta.base_branch, meta.branch, tier.name, meta.restored)


def _remove_tree(folder: Path) -> None:
    """Remove a folder in which a command may have taken away its own right to write, or dug very deep."""
    try:
        shutil.rmtree(folder)
    except PermissionError:
        for place, _, _ in os.walk(folder):
            os.chmod(place, 0o700)
        shutil.rmtree(folder)
    except RecursionError:  # `rm` needs no stack for it
        subprocess.run(["rm", "-rf", "--", str(folder)], check=True, capture_output=True)

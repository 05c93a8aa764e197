"""An open workspace: the seam that activities call, put together from its parts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from tamma.workspace.environment import Environments

from tamma.errors import PathDenied
from tamma.model.conversation import ToolCall
from tamma.model.ids import BlobId
from tamma.model.repository import FileChange
from tamma.platforms.interface import GitCredentials
from tamma.workspace import elsewhere, history
from tamma.workspace.base import BaseTree
from tamma.workspace.checkpoint import Checkpoints
from tamma.workspace.clone import write_view
from tamma.workspace.delivery import Delivery
from tamma.workspace.detect import detect
from tamma.workspace.expecting import Expected
from tamma.workspace.instructions import instructions
from tamma.workspace.interface import (
    CommandResult,
    DiffSummary,
    InstallReport,
    Instructions,
    Judgement,
    Outline,
    Patch,
    PolicyFinding,
    Progress,
    ProjectProfile,
    ToolOutcome,
    WorkspaceInfo,
)
from tamma.workspace.layout import Layout
from tamma.workspace.lfs import LONGEST_POINTER
from tamma.workspace.mapping.outline import outline
from tamma.workspace.naming import named_in
from tamma.workspace.overlay import Overlay
from tamma.workspace.paths import Tree
from tamma.workspace.sandbox.run import Sandbox
from tamma.workspace.snapshots import Snapshots
from tamma.workspace.toolbox import Toolbox
from tamma.workspace.tools import READ_ONLY
from tamma.workspace.wishes import Wishes

_SMALL_FILE = 256_000
P = ParamSpec("P")
R = TypeVar("R")


async def _in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Look at the whole tree: a command may have left so much in it that heartbeats, of this and of other
    activities, would come too late from a busy event loop. A cancellation waits, so that nothing goes on
    behind the back of the next attempt.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait((work,))
        raise


@dataclass(slots=True)
class Parts:
    """What an open workspace is made of."""

    layout: Layout
    clone_url: str
    tree: Tree
    sandbox: Sandbox
    snapshots: Snapshots
    delivery: Delivery
    checkpoints: Checkpoints
    environments: Environments
    overlay: Overlay
    base: BaseTree
    wishes: Wishes = field(default_factory=Wishes)


class LocalWorkspace:
    """A `Workspace` on this host's disk."""

    def __init__(self, info: WorkspaceInfo, parts: Parts) -> None:
        self._info = info
        self._parts = parts
        self._toolbox = Toolbox(parts.tree, self._run_tool)
        self._saved: tuple[tuple[str, str], BlobId] | None = None
        """The last checkpoint: the branch's head and the snapshot that it holds, and its address."""
        self._pending: tuple[int, str] | None = None
        """The batch whose snapshot is still to be taken: read-only batches need none."""

    @property
    def info(self) -> WorkspaceInfo:
        return self._info

    async def begin_batch(self, seq: int, session: str = "") -> None:
        """See Workspace. A first attempt's snapshot is taken when a tool is about to write."""
        if self._parts.snapshots.batch(seq, session) is not None:
            self._pending = None
            await _in_thread(self._parts.snapshots.restore_batch, seq, session)
        else:
            self._pending = seq, session

    async def batch_diff(self, seq: int, session: str = "") -> DiffSummary | None:
        if self._pending == (seq, session):
            return None  # nothing of it wrote
        return await _in_thread(self._parts.snapshots.since_batch, seq, session)

    async def execute(
        self, call: ToolCall, progress: Progress, *, slice_lines: int | None = None
    ) -> ToolOutcome:
        if call.name not in READ_ONLY:
            await self._take_pending()
        return await self._toolbox.execute(call, progress, slice_lines=slice_lines)

    async def run(
        self, command: str, *, timeout: float, progress: Progress, env: dict[str, str] | None = None
    ) -> CommandResult:
        await self._take_pending()
        return await self._parts.sandbox.run(command, timeout=timeout, progress=progress, env=env)

    async def profile(self, touched: tuple[str, ...] = ()) -> ProjectProfile:
        return await _in_thread(self._profile, touched)

    def _profile(self, touched: tuple[str, ...]) -> ProjectProfile:
        import pygit2

        layout = self._parts.layout
        index = pygit2.Repository(str(layout.git)).index
        entries = [(str(entry.path), int(entry.mode)) for entry in map(index.__getitem__, range(len(index)))]
        profile = detect([path for path, _ in entries], self._read_small, touched)
        notes = elsewhere.notes(entries, self._peek)
        if history.is_partial(layout.git):
            notes = (*notes, history.NOTE)
        return self._parts.wishes.heard_in(replace(profile, notes=notes))

    async def named(self, issue: str) -> tuple[str, ...]:
        return await _in_thread(lambda: named_in(issue, self._parts.base.paths).files)

    async def instructions(self, touched: tuple[str, ...] = ()) -> tuple[Instructions, ...]:
        return await _in_thread(instructions, self._parts.base, touched)

    async def outline(self, issue: str, room: int) -> Outline:
        return await _in_thread(outline, self._parts.base, issue, room)

    async def install(self, profile: ProjectProfile, progress: Progress) -> InstallReport:
        await self._take_pending()
        parts = self._parts
        return await parts.environments.install(
            parts.layout, parts.sandbox, parts.clone_url, profile, self._read_small, progress
        )

    async def read_text(self, path: str, limit: int) -> str:
        return self._parts.tree.read(path, limit * 4).decode("utf-8", "replace")[:limit]

    async def diff(self) -> DiffSummary:
        return await self._parts.delivery.diff()

    async def patch(self) -> Patch:
        return await self._parts.delivery.patch()

    async def findings(self) -> tuple[PolicyFinding, ...]:
        return await self._parts.delivery.findings()

    async def shown_tests(self, also: tuple[str, ...]) -> dict[str, str]:
        return await self._parts.delivery.shown_tests(also)

    async def judged(self, shown: Mapping[str, str], shown_on: str = "", issue: str = "") -> Judgement:
        return await self._parts.delivery.judged(shown, shown_on, issue)

    async def unsettled(self, expected: bytes, *, strictly: bool) -> tuple[str, ...]:
        return await self._parts.delivery.unsettled(Expected.from_json(expected), strictly=strictly)

    async def commit(self, message: str, op_id: str) -> str:
        sha = await self._parts.delivery.commit(message, op_id)
        write_view(self._parts.layout, moves_paths=self._parts.sandbox.tier.moves_paths)
        return sha

    async def file_changes(self) -> tuple[FileChange, ...]:
        return await self._parts.delivery.file_changes()

    async def overlay(self, patch: str, files: Mapping[str, str]) -> tuple[str, ...]:
        await self._take_pending()
        return await self._parts.overlay.lay(patch, files)

    async def push(self, credentials: GitCredentials, expected_sha: str | None) -> str:
        return await self._parts.delivery.push(self._parts.clone_url, credentials, expected_sha)

    async def checkpoint(self) -> BlobId:
        state = (await self._parts.delivery.head(), await _in_thread(self._parts.snapshots.take))
        if self._saved is None or self._saved[0] != state:
            self._saved = state, await self._parts.checkpoints.save(*state)
        return self._saved[1]

    async def _run_tool(self, script: str, timeout: float, progress: Progress) -> CommandResult:
        return await self._parts.sandbox.run(script, timeout=timeout, progress=progress)

    async def _take_pending(self) -> None:
        if self._pending is not None:
            await _in_thread(self._parts.snapshots.take_batch, *self._pending)
            self._pending = None

    def _peek(self, path: str) -> bytes:
        """The file where it is short enough for a pointer to something else."""
        try:
            if os.lstat(self._parts.layout.tree / path).st_size >= LONGEST_POINTER:
                return b""
            return self._parts.tree.read(path, LONGEST_POINTER)
        except (OSError, PathDenied):
            return b""

    def _read_small(self, path: str) -> str | None:
        try:
            return self._parts.tree.read(path, _SMALL_FILE).decode("utf-8", "replace")
        except (OSError, ValueError):
            return None

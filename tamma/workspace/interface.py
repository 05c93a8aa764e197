"""The workspace interface: a clone on a worker's disk in which a model's commands may run.

Layout on disk, under the worker's workspaces folder::

    <workspace id>/
      tree/     the work tree: all that the sandbox may write. Its `.git` is a read-only copy of metadata
      git/      the trusted git directory, never visible in the sandbox
      env/      the project's own environment (interpreter, packages), outside the work tree
      meta.json what was prepared, written last and atomically: a folder without it is rebuilt
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tamma.model.conversation import ToolCall, ToolResult
from tamma.model.gates import GateName
from tamma.model.ids import BlobId
from tamma.model.project import ProjectPolicy
from tamma.model.repository import FileChange
from tamma.platforms.interface import GitCredentials

SETUP = ".tamma.json: setup"
"""The source of the command that a repository names for setting itself up."""
Progress = Callable[[str], None]
"""Called with a short line while long work goes on; activities heartbeat with it. Never blocks."""


@dataclass(frozen=True, slots=True)
class WorkspaceSpec:
    """What to prepare. The same spec again finds what is there."""

    id: str
    clone_url: str
    base_branch: str
    base_sha: str
    """The commit that the work starts from."""
    branch: str
    """The branch that the work will become."""
    checkpoint: BlobId | None = None
    """Where to go on from, when the workspace must be rebuilt (on another host)."""
    credentials: GitCredentials = field(default_factory=GitCredentials)
    base_only: bool = False
    """Fetch the base commit and what came before it, nothing else: no branch, no tag and no object that came
    after it can be looked at."""
    instructions: str | None = None
    """A text that stands as AGENTS.md in the commit that the work starts from, and is no part of the work."""
    holder: str = ""
    """The workflow id of the run that it is for."""


@dataclass(frozen=True, slots=True)
class Held:
    """A workspace on this host's disk, and the workflow id of the run that it was made for."""

    id: str
    holder: str


@dataclass(frozen=True, slots=True)
class WorkspaceInfo:
    id: str
    base_sha: str
    base_branch: str
    branch: str
    sandbox_tier: str
    """bwrap, namespaces, container, landlock or none."""
    restored: bool
    """True where it was rebuilt from a checkpoint."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the project and why we believe in it (`pyproject.toml: [tool.pytest]`)."""

    command: str
    source: str


@dataclass(frozen=True, slots=True)
class GateCommand:
    """A command that judges a change beside the tests."""

    name: GateName
    command: Command


@dataclass(frozen=True, slots=True)
class ProjectRoot:
    """A folder of the repository that is a project of its own. Its commands begin with `cd FOLDER &&`."""

    folder: str
    ecosystems: tuple[str, ...]
    test: Command | None = None
    lint: Command | None = None
    build: Command | None = None
    install: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class Instructions:
    """What a file of the repository says to those who work on it, cut to fit."""

    path: str
    text: str
    cut: int = 0
    """Characters that were left out at its end."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The map of a repository as text: paths and what they define, heaviest first."""

    common: str = ""
    """The same for every issue."""
    for_issue: str = ""
    """What the issue leads to beyond that."""
    files: int = 0
    """Files that were looked into."""
    left_out: int = 0
    """Files that were not, as there are too many."""


@dataclass(frozen=True, slots=True)
class ProjectProfile:
    """What was found out about a repository by looking at its files; no command has run."""

    ecosystems: tuple[str, ...]
    """python, node, rust, go, make, ..."""
    test: Command | None
    lint: Command | None = None
    build: Command | None = None
    format: Command | None = None
    install: tuple[Command, ...] = ()
    roots: tuple[ProjectRoot, ...] = ()
    """Projects in folders of the repository."""
    installed_roots: tuple[str, ...] = ()
    """Folders of those whose needs are installed, as their tests stand for the repository's."""
    instructions: tuple[str, ...] = ()
    """Paths of AGENTS.md, CLAUDE.md, CONTRIBUTING and the like, in order of weight."""
    files: tuple[str, ...] = ()
    """Tracked paths, at most 20,000: how many of them a model is shown is the agent's strategy."""
    files_total: int = 0
    notes: tuple[str, ...] = ()
    """What is not as it seems: contents that are not in the workspace."""
    gates: tuple[GateCommand, ...] = ()
    """What judges a change beside the tests, at most one of a kind."""
    policy: ProjectPolicy = field(default_factory=ProjectPolicy)
    """The care that its `.tamma.json` asks for."""
    setup_timeout: float | None = None
    """Seconds that it gives the building of its environment."""
    troubles: tuple[str, ...] = ()
    """What its `.tamma.json` says and nobody understands."""


@dataclass(frozen=True, slots=True)
class InstallReport:
    """How building the project's environment went."""

    ok: bool
    cached: bool
    log_tail: str
    """The last lines, at most 4 kB."""
    seconds: float


@dataclass(frozen=True, slots=True)
class CommandResult:
    """A finished command. `output` is standard output and error together, head and tail kept."""

    exit_code: int
    """128 + signal where a signal ended it."""
    output: str
    truncated_bytes: int
    timed_out: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a tool call gave. `changed` says whether the tool may have written to the work tree."""

    result: ToolResult
    changed: bool
    error_kind: str | None = None
    """unknown_tool, bad_arguments, path_denied, not_unique, not_found, timeout, exit_code, ... or None."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FileDiff:
    path: str
    status: str
    """A, M, D, R or T, as git names it."""
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class DiffSummary:
    """The work against its base. `patch` is a unified diff, at most 400 kB, cut with a note."""

    files: tuple[FileDiff, ...]
    patch: str

    @property
    def empty(self) -> bool:
        return not self.files


@dataclass(frozen=True, slots=True)
class Patch:
    """The work against its base, whole and exact: `git apply` makes the one of the other."""

    files: tuple[FileDiff, ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class ReplaySpec:
    """What was published, and what it was made on: to be put onto its base branch as it is now."""

    id: str
    published: str
    """Where this run left the branch; somebody else's commits are not put anywhere."""
    base_sha: str
    credentials: GitCredentials = field(default_factory=GitCredentials)


@dataclass(frozen=True, slots=True)
class Replay:
    """How the published change lies on its base branch as it is now."""

    base_sha: str
    """Where the base branch is. Nothing was done if it has not moved."""
    moved_to: str | None = None
    """Where somebody else left the branch (empty: deleted it), and so nothing was done; None: nowhere."""
    held: bool = False
    """The base holds all of the change already, and so nothing was done."""
    marked: tuple[str, ...] = ()
    """Files with conflict markers."""
    whole: tuple[str, ...] = ()
    """Conflicts that lines cannot show, in words."""
    commits: tuple[str, ...] = ()
    """Subjects of the base's newest commits to files in conflict, newest first."""
    expected: bytes = b""
    """What the solution is held against: for `Workspace.unsettled`."""
    checkpoint: BlobId | None = None


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """Something the diff policy saw. `refuse` blocks; otherwise a person must agree."""

    path: str
    rule: str
    refuse: bool
    detail: str = ""
    line: int = 0
    """Of the file as it is now; 0 where there is none to point at."""
    blob: str = ""
    """Git's name of what a protected path holds now; empty where it is gone."""


@dataclass(frozen=True, slots=True)
class DependencyChange:
    """What a change does to the packages that the project depends on, in words."""

    path: str
    """The manifest or lock file."""
    detail: str
    line: int = 0
    asks: bool = False
    """More than a smaller step of a version, or one package less: the policy about new dependencies holds."""
    loud: bool = False
    """It looks like what attackers do: a person sees it, whatever the policy is."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be said of the work so far, all of one look at it."""

    findings: tuple[PolicyFinding, ...]
    """The diff policy's."""
    weakened: tuple[PolicyFinding, ...]
    """How it makes the tests say less. What is no refusal is for a person to judge."""
    dependencies: tuple[DependencyChange, ...]
    """What it makes the project depend on, most careful first."""


class Workspace(Protocol):
    """An open workspace. Calls on one workspace come one at a time."""

    @property
    def info(self) -> WorkspaceInfo: ...

    async def begin_batch(self, seq: int, session: str = "") -> None:
        """Make a session's tool batch `seq` repeatable: the first time a snapshot of the work tree is kept,
        a later time the work tree returns to it. Snapshots hold untracked files, not ignored ones."""
        ...

    async def batch_diff(self, seq: int, session: str = "") -> DiffSummary | None:
        """What a session's batch `seq` changed, as of the last checkpoint; None where this host did not
        see it begin, or nothing of it could write."""
        ...

    async def execute(
        self, call: ToolCall, progress: Progress, *, slice_lines: int | None = None
    ) -> ToolOutcome:
        """Run one tool call. A model's mistake is an error result, never an exception.

        `slice_lines`: lines of a file that one `view` shows, at most. None: as many as its characters allow.
        """
        ...

    async def run(
        self,
        command: str,
        *,
        timeout: float,
        progress: Progress,
        env: dict[str, str] | None = None,
    ) -> CommandResult:
        """Run a command in the sandbox without network. Cancellation ends the whole process tree."""
        ...

    async def profile(self, touched: tuple[str, ...] = ()) -> ProjectProfile:
        """`touched`: files that the work is about, which decide whose tests count where the repository as a
        whole has none."""
        ...

    async def named(self, issue: str) -> tuple[str, ...]:
        """The base commit's files that a text names."""
        ...

    async def instructions(self, touched: tuple[str, ...] = ()) -> tuple[Instructions, ...]:
        """What the base commit says to those who work on it, nearest to `touched` where there are several."""
        ...

    async def outline(self, issue: str, room: int) -> Outline:
        """The map of the base commit, at most `room` characters long; seconds for 10,000 files."""
        ...

    async def install(self, profile: ProjectProfile, progress: Progress) -> InstallReport:
        """Build the project's environment (network by allowlist); cached by the hash of its lock files."""
        ...

    async def read_text(self, path: str, limit: int) -> str:
        """A tracked text file's first `limit` characters. Raises PathDenied."""
        ...

    async def diff(self) -> DiffSummary: ...

    async def patch(self) -> Patch:
        """As `diff`, uncut and byte for byte, with what binary files hold."""
        ...

    async def findings(self) -> tuple[PolicyFinding, ...]:
        """What the diff policy says of the work so far."""
        ...

    async def shown_tests(self, also: tuple[str, ...]) -> dict[str, str]:
        """Path -> text of the test files that the work changed so far, and of those in `also` that it did."""
        ...

    async def judged(self, shown: Mapping[str, str], shown_on: str = "", issue: str = "") -> Judgement:
        """What the diff policy says; how the tests say less than the base's, and than `shown`: test files as
        they were when they showed the problem, on the commit `shown_on` (empty: the base); and what the
        project depends on now. `issue`: what the work is about."""
        ...

    async def unsettled(self, expected: bytes, *, strictly: bool) -> tuple[str, ...]:
        """Why git does not agree that what a replay left is solved, in words; nothing where it does.

        `strictly`: nothing else was changed. Otherwise other files may be, and nothing of the base undone.
        """
        ...

    async def commit(self, message: str, op_id: str) -> str:
        """Commit the work onto the branch and return its sha. The same op_id with the same tree is done
        already; nothing changed returns the branch's head. Raises PolicyRefused."""
        ...

    async def file_changes(self) -> tuple[FileChange, ...]:
        """The committed work against the base, for platforms that take commits by API."""
        ...

    async def overlay(self, patch: str, files: Mapping[str, str]) -> tuple[str, ...]:
        """Lay files over the work: what `patch` makes of the base's files, then `files`. What the work made
        of those files is lost. Returns their paths. Raises ConfigError where the patch does not fit the base,
        PathDenied or OSError where the work stands in the way."""
        ...

    async def push(self, credentials: GitCredentials, expected_sha: str | None) -> str:
        """Push the branch; the remote must be at `expected_sha` (None: absent) or already at our head.
        Returns the pushed sha. Raises StaleHead, BadCredentials, Transient."""
        ...

    async def checkpoint(self) -> BlobId:
        """Put the work (as incremental git bundles) into the blob store; returns its manifest's address."""
        ...


class Workspaces(Protocol):
    """The workspaces of one host."""

    async def prepare(self, spec: WorkspaceSpec, progress: Progress) -> WorkspaceInfo:
        """Clone (or find, or rebuild) a workspace. Raises CloneFailed, SandboxUnavailable."""
        ...

    async def replay(self, spec: ReplaySpec, progress: Progress) -> Replay:
        """Put the published change, as one, onto the base branch as it is now; the workspace stands on that
        from here on, with conflict markers in files where both sides changed the same place. It begins from
        what was published, whatever the work tree holds. Raises WorkspaceLost, Conflict, BadCredentials,
        Transient."""
        ...

    async def held(self) -> tuple[Held, ...]:
        """Those that are ready on this host's disk."""
        ...

    def open(self, workspace_id: str) -> Awaitable[Workspace]:
        """Raises WorkspaceLost where this host does not have it."""
        ...

    async def release(self, workspace_id: str) -> None:
        """Remove it from the disk; absent is done."""
        ...

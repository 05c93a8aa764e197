"""Work in a workspace: prepare it, run tools and commands, look at the change, deliver it.

All but `prepare_workspace` run on the queue of the host that has the workspace. One workspace is worked on by
one activity at a time: a superseded attempt that still runs here is waited for, and finds out by its fence.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import cast

from temporalio import activity

from activities.agents import FINISH, Agents, Worker, refused
from activities.arrivals import judged
from activities.changes import FILES_LISTED, Changes
from activities.failures import failing_well
from activities.gates import as_run, gates_before, new_findings, run_aside, shown
from activities.heartbeat import Pulse, beating
from activities.interface import (
    CHECKPOINT,
    COLLECT_DIFF,
    KEEP_PROOF,
    PREPARE_WORKSPACE,
    PUBLISH_BRANCH,
    RELEASE_WORKSPACE,
    RUN_COMMAND,
    RUN_TOOLS,
    SET_UP_PROJECT,
    CollectDiff,
    CommandRun,
    Done,
    KeepProof,
    ProjectReport,
    PublishBranch,
    PublishedBranch,
    RunCommand,
    RunTools,
    SetUpProject,
    Stored,
    WorkspaceOnly,
)
from activities.interface.gates import RUN_GATE, GateRun, RunGate
from activities.leases import AllOpen, Leases, OpenRuns, holder
from activities.pools import PlatformPool
from activities.served import Place, ServedCalls
from activities.transcripts import Transcripts
from activities.words import TAIL, context_markdown, install_failure
from tamma.agents.findings import told
from tamma.agents.judgement import is_red
from tamma.agents.window import CHARACTERS_PER_TOKEN
from tamma.errors import BadCredentials, ConfigError, Conflict, PolicyRefused
from tamma.model.conversation import Message, Role, ToolCall, ToolResult
from tamma.model.foreign import mend_part, read_json
from tamma.model.gates import ProjectGate
from tamma.model.ids import BlobId
from tamma.model.session import BatchOutcome, Finished, WorkspaceOrder, WorkspaceRef
from tamma.model.task import DiffRef, TestRun, host_queue
from tamma.model.tries import task_of
from tamma.platforms.interface import API_COMMITS, GitCredentials
from tamma.store.interface import Entry, Lease, Store
from tamma.toolservers.interface import NO_TOOL_SERVERS, ToolServers
from tamma.workspace import policy
from tamma.workspace.interface import (
    Command,
    Outline,
    PolicyFinding,
    ToolOutcome,
    Workspace,
    Workspaces,
    WorkspaceSpec,
)

FINDINGS_LISTED = 20
GATE_ENV = {
    "PYTHONNOUSERSITE": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPYCACHEPREFIX": "/nonexistent",
}
"""For the commands that judge the work: what the agent's own commands left in their home must not.

Nor what they left as bytecode: Python takes it for current where the source has the same size and second.
"""


class WorkspaceActivities:
    """Holds this host's workspaces, the platforms to deliver to, the transcripts and the tool servers."""

    def __init__(
        self,
        workspaces: Workspaces,
        platforms: PlatformPool,
        store: Store,
        transcripts: Transcripts,
        *,
        host: str,
        servers: ToolServers = NO_TOOL_SERVERS,
        most: int | None = None,
        runs: OpenRuns | None = None,
    ) -> None:
        self._workspaces = workspaces
        self._platforms = platforms
        self._store = store
        self._transcripts = transcripts
        self._served = ServedCalls(servers, store)
        self._agents = Agents(store)
        self._changes = Changes(store)
        self._host = host
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._leases = Leases(workspaces, most, runs or AllOpen(), self._remove)

    def lock(self, workspace_id: str) -> asyncio.Lock:
        """What whoever works in the workspace holds."""
        return self._locks[workspace_id]

    # --- prepare, release ------------------------------------------------------------------------

    @activity.defn(name=PREPARE_WORKSPACE.name)
    @failing_well
    async def prepare_workspace(self, given: WorkspaceOrder) -> WorkspaceRef:
        """Clone the repository here, or find it, or rebuild it from the checkpoint."""
        instructions = None
        if given.instructions is not None:
            instructions = (await self._store.get_blob(given.instructions)).decode()
        spec = WorkspaceSpec(
            id=given.task_id,
            clone_url=given.clone_url,
            base_branch=given.base_branch,
            base_sha=given.base_sha,
            branch=given.branch,
            checkpoint=given.checkpoint,
            credentials=await self._credentials(given),
            base_only=given.base_only,
            instructions=instructions,
            holder=holder(),
        )
        async with (
            beating() as pulse,
            self._leases.room(given.task_id, holder()),
            self._locks[given.task_id],
        ):
            info = await self._workspaces.prepare(spec, pulse.say)
        return WorkspaceRef(
            id=info.id,
            queue=host_queue(self._host),
            base_sha=info.base_sha,
            base_branch=info.base_branch,
            branch=info.branch,
            checkpoint=given.checkpoint,
            sandbox_tier=info.sandbox_tier,
        )

    @activity.defn(name=RELEASE_WORKSPACE.name)
    @failing_well
    async def release_workspace(self, given: WorkspaceOnly) -> Done:
        """Remove the workspace from this host's disk."""
        async with beating():
            await self._remove(given.workspace_id)
        return Done()

    async def _remove(self, workspace_id: str) -> None:
        async with self._locks[workspace_id]:
            await self._workspaces.release(workspace_id)
        self._locks.pop(workspace_id, None)

    # --- the project -----------------------------------------------------------------------------

    @activity.defn(name=SET_UP_PROJECT.name)
    @failing_well
    async def set_up_project(self, given: SetUpProject) -> ProjectReport:
        """Find out how the project is built and tested, build its environment, run its tests as they are."""
        async with self._locks[given.workspace_id], beating() as pulse:
            workspace = await self._workspaces.open(given.workspace_id)
            issue = (await self._store.get_blob(given.issue)).decode() if given.issue is not None else ""
            touched = await workspace.named(issue) if issue else ()
            profile = await workspace.profile(touched)
            pulse.say("build the project's environment")
            install = await workspace.install(profile, pulse.say)
            command = profile.test
            if given.test_command:
                command = Command(given.test_command, "the command line or configuration")
            baseline: TestRun | None = None
            if given.baseline and command is not None:
                pulse.say(f"baseline: {command.command}")
                baseline = await self._test(workspace, command.command, given.timeout, pulse)
                if not install.ok and is_red(baseline):
                    baseline = None  # red for want of the environment: that says nothing of the project
            gates: tuple[ProjectGate, ...] = ()
            if given.baseline and install.ok:
                gates = await gates_before(
                    workspace, profile.gates, given.timeout, pulse, GATE_ENV, _this_call(), self._store
                )
            pulse.say("read what the repository says of itself")
            told = await workspace.instructions(touched)
            room = int(given.map_tokens * CHARACTERS_PER_TOKEN)
            outline = await workspace.outline(issue, room) if room else Outline()
        context = context_markdown(
            replace(profile, test=command), install, baseline, told, given.map_files, outline, gates
        )
        return ProjectReport(
            context=await self._store.put_blob(context.encode(), "text/markdown"),
            test_command=command.command if command else "",
            test_source=command.source if command else "",
            ecosystems=profile.ecosystems,
            install_ok=install.ok,
            install_tail=install.log_tail[-TAIL:] if install.ok else install_failure(install.log_tail),
            baseline=baseline,
            policy=profile.policy,
            troubles=profile.troubles,
            gates=gates,
        )

    @activity.defn(name=RUN_COMMAND.name)
    @failing_well
    async def run_command(self, given: RunCommand) -> CommandRun:
        """Run one of the project's commands, with no network; only its exit code counts."""
        async with self._locks[given.workspace_id], beating() as pulse:
            workspace = await self._workspaces.open(given.workspace_id)
            result = await workspace.run(
                given.command, timeout=given.timeout, progress=pulse.say, env=GATE_ENV
            )
        output = await self._store.put_blob(result.output.encode(), "text/plain")
        return CommandRun(as_run(given.command, result), output)

    @activity.defn(name=RUN_GATE.name)
    @failing_well
    async def run_gate(self, given: RunGate) -> GateRun:
        """Run one of the project's gates, and undo what it did to the work tree."""
        async with self._locks[given.workspace_id], beating() as pulse:
            workspace = await self._workspaces.open(given.workspace_id)
            result = await run_aside(workspace, given.command, given.timeout, pulse, GATE_ENV, _this_call())
        before = None if given.before is None else (await self._store.get_blob(given.before)).decode()
        new = new_findings(before, result)
        output = await self._store.put_blob(shown(new, result.output).encode(), "text/plain")
        return GateRun(as_run(given.command, result), output, None if new is None else len(new))

    # --- tools -----------------------------------------------------------------------------------

    @activity.defn(name=RUN_TOOLS.name)
    @failing_well
    async def run_tools(self, given: RunTools) -> BatchOutcome:
        """Run the tool calls of one turn, in order, and store their results.

        A batch that a crash cut short begins again from the work tree as it was before it; `served` says
        what that means for the tools of tool servers.
        """
        worker = await self._agents.worker(given.agent) if given.agent is not None else None
        async with self._locks[given.workspace_id], beating() as pulse:
            workspace = await self._workspaces.open(given.workspace_id)
            taken = await self._transcripts.take(given.session_id, given.seq + 1, after=given.seq)
            entries = taken.entries
            calls = entries[given.seq].message.tool_calls
            finished = finish_of(calls)
            if len(entries) > given.seq + 1:
                # Stored by an attempt whose answer was lost: the work tree has the effects already.
                return await self._outcome(workspace, given, entries[-1].message, finished)
            await workspace.begin_batch(given.seq, given.session_id)
            outcomes = [
                await self._execute(
                    workspace, call, Place(given.session_id, given.seq, index), taken.lease, pulse, worker
                )
                for index, call in enumerate(calls)
            ]
            message = Message(Role.USER, tuple(outcome.result for outcome in outcomes))
            await self._transcripts.append(
                given.session_id, (Entry(given.seq + 1, message),), lease=taken.lease
            )
            changed = any(outcome.changed for outcome in outcomes)
            return BatchOutcome(
                seq=given.seq + 1,
                errors=tuple(
                    f"{outcome.error_kind}:{_digest(outcome.result.content)}"
                    for outcome in outcomes
                    if outcome.error_kind is not None
                ),
                changed=changed,
                finished=finished,
                checkpoint=await self._settle(workspace, given) if changed else None,
            )

    async def _settle(self, workspace: Workspace, given: RunTools) -> BlobId:
        """After a batch that may have written: put the work into the store, note what the batch changed.

        Only once its results are stored: until then another attempt may do something else.
        """
        checkpoint = await workspace.checkpoint()
        change = await workspace.batch_diff(given.seq, given.session_id)
        await self._changes.note_step(given.session_id, given.seq, change, checkpoint)
        return checkpoint

    async def _execute(
        self,
        workspace: Workspace,
        call: ToolCall,
        place: Place,
        lease: Lease,
        pulse: Pulse,
        worker: Worker | None,
    ) -> ToolOutcome:
        pulse.say(call.name)
        if worker is not None and not worker.may_use(call.name):
            return refused(call)
        if call.name == FINISH:
            if _arguments(call) is None:
                text = 'the arguments are not a JSON object: call finish with {"summary": "..."}'
                return ToolOutcome(ToolResult(call.id, text, is_error=True), False, "bad_arguments")
            return ToolOutcome(ToolResult(call.id, "The stage is over."), changed=False)
        if self._served.owns(call.name):
            return await self._served.execute(call, place, lease)
        lines = worker.context.slice_lines if worker is not None else None
        outcome = await workspace.execute(call, pulse.say, slice_lines=lines)
        return replace(outcome, result=mend_part(outcome.result))  # a file may be called anything

    async def _outcome(
        self, workspace: Workspace, given: RunTools, message: Message, finished: Finished | None
    ) -> BatchOutcome:
        errors = tuple(
            f"error:{_digest(part.content)}"
            for part in message.parts
            if isinstance(part, ToolResult) and part.is_error
        )
        return BatchOutcome(
            given.seq + 1,
            errors,
            changed=True,
            finished=finished,
            checkpoint=await self._settle(workspace, given),
        )

    # --- the change ------------------------------------------------------------------------------

    @activity.defn(name=COLLECT_DIFF.name)
    @failing_well
    async def collect_diff(self, given: CollectDiff) -> DiffRef:
        """The change so far, and what the diff policy says of it."""
        shown: dict[str, str] = {}
        if given.proof is not None:
            shown = json.loads(await self._store.get_blob(given.proof))
        issue = (await self._store.get_blob(given.issue)).decode() if given.issue is not None else ""
        async with self._locks[given.workspace_id], beating():
            workspace = await self._workspaces.open(given.workspace_id)
            diff = await workspace.diff()
            said = await workspace.judged(shown, given.proof_base, issue)
        arrivals = judged(said.dependencies, given.new_dependencies)
        ref = DiffRef(
            blob=await self._store.put_blob(diff.patch.encode("utf-8", "replace"), "text/x-diff"),
            files=tuple(item.path for item in diff.files[:FILES_LISTED]),
            files_total=len(diff.files),
            added=sum(item.added for item in diff.files),
            removed=sum(item.removed for item in diff.files),
            refused=(
                *(f"{item.path}: {item.rule} {item.detail}".strip() for item in said.findings if item.refuse),
                *arrivals.refused,
            ),
            ask=tuple(item.path for item in said.findings if not item.refuse),
            runs=tuple(_to_be_run(item) for item in said.findings if item.rule == policy.CI and item.blob),
            weakened=tuple(told(item) for item in said.weakened if item.refuse)[:FINDINGS_LISTED],
            questions=tuple(told(item) for item in said.weakened if not item.refuse)[:FINDINGS_LISTED],
            dependencies=arrivals.all,
            wanted=arrivals.wanted,
        )
        await self._changes.note_whole(task_of(given.workspace_id), ref)
        return ref

    @activity.defn(name=KEEP_PROOF.name)
    @failing_well
    async def keep_proof(self, given: KeepProof) -> Stored:
        """Store the tests as they are now, where they have just shown the problem."""
        async with self._locks[given.workspace_id], beating():
            workspace = await self._workspaces.open(given.workspace_id)
            shown = await workspace.shown_tests(given.test_files)
        return Stored(await self._store.put_blob(json.dumps(shown).encode(), "application/json"))

    @activity.defn(name=CHECKPOINT.name)
    @failing_well
    async def checkpoint(self, given: WorkspaceOnly) -> Stored:
        """Put the work as it stands into the store."""
        async with self._locks[given.workspace_id], beating():
            workspace = await self._workspaces.open(given.workspace_id)
            return Stored(await workspace.checkpoint())

    @activity.defn(name=PUBLISH_BRANCH.name)
    @failing_well
    async def publish_branch(self, given: PublishBranch) -> PublishedBranch:
        """Commit the work and deliver the branch, by git push or through the platform's API."""
        platform = await self._platforms.get(given.repo.platform_id)
        op_id = f"{given.task_id}/{given.key}"
        async with self._locks[given.workspace_id], beating():
            workspace = await self._workspaces.open(given.workspace_id)
            refused = tuple(f"{item.path}: {item.rule}" for item in await workspace.findings() if item.refuse)
            if refused:
                raise PolicyRefused(refused)
            sha = await workspace.commit(given.message, op_id)
            if platform.settings.delivery == "push" or API_COMMITS not in await platform.capabilities():
                credentials = await platform.git_credentials(given.repo)
                pushed = await workspace.push(credentials, given.expected_sha)
                return PublishedBranch(pushed, created=pushed == sha)
            changes = await workspace.file_changes()
        with suppress(Conflict):
            # A branch that stands elsewhere may carry this very commit already: `commit_files` looks.
            await platform.ensure_branch(given.repo, given.branch, given.base_sha)
        start = given.expected_sha or given.base_sha
        done = await platform.commit_files(given.repo, given.branch, changes, given.message, start, op_id)
        return PublishedBranch(done.sha, done.created)

    async def _credentials(self, given: WorkspaceOrder) -> GitCredentials:
        """Of the platform that has the repository. A trial's may be on none, or readable for everybody."""
        if not given.repo.platform_id:
            return GitCredentials()
        try:
            platform = await self._platforms.get(given.repo.platform_id)
            return await platform.git_credentials(given.repo)
        except (BadCredentials, ConfigError):
            if not given.base_only:
                raise
            return GitCredentials()

    async def _test(self, workspace: Workspace, command: str, timeout: float, pulse: Pulse) -> TestRun:
        result = await workspace.run(command, timeout=timeout, progress=pulse.say, env=GATE_ENV)
        return as_run(command, result)


def _this_call() -> str:
    """The same for every attempt at this activity, and no other one's."""
    info = activity.info()
    return f"gate/{info.workflow_run_id}/{info.activity_id}"


def finish_of(calls: tuple[ToolCall, ...]) -> Finished | None:
    """The stage's end, where the last readable `finish` call of the batch says so."""
    for call in reversed(calls):
        args = _arguments(call) if call.name == FINISH else None
        if args is not None:
            files = args.get("test_files")
            return Finished(
                summary=_word(args, "summary"),
                test_command=_word(args, "test_command"),
                test_files=tuple(str(item) for item in cast("list[object]", files)[:20])
                if isinstance(files, list)
                else (),
                no_test_reason=_word(args, "no_test_reason"),
                answers=_word(args, "answers"),
            )
    return None


def _arguments(call: ToolCall) -> Mapping[str, object] | None:
    try:
        found = read_json(call.args_json)
    except ValueError:
        return None
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else None


def _word(args: Mapping[str, object], key: str) -> str:
    value = args.get(key)
    return value.strip()[:4000] if isinstance(value, str) else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _to_be_run(finding: PolicyFinding) -> str:
    """A CI file with its version: whoever has agreed to one has not agreed to the next."""
    return f"{finding.path} (as of {finding.blob[:10]})"

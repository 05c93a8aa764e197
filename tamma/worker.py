"""The worker: the composition root, where configuration becomes adapters and adapters become activities.

`python -m tamma.worker` serves the task queues until SIGTERM. Everything it holds may be lost at any moment.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from activities.ai import AIActivities
from activities.analysis import AnalysisActivities
from activities.asking import AskingActivities
from activities.bench import BenchActivities
from activities.budgets import BudgetActivities
from activities.catching_up import CatchUpActivities
from activities.continuing import ContinuingActivities
from activities.coordination import CoordinationActivities
from activities.experiments import ExperimentActivities
from activities.grading import GradingActivities
from activities.judging import JudgingActivities
from activities.kept import WINDOW, KeptActivities
from activities.listening import ListeningActivities
from activities.monitoring import MonitoringActivities
from activities.platform import PlatformActivities
from activities.pools import PlatformPool, ProviderPool
from activities.reviews import ReviewActivities
from activities.selection import SelectionActivities
from activities.store import StoreActivities
from activities.suggesting import PatchActivities, SuggestionActivities
from activities.trials import Locate, TrialActivities, nowhere
from activities.tries import TryActivities
from activities.winners import WinnerActivities
from activities.workspace import WorkspaceActivities
from tamma import registry
from tamma.config.load import LoadedConfig, load_config
from tamma.config.platform_settings import (
    conventions_for_platform,
    ending_tokens,
    platform_accounts,
    tracking_for_platform,
)
from tamma.config.resolve import (
    database_url,
    routes,
    settings_for_platform,
    settings_for_provider,
    temporal_settings,
    tool_servers,
    worker_host,
    workspaces_dir,
)
from tamma.errors import ConfigError, TammaError
from tamma.model.conventions import Conventions
from tamma.model.conversation import Tool
from tamma.model.references import RepoRef
from tamma.model.task import AI_QUEUE, TASK_QUEUE, WORKSPACE_QUEUE, host_queue
from tamma.pools import Platforms, Providers
from tamma.providers.observed import log_call
from tamma.providers.routing.chain import Routes
from tamma.store.interface import Store
from tamma.store.postgres import PostgresStore
from tamma.telemetry.logs import configure_logging
from tamma.temporal.client import connect
from tamma.temporal.daily import ensure_kept_check
from tamma.temporal.holders import HolderRuns
from tamma.temporal.plugin import tamma_plugin
from tamma.temporal.tls import tls_of
from tamma.temporal.traffic import RepositoryTraffic
from tamma.toolservers.interface import NO_TOOL_SERVERS, ToolServers
from tamma.workspace.interface import Workspaces
from tamma.workspace.sandbox.harden import harden_process
from workflows.ab_test import ABTest
from workflows.agent_session import AgentSession
from workflows.autonomous_dev import AutonomousDev
from workflows.bench_run import BenchRun
from workflows.issue_selection import IssueSelection, SelectionTick
from workflows.kept_check import KeptCheck
from workflows.performance_analysis import PerformanceAnalysis
from workflows.trial import Trial

if TYPE_CHECKING:
    from temporalio.client import Client
    from temporalio.worker import Worker

log = structlog.get_logger(__name__)

BEAT = timedelta(seconds=1)
"""Heartbeats reach the server this often, and cancellations come back with them."""
STICKY = timedelta(seconds=3)
"""After a worker died, its workflows go to another one (or its successor) after this long."""
ORCHESTRATION_GRACE = timedelta(seconds=30)
AGENT_GRACE = timedelta(minutes=5)
"""How long work in hand may take to end when the worker is asked to stop (the specification's figures)."""


POOL = {"standalone": (1, 4), "worker": (1, 8), "orchestrator": (10, 50)}
"""Least and most database connections by mode; the specification's figures for an orchestrator."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is made of. Tests and the command line make it from different configurations."""

    store: Store
    providers: ProviderPool
    platforms: PlatformPool
    workspaces: Workspaces
    tools: tuple[Tool, ...]
    host: str
    """Names this host's workspace queue."""
    runs: int = 3
    """Workspace activities at once."""
    max_workspaces: int | None = None
    """Workspaces that this worker holds; None: as many as are asked for."""
    servers: ToolServers = NO_TOOL_SERVERS
    """Whose tools agents may use beside `tools`."""
    routes: Routes = field(default_factory=Routes)
    """Which providers answer which step."""
    model_calls: int = 20
    """Model calls at once."""
    model_rate: float | None = None
    """Model calls a second that Temporal hands out over all workers; None: as many as there are."""
    conventions: Callable[[str], Conventions] = lambda _: Conventions()
    """How pull requests and issues are to look, by the platform's id."""
    locate: Locate = nowhere
    """On which configured platform a trial's repository is."""
    revert_window: timedelta = WINDOW
    """How long after its merge a change is watched for a revert; zero: not at all."""
    recommend: bool = False
    """Whether the analysis of runs may make recommendations for agents."""
    propose: bool = False
    """Whether it may propose tests of them, of agents that allow it."""


def workers(
    client: Client, parts: Parts, *, orchestrate: bool = True, serve_agents: bool = True
) -> list[Worker]:
    """The Temporal workers of this process: one a queue.

    `orchestrate`: workflows and platform calls. `serve_agents`: model calls and workspaces.
    """
    from temporalio.worker import Worker

    ai = AIActivities(parts.providers, parts.store, parts.tools, parts.routes, servers=parts.servers)
    platform = PlatformActivities(parts.platforms, parts.store, parts.conventions)
    reviews = ReviewActivities(parts.platforms, parts.store)
    asking = AskingActivities(parts.platforms)
    monitoring = MonitoringActivities(parts.platforms, parts.store, parts.conventions)
    listening = ListeningActivities(parts.platforms, parts.conventions)
    suggestions = SuggestionActivities(parts.platforms, parts.store)
    small = StoreActivities(parts.store)
    continuing = ContinuingActivities(parts.store)
    experiments, winners = ExperimentActivities(parts.store), WinnerActivities(parts.store)
    trials = TrialActivities(parts.store, parts.providers, parts.locate)
    kept = KeptActivities(parts.platforms, parts.store, parts.revert_window)
    traffic = RepositoryTraffic(client)
    selection = SelectionActivities(parts.platforms, traffic, parts.store)
    coordination = CoordinationActivities(parts.platforms, traffic, parts.store)
    bench = BenchActivities(parts.store)
    budgets = BudgetActivities(parts.store)
    analysis = AnalysisActivities(parts.store, recommend=parts.recommend, propose=parts.propose)
    judging = JudgingActivities(ai, parts.store)
    tries = TryActivities(ai, parts.store)
    grading = GradingActivities(parts.workspaces, parts.store)
    workspace = WorkspaceActivities(
        parts.workspaces,
        parts.platforms,
        parts.store,
        ai.transcripts,
        host=parts.host,
        servers=parts.servers,
        most=parts.max_workspaces,
        runs=HolderRuns(client),
    )
    catching_up = CatchUpActivities(parts.workspaces, parts.platforms, parts.store, workspace.lock)
    patches = PatchActivities(parts.workspaces, parts.store, workspace.lock)
    made: list[Worker] = []
    if orchestrate:
        made.append(
            Worker(
                client,
                task_queue=TASK_QUEUE,
                workflows=[
                    AutonomousDev,
                    AgentSession,
                    Trial,
                    ABTest,
                    BenchRun,
                    KeptCheck,
                    PerformanceAnalysis,
                    IssueSelection,
                    SelectionTick,
                ],
                activities=[
                    platform.accept_issue,
                    platform.open_pull_request,
                    platform.await_checks,
                    platform.merge,
                    platform.close_issue,
                    platform.comment,
                    reviews.read_reviews,
                    reviews.await_review,
                    reviews.answer_review,
                    monitoring.rerun_checks,
                    monitoring.read_failures,
                    monitoring.call_people,
                    listening.await_commands,
                    asking.post_questions,
                    suggestions.find_pull_request,
                    suggestions.suggest,
                    selection.look_for_issues,
                    selection.take_issue,
                    small.record_event,
                    small.put_text,
                    small.record_run,
                    continuing.take_up,
                    coordination.await_issues,
                    coordination.await_turn,
                    coordination.find_base,
                    tries.share_transcript,
                    budgets.reserve_spending,
                    budgets.settle_spending,
                    budgets.await_room,
                    kept.look_for_reverts,
                    experiments.freeze_test,
                    experiments.read_units,
                    experiments.count_runs,
                    experiments.take_look,
                    experiments.save_result,
                    experiments.archive_test,
                    winners.apply_candidate,
                    winners.watch_canary,
                    winners.roll_back_candidate,
                    winners.assign_agent,
                    bench.read_tasks,
                    bench.save_bench,
                    analysis.analyse_agents,
                    analysis.propose_test,
                    analysis.keep_proposals,
                ],
                max_heartbeat_throttle_interval=BEAT,
                default_heartbeat_throttle_interval=BEAT,
                sticky_queue_schedule_to_start_timeout=STICKY,
                graceful_shutdown_timeout=ORCHESTRATION_GRACE,
            )
        )
    if serve_agents:
        made.append(
            Worker(
                client,
                task_queue=AI_QUEUE,
                activities=[
                    ai.call_model,
                    ai.make_plan,
                    ai.review_change,
                    trials.open_trial,
                    judging.judge_work,
                    tries.choose_try,
                    grading.grade_review,
                ],
                max_concurrent_activities=parts.model_calls,
                max_task_queue_activities_per_second=parts.model_rate,
                max_heartbeat_throttle_interval=BEAT,
                default_heartbeat_throttle_interval=BEAT,
                graceful_shutdown_timeout=AGENT_GRACE,
            )
        )
        made += [
            Worker(
                client,
                task_queue=queue,
                activities=handlers,
                max_concurrent_activities=parts.runs,
                max_heartbeat_throttle_interval=BEAT,
                default_heartbeat_throttle_interval=BEAT,
                graceful_shutdown_timeout=AGENT_GRACE,
            )
            for queue, handlers in (
                (WORKSPACE_QUEUE, [workspace.prepare_workspace]),
                (
                    host_queue(parts.host),
                    [
                        workspace.set_up_project,
                        workspace.run_tools,
                        workspace.run_command,
                        workspace.run_gate,
                        workspace.collect_diff,
                        workspace.keep_proof,
                        workspace.checkpoint,
                        workspace.publish_branch,
                        patches.make_patch,
                        catching_up.replay_change,
                        catching_up.check_replay,
                        workspace.release_workspace,
                        grading.grade_work,
                    ],
                ),
            )
        ]
    return made


async def serve(made: Sequence[Worker], stop: asyncio.Event) -> None:
    """Run the workers until `stop`, then let work in hand end. Raises what makes a worker fail."""
    async with AsyncExitStack() as stack:
        running = [asyncio.create_task(worker.run()) for worker in made]
        stopping = asyncio.create_task(stop.wait())
        stack.callback(stopping.cancel)
        await asyncio.wait([stopping, *running], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*(worker.shutdown() for worker in made))
        await asyncio.gather(*running)


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set `stop`."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


# --- from configuration --------------------------------------------------------------------------


def parts_of(loaded: LoadedConfig, store: Store, stack: AsyncExitStack) -> Parts:
    """The parts that a configuration asks for; `stack` closes what they start."""
    from tamma.workspace.local import LocalWorkspaces
    from tamma.workspace.sandbox.profile import SandboxPolicy
    from tamma.workspace.tools import TOOLS

    run, worker = loaded.config.run, loaded.config.worker
    providers = Providers(lambda name: settings_for_provider(loaded, name), hooks=[log_call])
    platforms = Platforms(
        lambda name: settings_for_platform(loaded, name), lambda name: tracking_for_platform(loaded, name)
    )
    workspaces = LocalWorkspaces(
        workspaces_dir(loaded),
        store,
        sandbox=SandboxPolicy(allow_none=run.sandbox.allow_none),
        protected=run.protected_paths,
        install_hosts=worker.install_hosts,
    )
    stack.push_async_callback(providers.close)
    stack.push_async_callback(platforms.close)
    stack.push_async_callback(workspaces.aclose)
    servers = tool_servers(loaded)
    stack.push_async_callback(servers.close)
    return Parts(
        store=store,
        providers=providers,
        platforms=platforms,
        workspaces=workspaces,
        tools=TOOLS,
        host=worker_host(loaded),
        runs=worker.max_concurrent_tasks + 1,
        max_workspaces=worker.max_workspaces,
        servers=servers,
        routes=routes(loaded),
        model_calls=worker.max_model_calls,
        model_rate=worker.model_calls_per_second,
        conventions=lambda name: conventions_for_platform(loaded, name),
        recommend=loaded.config.agents.optimization_enabled,
        propose=loaded.config.agents.optimization_enabled and loaded.config.agents.ab_testing_enabled,
        locate=locator(loaded),
        revert_window=timedelta(days=loaded.config.quality.revert_window_days),
    )


def locator(loaded: LoadedConfig) -> Locate:
    """Tells on which configured platform an address is, whose credentials then clone it."""
    from tamma.platforms.accounts import match

    known = platform_accounts(loaded)

    def locate(address: str) -> RepoRef:
        found = match(address, known)
        if found is None or found.address.kind != "repository":
            return nowhere(address)
        return RepoRef(found.account.id, found.address.owner, found.address.name)

    return locate


async def run_worker(loaded: LoadedConfig, stop: asyncio.Event) -> None:
    """Serve the queues of the configured mode until `stop`.

    Raises StackError, StoreUnavailable or ConfigError where it cannot begin.
    """
    harden_process()
    mode = loaded.config.mode
    temporal = temporal_settings(loaded)
    url = database_url(loaded)
    if temporal.address is None or url is None:
        raise ConfigError(
            "a worker needs a Temporal server and a database",
            hint="set TAMMA_TEMPORAL_ADDRESS and DATABASE_URL, or let `tamma dev` start everything",
        )
    async with AsyncExitStack() as stack:
        least, most = POOL[mode]
        store = PostgresStore(url, min_size=least, max_size=most)
        await store.open()
        stack.push_async_callback(store.close)
        parts = parts_of(loaded, store, stack)
        for platform_id, ends in ending_tokens(loaded, datetime.now(UTC)):
            log.warning("platform.token_ends", platform=platform_id, token=ends)
        client = await connect(
            temporal.address,
            temporal.namespace,
            api_key=temporal.api_key,
            tls=tls_of(temporal.tls),
            plugins=[tamma_plugin()],
            identity=f"{os.getpid()}@{parts.host}",
        )
        await _preload(loaded, parts)
        if mode != "worker" and parts.revert_window:
            await _have_reverts_looked_for(client)
        settle_memory()
        log.info("worker.started", mode=mode, host=parts.host, temporal=temporal.address)
        await serve(
            workers(client, parts, orchestrate=mode != "worker", serve_agents=mode != "orchestrator"),
            stop,
        )
        log.info("worker.stopped")


def settle_memory() -> None:
    """Keep the collector from looking through all that is loaded again at each of its full passes: it stays.

    Measured on 500 lists of pull requests at once: a fifth to a half of the time was such passes.
    """
    gc.collect()
    gc.freeze()


async def _preload(loaded: LoadedConfig, parts: Parts) -> None:
    """Load the default provider's SDK and the platforms' adapters now: a second of imports in mid-work would
    stall every workflow, and an import beside those of the workflows' sandbox can fail in the interpreter.

    What is wrong with them is for the run that needs them to say.
    """
    for account in loaded.config.platforms.available:
        try:
            await asyncio.to_thread(registry.platforms.get, account.platform_type)
        except TammaError as error:
            log.warning("platform.not_ready", platform=account.platform_id, reason=error.message)
    try:
        await parts.providers.get(loaded.config.providers.default)
    except TammaError as error:
        log.warning("provider.not_ready", provider=loaded.config.providers.default, reason=error.message)


async def _have_reverts_looked_for(client: Client) -> None:
    """No reason not to work, where the server takes no schedule: it is asked again at the next start."""
    from temporalio.service import RPCError

    try:
        await ensure_kept_check(client)
    except RPCError as error:
        log.warning("kept.no_schedule", reason=error.message)


async def main() -> int:
    """Run until SIGTERM; the exit code."""
    configure_logging(os.environ.get("TAMMA_LOG_LEVEL", "info"))
    stop = asyncio.Event()
    stop_on_signals(stop)
    try:
        await run_worker(load_config(), stop)
    except TammaError as error:
        log.error("worker.failed", reason=error.message, hint=error.hint)  # noqa: TRY400 - said in words
        return error.exit_code
    return 0


if __name__ == "__main__":
    code = asyncio.run(main())
    # The Temporal client's native threads may abort while the interpreter ends, after all work is done.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

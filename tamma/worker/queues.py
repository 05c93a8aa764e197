"""Which queue has which workflows and activities, and how each is served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

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
from activities.kept import KeptActivities
from activities.listening import ListeningActivities
from activities.monitoring import MonitoringActivities
from activities.platform import PlatformActivities
from activities.reviews import ReviewActivities
from activities.selection import SelectionActivities
from activities.store import StoreActivities
from activities.suggesting import PatchActivities, SuggestionActivities
from activities.trials import TrialActivities
from activities.tries import TryActivities
from activities.winners import WinnerActivities
from activities.workspace import WorkspaceActivities
from tamma.model.task import AI_QUEUE, TASK_QUEUE, WORKSPACE_QUEUE, host_queue
from tamma.temporal.holders import HolderRuns
from tamma.temporal.traffic import RepositoryTraffic
from tamma.worker.parts import Parts
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

Handlers = list[Callable[..., Any]]

WORKFLOWS = (
    AutonomousDev,
    AgentSession,
    Trial,
    ABTest,
    BenchRun,
    KeptCheck,
    PerformanceAnalysis,
    IssueSelection,
    SelectionTick,
)
BEAT = timedelta(seconds=1)
"""Heartbeats reach the server this often, and cancellations come back with them."""
STICKY = timedelta(seconds=3)
"""After a worker died, its workflows go to another one (or its successor) after this long."""
ORCHESTRATION_GRACE = timedelta(seconds=30)
AGENT_GRACE = timedelta(minutes=5)
"""How long work in hand may take to end when the worker is asked to stop (the specification's figures)."""


def workers(
    client: Client, parts: Parts, *, orchestrate: bool = True, serve_agents: bool = True
) -> list[Worker]:
    """The Temporal workers of this process: one a queue.

    `orchestrate`: workflows and platform calls. `serve_agents`: model calls and workspaces.
    """
    from temporalio.worker import Worker

    ai = AIActivities(parts.providers, parts.store, parts.tools, parts.routes, servers=parts.servers)
    made: list[Worker] = []
    if orchestrate:
        made.append(
            Worker(
                client,
                task_queue=TASK_QUEUE,
                workflows=WORKFLOWS,
                activities=_of_runs(client, parts, ai),
                max_heartbeat_throttle_interval=BEAT,
                default_heartbeat_throttle_interval=BEAT,
                sticky_queue_schedule_to_start_timeout=STICKY,
                graceful_shutdown_timeout=ORCHESTRATION_GRACE,
            )
        )
    if serve_agents:
        workspace = _workspaces(client, parts, ai)
        grading = GradingActivities(parts.workspaces, parts.store)
        made.append(
            Worker(
                client,
                task_queue=AI_QUEUE,
                activities=_of_models(parts, ai, grading),
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
                (host_queue(parts.host), _of_this_host(parts, workspace, grading)),
            )
        ]
    return made


def _of_runs(client: Client, parts: Parts, ai: AIActivities) -> Handlers:
    """Platform and store: short, and any worker can do them."""
    platform = PlatformActivities(parts.platforms, parts.store, parts.conventions)
    reviews = ReviewActivities(parts.platforms, parts.store)
    monitoring = MonitoringActivities(parts.platforms, parts.store, parts.conventions)
    listening = ListeningActivities(parts.platforms, parts.conventions)
    asking = AskingActivities(parts.platforms)
    suggestions = SuggestionActivities(parts.platforms, parts.store)
    traffic = RepositoryTraffic(client)
    selection = SelectionActivities(parts.platforms, traffic, parts.store)
    coordination = CoordinationActivities(parts.platforms, traffic, parts.store)
    small = StoreActivities(parts.store)
    continuing = ContinuingActivities(parts.store)
    tries = TryActivities(ai, parts.store)
    budgets = BudgetActivities(parts.store)
    kept = KeptActivities(parts.platforms, parts.store, parts.revert_window)
    experiments, winners = ExperimentActivities(parts.store), WinnerActivities(parts.store)
    bench = BenchActivities(parts.store)
    analysis = AnalysisActivities(parts.store, recommend=parts.recommend, propose=parts.propose)
    return [
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
    ]


def _of_models(parts: Parts, ai: AIActivities, grading: GradingActivities) -> Handlers:
    """What asks models: seconds to minutes each, and bounded in number."""
    trials = TrialActivities(parts.store, parts.providers, parts.locate)
    judging = JudgingActivities(ai, parts.store)
    tries = TryActivities(ai, parts.store)
    return [
        ai.call_model,
        ai.make_plan,
        ai.review_change,
        trials.open_trial,
        judging.judge_work,
        tries.choose_try,
        grading.grade_review,
    ]


def _workspaces(client: Client, parts: Parts, ai: AIActivities) -> WorkspaceActivities:
    return WorkspaceActivities(
        parts.workspaces,
        parts.platforms,
        parts.store,
        ai.transcripts,
        host=parts.host,
        servers=parts.servers,
        most=parts.max_workspaces,
        runs=HolderRuns(client),
    )


def _of_this_host(parts: Parts, workspace: WorkspaceActivities, grading: GradingActivities) -> Handlers:
    """What happens in a workspace, which is on one host."""
    catching_up = CatchUpActivities(parts.workspaces, parts.platforms, parts.store, workspace.lock)
    patches = PatchActivities(parts.workspaces, parts.store, workspace.lock)
    return [
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
    ]


async def serve(made: Sequence[Worker], stop: asyncio.Event) -> None:
    """Run the workers until `stop`, then let work in hand end. Raises what makes a worker fail."""
    async with AsyncExitStack() as stack:
        running = [asyncio.create_task(worker.run()) for worker in made]
        stopping = asyncio.create_task(stop.wait())
        stack.callback(stopping.cancel)
        await asyncio.wait([stopping, *running], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*(worker.shutdown() for worker in made))
        await asyncio.gather(*running)

"""What `tamma submit` says of the run that it starts, would start, or has found."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tamma.agents.best import shares
from tamma.cli import output
from tamma.cli.shapes import workflow_url
from tamma.cli.story import branch_of
from tamma.errors import TammaError

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.cli.reference import IssueName
    from tamma.config.load import LoadedConfig
    from tamma.model.task import AgentChoice, DevRequest
    from tamma.temporal.runs import StartedRun


def say_whether_new(request: DevRequest, *, new: bool, pushes: bool) -> None:
    """Raises TammaError where the live run pushes, and whoever hands the issue in wants nothing pushed."""
    if new:
        return
    if request.assists and pushes:
        raise TammaError(
            "this issue has a live run already, and that one pushes its change",
            hint="`tamma status` shows it; `tamma cancel` ends it, then hand the issue in again",
        )
    output.note("this issue has a live run already; this is it, with the options it was handed in with")


def show_order(name: IssueName, request: DevRequest, loaded: LoadedConfig, *, as_json: bool) -> None:
    agent, limits = request.agent, request.limits
    shape: dict[str, object] = {
        "workflowId": name.workflow_id,
        "issueReference": f"{request.repo.full_name}#{request.issue}",
        "platform": request.repo.platform_id,
        "agent": {"name": agent.name}
        if not agent.provider
        else {"provider": agent.provider, "model": agent.model},
        "workflowType": request.workflow_type,
        "approve": request.approve.value,
        "merge": request.merge,
        "budgetUsd": float(limits.budget_usd),
        "maxTurns": limits.max_turns,
        "bestOf": request.best_of,
        "bestWith": [each.name for each in request.best_with],
        "base": request.base,
        "testCommand": request.test_command,
        "temporalAddress": loaded.config.temporal.address or "embedded",
    }
    if as_json:
        output.json_document(shape)
        return
    output.data(f"would start a run for {name.label}")
    shape |= {"agent": _who(agent), "bestOf": tries_words(request), "bestWith": None}
    for key, words in shape.items():
        if words is not None:
            output.data(f"  {key:<16}{words}")


def tries_words(request: DevRequest) -> str | None:
    """What several tries may cost; None where there is one."""
    if request.best_of < 2:
        return None
    usd, turns = request.limits.budget_usd, request.limits.max_turns
    makers = "".join(f", {each.label if each.provider else each.name}" for each in request.best_with)
    also = f", made by the run's own agent{makers}" if makers else ""
    room = shares(request.best_of, usd, turns, Decimal(0)).number
    fewer = f", which is room for {max(room, 1)}" if room < request.best_of else ""
    return f"{request.best_of} tries{also}: all together within {usd:.2f} USD and {turns} model calls{fewer}"


def _who(agent: AgentChoice) -> str:
    if not agent.provider:
        return f"{agent.name} (which version is looked up when it is handed in)"
    return f"{agent.provider} {agent.model or '(its default model)'}"


def show_started(
    link: Link, started: StartedRun, name: IssueName, request: DevRequest, *, as_json: bool
) -> None:
    accepted = started.accepted
    url = workflow_url(link.ui_url, started.workflow_id, started.run_id)
    if as_json:
        output.json_document(
            {
                "taskId": accepted.task_id,
                "workflowId": started.workflow_id,
                "runId": started.run_id,
                "issueReference": f"{name.repo.full_name}#{name.issue}",
                "title": accepted.title,
                "issueUrl": accepted.url or None,
                "baseBranch": accepted.base_branch,
                "branch": accepted.branch or None,
                "new": started.new,
                "uiUrl": url,
            }
        )
        return
    output.data(f"{name.label}  {accepted.title}")
    output.data(f"  task    {accepted.task_id}")
    output.data(f"  branch  {branch_of(accepted)}")
    if started.new and (words := tries_words(request)):
        output.data(f"  best of {words}")
    if url:
        output.data(f"  web UI  {url}")
    output.note(f"hint: `tamma watch {accepted.task_id}` follows it")

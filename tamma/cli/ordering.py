"""From a submission's flags and the configuration to the order for a run. Checks nothing outside."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from tamma.cli.choosing import plain
from tamma.cli.reference import IssueName
from tamma.errors import ConfigError
from tamma.model.ids import new_task_id
from tamma.model.task import AgentChoice, ApprovePolicy, DevRequest, Limits
from tamma.model.tries import MOST

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig


@dataclass(frozen=True, slots=True)
class Wishes:
    """What `submit` was told beyond the issue; None leaves it to the configuration."""

    agent: str | None = None
    provider: str | None = None
    model: str | None = None
    approve: str | None = None
    merge: str | None = None
    budget: Decimal | None = None
    base: str | None = None
    test_command: str | None = None
    max_turns: int | None = None
    again: bool = False
    no_sandbox: bool = False
    workflow_type: str | None = None
    best_of: int | None = None
    best_with: tuple[str, ...] = ()
    """Agents or providers that make tries beside the run's own."""

    def flags(self) -> dict[str, object]:
        """The configuration's paths that these wishes set."""
        return {
            "providers.default": self.provider,
            "run.approve": self.approve,
            "run.merge": self.merge,
            "run.workflowType": self.workflow_type,
            "run.budgetUsd": str(self.budget) if self.budget is not None else None,
            "run.testCommand": self.test_command,
            "run.maxTurns": self.max_turns,
            "run.bestOf": self.best_of,
        }

    def variables(self) -> dict[str, str]:
        """The environment variables that they set: what the worker decides by."""
        return {"TAMMA_UNSAFE_NO_SANDBOX": "1"} if self.no_sandbox else {}


def order(
    name: IssueName,
    text: str | None,
    wishes: Wishes,
    loaded: LoadedConfig,
    person: str,
    agent: AgentChoice | None = None,
) -> DevRequest:
    """The request for a run of `agent`; None: of the configured provider.

    Raises ConfigError, also for wishes that exclude each other; AuthFailed where the provider has no key.
    """
    run = loaded.config.run
    assists = run.workflow_type == "manual-assist"
    if assists and (wishes.approve not in (None, "all") or wishes.merge == "auto"):
        raise ConfigError(
            "manual-assist asks at every gate and merges nothing; --approve or --merge wants it otherwise",
            hint="leave them out, or hand it in with --workflow-type autonomous-dev",
        )
    task_id = new_task_id()
    return DevRequest(
        task_id=task_id,
        repo=name.repo,
        issue=name.issue,
        agent=agent or plain(wishes, loaded),
        issue_text=text,
        base=wishes.base,
        approve=ApprovePolicy.ALL if assists else ApprovePolicy(run.approve),
        merge="never" if assists else run.merge,
        merge_method=run.merge_method,
        limits=Limits(
            budget_usd=run.budget_usd,
            max_turns=run.max_turns,
            max_hours=run.max_hours,
            checks_grace=run.checks.grace,
            poll=run.checks.poll,
            remind_after=run.remind_after,
            escalate_after=run.escalate_after,
        ),
        test_command=run.test_command,
        review=run.review,
        new_dependencies=run.new_dependencies,
        coordination=run.coordination,
        submitted_by=person,
        ask_above=run.planning.ambiguity,
        workflow_type=run.workflow_type,
        best_of=tries(wishes, run.best_of),
        best_with=tuple(AgentChoice(provider="", name=name) for name in wishes.best_with),
        # The last digits of the id are its random part: short, and as good as unique for one issue.
        suffix=f"again-{task_id[-6:]}" if wishes.again else "",
    )


def tries(wishes: Wishes, configured: int) -> int:
    """How many tries at the change there are. Raises ConfigError where not everybody who is named has one."""
    needed = 1 + len(wishes.best_with)
    if needed > (wishes.best_of or MOST):
        raise ConfigError(
            f"{needed} tries are needed for the run's own agent and {', '.join(wishes.best_with)}, "
            f"and there are {wishes.best_of or MOST}",
            hint=f"say `--best-of {needed}`" if needed <= MOST else f"at most {MOST} tries are possible",
        )
    return max(configured, needed) if wishes.best_with else configured

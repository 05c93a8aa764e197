"""What the workflow `IssueSelection` asks for."""

from __future__ import annotations

from dataclasses import dataclass

from activities.interface import Activity
from tamma.model.ids import TaskId
from tamma.model.references import RepoRef
from tamma.model.selection import IssuesSeen, SelectionRules
from tamma.model.task import AgentChoice


@dataclass(frozen=True, slots=True)
class LookForIssues:
    repo: RepoRef
    rules: SelectionRules


LOOK_FOR_ISSUES: Activity[LookForIssues, IssuesSeen] = Activity("look_for_issues", IssuesSeen)


@dataclass(frozen=True, slots=True)
class TakeIssue:
    """Make an issue ours, if it still is to be had."""

    repo: RepoRef
    rules: SelectionRules
    issue: str
    agent_name: str = ""
    """The stored agent to look up; empty: none."""


@dataclass(frozen=True, slots=True)
class IssueTaken:
    task_id: TaskId
    """Of the run that is to be begun."""
    agent: AgentChoice | None = None
    refused: str = ""
    """Why it is not to be had any more: somebody changed it since the look."""
    note: str = ""


TAKE_ISSUE: Activity[TakeIssue, IssueTaken] = Activity("take_issue", IssueTaken)

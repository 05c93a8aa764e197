"""Branch policies: what they still ask of a pull request. Pure.

Source: learn.microsoft.com/azure/devops/repos/git/branch-policies; the ids of their types are the same
everywhere.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tamma.model.repository import Check, CheckState, MergeCategory, MergeState, Obstacle
from tamma.platforms.azure.models import Answer
from tamma.platforms.azure.pullrequests import PullAnswer

BUILD = "0609b952-1397-4640-95ec-e00a01b2c241"
STATUS = "cbdc66da-9728-4af8-aada-9a5a32e4a226"
_BY_MACHINES = (BUILD, STATUS)
_STATES = {
    "approved": CheckState.SUCCESS,
    "rejected": CheckState.FAILURE,
    "broken": CheckState.FAILURE,
    "queued": CheckState.PENDING,
    "running": CheckState.PENDING,
}


class _Type(Answer):
    id: str = ""
    display_name: str = ""


class _Configuration(Answer):
    is_blocking: bool = False
    is_enabled: bool = True
    is_deleted: bool = False
    type: _Type = Field(default_factory=_Type)
    settings: dict[str, Any] = Field(default_factory=dict[str, Any])


class EvaluationAnswer(Answer):
    """What a policy says of a pull request."""

    status: str = ""
    configuration: _Configuration = Field(default_factory=_Configuration)
    context: dict[str, Any] = Field(default_factory=dict[str, Any])

    @property
    def counts(self) -> bool:
        rule = self.configuration
        return rule.is_blocking and rule.is_enabled and not rule.is_deleted and self.status in _STATES

    @property
    def state(self) -> CheckState:
        return _STATES.get(self.status, CheckState.SUCCESS)

    @property
    def by_machines(self) -> bool:
        """A build or a status: it comes by itself. Others wait for people."""
        return self.configuration.type.id.lower() in _BY_MACHINES

    @property
    def waits_for_somebody(self) -> bool:
        """A build that nobody but a person starts."""
        manual = self.configuration.settings.get("manualQueueOnly") is True
        return manual and self.status == "queued"

    @property
    def build_id(self) -> str:
        return str(self.context.get("buildId") or "")

    @property
    def name(self) -> str:
        settings = self.configuration.settings
        genre, status = settings.get("statusGenre"), settings.get("statusName")
        if status:
            return f"{genre}/{status}" if genre else str(status)
        named = settings.get("displayName") or self.context.get("buildDefinitionName")
        return str(named or self.configuration.type.display_name)

    def check(self) -> Check:
        return Check(self.name, self.state, "", f"policy: {self.status}")


def merge_state(pull: PullAnswer, policies: list[EvaluationAnswer]) -> MergeState:
    """What stands between a pull request and its merge."""
    native = pull.merge_status or pull.status
    if pull.state == "merged":
        return MergeState(MergeCategory.TERMINAL, "it is merged already", pull.status)
    if pull.state == "closed":
        return MergeState(MergeCategory.TERMINAL, "it was abandoned", pull.status)
    if pull.computing:
        return MergeState(MergeCategory.IN_PROGRESS, "Azure DevOps still computes the merge", native)
    if pull.merge_status == "conflicts":
        reason = "it conflicts with the base branch"
        return MergeState(MergeCategory.RECOVERABLE, reason, native, Obstacle.CONFLICT)
    if pull.merge_status == "failure":
        reason = pull.merge_failure_message or "Azure DevOps could not compute the merge"
        return MergeState(MergeCategory.RECOVERABLE, reason, native)
    if pull.is_draft:
        return MergeState(MergeCategory.RECOVERABLE, "it is a draft", native)
    return _by_policies(policies, pull.merge_status)


def _by_policies(policies: list[EvaluationAnswer], native: str) -> MergeState:
    open_ones = [rule for rule in policies if rule.counts and rule.state is not CheckState.SUCCESS]
    red = [rule for rule in open_ones if rule.state is CheckState.FAILURE]
    people = [rule for rule in open_ones if not rule.by_machines or rule.waits_for_somebody]
    for found, words in ((red, "does not hold"), (people, "waits for somebody")):
        if found:
            names = ", ".join(rule.name for rule in found)
            return MergeState(MergeCategory.RECOVERABLE, f"a branch policy {words}: {names}", found[0].status)
    if open_ones:
        names = ", ".join(rule.name for rule in open_ones)
        return MergeState(MergeCategory.IN_PROGRESS, f"checks run: {names}", open_ones[0].status)
    if native == "rejectedByPolicy" and not policies:
        return MergeState(MergeCategory.RECOVERABLE, "a branch policy does not hold", native)
    return MergeState(MergeCategory.READY, "nothing stands in the way", native)


def policy_checks(policies: list[EvaluationAnswer], names: set[str], builds: set[str]) -> list[Check]:
    """Builds and statuses that a branch asks for and that report nothing themselves (yet).

    Policies about reviewers, comments and work items wait for people: they are no checks.
    """
    found: dict[str, Check] = {}
    for rule in policies:
        known = rule.name in names or rule.build_id in builds
        if rule.counts and rule.by_machines and not known:
            found[rule.name] = rule.check()
    return list(found.values())

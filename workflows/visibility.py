"""What the Web UI and `tamma list` search by."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import SearchAttributeKey

TASK = SearchAttributeKey.for_keyword("TammaTask")
REPO = SearchAttributeKey.for_keyword("TammaRepo")
ISSUE = SearchAttributeKey.for_keyword("TammaIssue")
AGENT = SearchAttributeKey.for_keyword("TammaAgent")
PHASE = SearchAttributeKey.for_keyword("TammaPhase")
OUTCOME = SearchAttributeKey.for_keyword("TammaOutcome")
PULL_REQUEST = SearchAttributeKey.for_keyword("TammaPullRequest")
EXPERIMENT = SearchAttributeKey.for_keyword("TammaExperiment")


def mark(key: SearchAttributeKey[str], value: str) -> None:
    """Set one search attribute of this workflow."""
    workflow.upsert_search_attributes([key.value_set(value)])  # pyright: ignore[reportUnknownMemberType] - the SDK leaves a type argument open

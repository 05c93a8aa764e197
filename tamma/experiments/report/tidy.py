"""A report's trials as CSV: one row a trial, one column a variable."""

from __future__ import annotations

import csv
import io

from tamma.experiments.report.model import Report
from tamma.model.experiment import Arm, Outcome

COLUMNS = (
    "testId", "unit", "arm", "agent", "replicate", "runId", "repository", "taskType", "stratum", "success",
    "quality", "costUsd", "durationMs", "errorType", "tokens", "inputTokens", "cacheReadTokens",
    "contextEfficiency", "truncations", "servedModels", "configHash", "endedAt",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(report: Report) -> str:
    """RFC 4180 with a header. A missing value is empty; success is 1 or 0."""
    agents = {arm.arm: arm.agent for arm in report.arms}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(report.test_id, agents, trial) for trial in report.trials)
    return out.getvalue()


def _row(test_id: str, agents: dict[Arm, str], trial: Outcome) -> list[str | int | float | None]:
    return [
        _text(test_id),
        _text(trial.unit),
        trial.arm.value,
        _text(agents.get(trial.arm, "")),
        trial.replicate,
        _text(trial.run_id),
        _text(trial.repo),
        trial.task_type.value,
        _text(trial.stratum),
        int(trial.success),
        trial.quality,
        trial.cost_usd,
        trial.duration_ms,
        _text(trial.error_type),
        trial.tokens,
        trial.input_tokens,
        trial.cache_read_tokens,
        trial.context_efficiency,
        trial.truncations,
        _text(" ".join(trial.served_models)),
        trial.config_hash,
        trial.ended_at.isoformat() if trial.ended_at else "",
    ]


def _text(value: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(_FORMULA) else value

"""Runs as rows: what both stores check, and how PostgreSQL's rows are made and read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import TypeAdapter

from tamma.errors import StoreError
from tamma.model.agent import AgentId, AgentPin, ConfigHash, TaskType
from tamma.model.foreign import mend_text
from tamma.model.ids import TaskId
from tamma.model.metrics import (
    Cell,
    ContextUse,
    MergedChange,
    QualityPart,
    RunKind,
    RunMetrics,
    StepMetrics,
)
from tamma.store.codec import check_key
from tamma.store.database import Row

LONGEST_DETAIL = 2000
"""Characters of what a person says of a rating."""


def check_run(run: RunMetrics) -> None:
    """Raises StoreError for figures that no run can have."""
    check_key("the run id", run.run_id)
    if run.ended_at < run.started_at:
        raise StoreError(f"run {run.run_id!r} ended at {run.ended_at} before it began at {run.started_at}")
    if run.quality is not None and not 0 <= run.quality <= 100:
        raise StoreError(f"the quality of run {run.run_id!r} is {run.quality!r}, not between 0 and 100")
    numbers = [step.number for step in run.steps]
    if numbers != list(range(1, len(numbers) + 1)):
        raise StoreError(f"the steps of run {run.run_id!r} do not count up from 1: {numbers}")


def check_rating(score: float, by: str) -> None:
    """Raises StoreError for a rating that nobody can have given."""
    if not 0 <= score <= 100:
        raise StoreError(f"a rating of {score!r} is not between 0 and 100")
    if not by.strip():
        raise StoreError("a rating needs the name of whoever gives it")


def not_measured(task_id: str) -> StoreError:
    return StoreError(
        f"nothing was measured of task {task_id!r}",
        hint="a run is measured when it ends: `tamma status TASK` says how far it is",
    )


def kept(run: RunMetrics) -> RunMetrics:
    """The run as it is kept: all times in UTC, all texts such that PostgreSQL can hold them."""
    return replace(
        run,
        started_at=run.started_at.astimezone(UTC),
        ended_at=run.ended_at.astimezone(UTC),
        provider=_text(run.provider),
        model=_text(run.model),
        served_models=tuple(map(_text, run.served_models)),
        repo=_text(run.repo),
        issue=_text(run.issue),
        error_type=_text(run.error_type),
        quality_parts=tuple(clean_part(part) for part in run.quality_parts),
        steps=tuple(_clean_step(step) for step in run.steps),
        merged=None if run.merged is None else _clean_merged(run.merged),
    )


def clean_part(part: QualityPart) -> QualityPart:
    """The part with texts that can be stored."""
    return replace(part, grader=_text(part.grader), detail=_text(part.detail)[:LONGEST_DETAIL])


def _clean_step(step: StepMetrics) -> StepMetrics:
    return replace(
        step,
        provider=_text(step.provider),
        model=_text(step.model),
        error_type=_text(step.error_type),
        started_at=step.started_at.astimezone(UTC),
    )


def _clean_merged(merged: MergedChange) -> MergedChange:
    repo = replace(merged.repo, owner=_text(merged.repo.owner), name=_text(merged.repo.name))
    return replace(merged, repo=repo, branch=_text(merged.branch), at=merged.at.astimezone(UTC))


def _text(value: str) -> str:
    return mend_text(value).replace("\x00", "\ufffd")


# --- to PostgreSQL -------------------------------------------------------------------------------


def run_json(run: RunMetrics) -> str:
    """The row of `run_metrics` as the JSON that `record_run` takes."""
    agent, cell = run.agent, run.cell
    row: dict[str, object] = {
        "run_id": run.run_id,
        "task_id": run.task_id,
        "kind": run.kind.value,
        "provider": run.provider,
        "model": run.model,
        "served_models": run.served_models,
        "repo": run.repo,
        "issue": run.issue,
        "task_type": run.task_type.value,
        "ended_at": run.ended_at.isoformat(),
        "waiting_ms": run.waiting_ms,
        "quality": run.quality,
        "quality_parts": json.loads(parts_to_json(run.quality_parts)),
        **_common(run),
    }
    if agent is not None:
        row |= {
            "agent_id": agent.agent_id,
            "agent": agent.name,
            "agent_version": agent.version,
            "agent_config": agent.hash,
        }
    if cell is not None:
        row |= {"test": cell.test, "arm": cell.arm, "unit": cell.unit, "replicate": cell.replicate}
    if run.merged is not None:
        row |= {
            "merged": json.loads(_merged().dump_json(run.merged)),
            "unsettled_since": run.merged.at.isoformat(),
        }
    return json.dumps(row)


def steps_json(run: RunMetrics) -> str:
    """The rows of `step_metrics`."""
    return json.dumps(
        [
            {
                "run_id": run.run_id,
                "number": step.number,
                "step": step.step,
                "provider": step.provider,
                "model": step.model,
                **_common(step),
            }
            for step in run.steps
        ]
    )


def _common(measured: RunMetrics | StepMetrics) -> dict[str, object]:
    use = measured.context
    return {
        "started_at": measured.started_at.isoformat(),
        "duration_ms": measured.duration_ms,
        "turns": measured.turns,
        "input_tokens": measured.input_tokens,
        "output_tokens": measured.output_tokens,
        "cache_read_tokens": measured.cache_read_tokens,
        "cost_usd": str(measured.cost_usd),  # JSON's numbers would pass through floats on their way
        "unpriced_calls": measured.unpriced_calls,
        "success": measured.success,
        "error_type": measured.error_type,
        "context_window": use.window,
        "context_peak": use.peak,
        "truncations": use.truncations,
        "overflows": use.overflows,
    }


@cache
def _parts() -> TypeAdapter[tuple[QualityPart, ...]]:
    from pydantic import TypeAdapter

    return TypeAdapter(tuple[QualityPart, ...])


@cache
def _merged() -> TypeAdapter[MergedChange]:
    from pydantic import TypeAdapter

    return TypeAdapter(MergedChange)


def parts_to_json(parts: tuple[QualityPart, ...]) -> str:
    return _parts().dump_json(parts).decode()


def parts_from_json(text: str) -> tuple[QualityPart, ...]:
    return _parts().validate_json(text)


# --- from PostgreSQL -----------------------------------------------------------------------------


def run_of(row: Row, steps: tuple[StepMetrics, ...] = ()) -> RunMetrics:
    """The run in a row."""
    return RunMetrics(
        run_id=row["run_id"],
        task_id=TaskId(row["task_id"]),
        kind=RunKind(row["kind"]),
        agent=_pin(row),
        provider=row["provider"],
        model=row["model"],
        served_models=tuple(row["served_models"]),
        repo=row["repo"],
        issue=row["issue"],
        task_type=TaskType(row["task_type"]),
        started_at=_utc(row["started_at"]),
        ended_at=_utc(row["ended_at"]),
        duration_ms=row["duration_ms"],
        waiting_ms=row["waiting_ms"],
        turns=row["turns"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cache_read_tokens=row["cache_read_tokens"],
        cost_usd=row["cost_usd"],
        unpriced_calls=row["unpriced_calls"],
        success=row["success"],
        error_type=row["error_type"],
        quality=row["quality"],
        quality_parts=parts_from_json(row["quality_parts"]),
        context=_context(row),
        steps=steps,
        cell=_cell(row),
        merged=None if row["merged"] is None else _clean_merged(_merged().validate_json(row["merged"])),
    )


def step_of(row: Row) -> StepMetrics:
    """The step in a row."""
    return StepMetrics(
        number=row["number"],
        step=row["step"],
        provider=row["provider"],
        model=row["model"],
        started_at=_utc(row["started_at"]),
        duration_ms=row["duration_ms"],
        turns=row["turns"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cache_read_tokens=row["cache_read_tokens"],
        cost_usd=row["cost_usd"],
        unpriced_calls=row["unpriced_calls"],
        success=row["success"],
        error_type=row["error_type"],
        context=_context(row),
    )


def _pin(row: Row) -> AgentPin | None:
    if row["agent_id"] is None:
        return None
    return AgentPin(
        AgentId(row["agent_id"]), row["agent"], row["agent_version"], ConfigHash(row["agent_config"])
    )


def _cell(row: Row) -> Cell | None:
    if row["test"] is None:
        return None
    return Cell(row["test"], row["arm"], row["unit"], row["replicate"])


def _context(row: Mapping[str, int]) -> ContextUse:
    return ContextUse(row["context_window"], row["context_peak"], row["truncations"], row["overflows"])


def _utc(when: datetime) -> datetime:
    return when.astimezone(UTC)

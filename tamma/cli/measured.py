"""What was measured of a run, in words and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tamma.cli.story import duration
from tamma.model.metrics import ContextUse, QualityPart, RunMetrics, StepMetrics

Json = dict[str, object]


def words(run: RunMetrics) -> str:
    """`4m 02s of work, 1m 10s of waiting · quality 88 of 100`."""
    told = f"{duration(run.duration_ms / 1000)} of work"
    if run.waiting_ms >= 1000:
        told += f", {duration(run.waiting_ms / 1000)} of waiting"
    if run.quality is not None:
        told += f" · quality {run.quality:.0f} of 100"
    return f"{told} · ended by: {run.error_type}" if run.error_type else told


def parts(run: RunMetrics) -> list[str]:
    """The quality, grader by grader."""
    return [
        f"{part.grader}: {part.score:.0f} (weight {part.weight:.2g})"
        + (f", {part.detail}" if part.detail else "")
        for part in run.quality_parts
    ]


def document(run: RunMetrics) -> Json:
    """The whole: camelCase, stable, additions only. Durations in milliseconds."""
    return {
        "kind": run.kind.value,
        "agent": _agent(run),
        "provider": run.provider,
        "model": run.model or None,
        "servedModels": list(run.served_models),
        "taskType": run.task_type.value,
        "success": run.success,
        "errorType": run.error_type or None,
        "startedAt": run.started_at.isoformat(),
        "endedAt": run.ended_at.isoformat(),
        "waitingMs": run.waiting_ms,
        "quality": run.quality,
        "qualityParts": [_part(part) for part in run.quality_parts],
        **_figures(run),
        "steps": [
            {
                "number": step.number,
                "step": step.step,
                "provider": step.provider or None,
                "model": step.model or None,
                "success": step.success,
                "errorType": step.error_type or None,
                "startedAt": step.started_at.isoformat(),
                **_figures(step),
            }
            for step in run.steps
        ],
    }


def _figures(measured: RunMetrics | StepMetrics) -> Json:
    return {
        "durationMs": measured.duration_ms,
        "turns": measured.turns,
        "tokens": {
            "input": measured.input_tokens,
            "output": measured.output_tokens,
            "cacheRead": measured.cache_read_tokens,
        },
        "costUsd": round(float(measured.cost_usd), 6),
        "unpricedCalls": measured.unpriced_calls,
        "context": _context(measured.context),
    }


def _context(use: ContextUse) -> Mapping[str, object]:
    return {
        "window": use.window or None,
        "peak": use.peak,
        "efficiency": use.efficiency,
        "truncations": use.truncations,
        "overflows": use.overflows,
    }


def _part(part: QualityPart) -> Mapping[str, object]:
    return {
        "grader": part.grader,
        "score": part.score,
        "weight": part.weight,
        "detail": part.detail or None,
    }


def _agent(run: RunMetrics) -> Mapping[str, object] | None:
    if run.agent is None:
        return None
    return {
        "id": run.agent.agent_id,
        "name": run.agent.name,
        "version": run.agent.version,
        "hash": run.agent.hash,
    }

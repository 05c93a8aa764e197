"""A trajectory as JSON, in Tamma's own form: described in docs/trajectories.md, additions only. Pure."""

from __future__ import annotations

from tamma import __version__
from tamma.cli import measured, trajectory, tries
from tamma.cli.inspecting.steps import Change, Stage, Step, Trajectory, totals
from tamma.cli.shapes import Json, number

FORMAT = "tamma-trajectory-1"
"""Changes its number only where something that was there means something else, or is gone."""


def document(told: Trajectory) -> Json:
    """Everything, nothing cut. Steps refer to the transcripts, so that no text stands twice."""
    about = told.subject
    return {
        "format": FORMAT,
        "tammaVersion": __version__,
        "taskId": about.task_id,
        "run": {
            "name": about.name or None,
            "title": about.title or None,
            "status": about.status or None,
            "agent": about.agent or None,
        },
        "continues": {"taskId": told.inherited.task_id, "step": told.inherited.step or None}
        if told.inherited
        else None,
        "totals": _totals(told.steps[told.inherited_steps :]),
        "stages": [_stage(stage) for stage in told.stages],
        "change": _change(told.change),
        "tries": [{**tries.row(each.outcome), "patch": each.patch} for each in told.tries],
        "sessions": [trajectory.session_json(session) for session in told.sessions],
        "metrics": measured.document(told.run) if told.run else None,
    }


def _stage(stage: Stage) -> Json:
    return {
        "name": stage.name,
        "inherited": stage.inherited,
        "measured": stage.measured.number if stage.measured else None,
        "totals": _totals(stage.steps),
        "steps": [step_json(step) for step in stage.steps],
    }


def step_json(step: Step) -> Json:
    """One step. The texts are in the session's entries at `given`, `answer` and `results`."""
    answer = step.answer
    return {
        "number": step.number,
        "sessionId": step.session_id,
        "given": [entry.seq for entry in step.given],
        "answer": answer.seq,
        "results": step.results.seq if step.results else None,
        "does": trajectory.brief(answer),
        "at": answer.recorded_at.isoformat() if answer.recorded_at else None,
        "provider": answer.provider,
        "model": answer.model,
        "tokens": {
            "input": answer.input_tokens,
            "output": answer.output_tokens,
            "cacheRead": answer.cache_read_tokens,
        },
        "costUsd": None if answer.cost_usd is None else number(answer.cost_usd),
        "modelMs": answer.duration_ms,
        "toolsMs": step.tools_ms,
        "change": _change(step.change),
    }


def one(step: Step) -> Json:
    """One step with its texts."""
    entries = (*step.given, step.answer, *((step.results,) if step.results else ()))
    return {**step_json(step), "entries": [trajectory.entry_json(entry) for entry in entries]}


def _totals(steps: tuple[Step, ...]) -> Json:
    total = totals(steps)
    return {
        "steps": total.steps,
        "tokens": {
            "input": total.input_tokens,
            "output": total.output_tokens,
            "cacheRead": total.cache_read_tokens,
        },
        "costUsd": number(total.cost_usd),
        "unpricedSteps": total.unpriced,
        "durationMs": total.milliseconds,
    }


def _change(change: Change | None) -> Json | None:
    if change is None:
        return None
    return {
        "files": list(change.ref.files),
        "filesTotal": change.ref.files_total,
        "added": change.ref.added,
        "removed": change.ref.removed,
        "patch": change.patch,
    }

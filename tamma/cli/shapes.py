"""The public JSON of a run: camelCase, stable, additions only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote

from tamma.cli import measured, story, tries
from tamma.cli.story import Frame
from tamma.model.suggestion import PatchRef
from tamma.model.task import GateOutcome, Spend, TaskView, TestRun

if TYPE_CHECKING:
    from tamma.model.session import SessionProgress
    from tamma.temporal.run_index import RunRecord

Json = dict[str, object]


def task_json(
    record: RunRecord, view: TaskView | None, ui_url: str | None, progress: SessionProgress | None = None
) -> Json:
    """A run. Without a `view` (no worker answers) only what the index knows is there.

    `progress` is that of the session that is going on: its spending is not in the view yet.
    """
    shape: Json = {
        "taskId": record.task_id,
        "workflowId": record.workflow_id,
        "runId": record.run_id,
        "workflowType": record.workflow_type,
        "issueReference": f"{record.repo}#{record.issue}",
        "title": record.title,
        "issueUrl": record.issue_url or None,
        "status": record.status.value,
        "phase": record.phase.value,
        "agent": record.agent or None,
        "branch": None,
        "baseBranch": None,
        "pullRequest": {"number": None, "url": record.pull_request} if record.pull_request else None,
        "mergeSha": None,
        "costUsd": None,
        "waitingFor": None,
        "continues": None,
        "metrics": None,
        "startedAt": _moment(record.started_at),
        "closedAt": _moment(record.closed_at),
        "uiUrl": workflow_url(ui_url, record.workflow_id, record.run_id),
        "live": view is not None,
    }
    return shape | _view_json(view, Frame(view, progress).spend) if view else shape


def _view_json(view: TaskView, spend: Spend) -> Json:
    waiting = view.waiting_for
    return {
        "title": view.title,
        "issueUrl": view.issue_url or None,
        "status": view.status.value,
        "phase": view.phase.value,
        "agent": story.agent(view) or None,
        "branch": view.branch or None,
        "baseBranch": view.base_branch or None,
        "pullRequest": {"number": view.pull_request, "url": view.pull_request_url}
        if view.pull_request
        else None,
        "mergeSha": view.merge_sha or None,
        **spend_json(spend),
        "budgetUsd": number(view.limits.budget_usd),
        "maxTurns": view.limits.max_turns,
        "maxHours": view.limits.max_hours,
        "waitingFor": {
            "gate": waiting.gate.value,
            "reason": waiting.reason,
            "hint": waiting.hint,
            "person": waiting.person,
        }
        if waiting
        else None,
        "continues": {
            "taskId": view.continues.task_id,
            "step": view.continues.step or None,
            "costUsd": number(view.spent_before.cost_usd),
        }
        if view.continues
        else None,
        "plan": view.plan or None,
        "questions": [
            {
                "id": each.id,
                "question": each.text,
                "why": each.why or None,
                "suggestions": list(each.suggestions),
                "default": each.default or None,
            }
            for each in view.questions
        ],
        "options": [
            {
                "name": each.name,
                "what": each.what or None,
                "for": list(each.pros),
                "against": list(each.cons),
                "recommended": each.recommended,
            }
            for each in view.options
        ],
        "decided": [
            {"question": each.question, "answer": each.answer, "by": each.by or None} for each in view.decided
        ],
        "tries": [tries.row(each) for each in view.tries],
        "sandbox": view.sandbox_tier or None,
        "redTest": _test_json(view.red_test),
        "tests": _test_json(view.tests),
        "gates": [_gate_json(gate) for gate in view.gates],
        "diff": {
            "files": list(view.diff.files),
            "filesTotal": view.diff.files_total,
            "added": view.diff.added,
            "removed": view.diff.removed,
            "blob": view.diff.blob,
            "dependencies": list(view.diff.dependencies),
        }
        if view.diff
        else None,
        "patch": _patch_json(view.patch) if view.patch else None,
        "suggested": view.suggested,
        "summary": view.summary or None,
        "notes": list(view.notes),
        "metrics": measured.document(view.measured) if view.measured else None,
    }


def patch_document(task: str, patch: PatchRef, content: bytes, *, suggested: bool) -> Json:
    """What `tamma patch --json` says. `patch` is None where JSON cannot hold its bytes as text."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = None
    return {"taskId": task, "suggested": suggested, **_patch_json(patch), "patch": text}


def _patch_json(patch: PatchRef) -> Json:
    """Of a run that pushes nothing: what `tamma patch` writes."""
    return {
        "stage": patch.stage.value,
        "blob": patch.blob,
        "baseSha": patch.base_sha,
        "bytes": patch.size,
        "files": list(patch.files),
        "filesTotal": patch.files_total,
        "added": patch.added,
        "removed": patch.removed,
    }


def _gate_json(gate: GateOutcome) -> Json:
    """`note`: why it does not block though it is red, or was not run."""
    shape = _test_json(gate.run) or {}
    return {"name": gate.name, **shape, "blocks": gate.blocks, "note": gate.words or None}


def spend_json(spend: Spend) -> Json:
    """Money and tokens. `costUsd` is a lower bound where `unpricedCalls` is not 0."""
    return {
        "costUsd": number(spend.cost_usd),
        "unpricedCalls": spend.unpriced_calls,
        "turns": spend.turns,
        "tokens": {
            "input": spend.input_tokens,
            "output": spend.output_tokens,
            "cacheRead": spend.cache_read_tokens,
        },
    }


def progress_json(progress: SessionProgress) -> Json:
    return {
        "sessionId": progress.session_id,
        "stage": progress.stage.value,
        "doing": progress.doing or None,
        "last": list(progress.last),
        **spend_json(progress.spend),
    }


def workflow_url(ui_url: str | None, workflow: str, run_id: str, namespace: str = "default") -> str | None:
    """Where the Web UI shows a run; None where there is no Web UI that we know of."""
    if not ui_url:
        return None
    return f"{ui_url.rstrip('/')}/namespaces/{namespace}/workflows/{quote(workflow, safe='')}/{run_id}"


def number(amount: Decimal) -> float:
    """Dollars as a JSON number, to the millionth."""
    return round(float(amount), 6)


def _test_json(test: TestRun | None) -> Mapping[str, object] | None:
    if test is None:
        return None
    return {
        "command": test.command,
        "exitCode": test.exit_code,
        "seconds": round(test.seconds, 3),
        "timedOut": test.timed_out,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None

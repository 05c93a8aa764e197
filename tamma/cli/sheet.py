"""A run on a sheet: what `status` prints. Pure."""

from __future__ import annotations

from tamma.cli import measured, story, tries
from tamma.cli.story import Frame, Mark
from tamma.model.planning import Decided
from tamma.model.task import Phase, TaskStatus

_SIGNS = {Mark.DONE: "x", Mark.NOW: ">", Mark.WAITING: "!", Mark.FAILED: "-", Mark.TODO: " "}


def lines(frame: Frame) -> list[str]:
    """The whole sheet, most important first."""
    view = frame.view
    told = [f"{story.label(view)}  {view.title}".rstrip(), ""]
    told += [f"  {name:<13}{value}" for name, value in facts(frame) if value]
    told.append("")
    for step in story.steps(frame):
        told.append(f"  [{_SIGNS[step.mark]}] {step.label:<14} {step.detail}".rstrip())
    if view.waiting_for and not frame.final:
        who = "waiting for you" if view.waiting_for.person else "waiting"
        told += ["", f"  {who} ({view.waiting_for.gate}): {view.waiting_for.reason}"]
        told += [f"  hint: {story.hint(view, view.waiting_for)}"]
        told += [f"    {line}" for line in story.choices(view)]
    if view.decided:
        told += ["", "  Decided", *(f"    {line}" for each in view.decided for line in _decided(each))]
    if view.tries:
        told += ["", "  Tries at the change", *(f"    {line}" for line in tries.lines(view.tries))]
    if view.notes:
        told += ["", *(f"  note: {note}" for note in view.notes)]
    if view.plan and not frame.final:
        told += ["", "  Plan", *(f"    {line}".rstrip() for line in view.plan.splitlines())]
    if view.summary:
        told += ["", "  Summary", *(f"    {line}".rstrip() for line in view.summary.splitlines())]
    if view.status in (TaskStatus.FAILED, TaskStatus.CANCELLED) and view.phase is not Phase.ACCEPT:
        told += ["", f"  hint: `tamma retry {view.task_id}` goes on from there"]
    return told


def _decided(each: Decided) -> list[str]:
    by = each.by or "the plan's default"
    return f"{each.question} {each.answer} ({by})".splitlines()


def facts(frame: Frame) -> tuple[tuple[str, str], ...]:
    """Name and value, empty where there is none yet."""
    view = frame.view
    return (
        ("task", view.task_id),
        ("status", f"{view.status.value} ({'suggested' if view.suggested else view.phase.value})"),
        ("issue", view.issue_url),
        ("agent", story.agent_whole(view)),
        ("branch", f"{view.branch} on {view.base_branch}" if view.branch else ""),
        ("pushes", "nothing: manual-assist" if story.suggests(view) else ""),
        ("patch", story.suggestion(view)),
        ("pull request", view.pull_request_url),
        ("merged", f"{view.merge_sha} into {view.base_branch}" if view.merge_sha else ""),
        ("change", story.change(view)),
        ("spent", story.figures(frame)),
        ("goes on", story.whence(view)),
        ("measured", measured.words(view.measured) if view.measured else ""),
        ("sandbox", view.sandbox_tier),
        ("web UI", frame.ui_url),
    )

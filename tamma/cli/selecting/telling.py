"""What `tamma select` shows of passes and schedules: lines for people, objects for programs. Pure but for
its output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tamma.cli import output
from tamma.cli.selecting.options import length

if TYPE_CHECKING:
    from tamma.model.selection import SelectionRules, SelectionView
    from tamma.temporal.selection import LastPass, Selecting


def tell_pass(view: SelectionView) -> None:
    """What a pass took, or would take, and why it left the others."""
    for each in view.would_take:
        output.data(f"would take #{each.number}\t{each.title}")
    for taken in view.taken:
        output.data(f"took #{taken.number}\t{taken.title}\ttask {taken.task_id}")
    for left in view.left:
        output.data(f"left #{left.number}\t{left.title}\t{left.reason}")
    if view.uncounted:
        output.data(f"left {view.uncounted} more")
    if not (view.would_take or view.taken or view.left):
        output.note("no open issue fits the rules")
    for note in view.notes:
        output.note(f"note: {note}")


def tell_selecting(found: Selecting) -> None:
    """One repository, with its last pass."""
    for line in _schedule_lines(found):
        output.data(line)
    last = found.last
    if last is None:
        return
    ended = f"ended {last.ended_at:%H:%M:%S}" if last.ended_at else "is under way"
    output.data(f"the pass of {last.began_at:%Y-%m-%d %H:%M:%S} UTC {ended}")
    if last.problem:
        output.data(f"  problem  {last.problem}")
    if last.view is not None:
        if last.view.waiting:
            output.data(f"  waits for  {last.view.waiting}")
        tell_pass(last.view)


def _schedule_lines(found: Selecting) -> Iterator[str]:
    name = found.repo.full_name
    if found.request is None or found.every is None:
        yield f"{name}: nothing is scheduled; `tamma select start` does that"
        return
    yield f"{name}: every {length(found.every.total_seconds())}" + (" (paused)" if found.paused else "")
    if found.next is not None:
        yield f"  next   {found.next:%Y-%m-%d %H:%M} UTC"
    yield f"  rules  {rule_words(found.request.rules)}"
    yield f"  agent  {found.request.agent_name or found.request.order.agent.label}"


def rule_words(rules: SelectionRules) -> str:
    """The rules on one line."""
    words = ["with " + ", ".join(rules.labels) if rules.labels else "any issue"]
    if rules.exclude_labels:
        words.append("without " + ", ".join(rules.exclude_labels))
    words.append(f"{rules.concurrency} at once")
    if rules.cool_down:
        words.append(f"cool-down {length(rules.cool_down)}")
    words.append(f"at most {rules.most} a look, {rules.most_a_day} a day")
    words.append(f"failed ones again after {length(rules.retry_after)}, {rules.attempts} times in all")
    return "; ".join(words)


def tell_all(found: tuple[Selecting, ...]) -> None:
    """A line a repository."""
    rows = [
        (
            each.repo.full_name,
            each.repo.platform_id,
            length(each.every.total_seconds()) if each.every else "",
            f"{each.next:%Y-%m-%d %H:%M}" if each.next else "paused" if each.paused else "",
            rule_words(each.request.rules) if each.request else "",
        )
        for each in found
    ]
    output.table(("REPOSITORY", "PLATFORM", "EVERY", "NEXT", "RULES"), rows)


def selecting_json(found: Selecting) -> dict[str, Any]:
    """One repository as an object."""
    from tamma.analysis.wire import plain

    request = found.request
    order = request.order if request else None
    return {
        "repository": found.repo.full_name,
        "platform": found.repo.platform_id,
        "scheduled": request is not None,
        "everySeconds": found.every.total_seconds() if found.every else None,
        "next": found.next.isoformat() if found.next else None,
        "paused": found.paused,
        "rules": plain(request.rules) if request else None,
        "agent": (request.agent_name or request.order.agent.label) if request else None,
        "approve": order.approve.value if order else None,
        "merge": order.merge if order else None,
        "budgetUsd": float(order.limits.budget_usd) if order else None,
        "lastPass": _last_json(found.last) if found.last else None,
    }


def _last_json(last: LastPass) -> dict[str, Any]:
    return {
        "began": last.began_at.isoformat(),
        "ended": last.ended_at.isoformat() if last.ended_at else None,
        "problem": last.problem or None,
        "pass": pass_json(last.view) if last.view else None,
    }


def pass_json(view: SelectionView) -> dict[str, Any]:
    """A pass as an object."""
    return {
        "repository": view.repo.full_name,
        "dryRun": view.dry_run,
        "wouldTake": [{"issue": each.number, "title": each.title} for each in view.would_take],
        "taken": [
            {
                "issue": each.number,
                "title": each.title,
                "taskId": each.task_id,
                "workflowId": each.workflow_id,
            }
            for each in view.taken
        ],
        "left": [{"issue": each.number, "title": each.title, "reason": each.reason} for each in view.left],
        "leftUnnamed": view.uncounted,
        "stopped": view.stopped,
        "waitsFor": view.waiting or None,
        "notes": list(view.notes),
    }

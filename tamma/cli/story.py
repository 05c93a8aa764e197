"""What a run's figures mean in words. Pure: the live display and the plain lines both read from here."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING

from tamma.agents.plan_words import option_lines, question_lines
from tamma.cli.reference import GITHUB
from tamma.model.references import PLAIN_GIT
from tamma.model.task import (
    Accepted,
    DiffRef,
    Gate,
    GateOutcome,
    Phase,
    Spend,
    TaskStatus,
    TaskView,
    TestRun,
    Waiting,
)

if TYPE_CHECKING:
    from tamma.model.session import SessionProgress

ZERO = Decimal(0)
_FILES_NAMED = 3

LABELS: dict[Phase, str] = {
    Phase.ACCEPT: "Issue",
    Phase.CONTEXT: "Workspace",
    Phase.PLAN: "Plan",
    Phase.APPROVE_PLAN: "Plan approval",
    Phase.RED_TEST: "Failing test",
    Phase.IMPLEMENT: "Implement",
    Phase.REVIEW: "Review",
    Phase.SUGGEST: "Suggest",
    Phase.PUBLISH: "Publish",
    Phase.CHECKS: "Checks",
    Phase.APPROVE_MERGE: "Merge approval",
    Phase.MERGE: "Merge",
    Phase.CLOSE: "Close",
}
_ORDER = tuple(LABELS)
_ONLY_WHEN_THERE = frozenset({Phase.APPROVE_PLAN, Phase.APPROVE_MERGE})
"""Gates that most runs pass without stopping: shown only while a run stands at one."""
_OF_DELIVERY = frozenset({Phase.PUBLISH, Phase.CHECKS, Phase.APPROVE_MERGE, Phase.MERGE, Phase.CLOSE})
"""What a run that only suggests has not."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One look at a run: what it says of itself, what its session does, how long it has been going."""

    view: TaskView
    progress: SessionProgress | None = None
    elapsed: float = 0.0
    """Seconds since the start."""
    ui_url: str = ""

    @property
    def spend(self) -> Spend:
        """The run's spend with that of the session that is going on."""
        live = self.progress.spend if self.progress else Spend()
        return self.view.spend + live

    @property
    def final(self) -> bool:
        return self.view.status.final


class Mark(Enum):
    DONE = "done"
    NOW = "now"
    WAITING = "waiting"
    FAILED = "failed"
    TODO = "todo"


@dataclass(frozen=True, slots=True)
class Step:
    phase: Phase
    label: str
    mark: Mark
    detail: str = ""


def steps(frame: Frame) -> tuple[Step, ...]:
    """The phases of a run with how far each is. What a run of its kind has not is left out."""
    view = frame.view
    here = _place(view)
    listed: list[Step] = []
    for place, phase in enumerate(_ORDER):
        if phase in _ONLY_WHEN_THERE and place != here:
            continue
        if phase is Phase.CHECKS and view.repo.platform_id == PLAIN_GIT:
            continue
        if phase in _OF_DELIVERY if suggests(view) else phase is Phase.SUGGEST:
            continue
        mark = _mark(view, place, here)
        if mark is Mark.DONE and phase is Phase.MERGE and not view.merge_sha:
            mark = Mark.TODO  # finished without merging: `--merge never`, or the merge was declined
        listed.append(Step(phase, LABELS[phase], mark, detail(frame, phase) if mark is not Mark.TODO else ""))
    return tuple(listed)


def _place(view: TaskView) -> int:
    return _ORDER.index(view.phase) if view.phase in LABELS else len(_ORDER)


def _mark(view: TaskView, place: int, here: int) -> Mark:
    if place < here:
        return Mark.DONE
    if place > here:
        return Mark.TODO
    if view.status is TaskStatus.COMPLETED:
        return Mark.DONE
    if view.status.final:
        return Mark.FAILED
    return Mark.WAITING if view.waiting_for else Mark.NOW


def detail(frame: Frame, phase: Phase) -> str:
    """The few words beside a phase."""
    view = frame.view
    match phase:
        case Phase.ACCEPT:
            return view.title
        case Phase.CONTEXT:
            return f"sandbox {view.sandbox_tier}" if view.sandbox_tier else ""
        case Phase.PLAN:
            return first_line(view.plan)
        case Phase.RED_TEST:
            return _test(view.red_test, red=True)
        case Phase.IMPLEMENT:
            return " · ".join(filter(None, (_test(view.tests, red=False), *map(_gate, view.gates))))
        case Phase.REVIEW if view.diff and view.diff.files_total:
            return change(view)
        case Phase.SUGGEST if view.suggested:
            return suggestion(view)
        case Phase.PUBLISH:
            there = _ORDER.index(Phase.PUBLISH) < _place(view)
            return view.pull_request_url or (view.branch if there else "")
        case Phase.MERGE if view.merge_sha:
            return f"{view.merge_sha[:10]} on {view.base_branch}"
        case _:
            return ""


def _test(test: TestRun | None, *, red: bool) -> str:
    if test is None:
        return ""
    word = "red, as it must be" if red and test.exit_code else "green" if test.exit_code == 0 else "red"
    return f"{word}: {test.command} (exit {test.exit_code})"


def _gate(gate: GateOutcome) -> str:
    """`lint green`, `lint red`, or why it says nothing."""
    colour = "red" if gate.run.exit_code or gate.run.timed_out else "green"
    return f"{gate.name} {colour if gate.blocks or not gate.words else f'does not count: {gate.words}'}"


def changed(diff: DiffRef) -> str:
    """`a.py, b.py +3 -1`."""
    named = diff.files[:_FILES_NAMED]
    more = diff.files_total - len(named)
    return (
        f"{', '.join(named)}{f' and {more} more' if more > 0 else ''} +{diff.added} -{diff.removed}".strip()
    )


def change(view: TaskView) -> str:
    """`2 files, +14 -3`, or nothing."""
    diff = view.diff
    if diff is None or not diff.files_total:
        return ""
    return f"{diff.files_total} {plural('file', diff.files_total)}, +{diff.added} -{diff.removed}"


def branch_of(accepted: Accepted) -> str:
    """Where a run that has begun delivers to."""
    if not accepted.branch:
        return f"none is made; the patch is for {accepted.base_branch}"
    return f"{accepted.branch} on {accepted.base_branch}"


def suggests(view: TaskView) -> bool:
    """Whether it pushes nothing, and ends with a patch."""
    return view.workflow_type == "manual-assist"


def suggestion(view: TaskView) -> str:
    """What a run that pushes nothing has made, and the command that writes it."""
    patch = view.patch
    if patch is None:
        return f"`tamma patch {view.task_id}`" if view.suggested else ""
    size = f"{patch.files_total} {plural('file', patch.files_total)}, +{patch.added} -{patch.removed}"
    return f"{size}: `tamma patch {view.task_id}`"


def first_line(markdown: str) -> str:
    """The first words of a Markdown text, its heading's marks left out."""
    return next((line.strip().lstrip("#*- ") for line in markdown.splitlines() if line.strip("#*- ")), "")


def doing(frame: Frame) -> str:
    """What happens this very moment."""
    progress = frame.progress
    if progress is None or not progress.doing:
        return ""
    return "asking the model" if progress.doing == "model" else f"running {progress.doing}"


def label(view: TaskView) -> str:
    """A name that commands take: `owner/repo#12`, with its account before it where that is not GitHub's; on
    plain Git the folder's name and the issue file's stem."""
    if not view.repo.owner:
        return f"{view.repo.name.rstrip('/').rpartition('/')[2]}#{view.issue}"
    account = "" if view.repo.platform_id == GITHUB.id else f"{view.repo.platform_id}:"
    return f"{account}{view.repo.full_name}#{view.issue}"


def hint(view: TaskView, waiting: Waiting) -> str:
    """The run's hint with its own task id filled in, so that it can be pasted."""
    return waiting.hint.replace(" TASK", f" {view.task_id}")


def whence(view: TaskView) -> str:
    """Of a run that goes on from another one: from which, from where, and what was spent there."""
    origin = view.continues
    if origin is None:
        return ""
    where = f"step {origin.step} of " if origin.fork else ""
    return f"from {where}{origin.task_id}; {usd(view.spent_before.cost_usd)} were spent there"


def choices(view: TaskView) -> list[str]:
    """What a person can answer or choose where the run waits: its questions, or its plan's options."""
    waiting = view.waiting_for
    if waiting is not None and waiting.gate is Gate.QUESTIONS:
        return list(question_lines(view.questions))
    return list(option_lines(view.options))


def agent(view: TaskView) -> str:
    """`name@version`, else `provider/model`, as far as it is known."""
    return view.agent.label if view.agent is not None else ""


def agent_whole(view: TaskView) -> str:
    """The same, with the provider and model that a version stands for."""
    choice = view.agent
    if choice is None or choice.version is None or not choice.provider:
        return agent(view)
    return f"{choice.label} ({choice.provider}{f'/{choice.model}' if choice.model else ''})"


def figures(frame: Frame) -> str:
    """`7 turns · 12.3k in (8.0k cached) · 1.2k out · $0.0312 of $3.00 · 1m 12s`."""
    spend = frame.spend
    cached = f" ({count(spend.cache_read_tokens)} cached)" if spend.cache_read_tokens else ""
    return " · ".join(
        (
            f"{spend.turns} {plural('turn', spend.turns)}",
            f"{count(spend.input_tokens)} in{cached}",
            f"{count(spend.output_tokens)} out",
            cost(spend, frame.view.limits.budget_usd),
            duration(frame.elapsed),
        )
    )


def cost(spend: Spend, budget: Decimal | None = None) -> str:
    """`$0.0312 of $3.00`, saying so where some calls have no known price."""
    if spend.unpriced_calls and not spend.cost_usd:
        return "price unknown"
    text = usd(spend.cost_usd) + (f" of {usd(budget)}" if budget is not None else "")
    return f"{text} + {spend.unpriced_calls} unpriced" if spend.unpriced_calls else text


def usd(amount: Decimal) -> str:
    """Dollars; four digits below ten cents, where two would say nothing."""
    return f"${amount:.4f}" if 0 < amount < Decimal("0.1") else f"${amount:.2f}"


def count(number: int) -> str:
    """`812`, `12.3k`, `1.2M`."""
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 999_950 else f"{number / 1_000_000:.1f}M"


def duration(seconds: float) -> str:
    """`45s`, `3m 05s`, `1h 02m`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    return f"{minutes // 60}h {minutes % 60:02}m"


def plural(noun: str, number: int) -> str:
    return noun if number == 1 else f"{noun}s"

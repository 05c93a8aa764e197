"""A run's steps as text: one line each, or in full. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tamma.cli import measured, story, trajectory, tries
from tamma.cli.inspecting.steps import Stage, Step, Totals, Trajectory, totals
from tamma.errors import ConfigError
from tamma.model.metrics import StepMetrics

NO_DIFFS = "nothing was noted of what its steps changed; runs note it since this version"


def overview(told: Trajectory, *, diffs: bool) -> list[str]:
    """A line for the run, one for each stage and each step; with `diffs`, what each step changed below it."""
    about = told.subject
    heading = "  ".join(word for word in (about.name or about.task_id, about.title, about.status) if word)
    lines = [heading, *whence(told)]
    for stage in told.stages:
        there = f" (of {told.inherited.task_id})" if stage.inherited and told.inherited else ""
        lines += ["", f"{stage.name}{there}: {stage_words(stage)}"]
        for step in stage.steps:
            lines.append(step_line(step))
            if diffs and step.change is not None:
                lines += _indented(step.change.patch.splitlines())
    return [*lines, *tried(told, diffs=diffs), "", *ending(told)]


def tried(told: Trajectory, *, diffs: bool) -> list[str]:
    """What became of each of several tries; with `diffs`, the diffs of those that were not taken."""
    if not told.tries:
        return []
    lines = ["", "tries at the change:"]
    for each in told.tries:
        lines += tries.lines((each.outcome,))
        if diffs and not each.outcome.chosen:
            lines += _indented(each.patch.splitlines())
    return lines


def whence(told: Trajectory) -> list[str]:
    """Of a run that goes on from another one: from which, and from which of its steps."""
    if told.inherited is None:
        return []
    step = told.inherited.step
    where = f"forked from step {step} of" if step else "goes on from where it ended:"
    return [f"{where} {told.inherited.task_id}"]


def in_full(told: Trajectory, *, diffs: bool) -> list[str]:
    """Every step in full."""
    lines = [line for step in told.steps for line in (*one(step, diffs=diffs), "")]
    return [*lines, *ending(told)]


def find(told: Trajectory, number: int) -> Step:
    """Raises ConfigError where there is no step of that number."""
    steps = told.steps
    if not 1 <= number <= len(steps):
        there = f"1 to {len(steps)}" if steps else "none yet"
        raise ConfigError(f"there is no step {number}", hint=f"the run's steps are: {there}")
    return steps[number - 1]


def one(step: Step, *, diffs: bool) -> list[str]:
    """A step in full: what the model was told, what it said and called, what came back; with `diffs`, what
    that changed."""
    answer = step.answer
    lines = [f"=== step {step.number} ({step.session} {answer.seq}): {answer.provider}/{answer.model}"]
    lines.append(f"    {figures(step)}")
    for entry in step.given:
        lines += ["", "--- to the model", *trajectory.parts(entry)]
    lines += ["", "--- the model", *trajectory.parts(answer)]
    if step.results is not None:
        lines += ["", "--- what its calls gave", *trajectory.parts(step.results)]
    elif answer.message.tool_calls:
        lines += ["", "--- its calls have given nothing yet"]
    if step.change is not None:
        lines += ["", f"--- changed {story.changed(step.change.ref)}"]
        lines += step.change.patch.splitlines() if diffs else ["(--diff shows it)"]
    return lines


def ending(told: Trajectory) -> list[str]:
    """The sums, and what was measured of a run that has ended."""
    own = told.steps[told.inherited_steps :]
    lines = [f"=== {sums(totals(own))}"]
    if told.inherited_steps:
        there = totals(told.steps[: told.inherited_steps])
        lines.append(f"    and before, in the run that it goes on from: {sums(there)}")
    if told.change is not None and told.change.ref.files_total:
        lines.append(f"changed: {story.changed(told.change.ref)}")
    if told.run is not None:
        lines.append(f"measured: {measured.words(told.run)}")
        lines += [f"  {part}" for part in measured.parts(told.run)]
    return lines


def step_line(step: Step) -> str:
    """`  12   4.1s   0.3s  $0.0123   12.3k in    80 out  bash pytest  [a.py +3 -1]`: the model's time, the
    tools', the cost, the tokens, what was done."""
    answer = step.answer
    change = f"  [{story.changed(step.change.ref)}]" if step.change is not None else ""
    tools = "" if step.tools_ms is None else seconds(step.tools_ms)
    return (
        f"{step.number:4} {seconds(answer.duration_ms):>7} {tools:>7} {cost(step):>8} "
        f"{story.count(answer.input_tokens):>7} in {story.count(answer.output_tokens):>6} out  "
        f"{trajectory.brief(answer)}{change}"
    )


def figures(step: Step) -> str:
    """Everything that is counted of one step."""
    price = "price unknown" if step.answer.cost_usd is None else story.usd(step.answer.cost_usd)
    return f"{tokens(step)} · {price} · {times(step)}"


def tokens(step: Step) -> str:
    """`12.3k in (8.0k cached) · 80 out`."""
    answer = step.answer
    cached = f" ({story.count(answer.cache_read_tokens)} cached)" if answer.cache_read_tokens else ""
    return f"{story.count(answer.input_tokens)} in{cached} · {story.count(answer.output_tokens)} out"


def times(step: Step) -> str:
    """`model 4.1s · tools 0.3s`."""
    model = f"model {seconds(step.answer.duration_ms)}"
    return model if step.tools_ms is None else f"{model} · tools {seconds(step.tools_ms)}"


def stage_words(stage: Stage) -> str:
    """A stage's sums; of a measured one its time and why it did not succeed."""
    words = sums(totals(stage.steps), stage.measured)
    if stage.measured is not None and not stage.measured.success:
        words += f" · ended by: {stage.measured.error_type}"
    return words


def sums(total: Totals, stage: StepMetrics | None = None) -> str:
    """`4 steps · 12.3k in · 80 out · $0.0123 · 45s`; the time of a measured stage is the run's own."""
    milliseconds = stage.duration_ms if stage is not None else total.milliseconds
    return " · ".join(
        (
            f"{total.steps} {story.plural('step', total.steps)}",
            f"{story.count(total.input_tokens)} in",
            f"{story.count(total.output_tokens)} out",
            money(total),
            story.duration(milliseconds / 1000),
        )
    )


def money(total: Totals) -> str:
    """`$0.0123 + 2 unpriced`."""
    if total.unpriced and not total.cost_usd:
        return "price unknown"
    return story.usd(total.cost_usd) + (f" + {total.unpriced} unpriced" if total.unpriced else "")


def cost(step: Step) -> str:
    """`?` where the price is not known."""
    return "?" if step.answer.cost_usd is None else story.usd(step.answer.cost_usd)


def seconds(milliseconds: int) -> str:
    """`0.3s`, `45.0s`, `3m 05s`."""
    return f"{milliseconds / 1000:.1f}s" if milliseconds < 60_000 else story.duration(milliseconds / 1000)


def without_diffs(told: Trajectory) -> bool:
    """Whether there is a change, and yet no step of which it is known."""
    whole = told.change is not None and told.change.ref.files_total
    return not any(step.change for step in told.steps) and (bool(whole) or told.change is None)


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"      {line}" for line in lines]

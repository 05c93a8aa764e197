"""Whether an agent can do each kind of work: the check across contexts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tamma.agents.configs.facts import Facts
from tamma.agents.configs.findings import errors
from tamma.agents.configs.prompts import USED_FOR_CODE, USED_FOR_REVIEW
from tamma.agents.configs.validation import FINISH, LOOKING, WRITING, validate
from tamma.model.agent import AgentConfig, TaskType, WorkContext


@dataclass(frozen=True, slots=True)
class Needs:
    """What a kind of work takes."""

    tasks: frozenset[TaskType]
    """One of them."""
    tools: tuple[frozenset[str], ...]
    """One of each."""
    prompts: frozenset[str]
    window: int
    """Tokens, below which an ordinary issue does not fit."""


NEEDS = {
    WorkContext.DEVELOPMENT: Needs(
        frozenset({TaskType.CODE_GENERATION, TaskType.REFACTORING, TaskType.DOCUMENTATION}),
        (LOOKING, WRITING, frozenset({FINISH})),
        USED_FOR_CODE,
        32_000,
    ),
    # A change arrives whole in the prompt, and the answer is words: no tool is offered.
    WorkContext.REVIEW: Needs(frozenset({TaskType.CODE_REVIEW}), (), USED_FOR_REVIEW, 16_000),
    WorkContext.TESTING: Needs(
        frozenset({TaskType.TESTING}), (LOOKING, WRITING, frozenset({FINISH})), USED_FOR_CODE, 32_000
    ),
}


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether an agent can work in a context. `reasons` say why not; `remarks` what would be worse."""

    context: WorkContext
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def able(self) -> bool:
        return not self.reasons


def fits(config: AgentConfig, facts: Facts) -> tuple[Fit, ...]:
    """For each context whether the agent can work in it, and why not."""
    general = tuple(
        str(each) for each in errors(validate(config, facts)) if each.field.partition(".")[0] != "prompts"
    )
    return tuple(
        Fit(
            context,
            (*general, *_reasons(config, facts, NEEDS[context])),
            tuple(_remarks(config, facts, NEEDS[context])),
        )
        for context in WorkContext
    )


def _reasons(config: AgentConfig, facts: Facts, needs: Needs) -> Iterator[str]:
    if not needs.tasks & set(config.capabilities.supported_tasks):
        yield f"it is not for {' or '.join(sorted(needs.tasks))}"
    if config.tools is not None:
        for group in needs.tools:
            # `finish` is an error of the configuration already.
            if FINISH not in group and not group & set(config.tools):
                yield f"it needs one of the tools {', '.join(sorted(group))}"
    for finding in errors(validate(config, facts)):
        section, _, name = finding.field.partition(".")
        if section == "prompts" and (not name or name in needs.prompts):
            yield str(finding)
    window = _window(config, facts)
    if window is not None and window < needs.window:
        yield f"a window of {window:,} tokens is too small, {needs.window:,} are needed"
    if (
        needs.tools
        and config.context.compaction == "none"
        and window is not None
        and window < 4 * needs.window
    ):
        yield f"without compaction a session overflows a window of {window:,} tokens"


def _remarks(config: AgentConfig, facts: Facts, needs: Needs) -> Iterator[str]:
    if _window(config, facts) is None:
        yield "the size of its window is not known"
    if not needs.tools:
        return
    if config.tools is not None and "bash" not in config.tools:
        yield "without bash it cannot run a test"
    if facts.able is not None and not facts.able.tools:
        yield "the model was not trained to call tools: a text protocol stands in"


def _window(config: AgentConfig, facts: Facts) -> int | None:
    return (facts.able and facts.able.context_window) or config.capabilities.context_window_tokens

"""The questions of `tamma agent create`: what no flag has answered is asked on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig, TaskType

if TYPE_CHECKING:
    from tamma.agents.configs.facts import Facts

TEMPERATURE = 0.7
"""The specification's default."""
THRESHOLD = 0.10
LEAST_THRESHOLD, MOST_THRESHOLD = 5.0, 50.0
"""Per cent."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What flags have said. None: not yet answered."""

    tasks: tuple[TaskType, ...] | None = None
    temperature: float | None = None
    ab_testing: bool | None = None
    threshold: float | None = None
    """A share: 0.1 is 10 %."""


def read_threshold(text: str) -> float:
    """`10`, `10 %` or `12.5%` as a share. Raises ConfigError outside of 5 to 50 %."""
    try:
        percent = float(text.strip().removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not LEAST_THRESHOLD <= percent <= MOST_THRESHOLD:
        raise ConfigError(f"the threshold {text!r} is not from 5 to 50 %", hint="e.g. --threshold 10")
    return round(percent / 100, 6)


def read_temperature(text: str) -> float:
    """A number from 0 to 1. Raises ConfigError."""
    try:
        degrees = float(text.strip())
    except ValueError:
        degrees = -1.0
    if not 0 <= degrees <= 1:
        raise ConfigError(f"the temperature {text!r} is not from 0.0 to 1.0", hint="e.g. --temperature 0.7")
    return degrees


def applied(config: AgentConfig, answers: Answers, facts: Facts) -> AgentConfig:
    """The configuration with the answers in it, and the defaults for what nobody answered.

    A temperature that the model takes is 0.7; one that it does not take is left out.
    """
    temperature = config.parameters.temperature if answers.temperature is None else answers.temperature
    if temperature is None and takes_temperature(facts):
        temperature = TEMPERATURE
    settings = config.optimization
    if answers.ab_testing is not None:
        settings = replace(settings, enable_ab_testing=answers.ab_testing)
    if answers.threshold is not None:
        settings = replace(settings, performance_threshold=answers.threshold)
    capabilities = config.capabilities
    if answers.tasks is not None:
        capabilities = replace(capabilities, supported_tasks=answers.tasks)
    return replace(
        config,
        parameters=replace(config.parameters, temperature=temperature),
        optimization=settings,
        capabilities=capabilities,
    )


def takes_temperature(facts: Facts) -> bool:
    return facts.able is not None and facts.able.sampling_params


async def ask(answers: Answers, facts: Facts) -> Answers:
    """Ask what is open. Raises KeyboardInterrupt on Ctrl-C."""
    if answers.tasks is None:
        answers = replace(answers, tasks=await _tasks())
    if answers.temperature is None and takes_temperature(facts):
        told = await _text("Set temperature (0.0-1.0):", str(TEMPERATURE), read_temperature)
        answers = replace(answers, temperature=read_temperature(told))
    if answers.ab_testing is None:
        answers = replace(answers, ab_testing=await ask_whether("Enable A/B testing?"))
    if answers.threshold is None:
        told = await _text("Set performance threshold (5-50%):", "10%", read_threshold)
        answers = replace(answers, threshold=read_threshold(told))
    return answers


async def ask_text(question: str, default: str = "") -> str:
    """A line of words that may not be empty."""
    return (await _text(question, default, _something)).strip()


def _something(text: str) -> None:
    if not text.strip():
        raise ConfigError("say something")


async def _tasks() -> tuple[TaskType, ...]:
    import questionary

    chosen = await questionary.checkbox(
        "Select task types:",
        choices=[questionary.Choice(kind.value, checked=True) for kind in TaskType],
        validate=lambda picked: bool(picked) or "choose one at least",
        output=_error_output(),
    ).unsafe_ask_async()
    return tuple(TaskType(each) for each in chosen)


async def ask_whether(question: str, *, default: bool = False) -> bool:
    """Yes or no."""
    import questionary

    return await questionary.confirm(question, default=default, output=_error_output()).unsafe_ask_async()


async def _text(question: str, default: str, read: Callable[[str], object]) -> str:
    import questionary

    def valid(text: str) -> bool | str:
        try:
            read(text)
        except ConfigError as error:
            return str(error)
        return True

    return await questionary.text(
        question, default=default, validate=valid, output=_error_output()
    ).unsafe_ask_async()


def _error_output() -> Any:
    """Questions go to standard error: standard output has what a command was asked for, nothing else."""
    from prompt_toolkit.output import create_output

    return create_output(stdout=sys.stderr)

"""Which providers may answer a step, in order, and when to go on to the next. Pure but for the asking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from tamma.errors import CircuitOpen, ConfigError, ProviderError
from tamma.model.task import AgentChoice

LONG = 60.0
"""Seconds: a service that wants a longer pause is not waited for where another can answer."""

T = TypeVar("T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Link:
    """One that may answer: a configured provider, and its model (None: the entry's own)."""

    provider: str
    model: str | None = None

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}" if self.model else self.provider


@dataclass(frozen=True, slots=True)
class Routes:
    """What the configuration says about steps: `plan`, `test`, `implement`, `fix`, `review`."""

    steps: Mapping[str, tuple[Link, ...]] = field(default_factory=dict[str, tuple[Link, ...]])
    fallbacks: tuple[Link, ...] = ()

    def chain(self, step: str, agent: AgentChoice) -> tuple[Link, ...]:
        """Who is asked for `step`, first to last, nobody twice. What a person chose for this very run is
        neither overruled nor replaced."""
        chosen = Link(agent.provider, agent.model)
        if agent.pinned:
            return (chosen,)
        return tuple(dict.fromkeys((*(self.steps.get(step) or (chosen,)), *self.fallbacks)))


def link(text: str) -> Link:
    """`PROVIDER` or `PROVIDER/MODEL`; the model may hold slashes. Raises ConfigError."""
    provider, _, model = text.partition("/")
    if not provider or (not model and "/" in text):
        raise ConfigError(
            f"{text!r} names no provider and model",
            hint="write PROVIDER or PROVIDER/MODEL, as in local-llm/qwen3",
        )
    return Link(provider, model or None)


def goes_on(error: ProviderError | ConfigError, *, last_attempt: bool) -> bool:
    """Whether the next in the chain is asked now, and the one that failed not once more.

    What a retry may mend is retried by Temporal first; what it cannot mend (no credit, a bad key, a missing
    model, a window too small, a refusal) goes on at once, and so does what would take long.
    """
    if isinstance(error, CircuitOpen) or not error.may_retry:
        return True
    return last_attempt or (error.retry_after or 0.0) > LONG


@dataclass(frozen=True, slots=True)
class Answered:
    """Who answered, and in whose place."""

    link: Link
    instead_of: tuple[str, ...] = ()
    """One line for each that could not, first to last."""


async def ask_in_turn(
    chain: Sequence[Link],
    ask: Callable[[Link], Awaitable[T]],
    *,
    last_attempt: bool,
) -> tuple[T, Answered]:
    """The first answer of `chain`.

    Raises the ProviderError or ConfigError of the only one; where several failed, the one that is soonest
    worth another try, its message naming all.
    """
    failed: list[tuple[Link, ProviderError | ConfigError]] = []
    for at, each in enumerate(chain):
        try:
            answer = await ask(each)
        except (ProviderError, ConfigError) as error:
            failed.append((each, error))
            if at + 1 == len(chain) or not goes_on(error, last_attempt=last_attempt):
                break
            _log.warning("provider.fallback", failed=str(each), next=str(chain[at + 1]), reason=error.message)
        else:
            return answer, Answered(each, tuple(_line(*one) for one in failed))
    raise _worst(failed)


def _line(link: Link, error: ProviderError | ConfigError) -> str:
    return f"{link}: {type(error).__name__}"


def _worst(
    failed: Sequence[tuple[Link, ProviderError | ConfigError]],
) -> ProviderError | ConfigError:
    first = failed[0][1]
    if len(failed) == 1:
        return first
    hopeful = [error for _, error in failed if isinstance(error, ProviderError) and error.may_retry]
    chosen = min(hopeful, key=lambda error: error.retry_after or 0.0, default=first)
    others = ", ".join(_line(*one) for one in failed if one[1] is not chosen)
    chosen.message = f"{chosen.message} (nobody else could answer either: {others})"
    chosen.args = (chosen.message,)
    return chosen

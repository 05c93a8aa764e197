"""Which providers may answer a step, in order, and when to go on to the next. Pure but for the asking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from tamma.errors import (
    AuthFailed,
    CircuitOpen,
    ConfigError,
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    StreamInterrupted,
)
from tamma.model.session import HELP_STEP
from tamma.model.task import AgentChoice

LONG = 5.0
"""Seconds: a service that wants a longer pause is not waited for where another can answer."""
_WHY: Mapping[type[Exception], str] = {
    RateLimited: "its rate limit is reached",
    QuotaExhausted: "no credit is left",
    Overloaded: "it is overloaded",
    ProviderTimeout: "it did not answer in time",
    ProviderUnreachable: "it cannot be reached",
    StreamInterrupted: "it broke off",
    CircuitOpen: "it kept failing and is left alone for a while",
    AuthFailed: "its key is missing or refused",
    ModelNotFound: "it does not have the model",
    ContextOverflow: "the conversation is too long for it",
    ContentFiltered: "it refused the content",
    InvalidRequest: "it does not take the request",
    ConfigError: "it is not configured",
}
"""Why a link could not answer, in the words of those who watch a run."""

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
    """What the configuration says about steps: `plan`, `test`, `implement`, `fix`, `stuck`, `review`."""

    steps: Mapping[str, tuple[Link, ...]] = field(default_factory=dict[str, tuple[Link, ...]])
    fallbacks: tuple[Link, ...] = ()

    def chain(self, step: str, agent: AgentChoice) -> tuple[Link, ...]:
        """Who is asked for `step`, first to last, nobody twice. What a person chose for this very run is
        neither overruled nor replaced."""
        chosen = Link(agent.provider, agent.model)
        if agent.pinned:
            return (chosen,)
        return tuple(dict.fromkeys((*(self.steps.get(step) or (chosen,)), *self.fallbacks)))

    def has_helper(self, agent: AgentChoice) -> bool:
        """Whether another model takes over where `agent` goes in circles."""
        return not agent.pinned and bool(self.steps.get(HELP_STEP))


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
    """One line for each that could not, first to last: who, why, and who did."""


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
            told = tuple(f"{link} could not answer, {_why(why)}: {each} did" for link, why in failed)
            return answer, Answered(each, told)
    raise _worst(failed)


def _why(error: ProviderError | ConfigError) -> str:
    return next((words for kind, words in _WHY.items() if isinstance(error, kind)), type(error).__name__)


def _worst(
    failed: Sequence[tuple[Link, ProviderError | ConfigError]],
) -> ProviderError | ConfigError:
    first = failed[0][1]
    if len(failed) == 1:
        return first
    hopeful = [error for _, error in failed if isinstance(error, ProviderError) and error.may_retry]
    chosen = min(hopeful, key=lambda error: error.retry_after or 0.0, default=first)
    others = "; ".join(f"{link}: {_why(error)}" for link, error in failed if error is not chosen)
    told = copy(chosen)  # the breaker keeps the error itself, and shows it to other calls
    told.message = f"{chosen.message} (nor could {others})"
    told.args = (told.message,)
    return told

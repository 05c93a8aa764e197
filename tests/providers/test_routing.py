"""Who is asked, who is left alone, who waits: breaker, limiter and chain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.errors import (
    AuthFailed,
    CircuitOpen,
    ConfigError,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderError,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    StreamInterrupted,
)
from tamma.model.conversation import Request, StreamEvent
from tamma.model.task import AgentChoice
from tamma.providers.interface import ProviderSettings, complete
from tamma.providers.routing.chain import Link, Routes, ask_in_turn, goes_on, link
from tamma.providers.routing.guarded import Guard, Guarded, Guards, counts, credential_of
from tamma.providers.routing.limiter import LONGEST_WAIT, Limiter
from tamma.providers.scripted.provider import Scripted
from tamma.resilience.breaker import COOLDOWN, FAILURES, TRIAL, WINDOW, Breaker
from tests.providers.vendors.base import ask
from tests.support.pace import PROMPT

DOWN = Overloaded("busy")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


# --- breaker -------------------------------------------------------------------------------------


def failing(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.admit() == 0.0
        breaker.failed(DOWN)
        breaker.abandoned()


def test_it_opens_at_the_fifth_failure_within_a_minute() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    failing(breaker, FAILURES - 1)
    assert breaker.admit() == 0.0
    failing(breaker, 1)
    assert breaker.admit() == COOLDOWN
    clock.now += 100
    assert breaker.admit() == COOLDOWN - 100


def test_failures_that_lie_apart_do_not_open_it() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(3 * FAILURES):
        failing(breaker, 1)
        clock.now += WINDOW / (FAILURES - 1) + 0.1


def test_a_success_forgets_the_failures() -> None:
    breaker = Breaker(Clock())
    failing(breaker, FAILURES - 1)
    breaker.succeeded()
    failing(breaker, FAILURES - 1)
    assert breaker.admit() == 0.0


@pytest.mark.parametrize("well", [True, False])
def test_after_the_pause_one_call_tries(well: bool) -> None:
    clock = Clock()
    breaker = Breaker(clock)
    failing(breaker, FAILURES)
    clock.now += COOLDOWN
    assert breaker.admit() == 0.0
    assert breaker.admit() == TRIAL  # the others wait for what it finds
    if well:
        breaker.succeeded()
    else:
        breaker.failed(DOWN)
    breaker.abandoned()
    assert breaker.admit() == (0.0 if well else COOLDOWN)


def test_a_trial_that_was_called_off_lets_the_next_one_try() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    failing(breaker, FAILURES)
    clock.now += COOLDOWN
    assert breaker.admit() == 0.0
    breaker.abandoned()
    assert breaker.admit() == 0.0


@given(st.lists(st.tuples(st.sampled_from(["ok", "fail", "none"]), st.floats(0, 400)), max_size=60))
def test_it_never_keeps_calls_off_for_longer_than_the_pause(history: list[tuple[str, float]]) -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for what, pause in history:
        assert breaker.admit() <= COOLDOWN
        if what == "ok":
            breaker.succeeded()
        elif what == "fail":
            breaker.failed(DOWN)
        breaker.abandoned()
        clock.now += pause
    clock.now += COOLDOWN
    assert breaker.admit() == 0.0


def test_what_counts() -> None:
    assert all(counts(kind("x")) for kind in (Overloaded, ProviderUnreachable, QuotaExhausted, AuthFailed))
    assert not any(
        counts(kind("x")) for kind in (RateLimited, InvalidRequest, ContextOverflow, ModelNotFound)
    )


# --- limiter -------------------------------------------------------------------------------------


async def test_no_more_than_allowed_at_once() -> None:
    limiter = Limiter(at_once=3)
    inside = most = 0

    async def call() -> None:
        nonlocal inside, most
        async with limiter.turn():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(call() for _ in range(20)))
    assert most == 3


async def test_calls_are_spaced_and_a_late_turn_is_told() -> None:
    clock = Clock()
    limiter = Limiter(per_minute=5, clock=clock)  # one in twelve seconds
    async with limiter.turn():
        pass
    with pytest.raises(RateLimited) as raised:
        async with limiter.turn():
            pass
    assert raised.value.retry_after == 12
    assert raised.value.retry_after > LONGEST_WAIT
    clock.now += 11.99
    async with limiter.turn():  # waits for a hundredth of a second
        pass


async def test_a_pause_that_the_service_asked_for_holds_for_all() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    limiter.pause(30)
    with pytest.raises(RateLimited) as raised:
        async with limiter.turn():
            pass
    assert raised.value.retry_after == 30
    clock.now += 30
    async with limiter.turn():
        pass


@pytest.mark.parametrize("waits_for", ["a slot", "the time"])
async def test_a_pause_also_holds_for_those_who_wait_for_their_turn(waits_for: str) -> None:
    limiter = Limiter(at_once=1 if waits_for == "a slot" else None)
    if waits_for == "the time":
        limiter.pause(0.05)
    entered: list[bool] = []

    async def call() -> None:
        async with limiter.turn():
            entered.append(True)

    if waits_for == "a slot":
        async with limiter.turn():
            waiting = asyncio.create_task(call())
            await asyncio.sleep(0)
            limiter.pause(60)
    else:
        waiting = asyncio.create_task(call())
        await asyncio.sleep(0)
        limiter.pause(60)
    with pytest.raises(RateLimited) as raised:
        await waiting
    assert raised.value.retry_after is not None
    assert 0 < raised.value.retry_after <= 60
    assert not entered


async def test_a_turn_is_given_back_when_the_call_fails() -> None:
    limiter = Limiter(at_once=1)
    with pytest.raises(Overloaded):
        async with limiter.turn():
            raise DOWN
    async with asyncio.timeout(PROMPT), limiter.turn():
        pass


# --- guarded -------------------------------------------------------------------------------------


class Flaky(Scripted):
    """Raises `error` while there is one."""

    def __init__(self, name: str = "mine", error: ProviderError | None = None, **settings: object) -> None:
        super().__init__(
            replace(ProviderSettings(name, "scripted", options={"turns": [{"text": "well"}]}), **settings)  # type: ignore[arg-type]
        )
        self.error = error
        self.asked = 0

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        async for event in super().stream(request):
            yield event


async def test_a_service_that_keeps_failing_is_left_alone() -> None:
    clock = Clock()
    flaky = Flaky(error=Overloaded("busy, request 7", hint="wait"))
    provider = Guarded(flaky, Guard(Limiter(), Breaker(clock)))
    for _ in range(FAILURES):
        with pytest.raises(Overloaded):
            await complete(provider, ask())
    with pytest.raises(CircuitOpen) as raised:
        await complete(provider, ask())
    assert flaky.asked == FAILURES
    assert raised.value.retry_after == COOLDOWN
    assert "busy, request 7" in raised.value.message
    flaky.error = None
    clock.now += COOLDOWN
    assert (await complete(provider, ask())).message.text == "well"
    assert (await complete(provider, ask())).message.text == "well"


async def test_a_call_from_before_does_not_end_the_trial() -> None:
    clock = Clock()
    flaky = Flaky()
    provider = Guarded(flaky, Guard(Limiter(), Breaker(clock)))
    async with aclosing(provider.stream(ask())) as old, aclosing(provider.stream(ask())) as trial:
        await anext(old)
        flaky.error = Overloaded("busy")
        for _ in range(FAILURES):
            with pytest.raises(Overloaded):
                await complete(provider, ask())
        flaky.error = None
        clock.now += COOLDOWN
        await anext(trial)
        await old.aclose()
        with pytest.raises(CircuitOpen):
            await complete(provider, ask())
    assert (await complete(provider, ask())).message.text == "well"


async def test_a_rate_limit_pauses_everyone_and_opens_nothing() -> None:
    flaky = Flaky(error=RateLimited("slow down", retry_after=40))
    provider = Guarded(flaky, Guard(Limiter(), Breaker(Clock())))
    for _ in range(2 * FAILURES):
        with pytest.raises(RateLimited) as raised:
            await complete(provider, ask())
        assert raised.value.retry_after is not None
        assert raised.value.retry_after <= 40
    assert flaky.asked == 1


async def test_a_service_that_is_down_until_then_is_left_alone_by_everyone() -> None:
    flaky = Flaky(error=Overloaded("we restart", retry_after=40))
    provider = Guarded(flaky, Guard(Limiter(), Breaker(Clock())))
    with pytest.raises(Overloaded):
        await complete(provider, ask())
    with pytest.raises(RateLimited, match="it asked for a pause"):
        await complete(provider, ask())
    assert flaky.asked == 1


async def test_a_reader_that_goes_away_is_no_failure_and_gives_its_turn_back() -> None:
    provider = Guarded(Flaky(), Guard(Limiter(at_once=1), Breaker(Clock())))
    for _ in range(2 * FAILURES):
        async with aclosing(provider.stream(ask())) as events:
            await anext(events)
    assert (await complete(provider, ask())).message.text == "well"


def test_entries_of_one_account_share_a_guard() -> None:
    one = ProviderSettings("a", "openrouter", api_key="canary-1", model="x")
    assert credential_of(one) == credential_of(replace(one, name="b", model="y"))
    assert credential_of(one) != credential_of(replace(one, api_key="canary-2"))
    assert credential_of(one) != credential_of(replace(one, base_url="https://elsewhere.example/v1"))
    keyless = ProviderSettings("a", "opencode")
    assert credential_of(keyless) != credential_of(replace(keyless, name="b"))
    guards = Guards()
    assert guards.of(one) is guards.of(replace(one, name="b"))


# --- the chain -----------------------------------------------------------------------------------


def test_links_are_read() -> None:
    assert link("openai") == Link("openai")
    assert link("openrouter/z-ai/glm-5:free") == Link("openrouter", "z-ai/glm-5:free")
    for wrong in ("", "/x", "openai/"):
        with pytest.raises(ConfigError):
            link(wrong)


def test_a_step_has_its_chain_and_everyone_the_fallbacks() -> None:
    routes = Routes({"plan": (Link("big"), Link("mine"))}, (Link("mine"), Link("spare")))
    agent = AgentChoice("mine")
    assert routes.chain("plan", agent) == (Link("big"), Link("mine"), Link("spare"))
    assert routes.chain("implement", agent) == (Link("mine"), Link("spare"))
    assert routes.chain("plan", replace(agent, pinned=True)) == (Link("mine"),)


@pytest.mark.parametrize(
    ("error", "early", "late"),
    [
        (Overloaded("x"), False, True),
        (StreamInterrupted("x"), False, True),
        (RateLimited("x", retry_after=5), False, True),
        (RateLimited("x", retry_after=20), True, True),
        (RateLimited("x", retry_after=3600), True, True),
        (CircuitOpen("x", retry_after=3), True, True),
        (QuotaExhausted("x"), True, True),
        (AuthFailed("x"), True, True),
        (ContextOverflow("x"), True, True),
        (ConfigError("x"), True, True),
    ],
)
def test_when_the_next_one_is_asked(error: ProviderError, early: bool, late: bool) -> None:
    assert goes_on(error, last_attempt=False) is early
    assert goes_on(error, last_attempt=True) is late


CHAIN = (Link("a"), Link("b", "m"), Link("c"))


async def answers(
    errors: Mapping[str, Exception], *, last_attempt: bool = True
) -> tuple[str, tuple[str, ...]]:
    async def ask_one(each: Link) -> str:
        if each.provider in errors:
            raise errors[each.provider]
        return each.provider

    answer, answered = await ask_in_turn(CHAIN, ask_one, last_attempt=last_attempt)
    assert answered.link.provider == answer
    return answer, answered.instead_of


async def test_the_first_that_can_answers() -> None:
    assert await answers({}) == ("a", ())
    assert await answers({"a": QuotaExhausted("x"), "b": Overloaded("y")}) == (
        "c",
        (
            "a could not answer, no credit is left: c did",
            "b/m could not answer, it is overloaded: c did",
        ),
    )


async def test_what_a_retry_may_mend_is_left_to_the_retry() -> None:
    with pytest.raises(Overloaded):
        await answers({"a": Overloaded("x")}, last_attempt=False)


async def test_where_nobody_answers_the_most_hopeful_error_names_all() -> None:
    errors = {
        "a": QuotaExhausted("no credit"),
        "b": CircuitOpen("down", retry_after=200),
        "c": RateLimited("slow down", retry_after=90),
    }
    with pytest.raises(RateLimited) as raised:
        await answers(errors)
    for said in ("slow down", "a: no credit is left", "b/m: it kept failing"):
        assert said in str(raised.value)
    with pytest.raises(QuotaExhausted):
        await answers({name: QuotaExhausted("no credit") for name in "abc"})
    assert str(errors["c"]) == "slow down"  # whoever keeps it shows it in another context


async def test_other_errors_are_nobodys_business() -> None:
    with pytest.raises(ZeroDivisionError):
        await answers({"a": ZeroDivisionError()})

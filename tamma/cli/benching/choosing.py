"""From what a person wrote to what a benchmark needs: the suite, the agents, the instructions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from tamma.errors import ConfigError
from tamma.model.agent import AgentPin
from tamma.model.bench import BenchArm, BenchRecord
from tamma.model.suite import SuiteHash, TaskLimits

if TYPE_CHECKING:
    from tamma.model.suite import Suite
    from tamma.store.interface import Store

OWN_INSTRUCTIONS = "repo"
"""In place of a file: the instructions that the repository has."""


async def suite_named(store: Store, name: str) -> Suite:
    """The suite `NAME`, or `NAME@HASH` by the beginning of its hash. Raises ConfigError."""
    bare, _, wanted = name.partition("@")
    suite = await store.find_suite(bare)
    if suite is not None and wanted and not suite.hash.removeprefix("sha256:").startswith(wanted):
        suite = await store.find_suite(bare, SuiteHash(f"sha256:{wanted}"))
    if suite is not None:
        return suite
    known = [ref.name for ref in await store.list_suites()]
    close = get_close_matches(bare, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known[:8])}" if known else ""
    raise ConfigError(
        f"there is no suite {name!r}", hint=hint or "import one: `tamma bench import FILE`, or --samples"
    )


async def agent_named(store: Store, name: str) -> AgentPin:
    """The version that `NAME@3` names, or the active one of `NAME`. Raises ConfigError."""
    bare, _, number = name.partition("@")
    agent = await store.find_agent(bare)
    if agent is None:
        known = [each.name for each in await store.list_agents()]
        close = get_close_matches(bare, known, n=1)
        raise ConfigError(
            f"there is no agent {bare!r}",
            hint=f"did you mean {close[0]!r}?" if close else "see `tamma agent list`; `tamma agent create`",
        )
    if number and not number.isdecimal():
        raise ConfigError(f"{name!r} names no version", hint=f"write {bare}@1 for version 1")
    wanted = int(number) if number else agent.active
    if wanted is None:
        raise ConfigError(
            f"the agent {bare!r} has no active version",
            hint=f"name one: {bare}@{agent.latest}, or `tamma agent activate {bare}@{agent.latest}`",
        )
    version = await store.read_version(agent.agent_id, wanted)
    if version is None:
        raise ConfigError(f"the agent {bare!r} has no version {wanted}", hint=f"the latest is {agent.latest}")
    return AgentPin(agent.agent_id, agent.name, version.number, version.hash)


async def arms_of(store: Store, agents: Sequence[str], instructions: Sequence[str]) -> tuple[BenchArm, ...]:
    """An arm for each agent; with `instructions`, one for each agent and each of those files."""
    arms: list[BenchArm] = []
    for name in agents:
        pin = await agent_named(store, name)
        label = f"{pin.name}@{pin.version}"
        if not instructions:
            arms.append(BenchArm(label, pin))
        for file in instructions:
            if file == OWN_INSTRUCTIONS:
                arms.append(BenchArm(f"{label}+{OWN_INSTRUCTIONS}", pin))
            else:
                blob = await store.put_blob(_instructions(Path(file)).encode(), "text/markdown")
                arms.append(BenchArm(f"{label}+{Path(file).name}", pin, blob))
    labels = [arm.label for arm in arms]
    twice = {label for label in labels if labels.count(label) > 1}
    if twice:
        raise ConfigError(
            f"{min(twice)!r} is given twice",
            hint="give agents, versions or instruction files that differ by name",
        )
    return tuple(arms)


def limits_of(budget: Decimal | None, turns: int | None, minutes: float | None) -> TaskLimits | None:
    """Limits for every trial; None where nothing was said, so that each task keeps its own."""
    if budget is None and turns is None and minutes is None:
        return None
    if budget is not None and not (budget.is_finite() and budget > 0):
        raise ConfigError(f"a trial's budget of {budget} makes no sense", hint="give US dollars above 0")
    own = TaskLimits()
    return TaskLimits(budget or own.budget_usd, turns or own.max_turns, minutes or own.minutes)


async def bench_named(store: Store, name: str) -> BenchRecord:
    """A benchmark by its id or a part of it; `last` is the newest. Raises ConfigError."""
    if name == "last":
        newest = await store.list_benches(limit=1)
        if newest:
            return newest[0]
        raise ConfigError("there are no benchmarks", hint="`tamma bench run SUITE --agent NAME` makes one")
    found = await store.find_bench(name)
    if found is None:
        raise ConfigError(f"there is no one benchmark {name!r}", hint="see `tamma bench list`")
    return found


def _instructions(path: Path) -> str:
    from tamma.suites.forms.lines import read_text

    text = read_text(path)
    if not text.strip():
        raise ConfigError(f"{str(path)!r} is empty", hint="instructions are a Markdown text")
    return text

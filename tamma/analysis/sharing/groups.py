"""Runs into groups that name nobody, and each group's sums with bounded contributions. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tamma.model.agent import AgentConfig
from tamma.model.measured import RunValues

RUNS_PER_REPOSITORY = 10
"""Of each repository its newest so many runs of a month count, in all groups together."""
BOUNDS: Mapping[str, int] = {
    "runs": 1,
    "successes": 1,
    "cuts": 1,
    "costCents": 500,
    "minutes": 120,
    "kilotokens": 2000,
}
"""What one run adds to a sum at most: larger values count as so much. Whole numbers, all from 0."""
FAMILIES = (
    "claude",
    "gpt",
    "gemini",
    "gemma",
    "qwen",
    "llama",
    "mistral",
    "codestral",
    "deepseek",
    "glm",
    "grok",
)
OTHER = "other"
"""Every model that is not of a family above: names of an installation's own say too much."""
STOCK = "stock"


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What runs of a group have in common; each field is one of a public list of words."""

    model_family: str
    task_type: str
    context_strategy: str


@dataclass(frozen=True, slots=True)
class GroupSums:
    """A group's bounded sums, and how many stand behind them. Not to be shown without noise."""

    key: GroupKey
    sums: Mapping[str, int]
    runs: int
    repositories: int


def grouped(runs: Iterable[RunValues], configs: Mapping[str, AgentConfig]) -> tuple[GroupSums, ...]:
    """The groups in the order of their keys. `configs` are those of the runs' hashes, as far as known."""
    by_repo: defaultdict[str, list[RunValues]] = defaultdict(list)
    for run in runs:
        by_repo[run.repo].append(run)
    counted: defaultdict[GroupKey, list[RunValues]] = defaultdict(list)
    for found in by_repo.values():
        newest = sorted(found, key=lambda run: (run.ended_at, run.run_id))[-RUNS_PER_REPOSITORY:]
        for run in newest:
            counted[key_of(run, configs.get(run.config))].append(run)
    return tuple(
        _sums(key, counted[key])
        for key in sorted(counted, key=lambda key: (key.model_family, key.task_type, key.context_strategy))
    )


def key_of(run: RunValues, config: AgentConfig | None) -> GroupKey:
    """The group of a run."""
    return GroupKey(family_of(run.model), run.task_type, strategy_of(config))


def family_of(model: str) -> str:
    """`claude` of `anthropic/claude-opus-5`; `other` of what is in no public list."""
    name = model.lower().rpartition("/")[2]
    return next((family for family in FAMILIES if name.startswith(family)), OTHER)


def strategy_of(config: AgentConfig | None) -> str:
    """How the window is used, in three words of few values."""
    if config is None:
        return STOCK
    context = config.context
    files = "small-map" if context.map_files <= 100 else "map" if context.map_files <= 400 else "large-map"
    return f"{files} {context.compaction} {context.cache_layout}"


def _sums(key: GroupKey, runs: Sequence[RunValues]) -> GroupSums:
    sums = dict.fromkeys(BOUNDS, 0)
    for run in runs:
        for name, value in _values(run).items():
            sums[name] += min(max(value, 0), BOUNDS[name])
    return GroupSums(key, sums, len(runs), len({run.repo for run in runs}))


def _values(run: RunValues) -> Mapping[str, int]:
    return {
        "runs": 1,
        "successes": int(run.success),
        "cuts": int(run.truncations > 0),
        "costCents": round(run.cost_usd * 100),
        "minutes": round(run.duration_ms / 60_000),
        "kilotokens": round(run.tokens / 1000),
    }

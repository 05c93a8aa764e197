"""What differs between two configurations: fields as a table, prompts as unified diffs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from difflib import unified_diff
from typing import Any

from tamma.agents.configs.prompts import effective
from tamma.model.agent import AgentConfig
from tamma.model.agent_form import key_of


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field whose value differs. None: not set, or nothing."""

    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class PromptChange:
    """A prompt that differs. Where a side has none of its own, the built-in one stands in, as in runs."""

    name: str
    patch: str


@dataclass(frozen=True, slots=True)
class Difference:
    fields: tuple[FieldChange, ...]
    prompts: tuple[PromptChange, ...]

    def __bool__(self) -> bool:
        return bool(self.fields or self.prompts)


def compare(
    before: AgentConfig, after: AgentConfig, labels: tuple[str, str] = ("before", "after")
) -> Difference:
    """All that `after` has otherwise than `before`. `labels` stand in the heads of the patches."""
    old, new = flat(before), flat(after)
    changed = tuple(FieldChange(key, old[key], new[key]) for key in old if old[key] != new[key])
    return Difference(changed, tuple(_prompts(before.prompts, after.prompts, labels)))


def flat(config: AgentConfig) -> dict[str, object]:
    """Every field but the prompts by its path as files spell it, in the order of the configuration."""
    return {path: value for path, value in _flat(config, "") if path != "prompts"}


def _flat(value: Any, path: str) -> Iterator[tuple[str, object]]:
    for each in fields(value):
        held = getattr(value, each.name)
        here = f"{path}.{key_of(each.name)}" if path else key_of(each.name)
        if is_dataclass(held):
            yield from _flat(held, here)
        else:
            yield here, held


def _prompts(
    before: Mapping[str, str], after: Mapping[str, str], labels: tuple[str, str]
) -> Iterator[PromptChange]:
    for name in sorted({*before, *after}):
        if before.get(name) == after.get(name):
            continue
        heads = [
            f"{label}/prompts/{name}.md{'' if name in prompts else ' (built in)'}"
            for label, prompts in zip(labels, (before, after), strict=True)
        ]
        patch = list(
            unified_diff(
                _lines(effective(name, before)),
                _lines(effective(name, after)),
                heads[0],
                heads[1],
                lineterm="",
            )
        )
        # The same text, of its own now: worth a line, as the built-in one may change with a release.
        yield PromptChange(name, "\n".join(patch or [f"--- {heads[0]}", f"+++ {heads[1]}"]))


def _lines(text: str) -> list[str]:
    return text.split("\n")

"""Which prompts an agent can replace, and what each of them must and may say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tamma.agents.prompting import prompt

PLACE = re.compile(r"\{\{(\w+)\}\}")
ALMOST = re.compile(r"\{\{([^{}\n]{0,40})\}\}")
"""What was meant as a place, and is one only without blanks."""

REQUIRED: Mapping[str, frozenset[str]] = {
    "plan": frozenset({"issue"}),
    "red_test": frozenset({"issue"}),
    "not_red": frozenset({"problem"}),
    "implement": frozenset({"red_test"}),
    "implement_untested": frozenset({"issue"}),
    "fix_tests": frozenset({"output"}),
    "fix_gate": frozenset({"output"}),
    "fix_checks": frozenset({"log"}),
    "fix_policy": frozenset({"reasons"}),
    "answer_review": frozenset({"review"}),
    "resolve_conflicts": frozenset({"conflicts"}),
    "fix_review": frozenset({"comments"}),
    "person": frozenset({"text"}),
    "review": frozenset({"issue", "diff"}),
    "choose": frozenset({"issue", "diffs"}),
}
"""Without these words the model is not told what its work is. The others are a loss, and no more."""

USED_FOR_CODE = frozenset(
    {"system", "plan", "red_test", "not_red", "implement", "implement_untested", "fix_tests", "fix_policy"}
    | {"answer_review", "choose", "fix_checks", "fix_gate", "fix_review", "person", "resolve_conflicts"}
)
USED_FOR_REVIEW = frozenset({"system", "review"})


@dataclass(frozen=True, slots=True)
class Places:
    """The words of a prompt that are filled in."""

    known: frozenset[str]
    required: frozenset[str]


@cache
def known_prompts() -> Mapping[str, Places]:
    """The prompts by name, with the places that each can have: those of the built-in one."""
    folder = files("tamma.agents") / "prompts"
    names = sorted(each.name.removesuffix(".md") for each in folder.iterdir() if each.name.endswith(".md"))
    return {name: Places(places(prompt(name)), REQUIRED.get(name, frozenset())) for name in names}


def places(text: str) -> frozenset[str]:
    """The words that `{{…}}` in a text ask for."""
    return frozenset(PLACE.findall(text))


def effective(name: str, prompts: Mapping[str, str]) -> str:
    """The prompt that is used: the agent's own, or the built-in one; empty for an unknown name."""
    if name in prompts:
        return prompts[name]
    return prompt(name) if name in known_prompts() else ""

"""Small blocks of the pages that repeat what stands in the code."""

from __future__ import annotations

import json

from tamma.agents.configs.prompts import known_prompts
from tamma.config.schema import BUILT_IN
from tamma.demo.repository import script_path
from tamma.workspace.policy import _PROTECTED  # pyright: ignore[reportPrivateUsage] - shown, not used
from workflows import options


def built_in() -> str:
    """The accounts that need no configuration."""
    text = json.dumps(BUILT_IN, indent=2)
    return f"```json\n{text.replace(script_path(), '…/tamma/demo/turns.json')}\n```"


def protected() -> str:
    """The paths whose change waits for a person, by reason."""
    by_rule: dict[str, list[str]] = {}
    for pattern, rule in _PROTECTED:
        by_rule.setdefault(rule, []).append(f"`{pattern}`")
    rows = [f"| {rule} | {' '.join(patterns)} |" for rule, patterns in by_rule.items()]
    return "\n".join(["| what | paths |", "|---|---|", *rows])


def retries() -> str:
    """Every kind of activity with its timeouts and attempts."""
    lines = ["| call | one attempt, s | heartbeat, s | attempts |", "|---|---|---|---|"]
    kinds = {
        "model call": options.MODEL_CALL,
        "platform call": options.PLATFORM_CALL,
        "looking at checks, merging": options.PLATFORM_WATCH,
        "preparing a workspace": options.PREPARE,
        "setting up the project": options.SET_UP,
        "tools, tests": options.TOOLS,
        "other workspace calls": options.WORKSPACE_CALL,
        "store": options.STORE_CALL,
    }
    for name, kind in kinds.items():
        attempts = kind.retries.maximum_attempts or "no limit"
        lines.append(f"| {name} | {kind.start_to_close:g} | {kind.heartbeat:g} | {attempts} |")
    return "\n".join(lines)


_WHEN = {
    "system": "stands before every conversation",
    "plan": "reading the issue, planning the change",
    "red_test": "writing the test that shows the problem",
    "not_red": "that test does not show it yet",
    "implement": "making the change, with such a test",
    "implement_untested": "making the change, without one",
    "fix_tests": "a command failed",
    "fix_gate": "the build, the type checker or the linter failed",
    "fix_checks": "checks failed on the published change",
    "fix_policy": "the change may not be published as it is",
    "fix_review": "the review wants something changed",
    "answer_review": "people reviewed the pull request",
    "resolve_conflicts": "the base branch moved, and the change conflicts with it",
    "person": "a person said something (`tamma steer`)",
    "choose": "taking one of several tries whose tests are green (`--best-of`)",
    "review": "reading the change before it is published",
}
"""When a run uses each prompt, in the order in which it may."""


def prompts() -> str:
    """The prompts that an agent can have of its own, and what is filled in."""
    known = known_prompts()
    lines = ["| prompt | used for | places |", "|---|---|---|"]
    for name in sorted(known, key=list(_WHEN).index):
        places = [
            f"**`{place}`**" if place in known[name].required else f"`{place}`"
            for place in sorted(known[name].known)
        ]
        lines.append(f"| `{name}` | {_WHEN[name]} | {', '.join(places) or 'none'} |")
    return "\n".join(lines)

"""Small blocks of the pages that repeat what stands in the code."""

from __future__ import annotations

import json

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

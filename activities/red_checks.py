"""Red checks as a text for a model. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tamma.agents.prompting import visible
from tamma.model.repository import Check
from tamma.telemetry.redaction import redact_text

LOG_TAIL = 8_000
"""Characters of each log that are asked for: errors stand near the end."""
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_TIMES = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ", re.MULTILINE)
"""What GitHub puts before each line: half of a log, and no help."""


@dataclass(frozen=True, slots=True)
class RedCheck:
    """A check that failed, with the end of its log where there is one."""

    check: Check
    log: str | None


def red_markdown(red: Sequence[RedCheck], before: frozenset[str]) -> str:
    """Each check by name, what the platform says of it, and its log's end. `before`: red on the base, too."""
    return "\n".join(line for one in red for line in _told(one, before)).strip()


def plain_log(text: str) -> str:
    """A log without colours, line times, overwritten progress and anything that looks like a secret."""
    without = _TIMES.sub("", _COLOURS.sub("", text.replace("\r\n", "\n")))
    last = (line.rsplit("\r", 1)[-1].rstrip() for line in without.split("\n"))
    return visible(redact_text("\n".join(last))).strip()


def _told(one: RedCheck, before: frozenset[str]) -> list[str]:
    check = one.check
    lines = [f"## {visible(check.name)}", ""]
    if check.name in before:
        lines += ["It failed before this change, too.", ""]
    if check.detail:
        lines += [visible(check.detail)[:500], ""]
    if one.log is None:
        return [*lines, f"There is no log that could be read{f': see {check.url}' if check.url else ''}.", ""]
    log = plain_log(one.log)
    fence = "```" if "```" not in log else "~~~~~"
    return [*lines, "The end of its log:", "", fence, log, fence, ""]

"""Where a prompt shows what is the same for every issue of a repository. Pure.

A service's prompt cache serves a beginning that it has seen: `stable-first` puts the repository's map and
instructions before the issue and the plan, so that runs of one repository share them, and `task-first` puts
them behind. Only paragraphs that are nothing but one place are moved; a prompt that weaves its places into
sentences stays as its author wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tamma.model.agent import CacheLayout

STABLE = "{{context}}"
TASK = frozenset({"{{issue}}", "{{plan}}", "{{diff}}"})


@dataclass(frozen=True, slots=True)
class Arranged:
    """A prompt in two pieces; either may be empty."""

    shared: str
    """What runs of one repository have in common, up to and with its map."""
    own: str


def arranged(template: str, layout: CacheLayout) -> Arranged:
    """The template with its map before or behind what the task brings, cut where the common part ends."""
    paragraphs = template.split("\n\n")
    tasks = [at for at, paragraph in enumerate(paragraphs) if paragraph.strip() in TASK]
    stable = [at for at, paragraph in enumerate(paragraphs) if paragraph.strip() == STABLE]
    if not (tasks and stable):
        return Arranged("", template)
    at = stable[0]
    if layout == "task-first":
        if at < tasks[-1]:
            paragraphs.insert(tasks[-1], paragraphs.pop(at))  # behind it: the pop has moved it up
        return Arranged("", "\n\n".join(paragraphs))
    if at > tasks[0]:
        paragraphs.insert(tasks[0], paragraphs.pop(at))
        at = tasks[0]
    return Arranged("\n\n".join(paragraphs[: at + 1]), "\n\n".join(paragraphs[at + 1 :]))

"""The agents' prompts: files beside this module, filled in."""

from __future__ import annotations

from collections.abc import Mapping

from tamma.model.wording import fenced, fill, template, visible

__all__ = ["fenced", "prompt", "render", "visible"]


def prompt(name: str) -> str:
    """The prompt file `<name>.md`. Raises FileNotFoundError for an unknown name."""
    return template("tamma.agents", name)


def render(name: str, words: Mapping[str, str]) -> str:
    """The prompt with its `{{places}}` filled in. Raises KeyError where a place has no word."""
    return fill(prompt(name), words)

"""What `/api/show` says about a model, and the context window that follows from it. Pure.

Sources: ollama `api/types.go` (`ShowResponse`), `types/model/capability.go`, `docs/api.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from tamma.providers.local.facts import Facts, positive
from tamma.providers.local.wire import as_object

DEFAULT_NUM_CTX = 32_768
"""Tokens, where neither the configuration nor the model's own file names a window.

Ollama's own default is 4,096 on most machines, and it cuts longer prompts silently; the model's whole length,
often 262,144, would want tens of gigabytes of memory. An agent's turn fits well into this.
"""
LEVELS = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Shown:
    """One model. None: the server did not say (old ones know no capabilities)."""

    context_length: int | None = None
    """The longest that the model was made for, tokens."""
    num_ctx: int | None = None
    """`PARAMETER num_ctx` of its Modelfile."""
    able: frozenset[str] | None = None
    levels: tuple[str, ...] = ()
    """The efforts that it can be told; empty where thinking is on or off."""
    remote: bool = False
    """Whether it runs in Ollama's cloud, where a long window costs this machine nothing."""


@dataclass(frozen=True, slots=True)
class Window:
    """The `num_ctx` to ask for, and why it is that."""

    num_ctx: int
    why: str


def read_show(body: Mapping[str, Any]) -> Shown:
    """The parts of `/api/show` that matter here; what has another shape counts as not said."""
    able = body.get("capabilities")
    info = as_object(body.get("model_info"))
    family = info.get("general.architecture")
    names = cast("list[object]", able) if isinstance(able, list) else None
    return Shown(
        context_length=positive(info.get(f"{family}.context_length")),
        num_ctx=_parameter(body.get("parameters"), "num_ctx"),
        able=None if names is None else frozenset(name for name in names if isinstance(name, str)),
        levels=_levels(as_object(body.get("thinking")).get("values")),
        remote=bool(body.get("remote_host")),
    )


def window_of(configured: int | None, shown: Shown) -> Window:
    """The configured window, the Modelfile's, or the model's own up to `DEFAULT_NUM_CTX`.

    Never more than the model's own length: Ollama would cut the request down to it and say nothing.
    """
    most = shown.context_length
    if configured is not None:
        wanted, why = configured, "configured"
    elif shown.remote and most is not None:
        wanted, why = most, "the longest that the model can"
    elif shown.num_ctx is not None:
        wanted, why = shown.num_ctx, "from the model's Modelfile"
    else:
        wanted, why = DEFAULT_NUM_CTX, "a default that fits into most machines: contextWindow changes it"
    if most is not None and most <= wanted:
        return Window(most, "the longest that the model can")
    return Window(wanted, why)


def facts_of(shown: Shown, window: Window) -> Facts:
    """`tools` and the like are only told where the server knows capabilities at all."""
    able = shown.able
    return Facts(
        "Ollama's /api/show" if shown != Shown() else "Ollama, which does not say what the model can do",
        context_window=window.num_ctx,
        tools=None if able is None else "tools" in able,
        forced_tool=False,  # the protocol has no tool_choice
        vision=None if able is None else "vision" in able,
        reasoning_levels=LEVELS if able is not None and "thinking" in able else None,
    )


def think_value(effort: str, shown: Shown) -> bool | str:
    """How this model is told to think with `effort`: a level where it has them, else just that it shall."""
    return effort if effort in shown.levels else True


def _levels(values: object) -> tuple[str, ...]:
    listed = cast("list[object]", values) if isinstance(values, list) else None
    if listed is None:
        return LEVELS  # servers that list none take a level for every model that thinks
    return tuple(level for level in LEVELS if level in listed)


def _parameter(text: object, name: str) -> int | None:
    """The value of a parameter in the lines `name   value` of a Modelfile."""
    for line in text.splitlines() if isinstance(text, str) else ():
        words = line.split()
        if len(words) == 2 and words[0] == name and words[1].isdigit():
            return positive(int(words[1]))
    return None

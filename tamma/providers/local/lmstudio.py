"""LM Studio: the window that a model was loaded with, from its REST API (`/api/v1`, before 0.4 `/api/v0`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tamma.providers.local.compatible import Compatible
from tamma.providers.local.facts import Facts, positive
from tamma.providers.local.wire import as_object, entries

_LEVELS = ("low", "medium", "high")


class LMStudio(Compatible):
    async def _ask_facts(self, model: str) -> Facts:
        current = await self._call("/api/v1/models", model)
        if "models" in current:
            return facts_of_v1(current, model)
        return facts_of_v0(await self._call("/api/v0/models", model), model)


def facts_of_v1(listed: Mapping[str, object], model: str) -> Facts:
    """A model answers to its key, or to the name of one of its loaded instances."""
    for entry in entries(listed, "models"):
        loaded = entries(entry, "loaded_instances")
        mine = [each for each in loaded if each.get("id") == model] or (
            loaded if entry.get("key") == model else []
        )
        if not mine and entry.get("key") != model:
            continue
        able = as_object(entry.get("capabilities"))
        options: Any = as_object(able.get("reasoning")).get("allowed_options") or ()
        return _facts(
            "LM Studio's /api/v1/models",
            positive(as_object(mine[0].get("config")).get("context_length")) if mine else None,
            positive(entry.get("max_context_length")),
            able.get("vision"),
            tuple(level for level in _LEVELS if level in options),
        )
    return Facts("LM Studio does not list the model", final=False)


def facts_of_v0(listed: Mapping[str, object], model: str) -> Facts:
    for entry in entries(listed, "data"):
        if entry.get("id") == model:
            loaded = positive(entry.get("loaded_context_length")) if entry.get("state") == "loaded" else None
            return _facts(
                "LM Studio's /api/v0/models",
                loaded,
                positive(entry.get("max_context_length")),
                entry.get("type") == "vlm",
                (),
            )
    return Facts("LM Studio does not list the model", final=False)


def _facts(
    source: str, loaded: int | None, most: int | None, vision: bool | None, levels: tuple[str, ...]
) -> Facts:
    """`tools` stays open: LM Studio brings a format of its own to models that were not trained for them.

    A model that is not loaded is loaded by the first call, with a window that only then is known.
    """
    return Facts(
        source if loaded else f"{source} (not loaded: its largest window)",
        context_window=loaded or most,
        vision=vision,
        reasoning_levels=levels or None,
        final=loaded is not None,
    )

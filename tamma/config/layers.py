"""Laying one source of configuration over another, remembering for every value where it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

KEYED_LISTS = {
    "providers.available": "providerId",
    "platforms.available": "platformId",
    "agents.available": "name",
}
"""Lists whose entries have a name: a later source changes the entry of that name, or adds one."""

Raw = dict[str, Any]


@dataclass(slots=True)
class Layered:
    """The merged values so far, and their origins by path (`providers.available[local-llm].model`)."""

    values: Raw = field(default_factory=dict[str, Any])
    origins: dict[str, str] = field(default_factory=dict[str, str])

    def lay(self, values: Mapping[str, Any], origin: str) -> None:
        """Lay `values` over what is there."""
        self._merge(self.values, values, "", origin)

    def set(self, path: str, value: object, origin: str) -> None:
        """Set one value by its path; `providers.available[ID].model` selects an entry of a named list."""
        self.lay(nest(path, value), origin)

    def get(self, path: str) -> Any:
        """The value at `path`, None where nothing set it."""
        current: Any = self.values
        for key in path.split("."):
            if not isinstance(current, Mapping):
                return None
            current = cast("Mapping[str, Any]", current).get(key)
        return current

    def _merge(self, base: Raw, over: Mapping[str, Any], path: str, origin: str) -> None:
        for key, value in over.items():
            here = f"{path}.{key}" if path else key
            if isinstance(value, Mapping):
                inner = base.get(key)
                if not isinstance(inner, dict):
                    inner = base[key] = {}
                self._merge(cast("Raw", inner), cast("Mapping[str, Any]", value), here, origin)
            elif here in KEYED_LISTS and isinstance(value, list):
                self._merge_named(base, key, cast("list[Any]", value), here, origin)
            else:
                base[key] = value
                self.origins[here] = origin

    def _merge_named(self, base: Raw, key: str, entries: list[Any], path: str, origin: str) -> None:
        id_key = KEYED_LISTS[path]
        present = cast("list[Any]", base.setdefault(key, []))
        for entry in entries:
            if not isinstance(entry, Mapping):  # wrong, but the schema says so better
                present.append(entry)
                continue
            named = cast("Mapping[str, Any]", entry)
            if id_key not in named and "name" in named:  # `name` is the short word for it
                named = {id_key: named["name"], **{k: v for k, v in named.items() if k != "name"}}
            target = find_named(present, id_key, named.get(id_key))
            if target is None:
                target = {}
                present.append(target)
            self._merge(target, named, f"{path}[{named.get(id_key, '?')}]", origin)


def find_named(entries: list[Any], id_key: str, name: object) -> Raw | None:
    """The entry of that name. The merged list holds dicts, and whatever wrong things a file put there."""
    dicts = (cast("Raw", entry) for entry in entries if isinstance(entry, dict))
    return next((entry for entry in dicts if entry.get(id_key) == name), None)


def nest(path: str, value: object) -> Raw:
    """`run.approve`, x  ->  {"run": {"approve": x}}. Keys in brackets name an entry of a named list."""
    for prefix, id_key in KEYED_LISTS.items():
        if path.startswith(f"{prefix}["):
            entry_id, _, rest = path[len(prefix) + 1 :].partition("].")
            return nest(prefix, [{id_key: entry_id, **nest(rest, value)}])
    head, _, rest = path.partition(".")
    return {head: nest(rest, value) if rest else value}


def leaves(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is not a container, with its path; named lists by name, other lists whole."""
    if isinstance(values, Mapping):
        for key, value in cast("Mapping[str, Any]", values).items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    elif path in KEYED_LISTS and isinstance(values, list | tuple):
        for entry in cast("list[Any]", values):
            name = cast("Raw", entry).get(KEYED_LISTS[path], "?") if isinstance(entry, Mapping) else "?"
            yield from leaves(entry, f"{path}[{name}]")
    else:
        yield path, values

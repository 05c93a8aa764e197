"""YAML and JSON as an agent's file may be written: plain values, each key once, nothing executed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from tamma.errors import ConfigError


def read_yaml(text: str, where: str) -> Mapping[str, object]:
    """The mapping in a YAML text. Raises ConfigError with the line."""
    import yaml

    try:
        found: object = yaml.load(text, Loader=_loader())  # noqa: S506 - made from the safe one
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        raise ConfigError(f"{where}{line}: {problem}", hint="it must be plain YAML") from None
    return _mapping(found, where)


def read_json(text: str, where: str) -> Mapping[str, object]:
    """The mapping in a JSON text. Raises ConfigError with the line."""
    try:
        found: object = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{where}, line {error.lineno}: {error.msg}", hint="it must be JSON") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: {error}", hint="it must be JSON") from None
    return _mapping(found, where)


def write_yaml(values: Mapping[str, object]) -> str:
    import yaml

    # Not `allow_unicode`: U+0085 within a text would come back as a blank.
    return yaml.safe_dump(dict(values), sort_keys=False, default_flow_style=False)


def write_json(values: Mapping[str, object]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _mapping(found: object, where: str) -> Mapping[str, object]:
    if not isinstance(found, dict):
        raise ConfigError(
            f"{where} holds no mapping", hint="it begins like this: `provider: anthropic-claude`"
        )
    for key in cast("dict[object, object]", found):
        if not isinstance(key, str):
            raise ConfigError(f"{where}: the key {key!r} is no text", hint="put it in quotes")
    return cast("dict[str, object]", found)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands there twice")
        found[key] = value
    return found


@cache
def _loader() -> type[Any]:
    """PyYAML's safe loader without aliases (a few lines of them unfold to gigabytes) and without keys that
    silently win over their likes."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.events.AliasEvent):
                mark: Any = cast("Any", self).peek_event().start_mark
                raise yaml.constructor.ConstructorError(None, None, "aliases (*name) are not used here", mark)
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen: set[str] = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise yaml.constructor.ConstructorError(None, None, "a key is no text", key.start_mark)
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} stands there twice", key.start_mark
                    )
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    return Loader

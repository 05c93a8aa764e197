"""Names to classes, loaded when first asked for.

Built-in adapters are named as `"module:Class"`, so that listing them imports nothing. Third-party ones come
by entry points (`tamma.providers`, `tamma.platforms`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points

from tamma.errors import ConfigError

PROVIDERS: Mapping[str, str] = {
    "anthropic-claude": "tamma.providers.anthropic.provider:AnthropicClaude",
    "gemini": "tamma.providers.gemini.provider:Gemini",
    "local-llm": "tamma.providers.local.provider:LocalLLM",
    "openai": "tamma.providers.openai.provider:OpenAI",
    "openrouter": "tamma.providers.openrouter.provider:OpenRouter",
    "scripted": "tamma.providers.scripted.provider:Scripted",
    "zai": "tamma.providers.zai.provider:Zai",
}
PLATFORMS: Mapping[str, str] = {
    "github": "tamma.platforms.github:GitHub",
    "plain-git": "tamma.platforms.plain_git:PlainGit",
    "memory": "tamma.platforms.memory:MemoryPlatform",
}


class Registry:
    """One kind of adapter: look up, list, register."""

    def __init__(self, kind: str, builtin: Mapping[str, str], group: str) -> None:
        self._kind = kind
        self._targets = dict(builtin)
        self._group = group
        self._plugins_loaded = False

    def register(self, name: str, target: str) -> None:
        """Add or replace `name`; `target` is `"module:Class"`."""
        self._targets[name] = target

    def names(self) -> tuple[str, ...]:
        self._load_plugins()
        return tuple(sorted(self._targets))

    def get(self, name: str) -> type:
        """The class registered as `name`. Raises ConfigError listing the names there are."""
        if name not in self._targets:
            self._load_plugins()
        target = self._targets.get(name)
        if target is None:
            raise ConfigError(
                f"there is no {self._kind} called {name!r}",
                hint=f"choose one of: {', '.join(self.names())}",
            )
        module_name, _, attribute = target.partition(":")
        try:
            loaded = getattr(import_module(module_name), attribute)
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                f"the {self._kind} {name!r} ({target}) cannot be loaded: {error}",
                hint="is its package installed? Optional ones are extras, e.g. pip install 'tamma[all]'",
            ) from error
        if not isinstance(loaded, type):
            raise ConfigError(f"the {self._kind} {name!r} ({target}) is not a class")
        return loaded

    def _load_plugins(self) -> None:
        if not self._plugins_loaded:
            self._plugins_loaded = True
            for point in entry_points(group=self._group):
                self._targets.setdefault(point.name, point.value)


providers = Registry("provider", PROVIDERS, "tamma.providers")
platforms = Registry("platform", PLATFORMS, "tamma.platforms")

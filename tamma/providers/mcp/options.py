"""What the options of a `zen-mcp` entry mean, with the defaults of PAL's `chat`. Pure.

::

    {
      "server": {"command": "pal-mcp-server", "args": [], "env": {"OPENAI_API_KEY": "env:OPENAI_API_KEY"}},
      "tool": "chat",
      "argumentMap": {"prompt": "prompt", "model": "model", "continuation": "continuation_id"},
      "arguments": {"working_directory_absolute_path": "~"},
      "resultPath": "content",
      "continuationPath": "continuation_offer.continuation_id",
      "apiKeyVariable": "OPENROUTER_API_KEY"
    }
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from tamma.errors import ConfigError
from tamma.mcp.server import McpServer, check_server
from tamma.providers.interface import ProviderSettings

DEFAULT_TOOL = "chat"
Word = Literal["prompt", "system", "model", "continuation", "temperature", "maxOutputTokens"]
"""What a request holds that a tool may have an argument for."""
_PAL_ARGUMENTS = {"prompt": "prompt", "model": "model", "continuation": "continuation_id"}
_PAL_FIXED = {"working_directory_absolute_path": "~"}  # required; the server expands it
_PAL_ENV = {"MAX_MCP_OUTPUT_TOKENS": "1000000"}
"""PAL refuses prompts of more than 60,000 characters unless it is told that its client takes more."""
_OPTIONS = (
    "server",
    "tool",
    "argumentMap",
    "arguments",
    "resultPath",
    "continuationPath",
    "apiKeyVariable",
    "startTimeout",
)


@dataclass(frozen=True, slots=True)
class Wiring:
    """How a request becomes a call of one tool, and its result an answer."""

    server: McpServer
    tool: str
    arguments: Mapping[str, str]
    """A word of ours -> the tool's argument."""
    fixed: Mapping[str, object] = field(default_factory=dict[str, object])
    """Arguments that every call has."""
    result_path: tuple[str, ...] | None = None
    """Where the answer stands in a result that is JSON. None: PAL's place, or else the whole text."""
    continuation_path: tuple[str, ...] = ()


def wiring(settings: ProviderSettings) -> Wiring:
    """The wiring of a provider's settings. Raises ConfigError where an option is wrong."""
    options = settings.options
    strange = sorted(options.keys() - _OPTIONS)
    if strange:
        raise _wrong(
            settings, f"there is no option {strange[0]!r}", f"choose of: {', '.join(sorted(_OPTIONS))}"
        )
    tool = _text(settings, options, "tool") or DEFAULT_TOOL
    is_pal = tool == DEFAULT_TOOL
    mapped = _texts(settings, options, "argumentMap") or (_PAL_ARGUMENTS if is_pal else {"prompt": "prompt"})
    if "prompt" not in mapped or mapped.keys() - set(get_args(Word)):
        raise _wrong(
            settings,
            "`argumentMap` must say which argument takes the prompt, and may name others",
            f'e.g. {{"prompt": "question"}}; the words are: {", ".join(get_args(Word))}',
        )
    result_path = _text(settings, options, "resultPath")
    default_path = "continuation_offer.continuation_id" if is_pal else ""
    return Wiring(
        server=_server(settings),
        tool=tool,
        arguments=mapped,
        fixed={**(_PAL_FIXED if is_pal else {}), **_object(settings, options, "arguments")},
        result_path=tuple(result_path.split(".")) if result_path else None,
        continuation_path=_path(_text(settings, options, "continuationPath") or default_path),
    )


def _server(settings: ProviderSettings) -> McpServer:
    """The server of `options.server`; `baseUrl` alone means streamable HTTP there."""
    given = _object(settings, settings.options, "server")
    url = _text(settings, given, "url") or (settings.base_url if "command" not in given else None)
    command = _text(settings, given, "command")
    variable = _text(settings, settings.options, "apiKeyVariable")
    env = dict(_texts(settings, given, "env"))
    headers = {**settings.headers, **_texts(settings, given, "headers")}
    if command:
        env = {**_PAL_ENV, **env}
        if variable and settings.api_key:
            env[variable] = settings.api_key
        headers = {}
    elif settings.api_key:
        headers.setdefault("authorization", f"Bearer {settings.api_key}")
    start = settings.options.get("startTimeout", 60.0)
    if not isinstance(start, int | float) or isinstance(start, bool) or start <= 0:
        raise _wrong(settings, f"`startTimeout` is {start!r}, no number of seconds", "e.g. 60")
    server = McpServer(
        name=settings.name,
        command=command,
        args=_list(settings, given, "args"),
        env=env,
        url=url,
        headers=headers,
        timeout=settings.timeout,
        start_timeout=float(start),
    )
    check_server(server)
    return server


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def _wrong(settings: ProviderSettings, what: str, hint: str) -> ConfigError:
    return ConfigError(f"provider {settings.name!r}: {what}", hint=hint)


def _text(settings: ProviderSettings, given: Mapping[str, object], key: str) -> str | None:
    value = given.get(key)
    if value is not None and not isinstance(value, str):
        raise _wrong(settings, f"`{key}` must be a text", f'e.g. "{key}": "..."')
    return value


def _object(settings: ProviderSettings, given: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = given.get(key, {})
    if not isinstance(value, Mapping):
        raise _wrong(settings, f"`{key}` must be an object", f'e.g. "{key}": {{}}')
    return cast("Mapping[str, object]", value)


def _texts(settings: ProviderSettings, given: Mapping[str, object], key: str) -> Mapping[str, str]:
    found = _object(settings, given, key)
    if not all(isinstance(value, str) for value in found.values()):
        raise _wrong(settings, f"every value of `{key}` must be a text", f'e.g. "{key}": {{"NAME": "value"}}')
    return cast("Mapping[str, str]", found)


def _list(settings: ProviderSettings, given: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = given.get(key, [])
    if not isinstance(value, list | tuple) or not all(
        isinstance(item, str) for item in cast("list[object]", value)
    ):
        raise _wrong(settings, f"`{key}` must be a list of texts", f'e.g. "{key}": ["--flag"]')
    return tuple(cast("list[str]", value))

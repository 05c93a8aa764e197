"""The process that a plugin runs in: `python -m tamma.providers.plugins.child MEMORY_BYTES`.

Says on standard output, and hears on standard input, what `messages` describes. Both are moved elsewhere
before the plugin is loaded: it can print what it likes, which goes to standard error, and read nothing.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import threading
from contextlib import aclosing
from typing import Any, cast

from tamma.errors import ConfigError
from tamma.model.conversation import Request
from tamma.providers.interface import Provider, ProviderPlugin, ProviderSettings
from tamma.providers.plugins import messages
from tamma.providers.plugins.failures import failure_of
from tamma.registry import imported

_DECLARED = ("name", "version", "create_provider", "validate_config")
_FILE_BYTES = 16 << 20
_OPEN_FILES = 256
_STACK_BYTES = 1 << 20
"""Of a thread. The usual 8 MB would count as memory, used or not."""


class Child:
    """One plugin, at most one provider of it, and the calls that are under way."""

    def __init__(self, incoming: asyncio.StreamReader, outgoing: int) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._plugin: ProviderPlugin | None = None
        self._provider: Provider | None = None
        self._calls: dict[int, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Until we are told to close, or whom we serve is gone."""
        while frame := await messages.read(self._incoming):
            message = frame.message()
            if isinstance(message, messages.Close):
                break
            if isinstance(message, messages.Cancel):
                if frame.call in self._calls:
                    self._calls[frame.call].cancel()
            else:
                self._calls[frame.call] = asyncio.create_task(self._call(frame.call, message))
        for task in self._calls.values():
            task.cancel()
        if self._provider is not None:
            await self._provider.close()

    async def _call(self, call: int, message: object) -> None:
        try:
            await self._answer(call, message)
            self._say(call, messages.Done())
        except asyncio.CancelledError:
            self._say(call, messages.Done())
        # SystemExit too: a plugin that calls sys.exit has failed, and must not take its other calls along.
        except (Exception, SystemExit) as error:
            self._say(call, failure_of(error))
        finally:
            del self._calls[call]

    async def _answer(self, call: int, message: object) -> None:
        match message:
            case messages.Load():
                self._plugin = load(message.name, message.target)
                self._say(call, messages.Loaded(self._plugin.version))
            case messages.Validate(settings):
                assert self._plugin is not None
                sentences = self._plugin.validate_config(settings)
                self._say(call, messages.Problems(tuple(str(sentence) for sentence in sentences)))
            case messages.Open(settings):
                await self._open(call, settings)
            case Request():
                await self._stream(call, message)
            case messages.Count(request):
                self._say(call, await self._opened.count_tokens(request))
            case messages.ListModels():
                self._say(call, messages.Models(tuple(await self._opened.models())))
            case messages.Check():
                self._say(call, await self._opened.check())
            case _:
                raise ValueError(f"nobody calls for a {type(message).__name__}")

    async def _open(self, call: int, settings: ProviderSettings) -> None:
        assert self._plugin is not None
        self._provider = self._plugin.create_provider(settings)
        await self._provider.start()
        self._say(call, self._provider.capabilities(settings.model or ""))

    async def _stream(self, call: int, request: Request) -> None:
        self._say(call, self._opened.capabilities(request.model))
        async with aclosing(self._opened.stream(request)) as events:
            async for event in events:
                self._say(call, event)

    @property
    def _opened(self) -> Provider:
        assert self._provider is not None
        return self._provider

    def _say(self, call: int, message: object) -> None:
        """Blocks while the pipe is full: whom we serve reads always, or is gone."""
        data = memoryview(messages.encode(call, message))
        while data:
            data = data[os.write(self._outgoing, data) :]


def load(name: str, target: str) -> ProviderPlugin:
    """What the entry point `name` names, judged. Raises ConfigError, or what its import raises."""
    found: Any = imported(target)
    if isinstance(found, type):
        found = found()
    missing = [attribute for attribute in _DECLARED if not hasattr(found, attribute)]
    if missing:
        raise ConfigError(
            f"the plugin {name!r} ({target}) is none: it has no {', no '.join(missing)}",
            hint="a plugin declares " + ", ".join(_DECLARED),
        )
    if found.name != name or not isinstance(found.version, str):
        raise ConfigError(f"the plugin {name!r} ({target}) calls itself {found.name!r} {found.version!r}")
    return cast("ProviderPlugin", found)


def bound(memory_bytes: int) -> None:
    """Limit this process and those it starts. Irrevocable: we have no capability to raise them again."""
    for kind, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        resource.setrlimit(kind, (limit, limit))
    threading.stack_size(_STACK_BYTES)


def take_pipes() -> tuple[int, int]:
    """Standard input and output, moved out of everybody's way: not inherited by processes either."""
    pipes = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return pipes


async def run(incoming: int, outgoing: int) -> None:
    """Serve over two pipes."""
    reader = asyncio.StreamReader(limit=messages.MAX_FRAME)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(incoming, "rb", buffering=0)
    )
    await Child(reader, outgoing).serve()


if __name__ == "__main__":
    bound(int(sys.argv[1]))
    asyncio.run(run(*take_pipes()))
    sys.stderr.flush()
    os._exit(0)  # whatever threads the plugin has left

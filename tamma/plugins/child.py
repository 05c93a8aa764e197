"""The process that a plugin runs in, whatever kind its adapter is: `python -m CHILD MEMORY_BYTES`.

Says on standard output, and hears on standard input, what `messages` describes. Both are moved elsewhere
before the plugin is loaded: it can print what it likes, which goes to standard error, and read nothing.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

from tamma.errors import ConfigError
from tamma.plugins import messages
from tamma.plugins.failures import failure_of
from tamma.plugins.kind import Kind
from tamma.registry import imported

_FILE_BYTES = 16 << 20
_OPEN_FILES = 256
_STACK_BYTES = 1 << 20
"""Of a thread. The usual 8 MB would count as memory, used or not."""


class Work(Protocol):
    """What a process of one kind does: it has one plugin, and at most one adapter of it."""

    def take(self, plugin: Any) -> None:
        """The plugin, which has what the kind declares."""
        ...

    def answers(self, message: object) -> AsyncGenerator[object]:
        """What is said to a call. Whatever it raises is reported."""
        ...

    async def close(self) -> None:
        """Close the adapter, if there is one."""
        ...


class Child:
    """One plugin, and the calls that are under way."""

    def __init__(self, kind: Kind, work: Work, incoming: asyncio.StreamReader, outgoing: int) -> None:
        self._kind = kind
        self._work = work
        self._incoming = incoming
        self._outgoing = outgoing
        self._calls: dict[int, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Until we are told to close, or whom we serve is gone."""
        while frame := await messages.read(self._incoming):
            message = frame.message(self._kind.vocabulary)
            if isinstance(message, messages.Close):
                break
            if isinstance(message, messages.Cancel):
                if frame.call in self._calls:
                    self._calls[frame.call].cancel()
            else:
                self._calls[frame.call] = asyncio.create_task(self._call(frame.call, message))
        for task in self._calls.values():
            task.cancel()
        await self._work.close()

    async def _call(self, call: int, message: object) -> None:
        try:
            await self._answer(call, message)
            self._say(call, messages.Done())
        except asyncio.CancelledError:
            self._say(call, messages.Done())
        # SystemExit too: a plugin that calls sys.exit has failed, and must not take its other calls along.
        except (Exception, SystemExit) as error:
            self._say(call, failure_of(error, self._kind))
        finally:
            del self._calls[call]

    async def _answer(self, call: int, message: object) -> None:
        if isinstance(message, messages.Load):
            plugin = load(message.name, message.target, self._kind)
            self._work.take(plugin)
            self._say(call, messages.Loaded(plugin.version))
            return
        async with aclosing(self._work.answers(message)) as answers:
            async for answer in answers:
                self._say(call, answer)

    def _say(self, call: int, message: object) -> None:
        """Blocks while the pipe is full: whom we serve reads always, or is gone."""
        data = memoryview(messages.encode(call, message))
        while data:
            data = data[os.write(self._outgoing, data) :]


def load(name: str, target: str, kind: Kind) -> Any:
    """What the entry point `name` names, judged. Raises ConfigError, or what its import raises."""
    found: Any = imported(target)
    if isinstance(found, type):
        found = found()
    missing = [attribute for attribute in kind.declared if not hasattr(found, attribute)]
    if missing:
        raise ConfigError(
            f"the plugin {name!r} ({target}) is none: it has no {', no '.join(missing)}",
            hint="a plugin declares " + ", ".join(kind.declared),
        )
    if found.name != name or not isinstance(found.version, str):
        raise ConfigError(f"the plugin {name!r} ({target}) calls itself {found.name!r} {found.version!r}")
    return found


def bound(memory_bytes: int) -> None:
    """Limit this process and those it starts. Irrevocable: we have no capability to raise them again."""
    for limited, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        resource.setrlimit(limited, (limit, limit))
    threading.stack_size(_STACK_BYTES)


def take_pipes() -> tuple[int, int]:
    """Standard input and output, moved out of everybody's way: not inherited by processes either."""
    pipes = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return pipes


async def run(kind: Kind, work: Work, incoming: int, outgoing: int) -> None:
    """Serve over two pipes."""
    reader = asyncio.StreamReader(limit=messages.MAX_FRAME)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(incoming, "rb", buffering=0)
    )
    await Child(kind, work, reader, outgoing).serve()


def main(kind: Kind, work: Work) -> None:
    """All that a kind's child module does. Does not return."""
    bound(int(sys.argv[1]))
    asyncio.run(run(kind, work, *take_pipes()))
    sys.stderr.flush()
    os._exit(0)  # whatever threads the plugin has left

"""A provider for code without an event loop.

`SyncProvider` runs a loop of its own in a background thread, so that the connections of a provider outlive a
single call. Several threads may use one at once. It refuses to work in a thread whose own loop is running: it
would stand still until the model has answered. There, await the provider itself, or use `asyncio.to_thread`.

Whatever ends a call early (an exception such as KeyboardInterrupt, an iterator that is closed half-read,
leaving the `with` block) cancels it in the loop and waits until it has let go of its connection.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from concurrent.futures import CancelledError, Future, wait
from contextlib import aclosing
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from tamma.errors import ConfigError, StreamInterrupted
from tamma.model.conversation import (
    Capabilities,
    Completion,
    ModelInfo,
    ProviderCheck,
    Request,
    StreamEvent,
    TokenCount,
)
from tamma.providers.interface import Provider, ProviderSettings, complete

T = TypeVar("T")
LETTING_GO = 10.0
"""Seconds that a cancelled call has to close its connection. Adapters need 2 at most."""


class SyncProvider:
    """A provider whose calls block. A context manager: entering starts the provider, leaving closes it."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._loop: _LoopThread | None = None

    def __enter__(self) -> Self:
        _refuse_in_a_running_loop()
        self._loop = _LoopThread(f"provider {self._provider.settings.name}")
        try:
            self._loop.run(self._provider.start())
        except BaseException:
            loop, self._loop = self._loop, None
            loop.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancel what still runs, close the provider and end the thread. Idempotent."""
        loop, self._loop = self._loop, None
        if loop is not None:
            try:
                loop.cancel_all()
                loop.run(self._provider.close())
            finally:
                loop.close()

    @property
    def provider(self) -> Provider:
        """The provider behind it; its coroutines are for `run` alone."""
        return self._provider

    @property
    def settings(self) -> ProviderSettings:
        return self._provider.settings

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of this provider to its end. Raises what it raises, ConfigError where it cannot."""
        try:
            loop = self._opened()
        except ConfigError:
            call.close()
            raise
        return loop.run(call)

    def stream(self, request: Request) -> Generator[StreamEvent, None, None]:
        """Ask the model, event by event, as `Provider.stream`. Closing the iterator closes the connection.

        The answer is read as fast as it comes, whether or not anybody takes its events.
        """
        return self._opened().iterate(lambda: self._provider.stream(request))

    def complete(self, request: Request) -> Completion:
        """Ask the model and wait for the whole answer. Raises what the stream raises."""
        return self.run(complete(self._provider, request))

    def count_tokens(self, request: Request) -> TokenCount:
        return self.run(self._provider.count_tokens(request))

    def capabilities(self, model: str) -> Capabilities:
        return self._provider.capabilities(model)

    def models(self) -> tuple[ModelInfo, ...]:
        return self.run(self._provider.models())

    def check(self) -> ProviderCheck:
        return self.run(self._provider.check())

    def _opened(self) -> _LoopThread:
        if self._loop is None:
            raise ConfigError(
                f"provider {self.settings.name!r} is not open",
                hint="use it inside `with SyncProvider(...) as provider:`",
            )
        _refuse_in_a_running_loop()
        return self._loop


class _LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._lock = threading.Lock()
        self._calls: set[_Call[Any]] = set()
        self._closed = False
        started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        # A daemon: a program that forgets to close must still be able to end.
        self._thread = threading.Thread(target=_serve, args=(started,), name=name, daemon=True)
        self._thread.start()
        self._loop, self._closing = started.result()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        call = _Call(self._loop, self._thread, work)
        try:  # it starts inside: an interrupt finds it either not begun or stops it
            self._start(call)
            return call.result()
        finally:
            call.stop()

    def iterate(self, source: Callable[[], AsyncGenerator[T, None]]) -> Generator[T, None, None]:
        """The items of an asynchronous generator, which runs in one task from its first item to its end."""
        items: SimpleQueue[tuple[T] | None] = SimpleQueue()

        async def pump() -> None:
            async with aclosing(source()) as opened:
                async for item in opened:
                    items.put((item,))

        call = _Call(self._loop, self._thread, pump())
        call.outcome.add_done_callback(lambda _: items.put(None))
        try:
            self._start(call)
            while (found := items.get()) is not None:
                yield found[0]
            call.result()
        finally:
            call.stop()

    def cancel_all(self) -> None:
        """Cancel all calls and wait until they have ended."""
        with self._lock:
            calls = tuple(self._calls)
        for call in calls:
            call.stop()

    def close(self) -> None:
        """End the thread; calls that still run are cancelled."""
        with self._lock:
            self._closed = True
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(LETTING_GO)

    def _start(self, call: _Call[Any]) -> None:
        with self._lock:
            if self._closed:
                call.give_up()
                raise StreamInterrupted("the provider was closed")
            self._calls.add(call)
            call.start()
        call.outcome.add_done_callback(lambda _: self._forget(call))

    def _forget(self, call: _Call[Any]) -> None:
        with self._lock:
            self._calls.discard(call)


class _Call(Generic[T]):
    """A coroutine that runs in the loop. `outcome` is set when it has really ended, cancelled or not."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, thread: threading.Thread, work: Coroutine[Any, Any, T]
    ) -> None:
        self.outcome: Future[T] = Future()
        self._loop = loop
        self._thread = thread
        self._work = work
        self._task: asyncio.Task[T] | None = None

    def start(self) -> None:
        self._loop.call_soon_threadsafe(self._begin, contextvars.copy_context())

    def give_up(self) -> None:
        """End it before it has begun."""
        self._work.close()
        self._cancelled()

    def result(self) -> T:
        """Wait for the end. Raises StreamInterrupted where the call was cancelled from elsewhere."""
        try:
            return self.outcome.result()
        except CancelledError:
            raise StreamInterrupted("the provider was closed in the middle of the call") from None

    def stop(self) -> None:
        """Cancel it if it still runs, and wait until it has ended."""
        if self.outcome.done():
            return
        self._loop.call_soon_threadsafe(self._cancel)
        if threading.current_thread() is not self._thread:  # where a forgotten iterator may be collected
            wait((self.outcome,), LETTING_GO)

    def _begin(self, context: contextvars.Context) -> None:
        self._task = self._loop.create_task(self._work, context=context)
        self._task.add_done_callback(self._settle)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        elif not self.outcome.done():
            self.give_up()

    def _cancelled(self) -> None:
        self.outcome.cancel()
        self.outcome.set_running_or_notify_cancel()

    def _settle(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self._cancelled()
        elif (error := task.exception()) is not None:
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(task.result())


def _serve(started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    """What the thread does. The runner cancels, at its end, what is still there."""
    with asyncio.Runner() as runner:
        closing = asyncio.Event()
        started.set_result((runner.get_loop(), closing))
        runner.run(_until(closing))


async def _until(closing: asyncio.Event) -> None:
    await closing.wait()


def _refuse_in_a_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise ConfigError(
        "a blocking call would stop this thread's running event loop",
        hint="await the provider itself, or call this by asyncio.to_thread",
    )

"""An event loop beside the caller's, for what must be reachable from everywhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Side:
    """A loop in a thread of its own, made when first needed.

    A call without `await` waits for work there too, also where the caller's own loop runs.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run `work` there. Cancelling the future cancels it."""
        return asyncio.run_coroutine_threadsafe(work, self._running())

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """`submit`, and wait for it in the caller's loop."""
        return await asyncio.wrap_future(self.submit(work))

    async def close(self) -> None:
        """Cancel what still runs, and end the thread. Idempotent."""
        with self._lock:
            thread, loop, stop = self._thread, self._loop, self._stop
            self._thread = self._loop = self._stop = None
        if thread is not None and loop is not None and stop is not None:
            loop.call_soon_threadsafe(stop.set)
            await asyncio.to_thread(thread.join)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
                # A daemon: whoever forgets to close must still be able to leave.
                self._thread = threading.Thread(target=_serve, args=(ready,), name=self._name, daemon=True)
                self._thread.start()
                self._loop, self._stop = ready.result()
            return self._loop


def _serve(ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    async def serve() -> None:
        stop = asyncio.Event()
        ready.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()

    asyncio.run(serve())

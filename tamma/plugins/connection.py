"""A plugin's process as seen from ours: started, spoken with, watched, ended.

For one event loop; Linux (pidfd, /proc). Whatever the process does, a call ends with an answer, one of two
errors, or its deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from tamma.plugins import messages
from tamma.plugins.limits import Budget, Limits, descendants, exceeded, usage

_WATCH = 0.1
"""Seconds between two looks at what the process uses."""
_BACKLOG_BYTES = 16 << 20
"""Answers that nobody has taken yet. More is a flood: it is ended before our own memory is."""
_TAIL = 4000
"""Characters kept of what the plugin wrote last: they say why it ended, better than its exit code."""
_GRACE = 1.0

T = TypeVar("T")


class PluginFailure(Exception):
    """What the plugin reported; its caller knows whose secrets to take out."""

    def __init__(self, failure: messages.Failure) -> None:
        super().__init__(failure.type)
        self.failure = failure


class PluginEnded(Exception):
    """The process is gone, or is ended because it does not keep to the protocol."""

    def __init__(self, reason: str, last_words: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.last_words = last_words


class Unsendable(Exception):
    """A message that is too long for the pipe."""


class Connection:
    """The process and the calls under way in it."""

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        pipes: _Pipes,
        vocabulary: messages.Vocabulary,
        limits: Limits,
        scratch: str,
    ) -> None:
        self._popen = popen
        self._pipes = pipes
        self._vocabulary = vocabulary
        self._limits = limits
        self._scratch = scratch
        self._numbers = itertools.count(1)
        self._calls: dict[int, _Call] = {}
        self._cancelled: dict[int, asyncio.TimerHandle] = {}
        self._reason: str | None = None
        self._said: deque[str] = deque(maxlen=8)
        self._reading = asyncio.create_task(self._read())
        self._listening = asyncio.create_task(self._listen())
        self._watching = asyncio.create_task(self._watch())

    @classmethod
    async def open(
        cls,
        argv: Sequence[str],
        env: Mapping[str, str],
        vocabulary: messages.Vocabulary,
        limits: Limits,
        scratch: str,
    ) -> Connection:
        """Start `argv`. Raises OSError. The folder `scratch` is removed when the process has ended."""
        popen = _started(argv, env)
        return cls(popen, await _Pipes.of(popen), vocabulary, limits, scratch)

    @property
    def alive(self) -> bool:
        """Whether it can be called; asked of the kernel too, since the loop may not have been told yet."""
        return self._reason is None and self._popen.poll() is None

    @property
    def pid(self) -> int:
        """The outermost process; the plugin's own are its descendants."""
        return self._popen.pid

    @property
    def last_words(self) -> str:
        """The end of what the plugin wrote to its standard output and error."""
        return "".join(self._said)[-_TAIL:]

    async def ask(self, message: object, kind: type[T], seconds: float) -> T:
        """The answer of type `kind`.

        Raises PluginFailure, PluginEnded, Unsendable, and TimeoutError after `seconds`.
        """
        deadline = time.monotonic() + seconds
        async with contextlib.aclosing(self.answers(message, deadline)) as answers:
            found = [answer async for answer in answers]
        if len(found) != 1 or not isinstance(found[0], kind):
            raise self._broken(f"it did not answer a {type(message).__name__} with a {kind.__name__}")
        return found[0]

    async def answers(
        self, message: object, deadline: float, stall: float = float("inf")
    ) -> AsyncGenerator[Any, None]:
        """All answers to `message`. Closing the generator cancels the call.

        Raises what `ask` raises; TimeoutError at `deadline` (monotonic), or `stall` seconds after the last.
        """
        number = next(self._numbers)
        try:
            data = messages.encode(number, message)
        except ValueError as error:
            raise Unsendable(f"this cannot be passed on to a plugin: {error}") from None
        call = self._calls[number] = _Call()
        try:
            self._write(data)
            while True:
                frame = await call.next(min(deadline, time.monotonic() + stall))
                if frame is None:
                    raise PluginEnded(self._reason or "it ended", self.last_words)
                try:
                    answer = frame.message(self._vocabulary)
                except ValueError as error:
                    raise self._broken(
                        f"it said what cannot be understood ({type(error).__name__})"
                    ) from None
                if isinstance(answer, messages.Failure):
                    raise PluginFailure(answer)
                if isinstance(answer, messages.Done):
                    return
                yield answer
        finally:
            del self._calls[number]
            if not call.ended and self.alive:
                self._write(messages.encode(number, messages.Cancel()))
                self._cancelled[number] = asyncio.get_running_loop().call_later(
                    self._limits.cancel_seconds,
                    self.kill,
                    f"a cancelled call went on for {self._limits.cancel_seconds:.0f} s",
                )

    def kill(self, reason: str) -> None:
        """End the process now. `reason`: what those are told who wait for an answer."""
        self._reason = self._reason or reason
        self._kill_all()

    async def close(self) -> None:
        """Ask the process to leave, and see to it. Idempotent."""
        if self.alive:
            self._write(messages.encode(0, messages.Close()))
            await asyncio.wait((self._reading,), timeout=_GRACE)
        self.kill("it was closed")
        await asyncio.wait((self._reading, self._listening, self._watching))

    def _write(self, data: bytes) -> None:
        if not self._pipes.stdin.is_closing():
            self._pipes.stdin.write(data)

    def _broken(self, what: str) -> PluginEnded:
        """It does not keep to the protocol: there is no knowing what it says next."""
        self.kill(what)
        return PluginEnded(what, self.last_words)

    # --- tasks ---

    async def _read(self) -> None:
        try:
            while frame := await messages.read(self._pipes.answers):
                self._take(frame)
        except ValueError:
            self.kill("it said what is no message")
        finally:
            await self._end()
            for call in self._calls.values():
                call.put(None)

    def _take(self, frame: messages.Frame) -> None:
        call = self._calls.get(frame.call)
        if call is not None:
            call.put(frame)
            if call.waiting > _BACKLOG_BYTES:
                self.kill("it answers more than can be taken")
        elif frame.final and frame.call in self._cancelled:
            self._cancelled.pop(frame.call).cancel()

    async def _listen(self) -> None:
        while data := await self._pipes.words.read(1 << 16):
            self._said.append(data.decode(errors="replace")[-_TAIL:])

    async def _watch(self) -> None:
        budget = Budget(self._limits.cpu_share)
        resting = False
        while self._reason is None and self._popen.returncode is None:
            pids = descendants(self.pid)
            used = usage(pids)
            if reason := exceeded(used, self._limits):
                self.kill(reason)
                return
            budget = budget.after(time.monotonic(), used.cpu)
            if budget.overdrawn or resting:
                _signal(pids, signal.SIGSTOP if budget.overdrawn else signal.SIGCONT)
                resting = budget.overdrawn
            await asyncio.sleep(_WATCH)

    async def _end(self) -> None:
        """It has closed its end, or was killed: collect what is left, and say why."""
        for timer in self._cancelled.values():
            timer.cancel()
        self._pipes.stdin.close()  # a launcher takes its end for ours
        if not await _ended(self._popen, _GRACE):
            self._kill_all()
            if not await _ended(self._popen, _GRACE):
                self._popen.kill()
        code = self._popen.wait()
        self._watching.cancel()
        await asyncio.wait((self._listening,), timeout=_GRACE)
        self._listening.cancel()
        self._pipes.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._reason = self._reason or _meaning(code)

    def _kill_all(self) -> None:
        # The inner ones: the outermost then ends by itself. The number of a collected one may be another's.
        if self._popen.returncode is None:
            _signal(descendants(self.pid), signal.SIGKILL)


class _Call:
    """The answers to one call that came and were not taken yet."""

    def __init__(self) -> None:
        self._frames: deque[messages.Frame | None] = deque()
        self._came = asyncio.Event()
        self.waiting = 0
        """Bytes."""
        self.ended = False
        """Whether nothing more can come."""

    def put(self, frame: messages.Frame | None) -> None:
        self._frames.append(frame)
        self._came.set()
        if frame is None or frame.final:
            self.ended = True
        if frame is not None:
            self.waiting += len(frame.body)

    async def next(self, deadline: float) -> messages.Frame | None:
        """The next frame; None once the process has ended. Raises TimeoutError at `deadline` (monotonic)."""
        if not self._frames:
            self._came.clear()
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                await self._came.wait()
        frame = self._frames.popleft()
        if frame is not None:
            self.waiting -= len(frame.body)
        return frame


class _Pipes:
    """Our ends of the process's three."""

    def __init__(
        self,
        stdin: asyncio.WriteTransport,
        stdout: asyncio.ReadTransport,
        stderr: asyncio.ReadTransport,
        answers: asyncio.StreamReader,
        words: asyncio.StreamReader,
    ) -> None:
        self.stdin = stdin
        self.answers = answers
        self.words = words
        self._transports = (stdin, stdout, stderr)

    @classmethod
    async def of(cls, popen: subprocess.Popen[bytes]) -> _Pipes:
        loop = asyncio.get_running_loop()
        answers, words = asyncio.StreamReader(), asyncio.StreamReader()
        stdin, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, popen.stdin)
        stdout, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(answers), popen.stdout)
        stderr, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), popen.stderr)
        return cls(stdin, stdout, stderr, answers, words)

    def close(self) -> None:
        for transport in self._transports:
            transport.close()


def _started(argv: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """In the loop's own thread: bubblewrap ends with the thread that started it. Takes some 2 ms."""
    return subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        cwd="/",
        start_new_session=True,
        bufsize=0,
    )


def _signal(pids: Iterable[int], kind: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, kind)


async def _ended(popen: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it ends within `seconds`."""
    if popen.poll() is not None:
        return True
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    descriptor = os.pidfd_open(popen.pid)
    loop.add_reader(descriptor, told.set)
    try:
        async with asyncio.timeout(seconds):
            await told.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return True


def _meaning(code: int) -> str:
    """Of an exit code; the outermost process passes a signal on as 128 + its number."""
    number = code - 128 if code > 128 else -code
    try:
        return f"it was ended by {signal.Signals(number).name}"
    except ValueError:
        return f"it ended with code {code}"

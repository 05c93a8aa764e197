"""One request in a thread, and what it ends in: what the transport and the session share."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Any, Protocol

_here = threading.local()
"""`call`: the one that this thread carries."""


class _Connection(Protocol):
    sock: Any


class Refused(Exception):
    """An answer that is no success, with its headers: python-gitlab's own errors have none."""

    def __init__(self, answer: Any) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class Call:
    """One request in its thread. Whoever waits for it may give it up: a blocked thread cannot be cancelled,
    but its connection can be taken away, which ends it at once."""

    def __init__(self) -> None:
        self.given_up = False
        self._lock = threading.Lock()
        self._connection: _Connection | None = None

    def __enter__(self) -> None:
        _here.call = self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _here.call = None
        with self._lock:  # the connection may be another call's from now on
            self._connection = None

    def uses(self, connection: _Connection) -> None:
        """Raises OSError where it was given up before."""
        with self._lock:
            self._connection = connection
            if self.given_up:
                raise OSError("the call was given up")

    def give_up(self) -> None:
        with self._lock:
            self.given_up = True
            wire = self._connection.sock if self._connection is not None else None
            if isinstance(wire, socket.socket):
                with contextlib.suppress(OSError):
                    # Not an SSLSocket's own: that one forgets its encryption under the thread that reads.
                    socket.socket.shutdown(wire, socket.SHUT_RDWR)


def current_call() -> Call:
    """Of this thread."""
    return _here.call

"""No test leaves this machine: connecting and resolving are refused for everything but loopback.

An audit hook sees every connection that Python code makes, asyncio's too, and cannot be undone by a test.
Its limits: code that opens sockets without Python (the Temporal client's core, child processes) is not seen.
Children are held back by proxy variables that point to a closed port (tests/guards/environment.py), which
curl, pip, npm, git, Go and Python's clients respect, and which a determined program does not.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from enum import Enum
from typing import cast

LOCAL_NAMES = frozenset({"", "localhost", "localhost.localdomain", "ip6-localhost", "broadcasthost"})
RESERVED_SUFFIXES = (".invalid", ".test", ".example", ".example.com", ".example.org", ".example.net")
DOCUMENTATION = tuple(
    ipaddress.ip_network(block)
    for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)


class NetworkForbiddenError(Exception):
    """A test tried to leave the machine. Not an OSError: code that retries those must not swallow it."""


class Verdict(Enum):
    """What happens to an attempt to reach a host."""

    ALLOW = "this machine"
    UNREACHABLE = "reserved for documentation: fails as if there were no network, for tests that want that"
    FORBID = "another machine"


def judge(host: object) -> Verdict:
    """Decide on a host name or address, as socket functions take it (None is this machine)."""
    if host is None:
        return Verdict.ALLOW
    name = (host.decode("idna") if isinstance(host, bytes) else str(host)).lower().rstrip(".")
    if name in LOCAL_NAMES or name == socket.gethostname().lower() or name.endswith(".localhost"):
        return Verdict.ALLOW
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return Verdict.UNREACHABLE if f".{name}".endswith(RESERVED_SUFFIXES) else Verdict.FORBID
    if address.is_loopback or address.is_unspecified:
        return Verdict.ALLOW
    return Verdict.UNREACHABLE if any(address in block for block in DOCUMENTATION) else Verdict.FORBID


class NetworkGuard:
    """Judges what the audit hook sees, and remembers refusals that the code under test swallowed."""

    def __init__(self) -> None:
        self._refused: list[str] = []

    def take_refusals(self) -> list[str]:
        """The refusals since the last call."""
        refused, self._refused = self._refused, []
        return refused

    def see(self, event: str, arguments: tuple[object, ...]) -> None:
        """The audit hook. Raises NetworkForbiddenError or OSError to stop the call."""
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            sock, address = arguments[0], arguments[1]
            over_ip = isinstance(sock, socket.socket) and sock.family in (socket.AF_INET, socket.AF_INET6)
            # A connected socket sends without an address (None): its connect was judged before.
            if over_ip and isinstance(address, tuple):
                self._decide(event, cast("tuple[object, ...]", address)[0])
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self._decide(event, arguments[0])

    def _decide(self, event: str, host: object) -> None:
        verdict = judge(host)
        if verdict is Verdict.UNREACHABLE:
            if event in ("socket.getaddrinfo", "socket.gethostbyname"):
                raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is a reserved name")
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        if verdict is Verdict.FORBID:
            self._refused.append(f"{event} to {host!r}")
            raise NetworkForbiddenError(f"tests stay on this machine, but {event} wanted {host!r}")


def install() -> NetworkGuard:
    """Guard this process until it ends."""
    guard = NetworkGuard()
    sys.addaudithook(guard.see)
    return guard

"""Free ports on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from tamma.errors import StackError

TRIES = 100


def is_free(ip: str, port: int) -> bool:
    """Whether nobody listens there. SO_REUSEADDR: connections of a server that just ended do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
        except OSError:
            return False
    return True


def next_free(ip: str, wanted: int, taken: Iterable[int] = ()) -> int:
    """`wanted`, or the next free port after it. Raises StackError after 100 tries."""
    avoid = set(taken)
    for port in range(wanted, min(wanted + TRIES, 65536)):
        if port not in avoid and is_free(ip, port):
            return port
    raise StackError(
        f"no free port on {ip} from {wanted} to {wanted + TRIES - 1}",
        hint="end what listens there, or use a Temporal server of your own with --temporal-address",
    )

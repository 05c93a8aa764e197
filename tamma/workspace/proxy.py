"""The install phase's only way out: a proxy on a unix socket that knows a list of hosts.

Takes CONNECT (for https) and absolute-form requests (for http, as local package indexes use). Everything else
is refused with 403 and remembered, so that the install's report can say what was asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_HEAD_LIMIT = 65536
_CONNECT_SECONDS = 20.0
_Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class AllowlistProxy:
    """`async with AllowlistProxy(hosts) as proxy:` listens on `proxy.socket` until the end of the block.

    `hosts` are names, or `name:port` for other ports than 80 and 443.
    """

    def __init__(self, hosts: Iterable[str], environ: Mapping[str, str] = os.environ) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._environ = environ
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._folder = ""
        self.refused: set[str] = set()
        """Hosts that were asked for and are not on the list."""

    @property
    def socket(self) -> Path:
        return Path(self._folder) / "proxy.sock"

    async def __aenter__(self) -> Self:
        # Not in the workspace's folder: a socket's path may have 107 bytes at most.
        self._folder = tempfile.mkdtemp(prefix="tamma-proxy-")
        self._server = await asyncio.start_unix_server(self._accept, self.socket, limit=_HEAD_LIMIT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the loop's next round
        await self._server.wait_closed()
        shutil.rmtree(self._folder)

    def allows(self, host: str, port: int) -> bool:
        """Whether the list has this destination."""
        name = host.lower().rstrip(".")
        return f"{name}:{port}" in self._hosts or (name in self._hosts and port in {80, 443})

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError) as error:
            with contextlib.suppress(OSError):
                writer.write(_answer(502, f"{type(error).__name__}: {error}"))
                await writer.drain()
        except asyncio.CancelledError:
            pass  # the block ended; asyncio's stream server would log a cancelled handler
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line, _, rest = head.partition(b"\r\n")
        words = line.decode("latin-1").split()
        if len(words) != 3:
            writer.write(_answer(400, "not a request"))
            return
        method, target, version = words
        connect = method == "CONNECT"
        try:
            parts = urlsplit(f"//{target}" if connect else target)
            host, port = parts.hostname or "", parts.port or (443 if connect else 80)
        except ValueError:
            host, port, parts = "", 0, urlsplit("")
        if not self.allows(host, port) or (not connect and parts.scheme != "http"):
            self.refused.add(f"{host}:{port}")
            writer.write(_answer(403, f"{host}:{port} is not a configured package index"))
            await writer.drain()
            return
        up = await asyncio.wait_for(self._dial(host, port, connect=connect), _CONNECT_SECONDS)
        if connect:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            up[1].write(
                _forwarded(method, target, version, rest, whole=self._upstream("http", host) is not None)
            )
        try:
            await asyncio.gather(_pump(reader, up[1]), _pump(up[0], writer))
        finally:
            up[1].close()

    async def _dial(self, host: str, port: int, *, connect: bool) -> _Pipe:
        upstream = self._upstream("https" if connect else "http", host)
        if upstream is None:
            return await asyncio.open_connection(host, port)
        reader, writer = await asyncio.open_connection(*upstream)
        if connect:
            writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head.split(b"\r\n")[0] + b" ":
                writer.close()
                raise ConnectionRefusedError("the machine's own proxy refused")
        return reader, writer

    def _upstream(self, scheme: str, host: str) -> tuple[str, int] | None:
        """The machine's own proxy for this destination, if it has one."""
        url = self._environ.get(f"{scheme}_proxy") or self._environ.get(f"{scheme.upper()}_PROXY")
        exceptions = self._environ.get("no_proxy") or self._environ.get("NO_PROXY") or ""
        direct = [name.strip().lstrip(".") for name in exceptions.split(",") if name.strip()]
        if not url or "*" in direct or any(host == name or host.endswith(f".{name}") for name in direct):
            return None
        parts = urlsplit(url)
        return (parts.hostname, parts.port or 80) if parts.hostname else None


def _forwarded(method: str, target: str, version: str, rest: bytes, *, whole: bool) -> bytes:
    """A proxied http request as its server wants it: one request a connection, so no host can be smuggled."""
    parts = urlsplit(target)
    where = target if whole else (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    drop = (b"connection:", b"proxy-connection:", b"proxy-authorization:", b"keep-alive:")
    headers = [x for x in rest.split(b"\r\n") if x and not x.lower().startswith(drop)]
    lines = [f"{method} {where} {version}".encode("latin-1"), *headers, b"Connection: close"]
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_HEAD_LIMIT):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def _answer(status: int, text: str) -> bytes:
    body = f"{text}\n".encode()
    return b"HTTP/1.1 %d Refused\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
        status,
        len(body),
        body,
    )

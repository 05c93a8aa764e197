"""Which MCP server is meant, and how it is reached."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tamma.errors import ConfigError
from tamma.model.hosts import is_loopback

INHERITED = ("PATH", "HOME", "LANG")
"""All that a server's process sees of this environment; the rest is declared for it by name."""
_SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class McpServer:
    """One server: a `command` to start, spoken to over its standard streams, or a `url` (streamable HTTP).

    Values of `env` and `headers` may be secrets: they are never shown, and never stand in `args`.
    """

    name: str
    command: str | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout: float = 300.0
    """Seconds for one call of a tool."""
    start_timeout: float = 30.0
    """Seconds from starting or connecting to the end of MCP's handshake."""

    @property
    def place(self) -> str:
        """Where it is, fit to be shown: addresses may carry secrets in their path and query."""
        if self.url is None:
            return f"command {self.command!r}"
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    def environment(self) -> dict[str, str]:
        """The whole environment of the server's process."""
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {**kept, **self.env}

    def clean(self, text: str) -> str:
        """`text` on one line, without any secret that we gave to the server."""
        for secret in (*self.env.values(), *self.headers.values()):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return " ".join(text.split())


def problems(server: McpServer) -> list[str]:
    """What is wrong with `server`, one sentence each. Looks at nothing but the words."""
    if (server.command is None) == (server.url is None):
        return ["it needs either a `command` or a `url`"]
    if server.url is None:
        return ["it has `headers`, which a `command` does not take"] if server.headers else []
    found = ["it has `args` or `env`, which a `url` does not take"] if server.args or server.env else []
    parts = urlsplit(server.url)
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host:
        found.append("its `url` is no http(s) address: write it like https://host/mcp")
    elif parts.scheme == "http" and not is_loopback(host):
        found.append(f"its `url` is plain http to {host!r}, which would show code and keys to all: use https")
    return found


def check_server(server: McpServer) -> None:
    """Raise ConfigError saying all that is wrong with `server`."""
    found = problems(server)
    if found:
        raise ConfigError(
            f"MCP server {server.name!r}: {'; '.join(found)}",
            hint='e.g. {"command": "npx", "args": ["-y", "some-mcp-server"]} or {"url": "https://host/mcp"}',
        )

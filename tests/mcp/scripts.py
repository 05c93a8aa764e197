"""MCP servers of a few lines, as the tests want them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from tamma.mcp.server import McpServer

SCRIPT = Path(__file__).parents[1] / "support" / "mcp_script.py"


def scripted(*, env: dict[str, str] | None = None, timeout: float = 20.0, **order: object) -> McpServer:
    """A server that `tests/support/mcp_script.py` plays."""
    return McpServer(
        "mine",
        command=sys.executable,
        args=tuple(arguments(order)),
        env=env or {},
        timeout=timeout,
        start_timeout=20.0,
    )


def arguments(order: Mapping[str, object]) -> list[str]:
    return ["-I", "-S", str(SCRIPT), json.dumps(order)]


def script_options(*, env: dict[str, str] | None = None, **order: object) -> dict[str, object]:
    """The same server, as the options of a `zen-mcp` provider name it."""
    return {"server": {"command": sys.executable, "args": arguments(order), "env": env or {}}}


def says(text: str, *, error: bool = False) -> dict[str, object]:
    """A tool's result of one text."""
    return {"content": [{"type": "text", "text": text}], "isError": error}

"""MCP servers of a few lines, as the tests want them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tamma.mcp.server import McpServer

SCRIPT = Path(__file__).parents[1] / "support" / "mcp_script.py"


def scripted(*, env: dict[str, str] | None = None, timeout: float = 20.0, **order: object) -> McpServer:
    """A server that `tests/support/mcp_script.py` plays."""
    return McpServer(
        "mine",
        command=sys.executable,
        args=("-I", "-S", str(SCRIPT), json.dumps(order)),
        env=env or {},
        timeout=timeout,
        start_timeout=20.0,
    )


def says(text: str, *, error: bool = False) -> dict[str, object]:
    """A tool's result of one text."""
    return {"content": [{"type": "text", "text": text}], "isError": error}

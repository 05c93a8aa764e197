"""The SDK is imported when a server is started, and not before."""

from __future__ import annotations

import pytest

from tests.providers.test_imports import imported_by

HEAVY = ("mcp", "httpx2", "anyio", "pydantic")


@pytest.mark.parametrize(
    "statement",
    [
        (
            "from tamma.mcp.client import McpClient; from tamma.mcp.server import McpServer; "
            "McpClient(McpServer('x', command='x'))"
        ),
        "import tamma.providers.mcp.provider",
        "import tamma.toolservers.interface",
    ],
)
def test_naming_a_server_imports_no_sdk(statement: str) -> None:
    assert imported_by(statement, HEAVY) == ""

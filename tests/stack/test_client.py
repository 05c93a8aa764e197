"""Connecting to Temporal: what goes wrong is told with what to do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tamma.errors import ConfigError, StackError
from tamma.stack.interface import StackRequest
from tamma.stack.stack import ensure_stack
from tamma.temporal.client import check_address, connect


@pytest.mark.parametrize(
    "address", ["", "localhost", "http://localhost:7233", "localhost:", ":7233", "h:0", "h:x"]
)
def test_wrong_address(address: str) -> None:
    with pytest.raises(ConfigError, match="HOST:PORT"):
        check_address(address)


async def test_nobody_listens() -> None:
    with pytest.raises(StackError, match=r"no Temporal server at '127\.0\.0\.1:1'") as caught:
        await connect("127.0.0.1:1", "default")
    assert "tamma dev" in (caught.value.hint or "")


async def test_somebody_listens_who_never_answers() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(StackError):
            await connect(f"127.0.0.1:{silent.getsockname()[1]}", "default", timeout=0.3)


async def test_namespace_that_is_not_there(stack_home: Path) -> None:
    info = await ensure_stack(stack_home, StackRequest())
    with pytest.raises(ConfigError, match="has no namespace 'absent'"):
        await connect(info.temporal_address, "absent")

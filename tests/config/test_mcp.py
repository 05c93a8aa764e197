"""MCP servers in the configuration: references become secrets late, and mistakes are said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tamma.config.load import LoadedConfig, load_config
from tamma.config.resolve import settings_for_provider, tool_servers, worker_environment
from tamma.errors import ConfigError
from tamma.providers.mcp.options import wiring
from tamma.toolservers.interface import NO_TOOL_SERVERS
from tamma.toolservers.servers import McpToolServers

CANARY = "canary-0123456789"


def load(tmp_path: Path, config: dict[str, Any], **env: str) -> LoadedConfig:
    (tmp_path / "config.json").write_text(json.dumps(config))
    return load_config(env={"TAMMA_HOME": str(tmp_path), **env})


def test_no_servers_are_none(tmp_path: Path) -> None:
    assert tool_servers(load(tmp_path, {})) is NO_TOOL_SERVERS


def test_servers_are_made_with_their_secrets(tmp_path: Path) -> None:
    config = {
        "mcpServers": {
            "tracker": {"command": "x", "env": {"TRACKER_KEY": "env:MY_KEY", "MODE": "fast"}},
            "docs": {"url": "https://h/mcp", "headers": {"Authorization": "env:MY_KEY"}, "tools": ["a"]},
        }
    }
    loaded = load(tmp_path, config, MY_KEY=CANARY, OTHER_KEY="stays")
    made = tool_servers(loaded)
    assert isinstance(made, McpToolServers)
    assert CANARY not in repr(made.allowed)
    tracker, docs = made.allowed
    assert tracker.server.env == {"TRACKER_KEY": CANARY, "MODE": "fast"}
    assert tracker.tools is None
    assert docs.server.headers == {"Authorization": CANARY}
    assert docs.tools == {"a"}
    passed_on = worker_environment(loaded)
    assert passed_on["MY_KEY"] == CANARY
    assert "OTHER_KEY" not in passed_on


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({}, "either a `command` or a `url`"),
        ({"url": "http://example.com/mcp"}, "plain http"),
        ({"command": "x", "env": {"A_TOKEN": "env:MISSING"}}, r"mcpServers\.bad\.env\.A_TOKEN refers to"),
    ],
)
def test_mistakes_are_said(tmp_path: Path, server: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        tool_servers(load(tmp_path, {"mcpServers": {"bad": server}}))


@pytest.mark.parametrize("name", ["has space", "a.b", "x" * 33, "a[0]"])
def test_names_that_no_tool_could_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        load(tmp_path, {"mcpServers": {name: {"command": "x"}}})


def test_a_secret_itself_is_refused(tmp_path: Path) -> None:
    config = {"mcpServers": {"tracker": {"command": "x", "env": {"API_TOKEN": CANARY}}}}
    with pytest.raises(ConfigError, match="holds a secret itself") as caught:
        load(tmp_path, config)
    assert CANARY not in str(caught.value)


def test_a_providers_server_gets_its_secrets_too(tmp_path: Path) -> None:
    options = {"server": {"command": "pal-mcp-server", "env": {"OPENAI_API_KEY": "env:MY_KEY"}}}
    entry = {"providerId": "pal", "providerType": "zen-mcp", "options": options}
    loaded = load(tmp_path, {"providers": {"available": [entry]}}, MY_KEY=CANARY)
    assert wiring(settings_for_provider(loaded, "pal")).server.env["OPENAI_API_KEY"] == CANARY
    assert worker_environment(loaded)["MY_KEY"] == CANARY

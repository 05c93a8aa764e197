"""`tamma providers test` where something is wrong: address, model, prompt, a plugin, a tool server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tamma import registry
from tests.cli.test_providers import Captured, entry, home, run
from tests.mcp.scripts import script_options
from tests.providers.vendors.chat import LocalVendor
from tests.support.plugins import importable, install
from tests.support.plugins import registry as fresh_registry
from tests.support.raw_http import Answer, RawServer, json_answer

__all__ = ["home"]


def refusal(status: int, kind: str, words: str) -> Answer:
    return json_answer(LocalVendor().error_body(status, kind, words), status)


def page(status: int) -> Answer:
    return Answer([b"<!doctype html><title>Welcome</title>"], status, content_type="text/html")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page(200), ("InvalidRequest", "web page", "baseUrl")),
        (page(404), ("ModelNotFound", "baseUrl")),
        (refusal(404, "not_found_error", "no such model"), ("ModelNotFound", "choose a model")),
        (
            refusal(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
            ("ContextOverflow", "larger context window"),
        ),
        (refusal(402, "billing_error", "no credit"), ("QuotaExhausted", "another provider")),
    ],
    ids=["a web site", "a wrong path", "an unknown model", "a long prompt", "no credit"],
)
async def test_a_service_that_refuses(
    home: Path, capsys: Captured, answer: Answer, words: tuple[str, ...]
) -> None:
    async with RawServer(answer) as server:
        entry(home, server.url)
        code, out, err = await run(capsys, "test")
    assert (code, out) == (1, "")
    assert all(word in err for word in words), err
    assert "Traceback" not in err


async def test_an_address_that_would_show_the_key_is_never_asked(home: Path, capsys: Captured) -> None:
    entry(home, "http://models.example/v1")
    code, out, err = await run(capsys, "test")
    assert (code, out) == (2, "")
    assert "plain http to 'models.example'" in err
    assert "hint: use https" in err


async def test_a_prompt_over_the_window_is_not_sent_to_ollama(home: Path, capsys: Captured) -> None:
    async with RawServer(json_answer({"capabilities": ["completion"]})) as server:
        entry(home, server.url, contextWindow=512, options={"kind": "ollama", "discover": False})
        code, _, err = await run(capsys, "test", "--prompt", "word " * 4000)
        assert code == 1
        assert "ContextOverflow" in err
        assert not any(request.path.endswith("/chat") for request in server.received)


async def test_a_plugin_that_raises_at_import(
    home: Path, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install(tmp_path / "plugin", points={"sample-raises": "sample_provider.raises:PLUGIN"})
    monkeypatch.setattr(registry, "providers", fresh_registry())
    with importable(folder):
        entry(home, "http://127.0.0.1:9/v1", providerType="sample-raises", options={}, price=None)
        code, out, err = await run(capsys, "test")
    assert (code, out) == (2, "")
    assert "this module cannot be imported" in err
    assert "sample_provider.raises" not in sys.modules


@pytest.mark.parametrize(
    ("mode", "words"),
    [("die", "ended"), ("huge", "sent a line of more than"), ("line", "sent a line of more than")],
)
async def test_a_tool_server_that_dies_or_floods(home: Path, capsys: Captured, mode: str, words: str) -> None:
    options = script_options(mode=mode)
    given: dict[str, Any] = {"name": "house", "providerType": "zen-mcp", "model": "m1", "options": options}
    (home / "config.json").write_text(json.dumps({"providers": {"default": "house", "available": [given]}}))
    code, out, err = await run(capsys, "test")
    assert (code, out) == (1, "")
    assert words in err
    assert "hint: " in err

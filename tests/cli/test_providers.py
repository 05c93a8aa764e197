"""`tamma providers`, over a server on the loopback and over nothing at all."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tamma.cli import main
from tests.providers.vendors.base import Said
from tests.providers.vendors.chat import LocalVendor
from tests.support.raw_http import Answer, RawServer, json_answer

Captured = pytest.CaptureFixture[str]
HELLO = Said(["Hel", "lo!"], usage=(9, 3))


async def run(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    code = await asyncio.to_thread(main.run, ("providers", *arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def home(tamma_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    tamma_home.mkdir(exist_ok=True)
    return tamma_home


def entry(home: Path, url: str, **more: Any) -> None:
    house = {
        "name": "house",
        "providerType": "local-llm",
        "baseUrl": url,
        "model": "m1",
        "price": {"inputMtok": "2", "outputMtok": "10"},
        "options": {"kind": "openai"},
        **more,
    }
    providers = {
        "default": "house",
        "steps": {"plan": "house/m2"},
        "fallbacks": ["scripted", "house"],
        "available": [house],
    }
    (home / "config.json").write_text(json.dumps({"providers": providers}))


async def test_the_list_says_what_is_ready_and_what_it_is_for(home: Path, capsys: Captured) -> None:
    entry(home, "http://127.0.0.1:9/v1")
    code, out, _ = await run(capsys, "list", "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)}
    assert next(iter(rows)) == "house"
    assert rows["house"]["used"] == ["default", "plan", "fallback 2"]
    assert rows["house"]["key"] == "not needed"
    assert rows["anthropic-claude"]["key"] == "ANTHROPIC_API_KEY is not set"
    code, out, _ = await run(capsys, "list", "--types")
    assert code == 0
    assert "anthropic-claude" in out


async def test_a_provider_is_shown_with_what_its_model_can_do(home: Path, capsys: Captured) -> None:
    entry(home, "http://127.0.0.1:9/v1", contextWindow=8192, capabilities={"tools": False})
    code, out, _ = await run(capsys, "show", "--json")
    assert code == 0
    shown = json.loads(out)
    assert shown["price"] == {"inputMtok": "2", "outputMtok": "10"}
    assert shown["capabilities"]["contextWindow"] == 8192
    assert shown["problems"] == []
    code, out, _ = await run(capsys, "show")
    assert "$2 in, $10 out" in out
    assert "8,192" in next(line for line in out.splitlines() if line.startswith("capabilities.contextWindow"))
    code, out, _ = await run(capsys, "show", "anthropic-claude", "--model", "claude-opus-5-5")
    assert code == 0
    assert "claude-opus-5-5" in out
    assert "ANTHROPIC_API_KEY is not set" in out
    assert "capabilities.tools" in out  # a key is no condition for looking


async def test_a_greeting_is_streamed_with_its_figures(home: Path, capsys: Captured) -> None:
    async with RawServer(Answer(LocalVendor().wire(HELLO))) as server:
        entry(home, server.url)
        code, out, err = await run(capsys, "test", "--prompt", "Hi")
        assert (code, out) == (0, "Hello!\n"), err
        assert "first token" in err
        assert "9 tokens in, 3 out, $0.000048 (config)" in err
        assert server.received[-1].body["messages"][-1]["content"] == "Hi"
        code, out, _ = await run(capsys, "test", "house", "--json")
        (told,) = json.loads(out)
        assert (told["ok"], told["text"], told["costUsd"]) == (True, "Hello!", "0.000048")
        assert 0 < told["firstTokenSeconds"] <= told["seconds"]


async def test_models_are_listed(home: Path, capsys: Captured) -> None:
    listed = {"data": [{"id": "m1", "max_model_len": 4096}, {"id": "m2"}]}
    async with RawServer(json_answer(listed)) as server:
        entry(home, server.url)
        code, out, _ = await run(capsys, "models", "--json")
        assert code == 0
        assert [(row["model"], row["window"]) for row in json.loads(out)] == [("m1", 4096), ("m2", None)]
        code, out, _ = await run(capsys, "test", "--check", "--json")
        assert (code, json.loads(out)[0]["ok"]) == (0, True)


async def test_what_goes_wrong_is_told_with_its_exit_code(home: Path, capsys: Captured) -> None:
    refusal = json_answer({"error": {"message": "no", "type": "authentication_error"}}, 401)
    async with RawServer(refusal) as server:
        entry(home, server.url)
        code, out, err = await run(capsys, "test")
        assert (code, out) == (4, "")
        assert "AuthFailed" in err
        assert "hint: " in err
        code, _, err = await run(capsys, "test", "--check")
        assert code == 4
        assert "hint: " in err
    code, _, err = await run(capsys, "test")
    assert code == 1
    assert "ProviderUnreachable" in err
    busy = json_answer({"error": {"message": "slow down"}}, 429, Retry_After="7")
    async with RawServer(busy) as server:
        entry(home, server.url)
        code, _, err = await run(capsys, "test")
        assert code == 1
        assert "hint: try again in 7 s" in err
        code, out, _ = await run(capsys, "test", "--json")
        assert json.loads(out)[0]["model"] == "m1"
    code, _, err = await run(capsys, "test", "anthropic-claude")
    assert code == 4
    assert "ANTHROPIC_API_KEY" in err
    code, _, err = await run(capsys, "show", "nobody")
    assert code == 2
    assert "choose one of" in err
    code, _, err = await run(capsys, "test", "house", "--all")
    assert code == 2


async def test_a_script_never_passes_for_a_model(home: Path, capsys: Captured) -> None:
    code, out, err = await run(capsys, "test", "scripted")
    assert code == 0
    assert "no model speaks" in out
    assert "scripted:" in err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"providerType": "local-lm"}, "did you mean 'local-llm'"),
        ({"baseUrl": "http://models.example/v1"}, "plain http"),
        ({"baseUrl": "models.example"}, "is not an http(s) address"),
        ({"options": {"kind": "olama"}}, "ollama"),
        ({"apiKey": "file:/nowhere/key"}, "cannot be read"),
    ],
)
async def test_validation_asks_every_entry(
    home: Path, capsys: Captured, wrong: dict[str, Any], said: str
) -> None:
    entry(home, "http://127.0.0.1:9/v1", **wrong)
    code = await asyncio.to_thread(main.run, ("config", "validate"))
    err = capsys.readouterr().err
    assert code == 2
    assert "house" in err
    assert said in err

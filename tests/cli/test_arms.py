"""Agents that cannot do the work at all are refused before a benchmark or a test begins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tamma.cli.arms import check_arms
from tamma.config.load import LoadedConfig, load_config
from tamma.errors import ConfigError
from tamma.store.memory import MemoryStore
from tests.support.experiments import add_agent

ENTRIES = [
    {"providerId": "player", "providerType": "scripted", "options": {"script": "turns.json"}},
    {"providerId": "actor", "providerType": "scripted", "options": {"rehearsal": {"success": 0.5}}},
]


def loaded(home: Path, **more: object) -> LoadedConfig:
    (home / "config.json").write_text(json.dumps({"providers": {"available": ENTRIES}, **more}))
    return load_config(env={"TAMMA_HOME": str(home)})


@pytest.mark.parametrize(
    ("provider", "rehearsal", "words"),
    [
        ("actor", True, ""),
        ("player", False, ""),
        ("player", True, "a rehearsal needs a scripted provider with declared rates"),
        ("anthropic-claude", True, "is of type 'anthropic-claude', and a rehearsal asks no model"),
        ("anthropic-claude", False, "worker@1 cannot work here: "),
        ("nobody", False, "no provider called 'nobody'"),
    ],
)
async def test_who_cannot_work_is_refused(tmp_path: Path, provider: str, rehearsal: bool, words: str) -> None:
    store = MemoryStore()
    pins = [await add_agent(store, "worker", provider)]
    if not words:
        await check_arms(store, loaded(tmp_path), pins, rehearsal=rehearsal)
        return
    with pytest.raises(ConfigError) as caught:
        await check_arms(store, loaded(tmp_path), pins, rehearsal=rehearsal)
    assert words in str(caught.value)
    assert caught.value.hint


async def test_nothing_is_said_of_workers_elsewhere(tmp_path: Path) -> None:
    store = MemoryStore()
    pins = [await add_agent(store, "worker", "nobody")]
    for more in ({"temporal": {"address": "localhost:7233"}}, {"mode": "orchestrator"}):
        await check_arms(store, loaded(tmp_path, **more), pins, rehearsal=False)

"""`tamma agent` over a real database: by flags, and by a person at a terminal."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tamma.cli import main
from tamma.model.agent import AgentConfig, AgentId, AgentPin, Parameters, TaskType
from tamma.model.ids import TaskId, uuid7
from tamma.model.metrics import RunKind, RunMetrics
from tamma.store.interface import EventQuery
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tests.support.postgres import Server, postgres_server, postgres_servers
from tests.support.typewriter import typewriter

__all__ = ["postgres_server", "postgres_servers"]

Captured = pytest.CaptureFixture[str]
Tamma = Callable[..., tuple[int, str, str]]
UUID7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def database(postgres_server: Server) -> str:
    """One for the module: each test has agents of its own names."""
    dsn = postgres_server.dsn(postgres_server.create_database())

    async def prepare() -> None:
        await migrate(dsn)
        store = PostgresStore(dsn, min_size=1, max_size=1)
        await store.open()
        config = AgentConfig("house", parameters=Parameters(temperature=0.7))
        await store.create_agent(AgentId(uuid7()), "wrong", config, author="", reason="")
        await store.close()

    asyncio.run(prepare())
    return dsn


@pytest.fixture
def home(tamma_home: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAMMA_DATABASE_URL", database)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    house = {"name": "house", "providerType": "local-llm", "baseUrl": "http://127.0.0.1:9/v1", "model": "m1"}
    house |= {"contextWindow": 131072, "options": {"kind": "openai"}}
    (tamma_home / "config.json").write_text(json.dumps({"providers": {"available": [house]}}))
    return tamma_home


@pytest.fixture
def tamma(home: Path, capsys: Captured) -> Tamma:
    """Run `tamma agent ...`: its exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main.run(("agent", *arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def of(tamma: Tamma, *arguments: str) -> Any:
    code, out, err = tamma(*arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def make(tamma: Tamma, name: str, *arguments: str) -> str:
    code, out, err = tamma("create", "--name", name, "--provider", "house", "--yes", *arguments)
    assert code == 0, err
    return out


def test_an_agent_is_made_as_the_specification_has_it(tamma: Tamma) -> None:
    code, out, err = tamma("create", "--name", "custom-reviewer", "--provider", "claude", "--yes")
    assert code == 0
    assert re.fullmatch(rf"Agent 'custom-reviewer' created with ID: {UUID7}\n", out)
    assert "tamma agent activate custom-reviewer@1" in err
    shown = of(tamma, "show", "custom-reviewer")
    assert (shown["name"], shown["active"], shown["version"]["number"]) == ("custom-reviewer", None, 1)
    # The model takes no temperature, so none is set.
    assert shown["version"]["config"] == {"provider": "anthropic-claude"}
    assert shown["version"]["performance"] == {
        "runs": 0,
        "succeeded": 0,
        "meanCostUsd": None,
        "meanQuality": None,
    }


def test_every_answer_is_a_flag(tamma: Tamma, tmp_path: Path) -> None:
    (tmp_path / "system.md").write_text("Be terse.\n")
    answers = ("--task", "code-review", "--task", "testing", "--temperature", "0.2", "--ab-testing")
    more = ("--threshold", "12.5%", "--set", "tools=view,grep,finish", "--set", "context.compact_at=0.5")
    make(tamma, "flags", *answers, *more, "--prompt", f"system={tmp_path / 'system.md'}", "--activate")
    shown = of(tamma, "show", "flags")
    assert shown["active"] == 1
    assert shown["version"]["config"] == {
        "provider": "house",
        "prompts": {"system": "Be terse."},
        "tools": ["view", "grep", "finish"],
        "parameters": {"temperature": 0.2},
        "context": {"compactAt": 0.5},
        "capabilities": {"supportedTasks": ["code-review", "testing"]},
        "optimizationSettings": {"enableABTesting": True, "performanceThreshold": 0.125},
    }


def test_a_model_that_takes_a_temperature_gets_the_default(tamma: Tamma) -> None:
    make(tamma, "warm")
    assert of(tamma, "show", "warm")["version"]["config"]["parameters"] == {"temperature": 0.7}


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        ("create --yes", 2, "needs a name", "--name NAME"),
        ("create --name a@b --yes", 2, "cannot be called 'a@b'", "letters"),
        ("create --name x --provider cloude --yes", 2, "no provider called 'cloude'", "'claude'"),
        ("create --name x --provider house --threshold 4 --yes", 2, "not from 5 to 50", "--threshold 10"),
        ("create --name x --provider house --temperature 1.1 --yes", 2, "not from 0.0 to 1.0", "0.7"),
        ("create --name x --provider house --task cooking --yes", 2, "'cooking'", "--help"),
        ("create --name x --provider house --set tools=bahs,finish --yes", 2, "no tool 'bahs'", "'bash'"),
        ("create --name x --provider house --set model --yes", 2, "has no value", "compactAt"),
        ("create --name x --provider house --prompt system --yes", 2, "names no file", "system.md"),
        ("create --name x --provider house --prompt system=/nowhere.md --yes", 2, "cannot be read", ""),
        ("create --name wrong --provider house --yes", 1, "an agent 'wrong' already", "another name"),
        ("show worng", 2, "no agent 'worng'", "did you mean 'wrong'?"),
        ("show wrong@7", 2, "no version 7", "1 to 1"),
        ("show wrong --prompt systm", 2, "no prompt 'systm'", "'system'"),
        ("edit wrong", 2, "what to change", "--set"),
        ("edit wrong --set temperature=0.2", 2, "nothing says why", "--reason"),
        ("edit wrong --set tempreature=0.2 --reason r", 2, "'tempreature'", "parameters.temperature"),
        ("edit wrong --set temperature=hot --reason r", 2, "'parameters.temperature'", ""),
        ("edit wrong --set temperature=0.7 --reason r", 2, "nothing was changed", ""),
        ("edit wrong --set compactAt=3 --reason r", 2, "is not from 0.2 to 0.95", ""),
        ("activate wrong --reason r", 2, "which version", "wrong@1"),
        ("activate wrong@1", 2, "nothing says why", "--reason"),
        ("rollback wrong", 2, "was active before", "--to N"),
        ("rollback wrong --to 5", 1, "no version 5", "1 to 1"),
        ("delete wrong", 2, "takes an agent away", "--yes"),
        ("import", 2, "a folder, or --from-config", "--help"),
        ("import --from-config", 2, "declares no agents", "agents.available"),
        ("import /nowhere", 2, "no agent in '/nowhere'", "export"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    tamma: Tamma, arguments: str, code: int, error: str, hint: str
) -> None:
    found, _, told = tamma(*arguments.split())
    assert (found, error in told, hint in told) == (code, True, True), told


def test_a_version_s_life(tamma: Tamma, home: Path, database: str) -> None:
    make(tamma, "life", "--activate")
    code, out, err = tamma(
        "edit", "life", "--set", "temperature=0.2", "--set", "model=m2", "--reason", "cooler"
    )
    assert code == 0
    assert "parameters.temperature\t0.7\t0.2" in out
    assert "model\t-\tm2" in out
    assert "life@2 is a draft" in err
    assert tamma("edit", "life@2", "--set", "topP=0.5", "--reason", "r")[2].startswith("life@3 is a draft")
    assert tamma("activate", "life@2", "--reason", "better")[2].endswith(
        "life@2 is active instead of life@1\n"
    )
    assert tamma("activate", "life@2", "--reason", "again")[2] == "life@2 is active already\n"
    assert [each["name"] for each in of(tamma, "list") if each["active"] == 2] == ["life"]
    code, _, err = tamma("rollback", "life", "--reason", "worse")
    assert (code, err) == (0, "life@1 is active instead of life@2\n")
    assert tamma("rollback", "life", "--to", "2")[2] == "life@2 is active instead of life@1\n"
    code, out, _ = tamma("show", "life@1")
    assert "life@1 (retired)" in out
    assert re.search(r"^@2\tactive\t@1\t", out, re.MULTILINE)
    history = of(tamma, "show", "life", "--history")
    assert [(each["type"], each["version"], each["insteadOf"], each["reason"]) for each in history[-3:]] == [
        ("agent.activated", 2, 1, "better"),
        ("agent.rolled_back", 1, 2, "worse"),
        ("agent.activated", 2, 1, ""),
    ]
    _, out, _ = tamma("show", "life", "--history")
    assert re.search(r"\trolled back\t@1\t@2\t\S+\tworse$", out, re.MULTILINE)
    assert tamma("delete", "life", "--yes", "--reason", "not wanted")[0] == 0
    assert tamma("show", "life")[0] == 2
    found = asyncio.run(events(database, "life"))
    assert found[:2] == [("agent.created", "created"), ("agent.activated", "created")]
    assert found[-4:] == [
        ("agent.activated", "better"),
        ("agent.rolled_back", "worse"),
        ("agent.activated", ""),
        ("agent.deleted", "not wanted"),
    ]


async def events(database: str, name: str) -> list[tuple[str, object]]:
    store = PostgresStore(database, min_size=1, max_size=1)
    await store.open()
    found = await store.read_events(EventQuery())
    await store.close()
    return [(event.type, event.data["reason"]) for event in found if event.data.get("name") == name]


def test_differences_are_shown(tamma: Tamma, tmp_path: Path) -> None:
    make(tamma, "differs")
    code, out, _ = tamma("show", "differs", "--prompt", "system")
    assert code == 0
    (tmp_path / "system.md").write_text(out)
    own = ("edit", "differs", "--prompt", f"system={tmp_path / 'system.md'}", "--reason", "own")
    assert tamma(*own)[2].startswith("differs@2 is a draft")
    (tmp_path / "system.md").write_text(out + "Be terse.\n")
    code, out, _ = tamma(
        "edit", "differs@2", "--prompt", f"system={tmp_path / 'system.md'}", "--reason", "terse"
    )
    assert code == 0
    assert "--- differs@2/prompts/system.md\n+++ new/prompts/system.md" in out
    assert "\n+Be terse." in out
    shown = of(tamma, "diff", "differs")  # the newest, as none is active, and what it was made from
    assert (shown["before"]["agent"], shown["after"]["agent"]) == ("differs@2", "differs@3")
    shown = of(tamma, "diff", "differs@1")
    assert (shown["before"]["agent"], shown["after"]["agent"]) == ("differs@1", "differs@3")
    assert [each["name"] for each in shown["prompts"]] == ["system"]
    assert "(built in)" in shown["prompts"][0]["patch"]
    code, out, err = tamma("diff", "differs@1", "differs@1")
    assert (code, out) == (0, "")
    assert "are the same (sha256:" in err


def test_a_check_says_what_it_can_do(tamma: Tamma) -> None:
    make(
        tamma,
        "checked",
        "--set",
        "tools=view,grep,finish",
        "--task",
        "code-review",
        "--set",
        "reasoning=high",
    )
    code, out, err = tamma("validate", "checked", "--contexts")
    assert (code, err) == (0, "valid: checked@1\n")
    assert (
        "warning: parameters.reasoning: it has no effect: m1 has no level 'high': none (leave it out)" in out
    )
    assert re.search(r"^review\tyes\t-$", out, re.MULTILINE)
    assert re.search(r"^development\tno\tit is not for code-generation", out, re.MULTILINE)
    shown = of(tamma, "validate", "checked", "--contexts")
    assert shown["valid"] is True
    assert {each["context"]: each["able"] for each in shown["contexts"]} == {
        "development": False,
        "review": True,
        "testing": False,
    }


def test_files_there_and_back(tamma: Tamma, tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text("{{issue}}\n{{context}}\n{{feedback}}\n")
    make(tamma, "filed", "--prompt", f"plan={tmp_path / 'plan.md'}")
    folder = tmp_path / "agents" / "filed"
    assert tamma("export", "filed", "--to", str(folder))[0] == 0
    assert (folder / "prompts/plan.md").read_bytes() == b"{{issue}}\n{{context}}\n{{feedback}}\n"
    assert tamma("import", str(folder))[2] == "filed@1 is just so: nothing to import\n"
    code, _, err = tamma("import", str(folder), "--name", "filed-too", "--reason", "a copy")
    assert (code, err) == (0, "filed-too@1 is new, a draft\n")
    same = [of(tamma, "show", name)["version"]["hash"] for name in ("filed", "filed-too")]
    assert same[0] == same[1]
    (folder / "prompts/plan.md").write_text("{{issu}}\n")
    code, out, _ = tamma("validate", str(folder))
    assert code == 2
    assert "error: prompts.plan: nothing fills in '{{issu}}' (did you mean 'issue'?)" in out
    assert tamma("import", str(folder))[0] == 2
    (folder / "agent.yaml").write_text("provider: house\nmodle: x\n")
    code, _, err = tamma("import", str(folder), "--name", "filed")
    assert code == 2
    assert "did you mean 'model'?" in err


def test_agents_that_the_configuration_declares(tamma: Tamma, home: Path) -> None:
    config = json.loads((home / "config.json").read_text())
    one = {"name": "declared", "provider": "house", "systemPrompt": "Be brief.", "tools": "bash"}
    config["agents"] = {
        "available": [one | {"tools": ["bash", "finish"]}, {"name": "kept", "folder": "kept"}]
    }
    (home / "config.json").write_text(json.dumps(config))
    (home / "kept").mkdir()
    (home / "kept" / "agent.yaml").write_text("provider: claude\n")
    code, _, err = tamma("import", "--from-config", "--reason", "by file")
    assert (code, err) == (0, "declared@1 is new, a draft\nkept@1 is new, a draft\n")
    assert of(tamma, "show", "declared")["version"]["config"] == {
        "provider": "house",
        "prompts": {"system": "Be brief."},
        "tools": ["bash", "finish"],
    }
    config["agents"]["available"][0]["model"] = "m2"
    (home / "config.json").write_text(json.dumps(config))
    _, _, err = tamma("import", "--from-config")
    assert err == "declared@2 is new, a draft\nkept@1 is just so: nothing to import\n"


def test_how_versions_have_done(tamma: Tamma, database: str) -> None:
    make(tamma, "measured", "--activate")
    shown = of(tamma, "show", "measured")
    pin = AgentPin(shown["agentId"], "measured", 1, shown["version"]["hash"])
    asyncio.run(record(database, pin))
    row = next(each for each in of(tamma, "list") if each["name"] == "measured")
    assert row["version"]["performance"] == {
        "runs": 3,
        "succeeded": 2,
        "meanCostUsd": 0.2,
        "meanQuality": 80,
    }
    _, out, _ = tamma("list")
    assert "measured\t@1 active\thouse\t" in out
    assert "\t2 of 3\t$0.2000\t80" in out


async def record(database: str, pin: AgentPin) -> None:
    store = PostgresStore(database, min_size=1, max_size=1)
    await store.open()
    now = datetime(2026, 11, 1, tzinfo=UTC)
    run = RunMetrics(
        run_id="m/1",
        task_id=TaskId("t"),
        kind=RunKind.PRODUCTION,
        agent=pin,
        provider="house",
        model="m1",
        served_models=("m1",),
        repo="a/b",
        issue="1",
        task_type=TaskType.CODE_GENERATION,
        started_at=now,
        ended_at=now,
        duration_ms=1,
        waiting_ms=0,
        turns=1,
        input_tokens=1,
        output_tokens=1,
        cache_read_tokens=0,
        cost_usd=Decimal("0.10"),
        unpriced_calls=0,
        success=True,
        quality=80.0,
    )
    await store.record_run(run)
    await store.record_run(replace(run, run_id="m/2", cost_usd=Decimal("0.20"), quality=None))
    await store.record_run(replace(run, run_id="m/3", cost_usd=Decimal("0.30"), success=False))
    await store.record_run(replace(run, run_id="m/4", kind=RunKind.BENCH))
    await store.close()


# --- at a terminal

TAMMA = (sys.executable, "-m", "tamma.cli.main", "agent")


@pytest.fixture
def terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The test's end of the terminal answers no question about the cursor's place.
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")


@pytest.mark.usefixtures("terminal")
async def test_a_person_is_asked_what_no_flag_says(tamma_home: Path, database: str) -> None:
    async with typewriter(*TAMMA, "create", "--name", "asked", "--provider", "house") as person:
        await person.reads("Select task types")
        person.types("\x1b[B \r")  # one down, take it out, done
        await person.reads("Set temperature (0.0-1.0):")
        person.types("\x7f\x7f\x7f1.5\r")
        await person.reads("is not from 0.0 to 1.0")
        person.types("\x7f\x7f\x7f0.3\r")
        await person.reads("Enable A/B testing?")
        person.types("y")
        await person.reads("Set performance threshold (5-50%):")
        person.types("\r")
        await person.reads("Agent 'asked' created with ID: ")
        assert await person.leaves() == 0
    config = (await version(database, "asked")).config
    assert TaskType.CODE_REVIEW not in config.capabilities.supported_tasks
    assert len(config.capabilities.supported_tasks) == len(TaskType) - 1
    assert config.parameters.temperature == 0.3
    assert (config.optimization.enable_ab_testing, config.optimization.performance_threshold) == (True, 0.1)


@pytest.mark.slow
@pytest.mark.usefixtures("terminal")
async def test_a_person_who_leaves_makes_nothing(database: str) -> None:
    flags = ("--task", "testing", "--no-ab-testing", "--threshold", "10")
    async with typewriter(*TAMMA, "create", "--name", "left", "--provider", "house", *flags) as person:
        await person.reads("Set temperature")
        person.types("\x03")
        assert await person.leaves() == 130
    async with typewriter(*TAMMA, "create", "--name", "claudes", "--provider", "claude", *flags) as person:
        await person.reads("Agent 'claudes' created")  # its model takes no temperature: nothing to ask
        assert await person.leaves() == 0
        assert "temperature" not in person.seen
    store = PostgresStore(database, min_size=1, max_size=1)
    await store.open()
    assert await store.find_agent("left") is None
    await store.close()


@pytest.mark.slow
@pytest.mark.usefixtures("terminal")
async def test_an_agent_is_edited_in_an_editor(
    home: Path, database: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    made = ("agent", "create", "--name", "edited", "--provider", "house", "--yes")
    assert await asyncio.to_thread(main.run, made) == 0
    editor = home / "editor"
    # The first time it writes a key that there is not, the second time it mends it.
    editor.write_text(
        f'#!{shutil.which("sh")}\nif grep -q modle "$1"; then sed -i \'s/modle/model/\' "$1";'
        ' else echo "modle: m2" >> "$1"; fi\n'
    )
    editor.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.setenv("VISUAL", str(editor))
    async with typewriter(*TAMMA, "edit", "edited") as person:
        await person.reads("Edit it again?")
        person.types("n")
        assert await person.leaves() == 2
    kept = Path(re.findall(r"your files are in '(.*?)'", person.seen)[0])
    assert "modle: m2" in (kept / "agent.yaml").read_text()
    shutil.rmtree(kept)
    async with typewriter(*TAMMA, "edit", "edited") as person:
        await person.reads("did you mean 'model'?")
        await person.reads("Edit it again?")
        person.types("y")
        await person.reads("Why?")
        person.types("a newer model\r")
        await person.reads("edited@2 is a draft")
        assert await person.leaves() == 0
    made_version = await version(database, "edited", 2)
    assert (made_version.config.model, made_version.reason, made_version.parent) == ("m2", "a newer model", 1)


async def version(database: str, name: str, number: int = 1) -> Any:
    store = PostgresStore(database, min_size=1, max_size=1)
    await store.open()
    agent = await store.find_agent(name)
    assert agent is not None
    found = await store.read_version(agent.agent_id, number)
    await store.close()
    assert found is not None
    return found

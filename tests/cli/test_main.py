"""The command itself: help, laziness, exit codes, and how it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tamma.cli import main
from tamma.errors import TammaError

FORBIDDEN = {
    "activities", "anthropic", "asyncpg", "githubkit", "httpx2", "openai", "pydantic", "pygit2", "rich",
    "scipy", "structlog", "temporalio", "workflows",
}  # fmt: skip
SUBMIT_DOES_WITHOUT = FORBIDDEN - {"temporalio"} | {"temporalio.worker", "tamma.store.postgres"}


def tamma(
    *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, without any key."""
    root = str(Path(main.__file__).parents[2])
    clean = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_TOKEN"))}
    return subprocess.run(
        [sys.executable, "-m", "tamma.cli.main", *arguments],
        env={**clean, "PYTHONPATH": root, **(env or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def imported(code: str) -> set[str]:
    """The modules that a fresh interpreter has after `code`."""
    script = f"import sys, json\n{code}\nsys.stdout = sys.__stdout__\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_nothing_heavy_and_no_command() -> None:
    modules = imported("from tamma.cli import main\nassert main.run(['--help']) == 0")
    assert not modules & FORBIDDEN
    assert not {name for name in modules if name.startswith("tamma.cli.commands.")}


def test_a_dry_run_needs_no_client_at_all(tmp_path: Path) -> None:
    issue = tmp_path / "bug.md"
    issue.write_text("# It breaks\n\nAlways.\n")
    arguments = ["submit", str(tmp_path), "--issue", str(issue), "--provider", "scripted", "--dry-run"]
    modules = imported(f"from tamma.cli import main\nassert main.run({arguments!r}) == 0")
    assert not modules & (SUBMIT_DOES_WITHOUT - {"pydantic"}), "which validates a new configuration"


def test_what_submit_links_with_is_lean() -> None:
    modules = imported("import tamma.cli.commands.submit, tamma.cli.linking, tamma.temporal.runs")
    assert "temporalio.client" in modules
    assert not modules & SUBMIT_DOES_WITHOUT


def test_help_lists_every_command_and_each_has_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, brief in main.COMMANDS.items():
        assert name in shown
        assert brief in shown


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_can_be_loaded_and_explains_itself(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = main.cli.get_command(click.Context(main.cli), name)
    assert isinstance(command, click.Command)
    assert main.run([name, "--help"]) == 0
    assert "Usage: tamma " + name in capsys.readouterr().out
    first = (command.help or "").partition("\n")[0]
    words = set(main.COMMANDS[name].rstrip(".").lower().replace(";", "").replace(",", "").split())
    assert words & set(first.rstrip(".").lower().replace(";", "").replace(",", "").split()), (
        "they say the same"
    )


def test_every_read_command_has_json() -> None:
    context = click.Context(main.cli)
    for name in ("status", "list", "logs", "inspect", "watch", "submit"):
        command = main.cli.get_command(context, name)
        assert command is not None
        assert "--json" in {option for param in command.params for option in param.opts}, name


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        (["sumbit"], 2, "'submit'", "tamma --help"),
        (["submit"], 2, "ISSUE", "tamma submit --help"),
        (["inspect", "acme/tools#1", "--format", "tamma"], 2, "--export", "--export FILE"),
        (["submit", "acme/tools#1", "--budget", "lots"], 2, "dollars", "tamma submit --help"),
        (["submit", "acme/tools", "--provider", "scripted"], 2, "names a repository", "acme/tools#12"),
        (["submit", "acme/tools#1", "--provider", "nobody"], 2, "'nobody'", "scripted"),
        (["submit", "acme/tools#1"], 4, "ANTHROPIC_API_KEY is not set", "--provider"),
        (["submit", "/nowhere", "--issue", "/b.md", "--provider", "scripted"], 2, "no folder", "repository"),
        (["--config", "/nowhere.json", "config", "show"], 2, "/nowhere.json", "--config"),
        (["steer", "01a204f2", "  "], 2, "no message", "tamma steer"),
        (["budget", "add", "01a204f2"], 2, "nothing to add", "--usd"),
        (["approve", "01a204f2", "--reject", "--edit", "x"], 2, "exclude", "edited plan"),
        (["db", "rollback"], 2, "deletes data", "--yes"),
        (["dev", "status"], 1, "", ""),
    ],
)  # fmt: skip
def test_exit_codes_and_words(
    arguments: list[str],
    code: int,
    error: str,
    hint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    assert main.run(arguments) == code
    said = capsys.readouterr()
    if error:
        first, second = said.err.splitlines()[:2]
        assert first.startswith("error: ")
        assert error in first
        assert second.startswith("hint: ")
        assert hint in second
        assert said.out == ""


def test_nothing_is_started_for_a_wrong_submission(
    tamma_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["submit", "acme/tools#1"]) == 4
    assert "ANTHROPIC_API_KEY" in capsys.readouterr().err
    assert list(tamma_home.iterdir()) == []


def test_an_unwritable_home_is_a_configuration_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    monkeypatch.setenv("TAMMA_HOME", str(blocker / "home"))
    assert main.run(["submit", "acme/tools#1", "--provider", "scripted"]) == 2
    assert "TAMMA_HOME" in capsys.readouterr().err


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise error

    monkeypatch.setattr(main.cli, "main", broken)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TammaError("no", hint="do this"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (click.exceptions.Exit(130), 130),
        (ZeroDivisionError("a bug"), 1),
    ],
)
def test_every_way_to_fail_has_its_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(monkeypatch, error)
    assert main.run(["list"]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_debug_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(monkeypatch, ZeroDivisionError("a bug"))
    assert main.run(["--debug", "list"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_version_and_bare_call() -> None:
    assert tamma("--version").stdout.startswith("tamma ")
    bare = tamma()
    assert (bare.returncode, bare.stderr) == (0, "")
    assert "Usage:" in bare.stdout


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m tamma.cli.main config show --origin | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_a_terminal_without_unicode_gets_its_answer() -> None:
    done = tamma("--help", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0


def test_config_commands_show_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-very-secret")
    for arguments in (
        ["config", "show"],
        ["config", "show", "--origin"],
        ["config", "show", "--origin", "--json"],
    ):
        assert main.run(arguments) == 0
        assert "very-secret" not in capsys.readouterr().out
    assert main.run(["config", "validate"]) == 0
    assert main.run(["config", "path"]) == 0
    assert capsys.readouterr().out.strip().endswith("config.json")

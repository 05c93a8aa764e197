"""The demo: its repository is what it says, its script solves it, and the whole thing runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tamma.demo import repository as demo
from tamma.errors import ConfigError
from tests.cli.test_main import tamma
from tests.support.stack import fresh_home

__all__ = ["fresh_home"]


def test_the_bug_is_there_and_no_test_sees_it(tmp_path: Path) -> None:
    repository = demo.make(tmp_path)
    assert demo.prove(repository).output == "33.33 33.33 33.33"
    assert not demo.prove(repository).adds_up
    assert demo.run_tests(repository).green
    assert demo.git(repository.path, "status", "--porcelain") == ""
    assert demo.merged_diff(repository) == ""


def test_it_does_not_write_over_what_stands_there(tmp_path: Path) -> None:
    demo.make(tmp_path)
    with pytest.raises(ConfigError, match="exists already"):
        demo.make(tmp_path)


def scripted_calls() -> Generator[dict[str, Any]]:
    script = json.loads(Path(demo.script_path()).read_text())
    for turn in script["lanes"]["agent"]:
        yield from turn["tool_calls"]


def test_the_scripted_edits_are_red_first_and_green_after(tmp_path: Path) -> None:
    repository = demo.make(tmp_path)
    red: list[int] = []
    for call in scripted_calls():
        args = call["args"]
        match call["name"]:
            case "str_replace":
                file = repository.path / args["path"]
                assert file.read_text().count(args["old"]) == 1
                file.write_text(file.read_text().replace(args["old"], args["new"]))
            case "bash":
                done = subprocess.run(args["command"], shell=True, cwd=repository.path, capture_output=True)
                red.append(done.returncode)
            case _:
                continue
    assert red == [0, 1, 0], "it looks, sees the test fail, sees it pass"
    assert demo.prove(repository).adds_up
    after = demo.run_tests(repository)
    assert (after.green, after.ran) == (True, 11)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_runs_on_servers_of_its_own(fresh_home: Path, tmp_path: Path) -> None:
    done = tamma("demo", "--dir", str(tmp_path), env={"TAMMA_HOME": str(fresh_home)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SCRIPTED" in done.stdout
    assert "33.34 33.33 33.33    adds up" in done.stdout
    assert "+    return _in_proportion(total, [1] * people)" in done.stdout
    task = next(line.split()[-1] for line in done.stdout.splitlines() if "tamma inspect" in line)
    home = {"TAMMA_HOME": str(fresh_home)}
    inspected = json.loads(tamma("inspect", task, "--json", env=home).stdout)
    assert [session["sessionId"].rpartition("/")[2] for session in inspected["sessions"]] == [
        "plan",
        "agent",
        "review",
    ]
    logged = [json.loads(line) for line in tamma("logs", task, "--json", env=home).stdout.splitlines()]
    assert logged[-1]["type"] == "task.completed"
    assert sum(item["kind"] == "step" for item in logged) == 8

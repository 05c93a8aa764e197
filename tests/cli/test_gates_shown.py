"""How the project's gates and new dependencies stand in `tamma status`."""

from __future__ import annotations

from dataclasses import replace

from tamma.cli import story
from tamma.cli.shapes import task_json
from tamma.model.task import GateOutcome, Phase
from tamma.model.task import TestRun as Run
from tests.cli.samples import DONE, record

GATES = (
    GateOutcome("build", Run("make", 0, 2.0)),
    GateOutcome("typecheck", Run("mypy", 127, 0.1), words="its command is not here (exit code 127)"),
    GateOutcome("lint", Run("ruff check .", 1, 0.25), blocks=True, words="2 new findings"),
)


def test_beside_the_tests() -> None:
    frame = story.Frame(replace(DONE, gates=GATES))
    assert story.detail(frame, Phase.IMPLEMENT) == (
        "green: pytest (exit 0) · build green · "
        "typecheck does not count: its command is not here (exit code 127) · lint red"
    )


def test_in_the_json() -> None:
    assert DONE.diff is not None
    view = replace(DONE, gates=GATES, diff=replace(DONE.diff, dependencies=("a.txt: `x` is new",)))
    shape = task_json(record(view), view, None)
    gates = shape["gates"]
    assert isinstance(gates, list)
    assert gates[2] == {
        "name": "lint",
        "command": "ruff check .",
        "exitCode": 1,
        "seconds": 0.25,
        "timedOut": False,
        "blocks": True,
        "note": "2 new findings",
    }
    diff = shape["diff"]
    assert isinstance(diff, dict)
    assert diff["dependencies"] == ["a.txt: `x` is new"]

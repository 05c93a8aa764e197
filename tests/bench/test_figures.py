"""What figures are made of, and that both agents are given the same work."""

from __future__ import annotations

import json
import subprocess

import pytest

from bench.figures import samples
from bench.model_server import SIZE, SUBMIT, Asked, command, events, whole


def commands_of(asked: Asked) -> tuple[str, ...]:
    """What the streamed answer has the tools do."""
    pieces = (event["delta"] for event in events(asked) if event["type"] == "content_block_delta")
    return tuple(piece["partial_json"] for piece in pieces if "partial_json" in piece)


@pytest.mark.parametrize(
    ("values", "slowest"),
    [([3.0], 3.0), ([1.0, 9.0, 2.0], 9.0), ([float(number) for number in range(1, 101)], 95.0)],
)
def test_the_95th_percentile_is_a_measured_value(values: list[float], slowest: float) -> None:
    assert samples("s", values).percentile(0.95) == slowest


@pytest.mark.parametrize("turn", [0, 7])
def test_streamed_or_not_the_model_asks_for_the_same_command(turn: int) -> None:
    asked = Asked("model-bench-8", turn, 8, SIZE)
    (streamed,) = commands_of(asked)
    at_once = whole(asked)["content"][-1]["input"]
    assert json.loads(streamed) == at_once == {"command": command(turn)}


def test_each_agent_is_told_to_finish_in_its_own_way() -> None:
    asked = Asked("model-bench-8", 8, 8, SIZE)
    assert [json.loads(given) for given in commands_of(asked)] == [{"summary": "done"}]
    assert whole(asked)["content"][-1]["input"] == {"command": SUBMIT}


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_command_prints_as_much_in_every_shell(shell: str) -> None:
    printed = subprocess.run(
        [shell, "-c", command(3, 400)], capture_output=True, text=True, check=True
    ).stdout
    assert (len(printed), printed.split()) == (400, ["step", "3"])

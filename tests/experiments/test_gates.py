"""The gates of `make simulate` with 400 runs each, and that a gate can fail."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from bench.simulate.__main__ import main
from bench.simulate.every import GATES
from bench.simulate.gates import UNLIKELY, Bound, DifferenceBound, Gate, Random, passage

RUNS = 400
SEED = 20260302
SLOW = {
    "fixed.barnard", "sequential.coverage", "sequential.coverage-effect", "sequential.late",
    "sequential.repeated", "watching.guarded-costs", "watching.guarded-successes",
}  # fmt: skip


@pytest.mark.parametrize(
    "gate",
    [
        pytest.param(gate, id=gate.name, marks=[pytest.mark.slow] if gate.name in SLOW else [])
        for gate in GATES
    ],
)
def test_gate(gate: Gate) -> None:
    found = passage(gate, RUNS, SEED)
    assert found.passed, f"{found.gate}: {found.observed} is not within {found.bound}"


def test_every_promise_has_its_gate() -> None:
    names = {gate.name for gate in GATES}
    assert len(names) == len(GATES)
    assert {
        "fixed.welch", "fixed.paired-t", "fixed.mcnemar", "fixed.ratio", "fixed.newcombe", "sequential.welch",
        "sequential.power", "watching.sequence", "watching.naive", "coverage.welch", "split.alarm",
        "clusters.naive", "clusters.t",
    } <= names  # fmt: skip


def rate(of: float) -> Gate:
    """A gate for .04 to .06 on an event of this rate."""

    def simulate(runs: int, random: Random) -> float:
        return float((random.random(runs) < of).mean())

    return Gate("made-up", "an event", Bound(0.04, 0.06), simulate)


@pytest.mark.parametrize(("of", "passes"), [(0.05, True), (0.14, False), (0.005, False)])
def test_a_wrong_rate_fails_even_with_few_runs(of: float, passes: bool) -> None:
    assert passage(rate(of), RUNS, SEED).passed is passes


@pytest.mark.parametrize(("of", "passes"), [(0.05, True), (0.07, False), (0.03, False)])
def test_bounds_stand_as_they_are_with_all_runs(of: float, passes: bool) -> None:
    found = passage(rate(of), 10_000, SEED)
    assert found.bound == Bound(0.04, 0.06)
    assert found.passed is passes


def test_bounds_are_widened_by_the_binomial_error() -> None:
    """Against the distribution itself: what lies beyond is unlikely, and what is next to it is not."""

    def tail(least: int, runs: int, p: float) -> float:
        return math.fsum(math.comb(runs, k) * p**k * (1 - p) ** (runs - k) for k in range(least, runs + 1))

    wide = Bound(0.04, 0.06).for_runs(RUNS)
    first_beyond = round(wide.high * RUNS) + 1
    assert tail(first_beyond, RUNS, 0.06) <= UNLIKELY < tail(first_beyond - 1, RUNS, 0.06)
    last_below = round(wide.low * RUNS) - 1
    assert 1 - tail(last_below + 1, RUNS, 0.04) <= UNLIKELY < 1 - tail(last_below + 2, RUNS, 0.04)
    assert Bound(0.0, 1.0).for_runs(RUNS) == Bound(0.0, 1.0)
    assert DifferenceBound(0.03, 0.8).for_runs(10_000) == Bound(-0.03, 0.03)
    assert DifferenceBound(0.03, 0.8).for_runs(RUNS).high == pytest.approx(
        0.03 + 3.090232 * 0.8**0.5 / 20 * 0.4**0.5
    )


def test_the_command_writes_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results.json"
    assert main(["fixed.welch", "split", "--runs", "50", "--seed", "7", "--out", str(out)]) == 0
    shown = capsys.readouterr()
    written = json.loads(out.read_text())
    assert json.loads(shown.out) == written
    assert [gate["gate"] for gate in written["gates"]] == ["fixed.welch", "split.alarm", "split.broken"]
    first = written["gates"][0]
    assert (first["runs"], first["seed"], first["passed"]) == (50, 7, True)
    assert first["bound"][0] <= first["observed"] <= first["bound"][1]
    assert "all 3 gates passed" in shown.err


def test_the_command_fails_where_a_gate_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.simulate.__main__.GATES", (rate(0.05), replace(rate(0.5), name="broken")))
    assert main(["--runs", "400", "--out", str(tmp_path / "results.json")]) == 1
    shown = capsys.readouterr()
    assert [gate["passed"] for gate in json.loads(shown.out)["gates"]] == [True, False]
    assert "failed: broken" in shown.err


@pytest.mark.parametrize(
    ("words", "said"), [("fixed.guess", "there is no gate 'fixed.guess'"), ("--runs=0", "--runs is 0")]
)
def test_the_command_refuses_what_it_does_not_know(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([words])
    assert left.value.code == 2
    assert said in capsys.readouterr().err

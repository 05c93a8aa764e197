"""The project's gates beside the tests: its build, its type checker, its linter."""

from __future__ import annotations

from dataclasses import dataclass, replace

from temporalio import workflow

from activities.interface import CommandRun
from activities.interface.gates import RUN_GATE, RunGate
from tamma.agents.gates import judge, unfit
from tamma.agents.judgement import is_red
from tamma.model.gates import ProjectGate
from tamma.model.session import Opening
from tamma.model.task import Gate, GateOutcome, TestRun, Waiting
from workflows.options import TOOLS
from workflows.steps.base import RunSteps

GATES = "project-gates"
"""The change that runs heed them: those from before it know tests alone."""


@dataclass(frozen=True, slots=True)
class Red:
    """A command that blocks. `gate` is None where it is the tests'."""

    run: CommandRun
    gate: ProjectGate | None = None

    @property
    def cause(self) -> str:
        """Attempts are counted for each."""
        return self.gate.name if self.gate else "tests"


class ProjectGates(RunSteps):
    """Runs the gates once the tests are green."""

    async def _red_gate(self) -> Red | None:
        """The first gate that blocks. What nobody can tell is noted, and blocks nothing."""
        if not self._project.gates or not workflow.patched(GATES):
            return None
        for gate in self._project.gates:
            why_not = unfit(gate)
            if why_not or gate.name in self._state.let_pass:
                self._keep(gate, gate.before if why_not else None, why_not or "a person let it pass")
                continue
            run = await self._run_gate(gate)
            if run is not None:
                self._state.green = False
                return Red(run, gate)
        return None

    def _tried(self) -> str:
        """When a person is asked about what is red."""
        if self._hurries:
            return "as the agent was told to end"
        return f"after {self._request.limits.rounds} attempts"

    async def _run_gate(self, gate: ProjectGate) -> CommandRun | None:
        """Run it; None where it does not block."""
        timeout = self._request.limits.command_timeout
        ran = await self._workspace.call(
            RUN_GATE,
            RunGate(self._workspace.ref.id, gate.command, timeout, gate.output),
            TOOLS.lasting(timeout + 60),
            summary=f"{gate.name}: {gate.command}"[:100],
        )
        verdict = judge(gate, ran.test, ran.new)
        self._keep(gate, ran.test, verdict.words, blocks=verdict.blocks)
        return CommandRun(ran.test, ran.output) if verdict.blocks else None

    def _keep(self, gate: ProjectGate, run: TestRun | None, words: str, *, blocks: bool = False) -> None:
        """How it ended last, without its output: people see that in the notes and in the session."""
        known = self._state.gates.get(gate.name)
        last = run or (known.run if known else gate.before)
        self._state.gates[gate.name] = GateOutcome(gate.name, replace(last, tail=""), blocks, words)
        if words and not blocks:
            self._state.note(f"{gate.name} (`{gate.command}`): {words}")

    def _mend_gate(self, red: Red, number: int) -> Opening:
        """What the agent is told of a red gate."""
        assert red.gate is not None
        old = is_red(red.gate.before)
        words = {
            "gate": red.gate.name,
            "command": red.run.test.command,
            "exit_code": str(red.run.test.exit_code),
            "timed_out": " (it ran out of time)" if red.run.test.timed_out else "",
            "before": "It was red before the change, too; this is new:" if old else "It was green before.",
            "round": str(number),
            "rounds": str(self._request.limits.rounds),
        }
        return Opening("fix_gate", {"output": red.run.output}, words)

    async def _may_stay_red(self, red: Red) -> bool:
        """Whether a person lets it pass after all attempts. False where the agent is to work on."""
        test = red.run.test
        reason = (
            f"the {red.cause} (`{test.command}`) still ends with exit code {test.exit_code} {self._tried()}: "
            f"{test.tail.strip()[-300:]}"
        )
        hint = '`tamma approve TASK` lets it pass, `tamma steer TASK "..."` has it mended, or cancel it'
        self._allowed = False
        await self._put_back()
        await self._patience.wait(Waiting(Gate.CHANGE, reason, hint))
        return self._allowed and not self._state.words

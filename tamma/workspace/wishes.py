"""What a repository's `.tamma.json` asks of those who work on it, read from the commit the work starts from.

From that commit, not from the work tree: a change must not loosen the rules that it is judged by. The command
line checks the same file strictly where it can see it; here, on a worker, what cannot be understood is said
in the run and asks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import reduce
from typing import TypeVar

from tamma.model.gates import GateName
from tamma.model.project import ProjectPolicy, both, stricter_of
from tamma.model.task import ApprovePolicy
from tamma.workspace.base import BaseTree
from tamma.workspace.ecosystems.gates import GATES
from tamma.workspace.ecosystems.needs import installed_by_pip
from tamma.workspace.interface import SETUP, Command, GateCommand, ProjectProfile
from tamma.workspace.project_file import ProjectFile, parse

FILE = ".tamma.json"
_LARGEST = 64_000
N = TypeVar("N", int, float, Decimal)


@dataclass(frozen=True, slots=True)
class Wishes:
    """Commands instead of detected ones, more paths that want a person, more care."""

    setup: str | None = None
    build: str | None = None
    test: str | None = None
    lint: str | None = None
    format: str | None = None
    protected_paths: tuple[str, ...] = ()
    policy: ProjectPolicy = field(default_factory=ProjectPolicy)
    setup_timeout: float | None = None
    typecheck: str | None = None
    troubles: tuple[str, ...] = ()
    """What it says and nobody understands, a line each."""

    def heard_in(self, profile: ProjectProfile) -> ProjectProfile:
        """The profile with the commands that the repository names itself."""
        return replace(
            profile,
            test=_command(self.test, "test") or profile.test,
            lint=_command(self.lint, "lint") or profile.lint,
            build=_command(self.build, "build") or profile.build,
            format=_command(self.format, "format") or profile.format,
            install=self._install(profile),
            gates=self._gates(profile),
            policy=self.policy,
            setup_timeout=self.setup_timeout,
            troubles=self.troubles,
        )

    def _gates(self, profile: ProjectProfile) -> tuple[GateCommand, ...]:
        """What the repository names itself is a gate, whatever it is."""
        found = {gate.name: gate.command for gate in profile.gates}
        own = {"build": self.build, "typecheck": self.typecheck, "lint": self.lint}
        chosen: dict[GateName, Command | None] = {
            name: _command(own[name], name) or found.get(name) for name in GATES
        }
        return tuple(GateCommand(name, command) for name, command in chosen.items() if command is not None)

    def _install(self, profile: ProjectProfile) -> tuple[Command, ...]:
        """Python's own environment is built in any case: `setup` has no other interpreter to install into."""
        if self.setup is None:
            return profile.install
        setup = Command(self.setup, SETUP)
        return (*(each for each in profile.install if installed_by_pip(each)), setup)


def wishes_at(tree: BaseTree) -> Wishes:
    """The wishes of a commit; none where there is no such file."""
    if FILE not in tree.paths:
        return Wishes()
    text = tree.read(FILE, _LARGEST)
    if text is None:
        return Wishes(troubles=(f"{FILE} is no text of at most {_LARGEST} bytes, so nothing in it holds",))
    return read_wishes(text.encode())


def read_wishes(text: bytes) -> Wishes:
    """The wishes in a file's text."""
    said, troubles = parse(text)
    commands = said.commands
    return Wishes(
        commands.setup,
        commands.build,
        commands.test or said.run.test_command,
        commands.lint,
        commands.format,
        tuple(dict.fromkeys((*said.protected_paths, *said.run.protected_paths))),
        _policy(said),
        said.timeouts.setup,
        commands.typecheck,
        troubles,
    )


def _policy(said: ProjectFile) -> ProjectPolicy:
    """Of two places that say something, the stricter one."""
    one, other = said.policy, said.run
    gates = [ApprovePolicy(each.approve) for each in (one, other) if each.approve is not None]
    return ProjectPolicy(
        reduce(both, gates) if gates else None,
        "never" if "never" in (one.merge, other.merge) else one.merge or other.merge,
        _least(one.budget_usd, other.budget_usd),
        _least(one.max_turns, other.max_turns),
        one.review or other.review,
        said.timeouts.test,
        one.new_dependencies
        if other.new_dependencies is None
        else stricter_of(other.new_dependencies, one.new_dependencies),
        _least(said.planning.ambiguity, said.run.planning.ambiguity),
    )


def _least(one: N | None, other: N | None) -> N | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _command(command: str | None, key: str) -> Command | None:
    return Command(command, f"{FILE}: {key}") if command is not None else None

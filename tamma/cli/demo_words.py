"""What the demo says, and how."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from tamma.cli import output, story

if TYPE_CHECKING:
    from tamma.demo.repository import DemoRepository, Proof, Tests
    from tamma.model.task import TaskView


def say_repository(repository: DemoRepository) -> None:
    """The repository and the issue."""
    issue = repository.issue.read_text(encoding="utf-8")
    _heading("The repository and its issue")
    output.data(f"{repository.path}, a small library that splits bills. Somebody writes:")
    output.data()
    for line in issue.splitlines():
        output.data(f"  | {line}".rstrip())


def say_before(proof: Proof, tests: Tests) -> None:
    """What happens now, before anything was changed."""
    _heading("Before")
    _proof(proof)
    _tests(tests)


def say_who(provider: str, model: str | None, *, scripted: bool) -> None:
    """Who will do the work; a script is called a script."""
    _heading("The run")
    if scripted:
        output.data("The model's turns are SCRIPTED: read from a file, no model is asked, nothing")
        output.data("is paid. The servers, the sandbox, the tools, the tests and git are real.")
    else:
        output.data(
            f"The work is done by {provider}{f' ({model})' if model else ''}. It costs what it costs there."
        )
    output.data()


def say_after(log: str, patch: str, proof: Proof, tests: Tests) -> None:
    """What was merged, and what happens now."""
    _heading("Merged into main")
    output.data(log)
    output.data()
    if output.live_terminal():
        from tamma.cli.render import print_diff

        print_diff(patch)
    else:
        output.data(patch.rstrip("\n"))
    _heading("After")
    _proof(proof)
    _tests(tests)


def say_next(view: TaskView, ui_url: str | None) -> None:
    """The bill, where to look, what to type next."""
    _heading("And now")
    spend = view.spend
    output.data(
        f"It took {spend.turns} model {story.plural('call', spend.turns)} with "
        f"{story.count(spend.input_tokens)} tokens in and {story.count(spend.output_tokens)} out, "
        f"and cost {story.cost(spend)}."
    )
    if ui_url:
        output.data(f"Temporal's Web UI shows it step by step: {ui_url}")
    if which("tamma") is None:
        # `make demo` has put the command into a folder that no shell knows of.
        output.data("For the commands below, put it on your PATH:")
        output.data(f'  export PATH="{Path(sys.executable).parent}:$PATH"')
    output.data("Every word and every tool call:")
    output.data(f"  tamma inspect {view.task_id}")
    output.data()
    output.data("Next, with your own key, an issue on GitHub or any Git repository:")
    output.data("  export ANTHROPIC_API_KEY=... GITHUB_TOKEN=...")
    output.data("  tamma submit 'owner/repo#12' --watch")
    output.data("  tamma submit ./repo --issue bug.md --approve plan --watch")
    output.data()
    output.data("The servers keep running for the next command; `tamma dev stop` ends them.")


def _proof(proof: Proof) -> None:
    output.data(f"  $ {proof.command}")
    output.data(f"  {proof.output}    {'adds up' if proof.adds_up else '<- does not add up'}")


def _tests(tests: Tests) -> None:
    output.data("  $ python3 -m unittest")
    output.data(f"  {tests.ran} tests, {'all pass' if tests.green else 'some FAIL'}")


def _heading(text: str) -> None:
    output.data()
    output.data(f"== {text} ==")
    output.data()

"""The texts that Tamma writes for people and models from what it knows. Pure functions."""

from __future__ import annotations

import re

from activities.interface import OpenPullRequest
from tamma.agents.prompting import visible
from tamma.model.repository import Issue
from tamma.model.task import TestRun
from tamma.workspace.interface import InstallReport, ProjectProfile

ISSUE_LIMIT = 60_000
"""Characters of an issue that reach a model."""
FILES_SHOWN = 300
TAIL = 2000
_SAYS_WHY = re.compile(
    r"ERROR: |error(\[E\d+\])?: |npm (ERR!|error) |fatal: |[A-Za-z_.]*(Error|Exception): |\[(not on|stopped)"
)
_SAYS_NOTHING = ("error: subprocess-exited-with-error",)


def issue_markdown(issue: Issue) -> str:
    """The issue as the run sees it: what people without write access commented is left out."""
    parts = [f"# {visible(issue.title)}", "", visible(issue.body).strip()]
    if issue.labels:
        parts += ["", f"Labels: {', '.join(issue.labels)}"]
    for comment in issue.comments:
        if comment.trusted:
            parts += ["", f"## Comment of {comment.author}", "", visible(comment.body).strip()]
    text = "\n".join(parts)
    if len(text) > ISSUE_LIMIT:
        text = text[:ISSUE_LIMIT] + f"\n[cut: {len(text) - ISSUE_LIMIT} more characters]"
    return text


def context_markdown(
    profile: ProjectProfile,
    install: InstallReport,
    baseline: TestRun | None,
    instructions: tuple[tuple[str, str], ...],
) -> str:
    """What a model is told about the repository before it looks itself."""
    lines = [f"The repository ({', '.join(profile.ecosystems) or 'no known ecosystem'}):", ""]
    for name, command in (("tests", profile.test), ("lint", profile.lint), ("build", profile.build)):
        if command is not None:
            lines.append(f"- {name}: `{command.command}` (from {command.source})")
    if not install.ok:
        lines.append(f"- its environment could not be built: {install_failure(install.log_tail)[-400:]}")
    if baseline is not None:
        state = "green" if baseline.exit_code == 0 else f"red (exit code {baseline.exit_code})"
        lines.append(f"- its tests before any change are {state}, {baseline.seconds:.1f} s")
    lines += [f"- {visible(note)}" for note in profile.notes]
    lines += ["", f"Files ({profile.files_total} tracked):"]
    lines += [f"  {path}" for path in profile.files[:FILES_SHOWN]]
    if profile.files_total > FILES_SHOWN:
        lines.append(f"  ... and {profile.files_total - FILES_SHOWN} more")
    for path, text in instructions:
        lines += ["", f"{path} says:", "", visible(text).strip()]
    return "\n".join(lines)


def install_failure(log: str) -> str:
    """The lines of an installer's log that say what went wrong; the last ones where none does.

    Installers end with advice: pip's last four lines are the same whatever went wrong.
    """
    lines = dict.fromkeys(line.strip() for line in log.splitlines())
    said = [line for line in lines if _SAYS_WHY.match(line) and line not in _SAYS_NOTHING]
    return "\n".join(said[-6:]) or log.strip()[-400:]


def pull_request_title(issue_title: str) -> str:
    """The issue's title on one line, at most 120 characters. The body says which issue it closes."""
    return " ".join(issue_title.split())[:120]


def pull_request_body(given: OpenPullRequest, plan: str, closing: str = "", template: str = "") -> str:
    """What a reviewer needs: what and why, the plan, how it was tested, in what sandbox, at what cost.

    `closing` is the line about the issue, where it is not the platform's own; `template` the team's own text.
    """
    summary = given.summary.strip() or "(the agent gave no summary)"
    lines = [summary, "", closing or f"Closes #{given.issue}", ""]
    lines += ["## Tests", ""]
    if given.red_test is not None:
        lines.append(
            f"- `{given.red_test.command}` failed before the change (exit code "
            f"{given.red_test.exit_code}) and passes now"
        )
    else:
        lines.append("- no failing test was written first")
    if given.tests is not None:
        outcome = "passes" if given.tests.exit_code == 0 else f"exit code {given.tests.exit_code}"
        lines.append(f"- `{given.tests.command}`: {outcome}, {given.tests.seconds:.1f} s")
    else:
        lines.append("- the repository's own tests were not run: no test command was found")
    lines.append(f"- sandbox: {given.sandbox_tier or 'unknown'}")
    if given.notes:
        lines += ["", "## Notes", "", *(f"- {note}" for note in given.notes)]
    if given.review:
        lines += ["", "## Self-review", "", given.review]
    if plan:
        lines += ["", "<details><summary>Plan</summary>", "", plan, "", "</details>"]
    if template.strip():
        lines += ["", template.strip()]
    spend = given.spend
    money = f"{spend.cost_usd:.4f} USD"
    if spend.unpriced_calls:
        calls = "call" if spend.unpriced_calls == 1 else "calls"
        money += f" and {spend.unpriced_calls} {calls} of unknown price"
    made_by = f"Made by Tamma with {given.agent.provider} {given.agent.model or ''}".strip()
    lines += ["", f"*{made_by}: {spend.turns} model calls, {money}. Task {given.task_id}.*"]
    return "\n".join(lines)

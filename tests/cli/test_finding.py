"""Issue files and folders, as they are on the disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tamma.cli import finding, gates, story
from tamma.cli.invocation import Invocation
from tamma.cli.ordering import Wishes
from tamma.cli.reference import GITHUB
from tamma.config.fingerprint import fingerprint
from tamma.config.resolve import worker_environment
from tamma.errors import ConfigError
from tamma.model.planning import Answers
from tamma.model.task import Approval, Gate
from tests.cli.samples import ASKING, BEGUN, CHOOSING, GATED, TASK


def locate(text: str, issue_file: str | None) -> tuple[str, str, str | None]:
    name, content = finding.locate(text, issue_file, (GITHUB,), GITHUB.id)
    return name.repo.name, name.workflow_id, content


def test_one_repository_has_one_name_however_it_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, issue = tmp_path / "repo", tmp_path / "bug.md"
    repository.mkdir()
    issue.write_text("# Bug\n")
    (tmp_path / "link").symlink_to(repository)
    monkeypatch.chdir(repository)
    found = {
        locate(text, str(issue))[:2]
        for text in (str(repository), ".", "../link", f"{repository}/", repository.as_uri())
    }
    assert len(found) == 1
    assert locate(".", str(issue))[2] == "# Bug\n"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"x" * (finding.LONGEST_ISSUE + 1), "longer than"),
    ],
)
def test_issue_files_that_cannot_be_one(tmp_path: Path, content: bytes | None, what: str) -> None:
    file = tmp_path / "bug.md"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=what) as caught:
        locate(str(tmp_path), str(file))
    assert caught.value.hint


def test_a_folder_needs_an_issue(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder") as caught:
        locate(str(tmp_path), None)
    assert "--issue FILE.md" in (caught.value.hint or "")


def test_hints_can_be_pasted() -> None:
    assert GATED.waiting_for is not None
    assert story.hint(GATED, GATED.waiting_for) == f"`tamma approve {TASK}`"


def types(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a person type these lines at whatever is asked next."""
    lines = iter(typed.splitlines())

    def typing(_prompt: str) -> str:
        return next(lines)

    monkeypatch.setattr("click.termui.visible_prompt_func", typing)


@pytest.mark.parametrize(
    ("typed", "decision", "text"), [("y\n", "approve", ""), ("n\nnot now\n", "reject", "not now")]
)
def test_a_person_answers_at_the_terminal(
    typed: str, decision: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    types(typed, monkeypatch)
    answer = gates.ask(GATED)
    assert isinstance(answer, Approval)
    assert (answer.gate, answer.decision, answer.text) == (Gate.PLAN, decision, text)
    assert answer.by


@pytest.mark.parametrize(
    ("typed", "answers"),
    [("a\n1.0, b.2\n", {"q1": "an error", "q2": "1.0, b.2"}), ("\n\n", {"q1": "nothing"})],
)
def test_a_person_answers_questions_at_the_terminal(
    typed: str, answers: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    types(typed, monkeypatch)
    given = gates.ask(ASKING)
    assert isinstance(given, Answers)
    assert {each.question: each.text for each in given.answers} == answers
    assert given.by
    shown = capsys.readouterr().err
    assert "   - b) nothing (default)" in shown
    assert "2. Since when?" in shown


def test_nothing_said_takes_the_plan_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    types("\n", monkeypatch)
    answer = gates.ask(replace(ASKING, questions=ASKING.questions[1:]))
    assert isinstance(answer, Approval)
    assert (answer.gate, answer.decision) == (Gate.QUESTIONS, "approve")


def test_an_option_is_chosen_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    types("2\n", monkeypatch)
    answer = gates.ask(CHOOSING)
    assert isinstance(answer, Approval)
    assert (answer.decision, answer.option) == ("approve", "grammar")


def test_nobody_is_asked_where_nothing_waits() -> None:
    assert gates.ask(BEGUN) is None


def test_leaving_the_sandbox_reaches_the_worker_and_only_when_asked_for(tamma_home: Path) -> None:
    assert tamma_home.is_dir()
    asked = Invocation().load(variables=Wishes(no_sandbox=True).variables())
    usual = Invocation().load(variables=Wishes().variables())
    assert asked.config.run.sandbox.allow_none
    assert not usual.config.run.sandbox.allow_none
    assert worker_environment(asked)["TAMMA_UNSAFE_NO_SANDBOX"] == "1"
    assert fingerprint(asked) != fingerprint(usual), "the running worker is replaced"

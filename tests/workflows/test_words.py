"""What a run writes into Git, and asks people."""

from __future__ import annotations

from workflows.words import commit_message, what_it_does

TITLE = "A compiled parser reads later numbers in the base of the first one, since 1.16.0"


def test_a_subject_ends_with_a_word_and_the_message_with_the_issue() -> None:
    lines = commit_message(TITLE, "7", "").splitlines()
    assert lines == ["A compiled parser reads later numbers in the base of the first one...", "", "Closes #7"]
    assert commit_message("A\n title ", "slug.md", "") == "A title"


def test_a_subject_without_spaces_is_cut_all_the_same() -> None:
    subject = commit_message("文" * 100, "7", "").splitlines()[0]
    assert subject == f"{'文' * 69}..."
    assert len(subject) == 72


def test_prose_is_wrapped_and_layout_is_kept() -> None:
    code = f"    {'x' * 90}"
    message = commit_message(
        "Title", "7", f"{'word ' * 30}\n\n- {'item ' * 20}\n{code}\n```\n{'y ' * 50}\n```"
    )
    subject, blank, *body = message.splitlines()
    assert (subject, blank) == ("Title", "")
    assert code in body
    assert ("y " * 50).rstrip() in body
    prose = [line for line in body if "word" in line or "item" in line]
    assert max(map(len, prose)) <= 72
    assert [line[:2] for line in prose if "item" in line] == ["- ", "  "]


def test_who_has_ci_run_a_change_is_said_as_it_is() -> None:
    ci = (".github/workflows/ci.yml (as of 0123456789)",)
    told = "may have CI run, with its secrets, what the change makes of"
    assert what_it_does(ci, (), ci) == f"a push {told}: {ci[0]}"
    assert what_it_does(ci, (), ci, pushes=False) == f"whoever pushes this suggestion {told}: {ci[0]}"

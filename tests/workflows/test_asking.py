"""An unclear issue asks what is wanted; a clear one does not; what people say reaches the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError

from tamma.model.ids import SessionId
from tamma.model.planning import Answer, Answers
from tamma.model.repository import Target
from tamma.model.task import Approval, ApprovePolicy, Control, Gate, Phase, Steer, TaskStatus, TaskView
from tamma.platforms.memory.platform import MemoryPlatform
from tests.support.loop import FILES, PLAN_TURN, PLANNING, REPO, Handle, Loop, running_loop, script, tell

PLAN: dict[str, Any] = json.loads(PLAN_TURN["text"])
QUESTIONS = [
    {
        "question": "Which mean?",
        "why": "they differ",
        "suggestions": ["arithmetic", "median"],
        "default": "a",
    },
    {"question": "What of no values?", "default": "an error"},
]
OPTIONS = [
    {"name": "in place", "what": "change mean()", "for": ["small"], "recommended": True},
    {"name": "new module", "what": "move it to stats.py", "against": ["more to read"]},
]
UNCLEAR: dict[str, Any] = {"ambiguity": {"score": 0.9, "why": ["two readings"]}, "questions": QUESTIONS}


def plan(summary: str = "", /, **changes: Any) -> dict[str, Any]:
    """A plan's turn. The model fails where `expects` is not in what it is told."""
    expects = changes.pop("expects", None)
    made = {"text": json.dumps({**PLAN, "summary": summary or PLAN["summary"], **changes})}
    return {**made, "expect": {"last_contains": expects}} if expects else made


async def refused(handle: Handle, name: str, given: object) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await tell(handle, name, given)
    return str(error.value.cause)


async def at(loop: Loop, handle: Handle, gate: Gate, rounds: int = 0) -> TaskView:
    """The view of a run that waits there, with at least so many plans made."""
    return await loop.until(
        handle, lambda view: view.waiting_for and view.waiting_for.gate is gate and view.spend.turns >= rounds
    )


async def planned(loop: Loop, handle: Handle) -> TaskView:
    """The view once the run has agreed on its plan and goes on."""
    return await loop.until(handle, lambda view: view.phase not in PLANNING)


async def told(loop: Loop, task: str, session: str) -> str:
    """Everything that a session's model was told and said."""
    entries = await loop.parts.store.read_entries(SessionId(f"{task}/{session}"))
    return "\n".join(entry.message.text for entry in entries)


async def comments(loop: Loop) -> list[str]:
    forge = cast("MemoryPlatform", await loop.parts.platforms.get("memory"))
    return [comment.body for comment in await forge.list_comments(REPO, Target("issue", "1"))]


async def test_an_unclear_issue_asks_and_the_answers_reach_the_model(client: Client, tmp_path: Path) -> None:
    turns = script(plan=[plan(**UNCLEAR), plan("the median it is", ambiguity=0.1, expects="median")])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        seen = await at(loop, handle, Gate.QUESTIONS)
        assert seen.waiting_for is not None
        assert (seen.status, seen.phase) == (TaskStatus.PAUSED, Phase.PLAN)
        assert "two readings" in seen.waiting_for.reason
        assert [question.text for question in seen.questions] == ["Which mean?", "What of no values?"]
        assert "1. Which mean?" in seen.plan
        await loop.until(handle, lambda _: loop.effects("ensure_comment") == 1)
        (asked,) = await comments(loop)
        assert "   - b) median" in asked

        assert "no question 'q9'; open are q1, q2" in await refused(
            handle, "answer", Answers((Answer("q9", "x"),))
        )
        assert "no answer" in await refused(handle, "answer", Answers())
        assert "longer than" in await refused(handle, "answer", Answers(text="x" * 20_001))
        assert "by approving a plan" in await refused(
            handle, "approve", Approval(Gate.QUESTIONS, "approve", option="in place")
        )
        assert "tamma answer" in await tell(handle, "resume", Control())
        said = await tell(handle, "answer", Answers((Answer("q1", "b"),), by="ada"))
        assert "q2: an error" in said

        assert (await handle.result()).status is TaskStatus.COMPLETED
        seen = await loop.view(handle)
        assert "questions: answered by ada" in seen.notes
        assert [(each.answer, each.by) for each in seen.decided] == [("median", "ada"), ("an error", "")]
        assert seen.questions == ()
        # The second plan was made with it, and so was the work.
        assert "- Which mean?\n  median" in await told(loop, seen.task_id, "plan")
        assert "Which mean? median (ada)" in await told(loop, seen.task_id, "agent")
        (asked, *_) = await comments(loop)
        assert asked.startswith("**Answered.**")
        assert "What of no values? an error" in asked


@pytest.mark.slow
async def test_a_plain_issue_does_not_stop_and_says_what_it_assumes(client: Client, tmp_path: Path) -> None:
    clear = plan(ambiguity=0.5, questions=QUESTIONS[1:], options=OPTIONS)
    async with running_loop(client, tmp_path, turns=script(plan=[clear])) as loop:
        handle = await loop.submit()
        assert (await handle.result()).status is TaskStatus.COMPLETED
        seen = await loop.view(handle)
        assumed = "assumed: What of no values? an error"
        design = "the design is 'in place', as the plan recommends; the others were 'new module'"
        assert {assumed, design} <= set(seen.notes)
        forge = cast("MemoryPlatform", await loop.parts.platforms.get("memory"))
        body = (await forge.get_pr(REPO, seen.pull_request)).body
        assert f"- {assumed}" in body
        assert f"- {design}" in body
        assert not any("needs an answer" in comment for comment in await comments(loop))


async def test_a_chosen_option_is_planned_and_reaches_the_work(client: Client, tmp_path: Path) -> None:
    turns = script(plan=[plan(options=OPTIONS), plan("into stats.py", expects="'new module'")])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit(approve=ApprovePolicy.PLAN)
        seen = await at(loop, handle, Gate.PLAN)
        assert [(option.name, option.recommended) for option in seen.options] == [
            ("in place", True),
            ("new module", False),
        ]
        assert seen.waiting_for is not None
        assert "--option" in seen.waiting_for.hint
        unknown = await refused(handle, "approve", Approval(Gate.PLAN, "approve", option="rewrite"))
        assert "no option 'rewrite'; there are 'in place', 'new module'" in unknown
        assert "no questions open" in await refused(handle, "answer", Answers(text="x"))
        await tell(handle, "approve", Approval(Gate.PLAN, "approve", by="ada", option="new module"))
        assert (await handle.result()).status is TaskStatus.COMPLETED
        seen = await loop.view(handle)
        assert "plan: approved by ada, with the option 'new module'" in seen.notes
        assert seen.plan.startswith("into stats.py")
        assert "The design is to be 'new module'" in await told(loop, seen.task_id, "agent")


@pytest.mark.slow
async def test_the_recommended_option_costs_no_second_plan(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path, turns=script(plan=[plan(options=OPTIONS)])) as loop:
        handle = await loop.submit(approve=ApprovePolicy.PLAN)
        await at(loop, handle, Gate.PLAN)
        await handle.signal("approve", Approval(Gate.PLAN, "approve", by="web", option="1"))
        seen = await planned(loop, handle)
        assert "plan: approved by web, with the option 'in place'" in seen.notes


@pytest.mark.slow
async def test_approving_takes_the_defaults(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path, turns=script(plan=[plan(**UNCLEAR)])) as loop:
        handle = await loop.submit()
        await at(loop, handle, Gate.QUESTIONS)
        await tell(handle, "approve", Approval(Gate.QUESTIONS, "approve", by="ada"))
        seen = await planned(loop, handle)
        assert "assumed: Which mean? arithmetic" in seen.notes


@pytest.mark.slow
async def test_three_rounds_then_a_person_decides_at_the_plan(client: Client, tmp_path: Path) -> None:
    rounds = [
        plan(**{**UNCLEAR, "questions": [f"Question {number}?"]}, expects="dunno" if number else None)
        for number in range(4)
    ]
    async with running_loop(
        client, tmp_path, turns=script(plan=[*rounds, plan("his way", expects="mine")])
    ) as loop:
        handle = await loop.submit()
        for number in range(3):
            await loop.until(
                handle, lambda view, n=number: [q.text for q in view.questions] == [f"Question {n}?"]
            )
            await handle.signal("answer", Answers(text="dunno", by="web"))
        seen = await at(loop, handle, Gate.PLAN)
        assert seen.waiting_for is not None
        assert "unclear after 3 rounds of questions" in seen.waiting_for.reason
        # What the last plan asks can still be answered, and the new plan is shown.
        await tell(handle, "answer", Answers(text="mine"))
        seen = await loop.until(handle, lambda view: view.plan.startswith("his way") and view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.reason == "the plan waits for approval"
        await tell(handle, "approve", Approval(Gate.PLAN, "edit", text="1. just do it"))
        seen = await planned(loop, handle)
        assert seen.plan == "1. just do it"


@pytest.mark.slow
async def test_unclear_without_a_question_is_shown_to_a_person(client: Client, tmp_path: Path) -> None:
    split = plan(ambiguity=0.8, split=["the mean", "the median"])
    async with running_loop(client, tmp_path, turns=script(plan=[split])) as loop:
        handle = await loop.submit()
        seen = await at(loop, handle, Gate.PLAN)
        assert seen.waiting_for is not None
        assert "proposes to split it" in seen.waiting_for.reason
        assert "- the median" in seen.plan
        await tell(handle, "approve", Approval(Gate.PLAN, "reject", by="ada", text="two issues"))
        assert (await handle.result()).status is TaskStatus.CANCELLED


@pytest.mark.slow
async def test_words_to_the_agent_answer_too_and_a_rejection_ends_it(client: Client, tmp_path: Path) -> None:
    turns = script(plan=[plan(**UNCLEAR), plan(**{**UNCLEAR, "questions": ["And now?"]}, expects="median")])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        await at(loop, handle, Gate.QUESTIONS)
        await tell(handle, "steer", Steer("1: b\nthanks"))
        await loop.until(handle, lambda view: [question.text for question in view.questions] == ["And now?"])
        await tell(handle, "approve", Approval(Gate.QUESTIONS, "reject", by="ada", text="never mind"))
        result = await handle.result()
        assert result.status is TaskStatus.CANCELLED
        assert "ada rejected it: never mind" in result.summary
        assert loop.effects("ensure_pr") == 0


@pytest.mark.slow
async def test_nonsense_is_taken_as_words_and_nobody_is_asked(client: Client, tmp_path: Path) -> None:
    words = '# Plan\n\nJust fix it {"ambiguity": 1, "questions": [[['
    async with running_loop(client, tmp_path, turns=script(plan=[{"text": words}])) as loop:
        handle = await loop.submit()
        seen = await planned(loop, handle)
        assert seen.plan.startswith(words)


@pytest.mark.slow
async def test_where_nobody_is_there_a_reading_is_taken(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path, turns=script(plan=[plan(**UNCLEAR)])) as loop:
        handle = await loop.submit(unattended=30.0)
        seen = await planned(loop, handle)
        assert "assumed: Which mean? arithmetic" in seen.notes
        assert not any("needs an answer" in comment for comment in await comments(loop))


@pytest.mark.slow
async def test_questions_can_be_answered_while_the_platform_is_away(client: Client, tmp_path: Path) -> None:
    away = [{"on": "ensure_comment", "error": "Transient", "times": 2}]
    turns = script(plan=[plan(**UNCLEAR), plan("clear now", expects="median")])
    async with running_loop(client, tmp_path, turns=turns, faults=away) as loop:
        handle = await loop.submit()
        await at(loop, handle, Gate.QUESTIONS)
        await tell(handle, "answer", Answers(text="1: median"))
        await planned(loop, handle)


@pytest.mark.slow
async def test_a_repository_may_ask_to_be_asked_sooner(client: Client, tmp_path: Path) -> None:
    async with running_loop(
        client,
        tmp_path,
        turns=script(plan=[plan(ambiguity=0.4, questions=QUESTIONS)]),
        files={**FILES, ".tamma.json": '{"planning": {"ambiguity": 0.3}}'},
    ) as loop:
        handle = await loop.submit()
        seen = await at(loop, handle, Gate.QUESTIONS)
        assert any("ambiguity is 0.3" in note for note in seen.notes)

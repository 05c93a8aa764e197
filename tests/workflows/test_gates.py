"""What makes a run stand still, and what people may say to it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tamma.model.task import (
    Approval,
    ApprovePolicy,
    BudgetChange,
    Control,
    Gate,
    Limits,
    Phase,
    Steer,
    TaskStatus,
)
from tamma.providers.interface import ProviderSettings
from tamma.providers.routing.chain import Link, Routes
from tests.support.loop import (
    FILES,
    FIX_TURNS,
    PLAN_TURN,
    QUICK,
    RED,
    RED_COMMAND,
    RED_TURNS,
    call,
    git,
    running_loop,
    script,
    tell,
    turn,
)
from tests.support.processes import eventually


async def test_a_plan_waits_for_its_approval_and_refuses_other_answers(
    client: Client, tmp_path: Path
) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit(approve=ApprovePolicy.PLAN)
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.PLAN
        assert seen.status is TaskStatus.PAUSED
        assert seen.phase is Phase.APPROVE_PLAN
        assert "divides by one too many" in seen.plan

        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await tell(handle, "approve", Approval(Gate.MERGE, "approve"))
        assert "waits at the gate 'plan'" in str(refused.value.cause)

        assert "approved" in await tell(handle, "approve", Approval(Gate.PLAN, "approve", by="ada"))
        result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert "plan: approved by ada" in (await loop.view(handle)).notes


async def test_a_plan_approved_by_signal_but_no_merge(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit(approve=ApprovePolicy.ALL)
        await loop.until(handle, lambda view: view.waiting_for)
        await handle.signal("approve", Approval(Gate.PLAN, "approve", by="web"))
        seen = await loop.until(handle, lambda view: view.waiting_for and view.phase is Phase.APPROVE_MERGE)
        assert seen.pull_request_url
        await handle.signal("approve", Approval(Gate.MERGE, "approve", by="anybody"))
        await loop.until(handle, lambda view: any("cannot approve a merge" in note for note in view.notes))
        assert loop.effects("merge_pr") == 0
        await tell(handle, "approve", Approval(Gate.MERGE, "approve", by="ada"))
        assert (await handle.result()).merge_sha
        assert loop.effects("merge_pr") == 1


@pytest.mark.slow
async def test_a_rejected_plan_ends_the_run_without_a_trace(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit(approve=ApprovePolicy.PLAN)
        await loop.until(handle, lambda view: view.waiting_for)
        await tell(handle, "approve", Approval(Gate.PLAN, "reject", by="ada", text="not now"))
        result = await handle.result()
        assert result.status is TaskStatus.CANCELLED
        assert "ada rejected it: not now" in result.summary
        assert loop.effects("ensure_pr") == 0
        assert git(loop.remote, "branch", "--list", "tamma/*") == ""


async def test_steering_at_the_plan_gate_makes_another_plan(client: Client, tmp_path: Path) -> None:
    second = {"text": PLAN_TURN["text"].replace("write the test", "write two tests")}
    turns = script(plan=[PLAN_TURN, second])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit(approve=ApprovePolicy.PLAN)
        await loop.until(handle, lambda view: view.waiting_for)
        await tell(handle, "steer", Steer("two tests, please"))
        await loop.until(handle, lambda view: "two tests" in view.plan and view.waiting_for)
        await tell(handle, "approve", Approval(Gate.PLAN, "edit", text="1. just do it"))
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert (await loop.view(handle)).plan == "1. just do it"


async def test_money_runs_out_in_a_session_and_more_lets_it_go_on(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        # The plan costs nothing here; a budget of zero stops before the first call that would be paid.
        limits = Limits(budget_usd=Decimal(0), worker_lost_after=10, checks_grace=0.1, poll=0.1)
        handle = await loop.submit(limits=limits)
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.BUDGET
        with pytest.raises(WorkflowUpdateFailedError):
            await tell(handle, "add_budget", BudgetChange(add_usd=Decimal(-1)))
        message = await tell(handle, "add_budget", BudgetChange(add_usd=Decimal(2), by="ada"))
        assert "2.00 USD" in message
        assert (await handle.result()).status is TaskStatus.COMPLETED


@pytest.mark.slow
async def test_turns_run_out_in_mid_session_and_more_let_it_go_on(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        limits = Limits(max_turns=3, worker_lost_after=10, checks_grace=0.1, poll=0.1)
        handle = await loop.submit(limits=limits)
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.TURNS
        assert seen.phase is Phase.RED_TEST
        await tell(handle, "add_budget", BudgetChange(add_turns=50))
        result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert result.spend.turns == 9


@pytest.mark.slow
async def test_a_model_that_only_talks_is_stopped_and_steering_helps(client: Client, tmp_path: Path) -> None:
    talk = [turn(text=f"I think {number}.") for number in range(6)]
    turns = script(agent=[*talk, *RED_TURNS, *FIX_TURNS])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.STUCK
        assert "without a tool call" in seen.waiting_for.reason
        await tell(handle, "steer", Steer("use the tools"))
        assert (await handle.result()).status is TaskStatus.COMPLETED


@pytest.mark.slow
async def test_a_stronger_model_takes_over_from_one_that_goes_in_circles(
    client: Client, tmp_path: Path
) -> None:
    same = turn(call("bash", command="ls"))
    weak = script(agent=[same] * 8 + [*RED_TURNS] + [same] * 8)
    # Turns are numbered through the conversation: eight were the weak model's, then eight of the next stage.
    strong = script(agent=[same] * 8 + [*RED_TURNS] + [same] * 8 + [*FIX_TURNS])
    account = ProviderSettings("strong", "scripted", options=strong)
    routes = Routes({"stuck": (Link("strong"),)})
    async with running_loop(client, tmp_path, turns=weak, accounts=(account,), routes=routes) as loop:
        handle = await loop.submit()
        assert (await handle.result()).status is TaskStatus.COMPLETED
        seen = await loop.view(handle)
        assert any("went in circles" in note and "took over" in note for note in seen.notes)
        assert seen.session_id is not None
        entries = await loop.parts.store.read_entries(seen.session_id)
        answered = [entry.provider for entry in entries if entry.provider]
        assert answered == ["scripted"] * 8 + ["strong"] * len(RED_TURNS) + ["scripted"] * 8 + [
            "strong"
        ] * len(FIX_TURNS)


@pytest.mark.slow
async def test_unknown_tools_and_broken_json_are_told_to_the_model(client: Client, tmp_path: Path) -> None:
    odd = [
        turn(call("launch_rockets", when="now")),
        {"text": "", "raw_tool_calls": [{"name": "bash", "args": '{"command": "ls'}]},
        turn(call("bash")),
    ]
    async with running_loop(client, tmp_path, turns=script(agent=[*odd, *RED_TURNS, *FIX_TURNS])) as loop:
        handle = await loop.submit()
        assert (await handle.result()).status is TaskStatus.COMPLETED
        seen = await loop.view(handle)
        assert seen.session_id is not None
        entries = await loop.parts.store.read_entries(seen.session_id)
        said = [entries[index].message.parts[0] for index in (2, 4, 6)]
        assert all(getattr(part, "is_error", False) for part in said)
        assert "str_replace" in getattr(said[0], "content", "")


@pytest.mark.slow
async def test_an_unexpected_pass_goes_to_a_person(client: Client, tmp_path: Path) -> None:
    green = RED.replace("mean([2, 4]), 3", "mean([2, 4]), 2")
    wrong = [
        turn(call("create", path="tests/test_mean.py", content=green)),
        turn(call("finish", summary="a test", test_command=RED_COMMAND)),
        turn(call("finish", summary="it still passes", test_command=RED_COMMAND)),
    ]
    async with running_loop(client, tmp_path, turns=script(agent=[*wrong, *FIX_TURNS])) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.RED_TEST
        await tell(handle, "cancel", Control(by="ada", reason="solved already"))
        result = await handle.result()
        assert result.status is TaskStatus.CANCELLED
        assert "solved already" in result.summary
        # What was done is left behind.
        assert "mean([2, 4]), 2" in loop.show(f"{seen.branch}:tests/test_mean.py")


@pytest.mark.slow
async def test_what_is_said_while_the_agent_finishes_is_heeded(client: Client, tmp_path: Path) -> None:
    last = turn(
        call("bash", command="touch begun; while [ ! -e told ]; do sleep 0.05; done; rm told begun"),
        call("finish", summary="mean() divides by the number of values"),
    )
    better = [
        turn(call("insert", path="calc.py", line=1, text='    """The arithmetic mean."""')),
        turn(call("finish", summary="documented")),
    ]
    turns = script(agent=[*RED_TURNS, FIX_TURNS[0], last, *better])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        await eventually(lambda: list((tmp_path / "workspaces").rglob("begun")))
        await tell(handle, "steer", Steer("say what it does in a docstring"))
        (begun,) = (tmp_path / "workspaces").rglob("begun")
        begun.with_name("told").touch()
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert "The arithmetic mean" in loop.show("main:calc.py")


@pytest.mark.slow
async def test_who_says_what_the_test_lacks_gets_another_one(client: Client, tmp_path: Path) -> None:
    green = RED.replace("mean([2, 4]), 3", "mean([2, 4]), 2")
    turns = [
        turn(call("create", path="tests/test_mean.py", content=green)),
        turn(call("finish", summary="a test", test_command=RED_COMMAND)),
        turn(call("finish", summary="it still passes", test_command=RED_COMMAND)),
        turn(call("str_replace", path="tests/test_mean.py", old="mean([2, 4]), 2", new="mean([2, 4]), 3")),
        turn(call("finish", summary="a test", test_command=RED_COMMAND)),
    ]
    async with running_loop(client, tmp_path, turns=script(agent=[*turns, *FIX_TURNS])) as loop:
        handle = await loop.submit()
        await loop.until(handle, lambda view: view.waiting_for)
        reply = await tell(handle, "resume", Control(by="ada"))
        assert "waits for an approval (red-test)" in reply, "somebody has to vouch for that"
        await tell(handle, "steer", Steer("the mean of 2 and 4 is 3"))
        result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        view = await loop.view(handle)
        assert view.red_test is not None
        assert not any("a person let the run go on" in note for note in view.notes)


async def test_red_tests_are_sent_back_then_shown_to_a_person(client: Client, tmp_path: Path) -> None:
    lazy = turn(call("finish", summary="done, surely"))
    agent = [*RED_TURNS, *(lazy for _ in range(4)), *FIX_TURNS]
    async with running_loop(client, tmp_path, turns=script(agent=agent)) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.TESTS
        assert "exit code 1 after 3 attempts" in seen.waiting_for.reason
        await tell(handle, "steer", Steer("divide by len(values)"))
        assert (await handle.result()).status is TaskStatus.COMPLETED


async def test_a_review_that_asks_for_changes_gets_them(client: Client, tmp_path: Path) -> None:
    review = {
        "text": '{"verdict": "request_changes", "summary": "no docstring", "comments": ["calc.py: say it"]}'
    }
    better = [
        turn(call("insert", path="calc.py", line=1, text='    """The arithmetic mean."""')),
        turn(call("finish", summary="documented")),
    ]
    turns = script(agent=[*RED_TURNS, *FIX_TURNS, *better], review=[review])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert "The arithmetic mean" in loop.show("main:calc.py")


@pytest.mark.slow
async def test_no_test_command_asks_a_person(client: Client, tmp_path: Path) -> None:
    plain = {"notes.txt": "remember the milk\n"}
    agent = [
        turn(call("str_replace", path="notes.txt", old="milk", new="bread")),
        turn(call("finish", summary="ok")),
    ]
    async with running_loop(client, tmp_path, files=plain, turns=script(agent=agent)) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.PLAN
        assert "no test command was found" in seen.waiting_for.reason
        await tell(handle, "approve", Approval(Gate.PLAN, "approve"))
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert "bread" in loop.show("main:notes.txt")


async def test_a_protected_path_waits_for_a_person_before_the_merge(client: Client, tmp_path: Path) -> None:
    owners = turn(call("create", path=".github/CODEOWNERS", content="* @ada\n"))
    turns = script(agent=[*RED_TURNS, owners, *FIX_TURNS])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.MERGE
        assert ".github/CODEOWNERS" in seen.waiting_for.reason
        assert loop.effects("merge_pr") == 0


CI = ".github/workflows/ci.yml"


def writes_ci(content: str) -> dict[str, object]:
    return turn(call("create", path=CI, content=content))


@pytest.mark.slow
async def test_ci_files_are_not_even_pushed_before_a_person_agrees(client: Client, tmp_path: Path) -> None:
    """Many platforms run the workflows of any branch that is pushed, with the secrets of CI."""
    more = [writes_ci("on: [push, pull_request]\n"), turn(call("finish", summary="pull requests, too"))]
    turns = script(agent=[*RED_TURNS, writes_ci("on: push\n"), *FIX_TURNS, *more])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.CHANGE
        assert f"a push may have CI run, with its secrets, what the change makes of: {CI}" in (
            seen.waiting_for.reason
        )
        await tell(handle, "approve", Approval(Gate.CHANGE, "approve", by="ada"))
        seen = await loop.until(handle, lambda view: view.waiting_for and view.waiting_for.gate is Gate.MERGE)
        assert CI in git(loop.remote, "ls-tree", "-r", "--name-only", seen.branch)
        # What comes later is another version: nobody has agreed to that.
        await tell(handle, "steer", Steer("on pull requests, too"))
        await loop.until(handle, lambda view: view.waiting_for and view.waiting_for.gate is Gate.CHANGE)
        await tell(handle, "cancel", Control("ada"))
        result = await handle.result()
        assert "pull_request" not in git(loop.remote, "show", f"{result.branch}:{CI}")
        assert any("is not pushed, as CI would run" in note for note in (await loop.view(handle)).notes)


@pytest.mark.slow
async def test_a_link_out_of_the_workspace_is_never_published(client: Client, tmp_path: Path) -> None:
    link = turn(call("bash", command="ln -s /etc/passwd leak"))
    undo = [turn(call("bash", command="rm leak")), turn(call("finish", summary="without the link"))]
    turns = script(agent=[*RED_TURNS, link, *FIX_TURNS, *undo])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert "leak" not in git(loop.remote, "ls-tree", "-r", "--name-only", "main")


async def test_pause_holds_and_resume_lets_go(client: Client, tmp_path: Path) -> None:
    slow = turn(call("bash", command="true"), delay_ms=1500)
    async with running_loop(client, tmp_path, turns=script(agent=[slow, *RED_TURNS, *FIX_TURNS])) as loop:
        handle = await loop.submit()
        await loop.until(handle, lambda view: view.session_workflow)
        await tell(handle, "pause", Control(by="ada"))
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.PAUSED
        await tell(handle, "resume", Control(by="ada"))
        assert (await handle.result()).status is TaskStatus.COMPLETED


async def test_cancelling_in_mid_command_leaves_the_work_behind(client: Client, tmp_path: Path) -> None:
    hang = turn(call("bash", command="echo half > half.txt; sleep 300", timeout=400))
    async with running_loop(client, tmp_path, turns=script(agent=[hang])) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.session_workflow)
        tree = tmp_path / "workspaces"
        await loop.until(handle, lambda _: list(tree.glob("*/tree/half.txt")))
        await tell(handle, "cancel", Control(by="ada", reason="enough"))
        result = await handle.result()
        assert result.status is TaskStatus.CANCELLED
        assert loop.show(f"{seen.branch}:half.txt") == "half"
        assert not list(tree.glob("*/tree"))


async def test_an_issue_that_is_not_there_is_refused_at_once(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit("404")
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update("accepted")  # pyright: ignore[reportUnknownMemberType] - an overload of the SDK
        cause = refused.value.cause
        assert isinstance(cause, ApplicationError)
        assert cause.type == "NotFound"
        with pytest.raises(WorkflowFailureError):
            await handle.result()


@pytest.mark.slow
async def test_a_provider_without_its_key_waits_instead_of_failing(client: Client, tmp_path: Path) -> None:
    refusing = {"error": {"type": "AuthFailed", "message": "the key is not valid", "times": 1}, "text": "x"}
    turns = script(plan=[{**refusing, "text": PLAN_TURN["text"]}])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.PROVIDER
        assert "the key is not valid" in seen.waiting_for.reason


@pytest.mark.slow
async def test_a_rate_limit_is_waited_out(client: Client, tmp_path: Path) -> None:
    limited = {**PLAN_TURN, "error": {"type": "RateLimited", "retry_after": 1, "times": 2}}
    async with running_loop(client, tmp_path, turns=script(plan=[limited])) as loop:
        handle = await loop.submit()
        assert (await handle.result()).status is TaskStatus.COMPLETED


@pytest.mark.slow
async def test_red_tests_before_the_run_do_not_block_it(client: Client, tmp_path: Path) -> None:
    broken = (
        "import unittest\n\n\nclass Broken(unittest.TestCase):\n    def test_no(self):\n        self.fail()\n"
    )
    async with running_loop(client, tmp_path, files={**FILES, "tests/test_broken.py": broken}) as loop:
        handle = await loop.submit(limits=QUICK)
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert any("were red before" in note for note in (await loop.view(handle)).notes)


async def test_words_at_the_merge_gate_change_the_work_before_it_is_merged(
    client: Client, tmp_path: Path
) -> None:
    better = [
        turn(call("insert", path="calc.py", line=1, text='    """The arithmetic mean."""')),
        turn(call("finish", summary="documented")),
    ]
    turns = script(agent=[*RED_TURNS, *FIX_TURNS, *better])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit(approve=ApprovePolicy.MERGE)
        await loop.until(handle, lambda view: view.waiting_for)
        await tell(handle, "steer", Steer("say what it does in a docstring"))
        await loop.until(handle, lambda view: view.waiting_for and view.spend.turns == 11)
        await tell(handle, "approve", Approval(Gate.MERGE, "approve", by="ada"))
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert "The arithmetic mean" in loop.show("main:calc.py")
        assert loop.effects("ensure_pr") == 1
        assert loop.effects("merge_pr") == 1


@pytest.mark.slow
async def test_a_repository_may_protect_paths_and_name_its_tests(client: Client, tmp_path: Path) -> None:
    wishes = '{"run": {"testCommand": "python3 -m unittest -q", "protectedPaths": ["calc.py"]}}\n'
    # The agent empties the file: what counts is what the repository said before.
    sly = turn(call("bash", command="echo '{}' > .tamma.json"))
    files = {**FILES, ".tamma.json": wishes}
    turns = script(agent=[*RED_TURNS, sly, *FIX_TURNS])
    async with running_loop(client, tmp_path, files=files, turns=turns) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.MERGE
        assert "calc.py" in seen.waiting_for.reason
        assert seen.tests is not None
        assert seen.tests.command == "python3 -m unittest -q"


@pytest.mark.slow
async def test_bytecode_that_the_agent_leaves_does_not_turn_a_test_green(
    client: Client, tmp_path: Path
) -> None:
    plant = (
        "sed 's/(len(values) + 1)/len(values)/' calc.py > /tmp/calc.py; "
        'python3 -c "import importlib.util as u, py_compile as c; '
        "c.compile('/tmp/calc.py', u.cache_from_source('calc.py'), "
        'invalidation_mode=c.PycInvalidationMode.UNCHECKED_HASH)"'
    )
    lazy = [turn(call("bash", command=plant)), turn(call("finish", summary="all green"))]
    turns = script(agent=[*RED_TURNS, *lazy, *FIX_TURNS])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert "len(values) + 1" not in loop.show("main:calc.py")


async def test_what_the_agent_leaves_in_its_home_does_not_turn_a_test_green(
    client: Client, tmp_path: Path
) -> None:
    plant = (
        'd=$(python3 -m site --user-site); mkdir -p "$d"; '
        "echo 'import os; os._exit(0)' > \"$d/usercustomize.py\""
    )
    lazy = [turn(call("bash", command=plant)), turn(call("finish", summary="all green"))]
    turns = script(agent=[*RED_TURNS, *lazy, *FIX_TURNS])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        assert (await handle.result()).status is TaskStatus.COMPLETED
        # The trick did not pass: the agent was sent back and had to solve it.
        assert "len(values) + 1" not in loop.show("main:calc.py")

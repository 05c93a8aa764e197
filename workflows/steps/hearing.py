"""What people say to the run in comments is done, once, and answered where it was said.

One activity listens for the whole life of the run, beside the work: a look is an attempt of it, so that a
wait of weeks costs a handful of events, and a word in the middle of a session is heard as well as one at a
gate. What it found comes into the history with its result, together with how far it has read. From there on
it is the workflow's: a command is carried out in the step that takes that result, which no crash repeats.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception
from temporalio.exceptions import TimeoutError as ActivityTimeout

from activities.interface import COMMENT, Comment
from activities.interface.listening import (
    AWAIT_COMMANDS,
    MOST_STRANGERS,
    AwaitCommands,
    CommandsHeard,
    Place,
    Spoken,
)
from tamma.model.commands import Command, Mark, Word, budget_of
from tamma.model.planning import Answers
from tamma.model.repository import Target
from tamma.model.task import Approval, Control, DevResult, Gate, Reply, Steer, TaskStatus
from workflows.calls import answer_of, call, start
from workflows.comment_words import acknowledgement
from workflows.messages import LONGEST_REASON
from workflows.options import COMMENT_WATCH, PLATFORM_CALL
from workflows.recovery import diagnose
from workflows.steps.base import end
from workflows.steps.reminding import Reminding

HEARS = "hear-comments"
"""The change that runs listen to comments, and remind people: those from before it do neither."""
CLOCKS_APART = timedelta(minutes=2)
"""By how much the platform's clock and Temporal's may differ."""
DEAF_FOR = timedelta(hours=1)
MOST_USD_BY_COMMENT, MOST_TURNS_BY_COMMENT = 20, 200
"""What one comment can add: who may write to the repository need not be who pays."""
OF_CODE = (
    Gate.MERGE,
    Gate.CHANGE,
    Gate.PATCH,
    Gate.CHECKS,
    Gate.TESTS,
    Gate.RED_TEST,
    Gate.BUDGET,
    Gate.TURNS,
    Gate.TIME,
)
"""Gates where going on lets code pass, or spends."""


class Hearing(Reminding):
    """Listens beside the work."""

    _listening: asyncio.Task[None] | None = None
    _reminding: asyncio.Task[None] | None = None
    _ending = False
    _asks_heard = 0
    """How many questions the run had asked when it began to listen for what it has heard now."""

    def _begin_to_hear(self) -> None:
        if self._request.unattended is not None or "comments" not in self._issue.capabilities:
            return
        if workflow.patched(HEARS):
            self._listening = asyncio.create_task(self._listen())
            self._reminding = asyncio.create_task(self._remind())

    async def _stopped(self, status: TaskStatus, why: str, error_type: str) -> DevResult:
        self._ending = True
        return await super()._stopped(status, why, error_type)

    async def _finished(self, status: TaskStatus, summary: str, error_type: str = "") -> DevResult:
        await self._hear_no_more()
        return await super()._finished(status, summary, error_type)

    async def _hear_no_more(self) -> None:
        """Stop listening. What was taken up by now is answered first."""
        self._over = True
        if self._listening is not None and self._reminding is not None:
            await end(self._reminding)
            await workflow.wait_condition(self._listening.done)

    # --- listening -------------------------------------------------------------------------------

    async def _listen(self) -> None:
        read: dict[Target, Mark | None] = {}
        if "issues" in self._issue.capabilities:
            read[Target("issue", self._request.issue)] = self._issue.read
        strangers: dict[str, None] = {}
        while not self._over:
            if (pull := self._state.pull_request) and (there := Target("pull_request", pull)) not in read:
                read[there] = Mark() if self._state.pull_request_new else None
            places = tuple(Place(target, mark) for target, mark in read.items())
            self._asks_heard = self._asks
            news = await self._next_words(places, tuple(strangers)[:MOST_STRANGERS])
            if news is None:
                continue
            read |= {place.target: place.read for place in news.places}
            for author in news.ignored:
                if author not in strangers and len(strangers) < MOST_STRANGERS:
                    strangers[author] = None
                    self._state.note(
                        f"what {author} said to the run was left out: only those who may write are heard"
                    )
            for spoken in news.spoken:
                await self._obey(spoken)

    async def _next_words(
        self, places: tuple[Place, ...], strangers: tuple[str, ...]
    ) -> CommandsHeard | None:
        """What was said. None where it is time to look again: something has happened, or it is over."""
        talk, pull = self._talk, self._state.pull_request

        def disturbed() -> bool:
            return self._over or self._talk != talk or self._state.pull_request != pull

        if not places:  # no issue, and no pull request yet
            await workflow.wait_condition(disturbed)
            return None
        given = AwaitCommands(self._request.repo, places, self._request.limits.poll, strangers)
        looking = start(AWAIT_COMMANDS, given, COMMENT_WATCH, summary="listen to comments")
        await workflow.wait_condition(lambda: looking.done() or disturbed())
        if not looking.done():
            await end(looking)
            return None
        try:
            return await answer_of(looking)
        except ActivityError as error:
            if isinstance(error.cause, ActivityTimeout):
                return None  # a run from before LOOKS_ON: it listened again at once then, too
            self._state.note(f"comments are not heard at the moment: {diagnose(error).reason}")
        with suppress(TimeoutError):
            await workflow.wait_condition(disturbed, timeout=DEAF_FOR)
        return None

    # --- doing as told ---------------------------------------------------------------------------

    async def _obey(self, spoken: Spoken) -> None:
        """Do what a comment says, and answer it by one of our own."""
        if spoken.at is not None and spoken.at < workflow.info().start_time - CLOCKS_APART:
            return  # said to an earlier run
        answers = [(command, await self._answer_to(spoken, command)) for command in spoken.commands]
        given = Comment(
            self._request.task_id,
            self._request.repo,
            spoken.target,
            key=f"heard-{spoken.target.kind}-{spoken.comment}",
            body=acknowledgement(spoken.author, answers),
        )
        try:
            await call(COMMENT, given, PLATFORM_CALL, summary=f"answer {spoken.author}")
        except ActivityError as error:
            self._state.note(f"a comment of {spoken.author} was not answered: {diagnose(error).reason}")

    async def _answer_to(self, spoken: Spoken, command: Command) -> str:
        """Carry out one command; what came of it, in words."""
        if self._over or self._ending:
            return "not done, as the run is ending"
        try:
            return await self._do(spoken, command)
        except ValueError as refusal:
            return f"not done, as {refusal}"
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            # The session has ended while it was told: what it was told is lost with it.
            self._state.note(f"a word of {spoken.author} did not reach the agent: {error}")
            return "it did not reach the agent, which had just ended a part of its work: say it again"

    async def _do(self, spoken: Spoken, command: Command) -> str:
        who = Control(spoken.author, command.text[:LONGEST_REASON])
        if spoken.of_tracker:
            self._check_rights_in_tracker(command)
        match command.word:
            case Word.APPROVE:
                reply = await self._answer_of_somebody_known(self._approval(spoken, command))
            case Word.REJECT:
                reply = await self._answer_of_somebody_known(self._rejection(spoken, command))
            case Word.STEER:
                given = Steer(command.text, spoken.author)
                self._check_word(given)
                reply = await self._take_word(given)
            case Word.ANSWER:
                return self._take_answer(spoken, command)
            case Word.BUDGET:
                reply = await self._add_budget_by(command)
            case Word.PAUSE:
                reply = await self._pause(who)
            case Word.RESUME | Word.RETRY:
                reply = await self._resume(who)
            case Word.CANCEL:
                reply = self._cancel(who)
            case Word.HELP:
                return "see below"
            case None:
                return "there is no such command"
        return reply.message

    def _check_rights_in_tracker(self, command: Command) -> None:
        """Who may edit issues need not be one who may change code, or spend.

        Raises ValueError for what wants such rights; to say no, to stop and to steer is open to him.
        """
        waiting = self._state.waits_for
        agrees = command.word in (Word.APPROVE, Word.RESUME, Word.RETRY)
        if command.word is Word.BUDGET or (agrees and waiting and waiting.gate in OF_CODE):
            raise ValueError("who may say so is known on the forge: write it on the pull request")

    def _approval(self, spoken: Spoken, command: Command) -> Approval:
        given = self._given_now(spoken, command.text.lower())
        published = self._state.published
        if given.gate is Gate.MERGE and (published is None or spoken.head != published.sha):
            raise ValueError(
                f"the head of the pull request was {spoken.head[:12] or 'unknown'} when this was read, and "
                f"the run would merge {published.sha[:12] if published else 'nothing'}"
            )
        return given

    def _rejection(self, spoken: Spoken, command: Command) -> Approval:
        given = self._given_now(spoken, "")
        return Approval(given.gate, "reject", by=spoken.author, text=command.text)

    def _given_now(self, spoken: Spoken, gate: str) -> Approval:
        """A yes to what the run asks now.

        Raises ValueError where it asks nothing or something else, where the comment is older than the
        question (nobody agrees to what he has not seen), and where it says yes and no.
        """
        if {Word.APPROVE, Word.REJECT} <= {each.word for each in spoken.commands}:
            raise ValueError("it says yes and no")
        waiting = self._state.waits_for
        if gate and gate not in (known := [each.value for each in Gate]):
            raise ValueError(f"there is no gate {gate[:40]!r}; there are {', '.join(known)}")
        given = Approval(
            Gate(gate) if gate else waiting.gate if waiting else Gate.PLAN, "approve", by=spoken.author
        )
        self._check_approval(given)
        self._check_age(spoken, given.gate)
        return given

    def _check_age(self, spoken: Spoken, gate: Gate) -> None:
        asked_at = self._asked_at
        if asked_at is None:
            return
        # What is asked only since people were listened to is another question than the one that they saw:
        # then no doubt about the clocks is in their favour.
        slack = CLOCKS_APART if self._asks == self._asks_heard else timedelta()
        if (spoken.at is None and not slack) or (spoken.at is not None and spoken.at < asked_at - slack):
            raise ValueError(f"it is older than the question ({gate.value}): look, and say it again")

    async def _add_budget_by(self, command: Command) -> Reply:
        given = budget_of(command.text)
        if given is None:
            raise ValueError("it does not say how much: `/tamma budget add 2`, or `budget add 20 turns`")
        self._check_budget(given)
        if given.add_usd > MOST_USD_BY_COMMENT or given.add_turns > MOST_TURNS_BY_COMMENT:
            raise ValueError(
                f"a comment can add {MOST_USD_BY_COMMENT} USD or {MOST_TURNS_BY_COMMENT} turns; more can "
                "`tamma budget add`"
            )
        return await self._raise_budget(given)

    def _take_answer(self, spoken: Spoken, command: Command) -> str:
        """Answers to the run's questions. Raises ValueError where it has none, or they do not fit."""
        given = Answers(text=command.text, by=spoken.author)
        self._check_answers(given)
        self._check_age(spoken, Gate.QUESTIONS)
        return self._take_answers(given).message

"""What people may answer to a plan's questions: an update, and a signal of the same name."""

from __future__ import annotations

from temporalio import workflow

from tamma.agents.answering import reply_to, resolved, trouble_with
from tamma.model.planning import Answers
from tamma.model.task import Reply
from workflows.messages import LONGEST_NAME, LONGEST_WORD, RunMessages

MOST_ANSWERS = 20


class Answering(RunMessages):
    """Takes answers while questions are open. What becomes of them stands in `workflows.steps.asking`."""

    @workflow.update(name="answer")
    async def answer(self, given: Answers) -> Reply:
        """Answer the questions that are open."""
        return self._take_answers(given)

    @answer.validator
    def _check_answers(self, given: Answers) -> None:
        words = (given.text, *(each.text for each in given.answers))
        if sum(map(len, words)) > LONGEST_WORD or len(given.answers) > MOST_ANSWERS:
            raise ValueError(f"the answers are longer than {LONGEST_WORD} characters, or too many")
        if trouble := trouble_with(given, self._state.asks.questions):
            raise ValueError(trouble)

    @workflow.signal(name="answer")
    def answer_by_signal(self, given: Answers) -> None:
        """The same from the Web UI."""
        try:
            self._check_answers(given)
        except ValueError as error:
            self._state.note(f"a signal `answer` was ignored: {error}")
            return
        self._take_answers(given)

    def _take_answers(self, given: Answers) -> Reply:
        who = given.by[:LONGEST_NAME] or "somebody"
        questions = self._state.asks.questions
        read = resolved(Answers(given.answers, given.text, who), questions)
        self._state.answers.append(read)
        self._state.note(f"questions: answered by {who}")
        self._patience.resume()
        return Reply(reply_to(read, questions))

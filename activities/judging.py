"""A model's word about a change: optional, asked several times, because such words are noisy."""

from __future__ import annotations

from functools import reduce
from operator import add

from temporalio import activity

from activities.ai import AIActivities
from activities.failures import failing_well
from activities.grading import read_task
from activities.interface.trials import JUDGE_WORK, Judged, JudgeWork
from activities.trials import issue_text
from tamma.model.ids import SessionId
from tamma.model.loose_json import find_object
from tamma.model.task import AgentChoice, Spend
from tamma.model.wording import fenced, fill, template
from tamma.store.interface import Store
from tamma.suites.graders.parts import judge_part

_LONGEST_DIFF = 60_000


class JudgingActivities:
    """Holds the way to models, and the store."""

    def __init__(self, ai: AIActivities, store: Store) -> None:
        self._ai = ai
        self._store = store

    @activity.defn(name=JUDGE_WORK.name)
    @failing_well
    async def judge_work(self, given: JudgeWork) -> Judged:
        """Ask the suite's judge as often as it says. Answers that were paid for are found again."""
        task, weights = await read_task(self._store, given.suite, given.unit)
        diff = (await self._store.get_blob(given.diff)).decode("utf-8", "replace")[:_LONGEST_DIFF]
        known = fenced("solution", task.gold_patch[:_LONGEST_DIFF]) if task.gold_patch else ""
        words = fill(
            template("tamma.suites", "judge"),
            {"issue": fenced("issue", issue_text(task)), "solution": known, "diff": fenced("diff", diff)},
        )
        judge = AgentChoice(weights.judge_provider, weights.judge_model, name="judge", pinned=True)
        scores: list[float] = []
        spends: list[Spend] = []
        for number in range(weights.judge_times):
            session = SessionId(f"{given.task_id}/judge-{number + 1}")
            answer = await self._ai.ask(session, judge, words, purpose="judge")
            spends.append(answer.spend)
            score = read_score(answer.entry.message.text)
            if score is not None:
                scores.append(score)
        name = weights.judge_model or weights.judge_provider
        return Judged(judge_part(scores, weights, judge=name), reduce(add, spends, Spend()))


def read_score(answer: str) -> float | None:
    """The score in a judge's answer; None where there is none that can be read."""
    found = find_object(answer)
    score = found.get("score") if found is not None else None
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 100:
        return None
    return float(score)

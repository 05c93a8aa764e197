"""Several tries at one change: a beginning that their transcripts share, and a model's choice among them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from temporalio import activity

from activities.agents import Agents
from activities.ai import AIActivities
from activities.failures import failing_well
from activities.heartbeat import heard
from activities.interface import Done
from activities.interface.tries import CHOOSE_TRY, SHARE_TRANSCRIPT, ChooseTry, ShareTranscript, TryChosen
from tamma.agents.best import LETTERS, read_choice
from tamma.model.ids import BlobId
from tamma.model.tries import SHARED
from tamma.model.wording import fenced
from tamma.store.interface import Entry, Store

_LONGEST_DIFFS = 120_000
"""Characters of all diffs together."""


class TryActivities:
    """Holds the way to models, and the store."""

    def __init__(self, ai: AIActivities, store: Store) -> None:
        self._ai = ai
        self._store = store
        self._agents = Agents(store)

    @activity.defn(name=SHARE_TRANSCRIPT.name)
    @failing_well
    @heard
    async def share_transcript(self, given: ShareTranscript) -> Done:
        """Copy the beginning. What it cost counts where it was paid, not in the copies.

        Doing it twice is once, also where a copy has grown since.
        """
        entries = (await self._store.read_entries(given.session_id))[: given.entries]
        for session_id in given.to:
            await self._store.append_entries(session_id, tuple(_free(entry) for entry in entries))
        return Done()

    @activity.defn(name=CHOOSE_TRY.name)
    @failing_well
    async def choose_try(self, given: ChooseTry) -> TryChosen:
        """Ask which diff is best. An answer that was paid for is found again."""
        worker = await self._agents.worker(given.agent)
        words = {
            "issue": await self._text("issue", given.issue),
            "plan": await self._text("plan", given.plan),
            "diffs": await self._candidates(given.diffs),
        }
        text = "".join(worker.first_message("choose", words))
        answer = await self._ai.ask(given.session_id, given.agent, text, purpose="choose", step="review")
        best, why = read_choice(answer.entry.message.text, len(given.diffs))
        return TryChosen(best, why, answer.spend, answer.instead_of, answer.use)

    async def _candidates(self, diffs: tuple[BlobId, ...]) -> str:
        longest = _LONGEST_DIFFS // len(diffs)
        shown: list[str] = []
        for letter, blob in zip(LETTERS, diffs, strict=False):
            patch = (await self._store.get_blob(blob)).decode("utf-8", "replace")
            cut = f"\n[cut: {len(patch) - longest} more characters]" if len(patch) > longest else ""
            shown.append(f"Candidate {letter}:\n{fenced('diff', patch[:longest] + cut)}")
        return "\n\n".join(shown)

    async def _text(self, tag: str, blob: BlobId) -> str:
        return fenced(tag, (await self._store.get_blob(blob)).decode("utf-8", "replace"))


def _free(entry: Entry) -> Entry:
    """As in the copy. Answers alone have a cost."""
    return replace(entry, cost_usd=Decimal(0), cost_source=SHARED) if entry.cost_source else entry

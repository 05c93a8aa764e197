"""Model calls: plan, one agent's turn, review. A call whose answer was stored is never paid again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add

from temporalio import activity

from activities.agents import Agents, Worker
from activities.failures import failing_well
from activities.heartbeat import Pulse, beating
from activities.interface import (
    CALL_MODEL,
    MAKE_PLAN,
    REVIEW_CHANGE,
    CallModel,
    MakePlan,
    PlanMade,
    ReviewChange,
    ReviewMade,
)
from activities.pools import ProviderPool
from activities.requests import request_for
from activities.streams import streamed
from activities.transcripts import Transcripts
from activities.turns import entry_of, spend_of, use_of
from tamma.agents.answers import read_review
from tamma.agents.plan_words import plan_markdown
from tamma.agents.plans import read_plan
from tamma.agents.prompting import fenced
from tamma.errors import ContextOverflow
from tamma.model.agent import Parameters
from tamma.model.conversation import Completion, Message, Role, Text, Tool
from tamma.model.ids import BlobId, SessionId
from tamma.model.metrics import ContextUse, ModelUse
from tamma.model.session import ModelTurn, Opening
from tamma.model.task import AgentChoice, Spend
from tamma.providers.interface import settled
from tamma.providers.routing.chain import Link, Routes, ask_in_turn
from tamma.store.interface import Entry, Store
from tamma.toolservers.interface import NO_TOOL_SERVERS, ToolServers

PLAN_SHOWN = 6000
TEXT_SHOWN = 300
_FENCED = {"issue": "issue", "plan": "plan", "context": "context", "diff": "diff"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer as it stands in the transcript."""

    entry: Entry
    seconds: float
    instead_of: tuple[str, ...] = ()
    """Who should have answered and could not."""
    context: ContextUse = field(default_factory=ContextUse)
    """Of an answer that was found stored only its own tokens are known."""

    @property
    def spend(self) -> Spend:
        return spend_of(self.entry)

    @property
    def use(self) -> ModelUse:
        entry = self.entry
        return ModelUse(entry.provider, (entry.model,) if entry.model else (), self.context)


class AIActivities:
    """Holds the providers, the transcripts and the tool servers."""

    def __init__(
        self,
        providers: ProviderPool,
        store: Store,
        tools: tuple[Tool, ...],
        routes: Routes | None = None,
        *,
        servers: ToolServers = NO_TOOL_SERVERS,
    ) -> None:
        self._providers = providers
        self._store = store
        self._tools = tools
        self._servers = servers
        self._routes = routes or Routes()
        self._agents = Agents(store)
        self.transcripts = Transcripts(store)

    @activity.defn(name=CALL_MODEL.name)
    @failing_well
    async def call_model(self, given: CallModel) -> ModelTurn:
        """One turn of the agent."""
        worker = await self._agents.worker(given.agent)
        words, first = list(given.messages), ()
        async with beating():  # servers may have to be started
            served = await self._servers.offer()
        if given.opening is not None:
            *first, opening = await self._render(given.opening, worker)
            words = [opening, *words, *served.notes]
        answer = await self._ask(
            given.session_id,
            given.seq,
            worker,
            words=(*first, "\n\n".join(words)),
            tools=worker.usable((*self._tools, *served.tools)),
            purpose="agent",
            step=given.step,
            cache=_cache_key(given, worker),
        )
        message = answer.entry.message
        return ModelTurn(
            seq=answer.entry.seq,
            tools=tuple(use_of(call) for call in message.tool_calls),
            finish=answer.entry.finish,
            spend=answer.spend,
            text=message.text.strip()[:TEXT_SHOWN],
            served_model=answer.entry.model,
            instead_of=answer.instead_of,
            seconds=answer.seconds,
            use=answer.use,
            helper=self._routes.has_helper(given.agent),
        )

    @activity.defn(name=MAKE_PLAN.name)
    @failing_well
    async def make_plan(self, given: MakePlan) -> PlanMade:
        """A plan from the issue and the repository's context; from the last plan and feedback later."""
        worker = await self._agents.worker(given.agent)
        words = {
            "issue": await self._text("issue", given.issue),
            "context": await self._text("context", given.context),
            "feedback": f"\nA person says of the last plan:\n{given.feedback}\n" if given.feedback else "",
        }
        answer = await self._ask(
            given.session_id,
            given.round * 2,
            worker,
            words=worker.first_message("plan", words),
            tools=(),
            purpose="plan",
        )
        plan = read_plan(answer.entry.message.text)
        markdown = plan_markdown(plan, given.decided)
        return PlanMade(
            plan=await self._store.put_blob(markdown.encode(), "text/markdown"),
            summary=plan.summary[:500],
            steps=len(plan.steps),
            structured=plan.structured,
            markdown=markdown[:PLAN_SHOWN],
            spend=answer.spend,
            instead_of=answer.instead_of,
            use=answer.use,
            open=plan.open,
        )

    @activity.defn(name=REVIEW_CHANGE.name)
    @failing_well
    async def review_change(self, given: ReviewChange) -> ReviewMade:
        """One look at the whole change by a model that did not write it in this conversation."""
        worker = await self._agents.worker(given.agent)
        words = {
            "issue": await self._text("issue", given.issue),
            "plan": await self._text("plan", given.plan),
            "diff": await self._text("diff", given.diff),
            "tests": given.tests,
        }
        answer = await self._ask(
            given.session_id,
            0,
            worker,
            words=worker.first_message("review", words),
            tools=(),
            purpose="review",
        )
        review = read_review(answer.entry.message.text)
        return ReviewMade(
            review.approved, review.comments, review.summary, answer.spend, answer.instead_of, answer.use
        )

    async def ask(
        self, session_id: SessionId, agent: AgentChoice, words: str, *, purpose: str, step: str = ""
    ) -> Answer:
        """A model's answer to one text, without tools; the same session again finds the answer."""
        worker = await self._agents.worker(agent)
        return await self._ask(session_id, 0, worker, words=(words,), tools=(), purpose=purpose, step=step)

    # --- one call --------------------------------------------------------------------------------

    async def _ask(
        self,
        session_id: SessionId,
        seq: int,
        worker: Worker,
        *,
        words: tuple[str, ...],
        tools: tuple[Tool, ...],
        purpose: str,
        step: str = "",
        cache: str = "",
    ) -> Answer:
        """Ask the model, giving it `words` first, and store both; or find the answer that is stored.

        `cache` is shared by calls that begin alike, beyond their session.
        """
        message = Message(Role.USER, tuple(Text(piece) for piece in words if piece))
        answer_seq = seq + 1 if message.parts else seq
        # From here on this attempt acts; a later one that takes the next token supersedes it.
        taken = await self.transcripts.take(session_id, answer_seq, after=seq - 1)
        stored = taken.entries
        if len(stored) > answer_seq:
            found = stored[answer_seq]
            return Answer(found, seconds=0.0, context=ContextUse(peak=found.input_tokens))
        new = (Entry(seq, message),) if message.parts else ()
        history = (*stored[:seq], *new)
        metadata = {"purpose": purpose, "session": session_id, "attempt": str(activity.info().attempt)}
        # Said, not to be counted: what is sent of a conversation may lack turns of it.
        metadata["turn"] = str(sum(entry.message.role is Role.ASSISTANT for entry in history))
        if cache:
            metadata["cache"] = cache
        agent, uses = worker.choice, [ContextUse()]
        began = time.monotonic()

        async def ask(link: Link, pulse: Pulse) -> Completion:
            provider = await self._providers.get(link.provider)
            model = await settled(provider, link.model or provider.settings.model or "")
            own = worker.parameters if link.provider == agent.provider else Parameters()
            request, used = request_for(provider, model, own, history, worker=worker, tools=tools)
            try:
                completion = await streamed(provider, replace(request, metadata=metadata), pulse)
            except ContextOverflow:
                uses.append(ContextUse(overflows=1))  # counts where another one answers
                raise
            uses.append(replace(used, peak=completion.finish.usage.input_total))
            return completion

        chain = self._routes.chain(step or purpose, agent)
        async with beating() as pulse:  # starting a provider may take long, too
            completion, answered = await ask_in_turn(
                chain, lambda link: ask(link, pulse), last_attempt=_is_last_attempt()
            )
        seconds = time.monotonic() - began
        entry = entry_of(answer_seq, completion, answered.link.provider, seconds)
        await self.transcripts.append(session_id, (*new, entry), lease=taken.lease)
        return Answer(entry, seconds, answered.instead_of, reduce(add, uses))

    async def _render(self, opening: Opening, worker: Worker) -> tuple[str, ...]:
        words = dict(opening.words)
        for name, blob in opening.refs.items():
            words[name] = await self._text(_FENCED.get(name, "output"), blob)
        return worker.first_message(opening.prompt, words)

    async def _text(self, tag: str, blob: BlobId) -> str:
        return fenced(tag, (await self._store.get_blob(blob)).decode("utf-8", "replace"))


def _cache_key(given: CallModel, worker: Worker) -> str:
    """What calls have in common that begin alike: the agent, the repository, the tools."""
    if worker.context.cache_layout != "stable-first":
        return ""
    repository = given.repo_label.rpartition("#")[0] or given.repo_label
    return f"{repository} {worker.choice.config or worker.choice.label}"


def _is_last_attempt() -> bool:
    """Whether Temporal would not try this call again."""
    info = activity.info()
    policy = info.retry_policy
    return policy is not None and 0 < policy.maximum_attempts <= info.attempt

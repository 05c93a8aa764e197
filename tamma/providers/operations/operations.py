"""Typed operations over any provider: a question's data in, an answer's data out.

The model is held to the answer's JSON Schema where it can be, and asked for it in the prompt otherwise. An
answer that does not have the form is shown to the model once, with what is wrong with it; the second answer
counts. Provider errors pass through: retries are the caller's, as everywhere.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from tamma.errors import BadAnswer, ContentFiltered, ContextOverflow, ProviderError
from tamma.model.conversation import (
    UNKNOWN_COST,
    Completion,
    Cost,
    FinishReason,
    Message,
    Reasoning,
    Request,
    Role,
    Text,
    Usage,
    user,
)
from tamma.model.wording import fill, template
from tamma.providers.interface import Provider, complete
from tamma.providers.operations.form import Unreadable, read_answer, schema_of
from tamma.providers.operations.table import (
    ANALYZE_CONTEXT,
    GENERATE_CODE,
    REVIEW_CHANGES,
    SUGGEST_FIX,
    Operation,
)
from tamma.providers.operations.types import (
    AnalyzeContext,
    ContextAnalysis,
    GenerateCode,
    GeneratedCode,
    Outcome,
    Review,
    ReviewChanges,
    SuggestedFix,
    SuggestFix,
)

AskedT = TypeVar("AskedT")
AnswerT = TypeVar("AnswerT")
_HERE = "tamma.providers.operations"


class Operations:
    """The operations of one provider, with one of its models (its default if none is named).

    All of them raise BadAnswer where the second answer is of no use either or the first was cut off,
    ContentFiltered where the model refused, ContextOverflow where the question is too long for it, and
    whatever the provider raises.
    """

    def __init__(
        self, provider: Provider, model: str | None = None, *, max_output_tokens: int | None = None
    ) -> None:
        self._provider = provider
        self._model = model or provider.settings.model or ""
        self._max_output_tokens = max_output_tokens

    async def generate_code(self, asked: GenerateCode) -> Outcome[GeneratedCode]:
        """Whole files for a task."""
        return await self._run(GENERATE_CODE, asked)

    async def analyze_context(self, asked: AnalyzeContext) -> Outcome[ContextAnalysis]:
        """Which of the files matter to a question, and why."""
        return await self._run(ANALYZE_CONTEXT, asked)

    async def suggest_fix(self, asked: SuggestFix) -> Outcome[SuggestedFix]:
        """A diagnosis, and edits that can be carried out on the given files."""
        return await self._run(SUGGEST_FIX, asked)

    async def review_changes(self, asked: ReviewChanges) -> Outcome[Review]:
        """A verdict on a diff, with findings."""
        return await self._run(REVIEW_CHANGES, asked)

    async def _run(self, operation: Operation[AskedT, AnswerT], asked: AskedT) -> Outcome[AnswerT]:
        request = self._request(operation, asked)
        first = await complete(self._provider, request)
        try:
            return Outcome(self._read(operation, asked, first), *_spent(first), 1, first.finish.served_model)
        except Unreadable as error:
            request = _repairing(request, first, error)
        second = await complete(self._provider, request)
        try:
            answer = self._read(operation, asked, second)
        except Unreadable as error:
            raise self._error(
                BadAnswer,
                f"the answer to {operation.name!r} does not have the asked-for form: {error}",
                "ask for less at once, or choose a model with structured output",
                second,
            ) from None
        return Outcome(answer, *_spent(first, second), 2, second.finish.served_model)

    def _request(self, operation: Operation[AskedT, AnswerT], asked: AskedT) -> Request:
        words = fill(template(_HERE, operation.name), operation.words(asked))
        schema = schema_of(operation.answer)
        held = self._provider.capabilities(self._model).structured_output
        if not held:
            shown = json.dumps(schema, ensure_ascii=False)
            words += "\n\n" + fill(template(_HERE, "form"), {"schema": shown})
        return Request(
            model=self._model,
            messages=(user(words),),
            system=template(_HERE, "system"),
            output_schema=schema if held else None,
            max_output_tokens=self._max_output_tokens or self._provider.settings.max_output_tokens,
            timeout=self._provider.settings.timeout,
            metadata={"purpose": operation.name},
        )

    def _read(self, operation: Operation[AskedT, AnswerT], asked: AskedT, completion: Completion) -> AnswerT:
        """The answer. Raises Unreadable, or what the reason of its end means where that explains more."""
        reason = completion.finish.reason
        if reason is FinishReason.CONTENT_FILTER:
            raise self._error(
                ContentFiltered,
                f"the model refused {operation.name!r}",
                "another model may answer",
                completion,
            )
        if reason is FinishReason.CONTEXT_OVERFLOW:
            raise self._error(
                ContextOverflow,
                f"the question of {operation.name!r} does not fit the model's window",
                "give fewer or shorter files, or choose a model with a larger window",
                completion,
            )
        try:
            return read_answer(
                operation.answer,
                completion.message.text,
                lambda answer: list(operation.problems(asked, answer)),
            )
        except Unreadable:
            if reason is not FinishReason.LENGTH:
                raise
        # A second try would be cut off at the same place.
        raise self._error(
            BadAnswer,
            f"the answer to {operation.name!r} was cut off at the output limit"
            f" after {completion.finish.usage.output_total} tokens",
            "raise `max_output_tokens`, or ask for less at once",
            completion,
        )

    def _error(
        self, kind: type[ProviderError], what: str, hint: str, completion: Completion
    ) -> ProviderError:
        name, finish = self._provider.settings.name, completion.finish
        return kind(
            f"{name}, model {finish.served_model!r}: {what}",
            hint=hint,
            provider=name,
            model=finish.served_model,
            request_id=finish.request_id,
        )


def _repairing(request: Request, first: Completion, error: Unreadable) -> Request:
    """The request that shows the model its answer and what is wrong with it."""
    said = tuple(part for part in first.message.parts if isinstance(part, Text | Reasoning))
    if not any(isinstance(part, Text) and part.text.strip() for part in said):
        said = (Text("(no answer)"),)  # services refuse empty turns
    problems = "\n".join(f"- {problem}" for problem in error.problems)
    words = fill(template(_HERE, "repair"), {"problems": problems})
    return replace(request, messages=(*request.messages, Message(Role.ASSISTANT, said), user(words)))


def _spent(*completions: Completion) -> tuple[Usage, Cost]:
    """All calls together: a sum is only known where each of its figures is."""
    usage = sum((completion.finish.usage for completion in completions), Usage())
    costs = [completion.finish.cost for completion in completions]
    figures = [cost.usd for cost in costs if cost.usd is not None]
    if len(figures) < len(costs):
        return usage, UNKNOWN_COST
    return usage, Cost(sum(figures, Decimal(0)), costs[-1].source)

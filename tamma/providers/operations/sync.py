"""The operations for code without an event loop."""

from __future__ import annotations

from tamma.providers.operations.operations import Operations
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
from tamma.providers.sync import SyncProvider


class SyncOperations:
    """`Operations` whose calls block, over an open `SyncProvider`."""

    def __init__(
        self, provider: SyncProvider, model: str | None = None, *, max_output_tokens: int | None = None
    ) -> None:
        self._run = provider.run
        self._operations = Operations(provider.provider, model, max_output_tokens=max_output_tokens)

    def generate_code(self, asked: GenerateCode) -> Outcome[GeneratedCode]:
        return self._run(self._operations.generate_code(asked))

    def analyze_context(self, asked: AnalyzeContext) -> Outcome[ContextAnalysis]:
        return self._run(self._operations.analyze_context(asked))

    def suggest_fix(self, asked: SuggestFix) -> Outcome[SuggestedFix]:
        return self._run(self._operations.suggest_fix(asked))

    def review_changes(self, asked: ReviewChanges) -> Outcome[Review]:
        return self._run(self._operations.review_changes(asked))

"""The four operations as data: the words of each prompt, and what is wrong with an answer beyond its form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Generic, TypeVar

from tamma.model.wording import fenced
from tamma.providers.operations.types import (
    AnalyzeContext,
    ContextAnalysis,
    GenerateCode,
    GeneratedCode,
    Review,
    ReviewChanges,
    SourceFile,
    SuggestedFix,
    SuggestFix,
)

AskedT = TypeVar("AskedT")
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Operation(Generic[AskedT, AnswerT]):
    name: str
    """Of the prompt's file, and the request's `purpose`."""
    answer: type[AnswerT]
    words: Callable[[AskedT], Mapping[str, str]]
    """What fills the prompt's places, outside text fenced."""
    problems: Callable[[AskedT, AnswerT], Iterable[str]]


def _files(files: tuple[SourceFile, ...]) -> str:
    return "\n\n".join(fenced("file", file.content, path=file.path) for file in files) or "(no files)"


def _section(heading: str, text: str) -> str:
    return f"\n{heading}\n{text}\n" if text else ""


def _generate_words(asked: GenerateCode) -> Mapping[str, str]:
    constraints = "\n".join(f"- {constraint}" for constraint in asked.constraints)
    return {
        "task": fenced("task", asked.task),
        "language": f" in {asked.language}" if asked.language else "",
        "constraints": _section("Keep to these constraints:", constraints and fenced("rules", constraints)),
        "files": _section("The code must fit to these files:", _files(asked.files) if asked.files else ""),
    }


def _generate_problems(_: GenerateCode, answer: GeneratedCode) -> Iterable[str]:
    if not answer.files:
        yield "files: at least one file is asked for"
    for path, count in Counter(file.path for file in answer.files).items():
        yield from _path_problems("files", path)
        if count > 1:
            yield f"files: {path!r} stands there {count} times; give each file once"


def _analyze_words(asked: AnalyzeContext) -> Mapping[str, str]:
    return {"question": fenced("question", asked.question), "files": _files(asked.files)}


def _analyze_problems(asked: AnalyzeContext, answer: ContextAnalysis) -> Iterable[str]:
    given = {file.path for file in asked.files}
    for file in answer.relevant_files:
        if file.path not in given:
            yield f"relevant_files: {file.path!r} is none of the given files"


def _fix_words(asked: SuggestFix) -> Mapping[str, str]:
    log = fenced("log", asked.log) if asked.log else ""
    return {
        "problem": fenced("problem", asked.problem),
        "log": _section("This was printed:", log),
        "files": _files(asked.files),
    }


def _fix_problems(asked: SuggestFix, answer: SuggestedFix) -> Iterable[str]:
    """Carries the edits out on the given files: they build on each other."""
    texts = {file.path: file.content for file in asked.files}
    for number, edit in enumerate(answer.edits):
        where = f"edits.{number}"
        yield from _path_problems(where, edit.path)
        text = texts.get(edit.path)
        if text is None:
            if edit.search:
                yield f"{where}: {edit.path!r} is none of the given files; `search` of a new file is empty"
            texts[edit.path] = edit.replace
            continue
        count = text.count(edit.search) if edit.search else 0
        if count == 1:
            texts[edit.path] = text.replace(edit.search, edit.replace)
        else:
            yield f"{where}: `search` must occur exactly once in {edit.path!r}, it occurs {count} times"


def _review_words(asked: ReviewChanges) -> Mapping[str, str]:
    return {"intent": fenced("intent", asked.intent), "diff": fenced("diff", asked.diff)}


def _review_problems(_: ReviewChanges, answer: Review) -> Iterable[str]:
    grave = [finding for finding in answer.findings if finding.severity in ("major", "blocker")]
    if answer.approved and grave:
        yield f"approved: it is true although {grave[0].severity!r} findings must be repaired first"


def _path_problems(where: str, path: str) -> Iterable[str]:
    pure = PurePosixPath(path)
    if not path.strip() or pure.is_absolute() or ".." in pure.parts or "\\" in path:
        yield f"{where}: {path!r} is no path below the repository's root"


GENERATE_CODE = Operation("generate_code", GeneratedCode, _generate_words, _generate_problems)
ANALYZE_CONTEXT = Operation("analyze_context", ContextAnalysis, _analyze_words, _analyze_problems)
SUGGEST_FIX = Operation("suggest_fix", SuggestedFix, _fix_words, _fix_problems)
REVIEW_CHANGES = Operation("review_changes", Review, _review_words, _review_problems)

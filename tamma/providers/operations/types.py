"""What the operations are asked and what they answer.

The docstring of every field of an answer is its description in the JSON Schema that the model is held to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, TypeVar

from tamma.model.conversation import Cost, Usage

AnswerT = TypeVar("AnswerT")


class _Described:
    """Has pydantic take the descriptions of the fields from their docstrings."""

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, object]] = {"use_attribute_docstrings": True}


@dataclass(frozen=True, slots=True)
class SourceFile(_Described):
    path: str
    """Path of the file, relative to the repository's root, with forward slashes."""
    content: str
    """The file's whole content."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[AnswerT]):
    """An answer, and what it took to have it: all calls together."""

    answer: AnswerT
    usage: Usage
    cost: Cost
    """Without a figure where the price of any of the calls is not known."""
    calls: int
    """2 where the first answer did not have the asked-for form."""
    model: str
    """The model that the service says it used for the last call."""


# --- generate_code -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GenerateCode:
    """Write code for `task`. `files` are what it must fit to."""

    task: str
    language: str = ""
    files: tuple[SourceFile, ...] = ()
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GeneratedCode(_Described):
    files: tuple[SourceFile, ...]
    """Every file that is new or changed, with its whole content."""
    explanation: str
    """What the code does and why it is made this way, in a few sentences."""


# --- analyze_context -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AnalyzeContext:
    """Find out what of `files` matters to `question`."""

    question: str
    files: tuple[SourceFile, ...]


@dataclass(frozen=True, slots=True)
class RelevantFile(_Described):
    path: str
    """Path of one of the given files, exactly as it was given."""
    reason: str
    """Why it matters to the question."""


@dataclass(frozen=True, slots=True)
class ContextAnalysis(_Described):
    summary: str
    """The answer to the question, in a few sentences."""
    relevant_files: tuple[RelevantFile, ...]
    """The files that matter, the most important first."""
    risks: tuple[str, ...]
    """What could go wrong or break, one sentence each; empty if nothing."""


# --- suggest_fix ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SuggestFix:
    """Say what is wrong and how to repair it. `log` is what a failing command printed."""

    problem: str
    files: tuple[SourceFile, ...]
    log: str = ""


@dataclass(frozen=True, slots=True)
class Edit(_Described):
    path: str
    """Path of one of the given files; of a new file where `search` is empty."""
    search: str
    """The passage as it stands in the file, character for character; it must occur exactly once."""
    replace: str
    """What shall stand there instead; the whole content of a new file."""


@dataclass(frozen=True, slots=True)
class SuggestedFix(_Described):
    diagnosis: str
    """The cause of the problem."""
    edits: tuple[Edit, ...]
    """The edits that repair it, in order; empty if it cannot be repaired in these files."""
    confidence: Literal["low", "medium", "high"]
    """How sure you are that the edits repair it."""


# --- review_changes ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReviewChanges:
    """Judge a unified diff by what it was meant to do."""

    diff: str
    intent: str


@dataclass(frozen=True, slots=True)
class Finding(_Described):
    path: str
    """Path of the file in the diff."""
    line: int | None
    """Number of the line in the file as it is after the change; null where it is about more than a line."""
    severity: Literal["info", "minor", "major", "blocker"]
    """`major` and `blocker` must be repaired before the change is merged."""
    comment: str
    """What is wrong and what to do about it."""


@dataclass(frozen=True, slots=True)
class Review(_Described):
    approved: bool
    """Whether the change can be merged as it is."""
    findings: tuple[Finding, ...]
    """What the review found; empty if nothing."""

"""What people answer to a plan's questions, from their own words. Pure.

People write as they like: `1: the old name`, `q2) b`, a line for each, or just a sentence. What names a
question is its answer; everything else are free words, which the agent reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tamma.agents.plans import suggested
from tamma.model.planning import Answer, Answers, Decided, DesignOption, OpenPoints, Question
from tamma.model.task import Approval, Gate

_NAMED = re.compile(
    r"^[ \t]*(?:[-*+][ \t]+)?(?:\*\*)?(?:question[ \t]*|q)?(?P<number>\d{1,2})(?:\*\*)?[ \t]*"
    r"[.):=](?!\d)(?:\*\*)?[ \t]*(?P<text>.*)$",
    re.IGNORECASE,
)
"""`2.5 seconds` and `1:30` are no answers to a question."""
_LETTERED = re.compile(r"\(?(?P<letter>[A-Ea-e])(?:\s*$|\s*[).:,;]+|\s*\n)(?P<more>.*)", re.DOTALL)
"""`b`, `(b)`, `b) the words of b`, `b, but only here`. A sentence that begins with `A` is none of these."""
_QUOTED = re.compile(r"^[ \t]*>")
_DEFAULTS = frozenset({"default", "defaults", "the default", "as proposed"})


def answers_from_text(text: str, questions: Sequence[Question], by: str = "") -> Answers:
    """The answers in a person's words. Quoted lines (`> ...`) are somebody else's and left out.

    A line that begins with a question's number or id (`1:`, `2)`, `q3.`) begins its answer, which goes on to
    the next such line; of two answers to a question the later one holds. With a single question words without
    a number answer it. A suggestion's letter stands for it, `default` for the default.
    """
    known = {question.id: question for question in questions}
    found: dict[str, list[str]] = {}
    free: list[str] = []
    into = free
    for line in text.replace("\r\n", "\n").split("\n"):
        if _QUOTED.match(line):
            continue
        named = _NAMED.match(line)
        if named is not None and (name := f"q{int(named['number'])}") in known:
            into = found[name] = [named["text"]]
        else:
            into.append(line)
    rest = "\n".join(free).strip()
    if rest and not found and len(questions) == 1:
        return Answers((Answer(questions[0].id, meant(questions[0], rest)),), by=by)
    if rest.casefold().rstrip(".!") in _DEFAULTS and not found:
        return Answers(tuple(Answer(each.id, each.default) for each in questions if each.default), by=by)
    given = ((name, "\n".join(lines).strip()) for name, lines in found.items())
    answers = tuple(Answer(name, meant(known[name], words)) for name, words in given if words)
    return Answers(answers, rest, by)


def meant(question: Question, text: str) -> str:
    """What an answer stands for: a suggestion by its letter, the default by its name."""
    if text.strip().casefold() in _DEFAULTS and question.default:
        return question.default
    lettered = _LETTERED.match(text.strip())
    if lettered is None:
        return text.strip()
    suggestion, more = suggested(question.suggestions, lettered["letter"]), lettered["more"].strip()
    if suggestion == lettered["letter"]:
        return text.strip()  # there is no suggestion of that letter
    return suggestion if more.casefold() in ("", suggestion.casefold()) else f"{suggestion}; {more}"


def question_named(questions: Sequence[Question], name: str) -> Question | None:
    """The question with this id; `2` and `Q2` are `q2`."""
    wanted = name.strip().casefold()
    return next((each for each in questions if wanted in (each.id, each.id.removeprefix("q"))), None)


def option_named(options: Sequence[DesignOption], name: str) -> DesignOption | None:
    """The option of this name, whatever its case, or with this number in the list; else the only one whose
    name begins so."""
    wanted = name.strip().casefold()
    for number, option in enumerate(options, 1):
        if wanted == option.name.casefold():
            return option
        if wanted == str(number) and all(other.name.casefold() != wanted for other in options):
            return option
    beginning = [option for option in options if wanted and option.name.casefold().startswith(wanted)]
    return beginning[0] if len(beginning) == 1 else None


def resolved(given: Answers, questions: Sequence[Question]) -> Answers:
    """With the answers in its free words, and each named by its question's own id."""
    read = answers_from_text(given.text, questions, given.by)
    named = {
        question.id: meant(question, each.text)
        for each in given.answers
        if (question := question_named(questions, each.question)) is not None and each.text.strip()
    }
    both = {each.question: each.text for each in read.answers} | named
    return Answers(tuple(Answer(question, text) for question, text in both.items()), read.text, given.by)


def trouble_with(given: Answers, questions: Sequence[Question]) -> str:
    """Why these cannot be taken, in words; empty where they can."""
    if not questions:
        return "the run has no questions open now"
    names = ", ".join(question.id for question in questions)
    for each in given.answers:
        if question_named(questions, each.question) is None:
            return f"there is no question {each.question[:40]!r}; open are {names}"
        if not each.text.strip():
            return f"the answer to {each.question!r} is empty"
    if not given.answers and not given.text.strip():
        return f"there is no answer; open are {names}"
    return ""


def trouble_with_choice(given: Approval, options: Sequence[DesignOption]) -> str:
    """Why an approval cannot choose its option, in words; empty where it can, or chooses none."""
    if not given.option:
        return ""
    if given.gate is not Gate.PLAN or given.decision != "approve":
        return "an option is chosen by approving a plan"
    if not options:
        return "the plan has no options to choose from"
    if option_named(options, given.option) is None:
        names = ", ".join(repr(option.name) for option in options)
        return f"there is no option {given.option[:40]!r}; there are {names}"
    return ""


def reply_to(given: Answers, questions: Sequence[Question]) -> str:
    """What becomes of these answers, for whoever gave them."""
    said = {each.question for each in given.answers}
    left = [question for question in questions if question.id not in said]
    if given.text or not left:
        return "the agent plans anew with that"
    taken = "; ".join(f"{each.id}: {each.default or 'as the agent thinks best'}" for each in left)
    return f"the agent plans anew with that; what was not answered is taken as the plan has it ({taken})"


def chosen(option: DesignOption, by: str) -> Decided:
    """A person's choice of an option."""
    what = f": {option.what}" if option.what else ""
    return Decided("The design is to be", f"{option.name!r}{what}", by)


def decided(points: OpenPoints, given: Sequence[Answers]) -> tuple[Decided, ...]:
    """What holds after people's answers: theirs, the defaults of the questions that they left out."""
    said = {each.question: (each.text, answers.by) for answers in given for each in answers.answers}
    taken: list[Decided] = []
    for question in points.questions:
        if question.id in said:
            text, by = said[question.id]
            taken.append(Decided(question.text, text, by))
        elif question.default and not any(answers.text for answers in given):
            taken.append(Decided(question.text, question.default))
    taken += (Decided("A person says:", each.text, each.by) for each in given if each.text)
    return tuple(taken)


def feedback(taken: Sequence[Decided]) -> str:
    """What a model is told when it makes the plan anew."""
    lines = [f"- {each.question}\n  {each.answer}" for each in taken]
    return "\n".join(
        (
            "To what your plan left open:",
            *lines,
            "Write the plan anew with that. Rate the ambiguity that is left; ask only what is still open.",
        )
    )

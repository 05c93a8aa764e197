"""Work items: what we read of them, how they are asked for, and how their states are walked. Pure.

The states of a type are the process' own words; what they mean is their category: Proposed, InProgress,
Resolved, Completed or Removed (learn.microsoft.com/azure/devops/boards, "Workflow states and categories").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from pydantic import Field

from tamma.model.repository import Comment, Issue, IssueFilter
from tamma.platforms.azure.markup import is_html, to_markdown
from tamma.platforms.azure.models import NOBODY, Answer, IdentityRef
from tamma.platforms.common.marks import without_mark
from tamma.platforms.common.moments import in_utc, moment_of

CLOSED = frozenset({"Completed", "Removed"})
_DONE = ("Completed", "Resolved")
"""Where closing leads to: types without a completed state end in a resolved one."""
_AGAIN = ("Proposed", "InProgress")
_DESCRIPTION = "System.Description"
_SECTIONS = (
    ("Microsoft.VSTS.TCM.ReproSteps", "Steps to reproduce"),
    ("Microsoft.VSTS.TCM.SystemInfo", "System"),
    ("Microsoft.VSTS.Common.AcceptanceCriteria", "Acceptance criteria"),
)
"""Fields that hold a part of the story on some types; bugs have no description but steps."""

Categories = Mapping[str, str]
"""States to categories."""


class WorkItemAnswer(Answer):
    id: int
    rev: int = 0
    fields: dict[str, Any] = Field(default_factory=dict[str, Any])
    multiline_fields_format: dict[str, str] = Field(default_factory=dict[str, str])

    def text(self, field: str) -> str:
        value = self.fields.get(field)
        return value if isinstance(value, str) else ""

    def who(self, field: str) -> IdentityRef | None:
        value = self.fields.get(field)
        if isinstance(value, dict):
            return IdentityRef.model_validate(value)
        return IdentityRef(display_name=value) if isinstance(value, str) and value else None

    @property
    def type(self) -> str:
        return self.text("System.WorkItemType")

    @property
    def state(self) -> str:
        return self.text("System.State")

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(tag.strip() for tag in self.text("System.Tags").split(";") if tag.strip())

    def body(self) -> str:
        """The description and its further sections as Markdown."""
        described = self._markdown(_DESCRIPTION)
        parts = [described] if described else []
        for field, title in _SECTIONS:
            if words := self._markdown(field):
                parts.append(f"## {title}\n\n{words}" if parts or title != _SECTIONS[0][1] else words)
        return "\n\n".join(parts)

    def _markdown(self, field: str) -> str:
        words, formats = self.text(field), {k.lower(): v for k, v in self.multiline_fields_format.items()}
        written = formats.get(field.lower(), "").lower() == "markdown"
        return words.strip() if written or not is_html(words) else to_markdown(words)

    def issue(self, categories: Categories, url: str, comments: tuple[Comment, ...] = ()) -> Issue:
        author, assignee = self.who("System.CreatedBy"), self.who("System.AssignedTo")
        return Issue(
            number=str(self.id),
            title=self.text("System.Title"),
            body=self.body(),
            state="closed" if categories.get(self.state) in CLOSED else "open",
            url=url,
            author=author.login if author else NOBODY,
            labels=self.tags,
            assignees=(assignee.login,) if assignee else (),
            created_at=moment_of(self.text("System.CreatedDate")),
            updated_at=moment_of(self.text("System.ChangedDate")),
            comments=comments,
        )


class WorkItemReference(Answer):
    id: int


class Found(Answer):
    """The answer to a query: ids alone."""

    work_items: list[WorkItemReference] = Field(default_factory=list[WorkItemReference])


class StateAnswer(Answer):
    name: str
    category: str = ""


class Transition(Answer):
    to: str


class TypeAnswer(Answer):
    name: str
    states: list[StateAnswer] = Field(default_factory=list[StateAnswer])
    transitions: dict[str, list[Transition]] = Field(default_factory=dict[str, list[Transition]])


class CommentAnswer(Answer):
    """A comment of a work item; older servers call its id `commentId`."""

    id: int = 0
    comment_id: int = 0
    text: str = ""
    format: str = ""
    created_by: IdentityRef = Field(default_factory=IdentityRef)
    created_date: datetime | None = None
    is_deleted: bool = False

    @property
    def key(self) -> int:
        return self.id or self.comment_id

    @property
    def markdown(self) -> str:
        raw = self.format.lower() == "markdown" or not is_html(self.text)
        return self.text if raw else to_markdown(self.text)

    def comment(self, *, trusted: bool) -> Comment:
        body = without_mark(self.markdown)
        return Comment(str(self.key), self.created_by.login, body, self.created_date, trusted)


class CommentsPage(Answer):
    comments: list[CommentAnswer] = Field(default_factory=list[CommentAnswer])
    continuation_token: str = ""


# --- questions -------------------------------------------------------------------------------------------


def wiql(query: IssueFilter, closed: Mapping[str, Sequence[str]], after: int) -> str:
    """The query in WIQL. `closed` has each type's closed states; `after` is the last id of the page before.

    By id and not by position: a page is the same whatever was closed meanwhile, and the 20,000 items that a
    query may find at most are no limit.
    """
    conditions = [
        "[System.TeamProject] = @project",
        "[System.WorkItemType] NOT IN GROUP 'Microsoft.HiddenCategory'",
        f"[System.Id] > {after}",
    ]
    if query.state != "all":
        conditions.append(_in_state(query.state == "closed", closed))
    conditions += [f"[System.Tags] CONTAINS {_quoted(label)}" for label in query.labels]
    if query.assignee is not None:
        conditions.append(f"[System.AssignedTo] = {_quoted(query.assignee)}")
    if query.author is not None:
        conditions.append(f"[System.CreatedBy] = {_quoted(query.author)}")
    if query.updated_since is not None:
        since = in_utc(query.updated_since)
        conditions.append(f"[System.ChangedDate] >= {_quoted(since)}")
    where = " AND ".join(conditions)
    return " ".join(("SELECT [System.Id] FROM WorkItems WHERE", where, "ORDER BY [System.Id] ASC"))


def _in_state(wanted_closed: bool, closed: Mapping[str, Sequence[str]]) -> str:
    """Types with the same closed states share a condition."""
    types: dict[tuple[str, ...], list[str]] = {}
    for name, states in closed.items():
        types.setdefault(tuple(sorted(states)), []).append(name)
    word = "IN" if wanted_closed else "NOT IN"
    alternatives: list[str] = []
    for states, names in types.items():
        chosen = f"[System.WorkItemType] IN ({_listed(names)})"
        if states:
            alternatives.append(f"({chosen} AND [System.State] {word} ({_listed(states)}))")
        elif not wanted_closed:
            alternatives.append(f"({chosen})")
    return f"({' OR '.join(alternatives)})" if alternatives else "[System.Id] < 0"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(_quoted(value) for value in values)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def fits(item: WorkItemAnswer, query: IssueFilter) -> bool:
    """What `CONTAINS` leaves open: a tag that only contains the wanted one."""
    there = {tag.lower() for tag in item.tags}
    return all(label.lower() in there for label in query.labels)


# --- states ----------------------------------------------------------------------------------------------


def way(found: TypeAnswer, states: Sequence[StateAnswer], start: str, *, closed: bool) -> tuple[str, ...]:
    """The states to pass from `start` until the item is closed (or open), fewest first; empty: no way.

    A process may allow some transitions alone. Where it names none, every one is allowed.
    """
    for category in _DONE if closed else _AGAIN:
        goals = [state.name for state in states if state.category == category]
        if not goals:
            continue
        if not found.transitions:
            return (goals[0],)
        if path := _path(found.transitions, start, goals):
            return path
    return ()


def _path(transitions: Mapping[str, Sequence[Transition]], start: str, goals: list[str]) -> tuple[str, ...]:
    seen = {start}
    waiting: deque[tuple[str, ...]] = deque([(start,)])
    reached: list[tuple[str, ...]] = []
    while waiting:
        path = waiting.popleft()
        if reached and len(path) >= len(reached[0]):
            break
        for step in transitions.get(path[-1], ()):
            if step.to in goals:
                reached.append((*path, step.to))
            elif step.to not in seen:
                seen.add(step.to)
                waiting.append((*path, step.to))
    best = min(reached, key=lambda path: (len(path), goals.index(path[-1])), default=())
    return best[1:]


def patch(rev: int, field: str, value: object) -> list[dict[str, object]]:
    """A JSON patch that sets a field of the revision that was read, and of no other."""
    return [
        {"op": "test", "path": "/rev", "value": rev},
        {"op": "add", "path": f"/fields/{field}", "value": value},
    ]


def items_of(values: object) -> list[object]:
    """The items of a batch without the null in place of one that is gone."""
    return (
        [item for item in cast("list[object]", values) if item is not None]
        if isinstance(values, list)
        else []
    )

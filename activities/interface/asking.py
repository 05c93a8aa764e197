"""A plan's questions, where people look: on the issue."""

from __future__ import annotations

from dataclasses import dataclass

from activities.interface import Activity, Done
from tamma.model.ids import TaskId
from tamma.model.repository import RepoRef


@dataclass(frozen=True, slots=True)
class PostQuestions:
    """Write, or rewrite, the comment of one round of questions."""

    task_id: TaskId
    repo: RepoRef
    issue: str
    key: str
    """Names the comment within the run: the same key again updates it."""
    body: str


POST_QUESTIONS: Activity[PostQuestions, Done] = Activity("post_questions", Done)

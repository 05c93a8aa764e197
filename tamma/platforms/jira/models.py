"""What we read of Jira's answers: unknown fields are ignored, most have defaults."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field


def _moment(value: object) -> object:
    """`2026-01-02T03:04:05.000+0000`: without the colon that ISO 8601 has in the zone."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", value))
    except ValueError:
        return None


Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class ServerInfo(BaseModel):
    base_url: str = Field("", alias="baseUrl")
    version: str = ""
    deployment: str = Field("", alias="deploymentType")


class User(BaseModel):
    """On Cloud an account's id, on Data Center a name; the rest is for people to find somebody by."""

    account_id: str = Field("", alias="accountId")
    name: str = ""
    email: str | None = Field(None, alias="emailAddress")
    display_name: str | None = Field(None, alias="displayName")

    @property
    def login(self) -> str:
        return self.account_id or self.name

    def is_called(self, text: str) -> bool:
        wanted = text.lower()
        return wanted in {(name or "").lower() for name in (self.login, self.email, self.display_name)} - {""}


class Category(BaseModel):
    key: str = ""


class StatusAnswer(BaseModel):
    name: str = ""
    category: Category = Field(default_factory=Category, alias="statusCategory")

    @property
    def state(self) -> Literal["open", "closed"]:
        """By its category, which is the same whatever a team calls its statuses."""
        return "closed" if self.category.key == "done" else "open"


class Fields(BaseModel):
    summary: str = ""
    description: Any = None
    """A document on Cloud, wiki text on Data Center."""
    status: StatusAnswer = Field(default_factory=StatusAnswer)
    creator: User | None = None
    assignee: User | None = None
    labels: list[str] = Field(default_factory=list[str])
    created: Moment = None
    updated: Moment = None


class IssueAnswer(BaseModel):
    key: str
    fields: Fields


class CommentAnswer(BaseModel):
    id: str
    author: User | None = None
    body: Any = None
    created: Moment = None

    @property
    def by(self) -> str:
        """Nobody wrote what comes from outside: from a mail, or from somebody who is gone."""
        return self.author.login if self.author else ""


class Transition(BaseModel):
    id: str
    name: str = ""
    to: StatusAnswer = Field(default_factory=StatusAnswer)

"""What we read of Bitbucket's answers about builds and pipelines."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from pydantic import BaseModel, ConfigDict

from tamma.model.repository import CheckState, CiRun
from tamma.platforms.bitbucket_cloud.models import CommitAnswer, Named, Text, User


class StatusAnswer(BaseModel):
    key: str
    state: str
    name: Text = ""
    description: Text = ""
    url: Text = ""
    updated_on: datetime | None = None


class State(BaseModel):
    """A pipeline's or a step's: `COMPLETED` has a result, `IN_PROGRESS` may have a stage."""

    name: Text = ""
    result: Named | None = None
    stage: Named | None = None

    @property
    def word(self) -> str:
        """The one that says most."""
        for part in (self.result, self.stage):
            if part is not None and part.name:
                return part.name
        return self.name


_STATES = {"SUCCESSFUL": CheckState.SUCCESS, "NOT_RUN": CheckState.SUCCESS, "PAUSED": CheckState.SUCCESS}
"""A pipeline is paused before a step that a person has to start: nothing more happens by itself."""
_FAILED = frozenset({"FAILED", "ERROR", "STOPPED", "EXPIRED"})


def state_of(state: State | None) -> CheckState:
    word = state.word if state else ""
    return CheckState.FAILURE if word in _FAILED else _STATES.get(word, CheckState.PENDING)


class Selector(BaseModel):
    type: Text = ""
    pattern: Text = ""


class Destination(BaseModel):
    """What a pipeline runs on: `pipeline_ref_target`, or one of a commit or of a pull request."""

    model_config = ConfigDict(extra="allow")

    ref_name: Text = ""
    source: Text = ""
    """The branch of a pull request's pipeline."""
    selector: Selector | None = None
    commit: CommitAnswer | None = None

    def again(self) -> dict[str, object]:
        """The same, as what a new pipeline is asked for with."""
        said: dict[str, object] = {**(self.model_extra or {})}
        made = {name: said[name] for name in ("type", "ref_type", "destination") if said.get(name)}
        made |= {name: text for name in ("ref_name", "source") if (text := getattr(self, name))}
        if self.commit is not None:
            made["commit"] = {"type": "commit", "hash": self.commit.hash}
        if self.selector is not None and self.selector.type:
            made["selector"] = self.selector.model_dump(exclude_defaults=True)
        for name, key in (("destination_commit", "hash"), ("pullrequest", "id")):
            part = said.get(name)
            if isinstance(part, dict):
                made[name] = {key: cast("dict[str, object]", part).get(key)}
        return made


class Variable(BaseModel):
    key: Text = ""
    value: Text = ""
    """Empty where it is secured."""
    secured: bool = False


class PipelineAnswer(BaseModel):
    uuid: str
    build_number: int = 0
    creator: User | None = None
    target: Destination = Destination()
    trigger: Named | None = None
    state: State | None = None
    variables: tuple[Variable, ...] | None = None
    """None: Bitbucket says nothing of them."""
    created_on: datetime | None = None

    @property
    def sha(self) -> str:
        return self.target.commit.hash if self.target.commit else ""

    @property
    def branch(self) -> str:
        return self.target.source or self.target.ref_name

    @property
    def name(self) -> str:
        """Which of the definitions in bitbucket-pipelines.yml it is."""
        selector = self.target.selector
        return (selector.pattern or selector.type) if selector else "default"

    @property
    def what(self) -> tuple[str, str, str]:
        """Equal for pipelines of which the newest counts."""
        selector = self.target.selector
        return (selector.type if selector else "", self.name, self.branch)

    def variable(self, key: str) -> str | None:
        return next((each.value for each in self.variables or () if each.key == key), None)

    def run(self, url: str) -> CiRun:
        return CiRun(
            id=self.uuid,
            name=self.name,
            state=state_of(self.state),
            sha=self.sha,
            branch=self.branch,
            url=url,
            event=self.trigger.name if self.trigger else "",
            detail=self.state.word if self.state else "",
            created_at=self.created_on,
        )


class StepAnswer(BaseModel):
    uuid: str
    name: Text = ""
    state: State | None = None

"""What we read of the answers about identities, repositories and Git objects, and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

ZEROS = "0" * 40
"""The commit of a branch that is not there (yet)."""
HEADS = "refs/heads/"
NOBODY = "unknown"
"""Where an answer names no author."""


class Answer(BaseModel):
    """camelCase names; unknown fields are ignored, and what is null has its default."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        fields = cast("dict[str, Any]", value)
        if None not in fields.values():  # most: no copy of each of a list's hundreds
            return fields
        return {name: inner for name, inner in fields.items() if inner is not None}


class IdentityRef(Answer):
    """Somebody, as all answers name them. `unique_name` is a login, an address, or DOMAIN\\user."""

    id: str = ""
    unique_name: str = ""
    display_name: str = ""

    @property
    def login(self) -> str:
        return self.unique_name or self.display_name or NOBODY


class _Property(Answer):
    value: str = Field(default="", validation_alias="$value")


class _Properties(Answer):
    account: _Property = Field(default_factory=_Property, validation_alias="Account")
    mail: _Property = Field(default_factory=_Property, validation_alias="Mail")
    domain: _Property = Field(default_factory=_Property, validation_alias="Domain")


class Identity(Answer):
    """Somebody, as the directory knows them. `descriptor` is what permissions are kept under."""

    id: str = ""
    descriptor: str = ""
    provider_display_name: str = ""
    is_active: bool = True
    properties: _Properties = Field(default_factory=_Properties)

    @property
    def login(self) -> str:
        return self.properties.account.value or self.provider_display_name

    def names(self) -> set[str]:
        """All that people call them, in lower case."""
        known = self.properties
        full = f"{known.domain.value}\\{known.account.value}"
        found = {self.id, known.account.value, known.mail.value, full, self.provider_display_name}
        return {name.lower() for name in found if name}


class ConnectionData(Answer):
    """Who we are, and whether this is Services or a server."""

    authenticated_user: Identity = Field(default_factory=Identity)
    deployment_type: str = ""

    @property
    def anonymous(self) -> bool:
        return self.authenticated_user.descriptor.startswith("System:PublicAccess")

    @property
    def hosted(self) -> bool:
        return self.deployment_type.lower() != "onpremises"


class Project(Answer):
    id: str = ""
    name: str = ""
    visibility: str = ""


class RepositoryAnswer(Answer):
    id: str = ""
    name: str = ""
    default_branch: str = ""
    remote_url: str = ""
    ssh_url: str = ""
    web_url: str = ""
    is_disabled: bool = False
    is_in_maintenance: bool = False
    project: Project = Field(default_factory=Project)


class RefAnswer(Answer):
    name: str
    object_id: str


class RefUpdateResult(Answer):
    """HTTP 200 says nothing: each update has its own verdict."""

    name: str = ""
    success: bool = False
    update_status: str = ""
    custom_message: str = ""
    rejected_by: str = ""


class RefUpdates(Answer):
    value: list[RefUpdateResult] = Field(default_factory=list[RefUpdateResult])


class _When(Answer):
    date: datetime | None = None


class CommitAnswer(Answer):
    commit_id: str
    comment: str = ""
    tree_id: str = ""
    committer: _When = Field(default_factory=_When)


class PushedCommit(Answer):
    commit_id: str


class PushAnswer(Answer):
    commits: list[PushedCommit] = Field(default_factory=list[PushedCommit])


class ItemAnswer(Answer):
    object_id: str = ""
    git_object_type: str = "blob"
    is_folder: bool = False


class TreeEntry(Answer):
    object_id: str
    relative_path: str
    mode: str = "100644"
    git_object_type: str = "blob"


class TreeAnswer(Answer):
    object_id: str = ""
    tree_entries: list[TreeEntry] = Field(default_factory=list[TreeEntry])

"""The part of the configuration's shape that is about agents."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from tamma.config.section import JsonObject, Name, Section, listed
from tamma.errors import ConfigError
from tamma.model.agent_form import config_from_form

Tools = Annotated[tuple[str, ...], BeforeValidator(listed)]

OWN_KEYS = frozenset({"name", "folder"})
"""Keys of an entry that are about the entry; all others are the agent's configuration."""


class AgentEntry(Section):
    """An agent, declared here and read into the database by `tamma agent import --from-config`, where its
    versions are kept. A change of an entry is a new version there. docs/agents.md says what the keys mean."""

    name: Name
    """The agent's name."""
    folder: str | None = None
    """A folder as `tamma agent export` writes it, instead of the other keys. Its path is
    relative to this file."""
    provider: str | None = None
    """The `providerId` of an entry of `providers.available`, or a short word such as `claude`. Needed unless
    there is a `folder`."""
    model: str | None = None
    """None: the provider entry's own."""
    system_prompt: str | None = None
    """The system prompt. None: the built-in one."""
    prompts: dict[str, str] = Field(default_factory=dict[str, str])
    """The texts of other prompts by name. Longer ones are better kept as files, in a `folder`."""
    tools: Tools | None = None
    """The tools that it may call. None: all."""
    parameters: JsonObject = Field(default_factory=JsonObject)
    """`temperature`, `maxTokens`, `topP`, `frequencyPenalty`, `presencePenalty`, `reasoning`."""
    context: JsonObject = Field(default_factory=JsonObject)
    """How the window is used: `mapFiles`, `compaction`, `compactAt`, `keepMessages`, `sliceLines`,
    `cacheLayout`, `mapTokens`."""
    capabilities: JsonObject = Field(default_factory=JsonObject)
    """What it is for, `supportedTasks`, and what is known of its model."""
    optimization_settings: JsonObject = Field(default_factory=JsonObject)
    """`enableABTesting`, `performanceThreshold`, `statisticalSignificance` and the like."""
    agent_id: str | None = None
    """Accepted because the specification has it: the database gives the id."""
    version: str | int | None = None
    """Likewise: the database counts versions."""
    created_at: str | None = None
    """Likewise."""
    updated_at: str | None = None
    """Likewise."""

    @model_validator(mode="after")
    def _can_be_read(self) -> AgentEntry:
        form = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        rest = {key: value for key, value in form.items() if key not in OWN_KEYS}
        if self.folder is not None:
            if rest:
                raise ValueError(f"has a folder, so {min(rest)!r} belongs into the folder's agent.yaml")
            return self
        try:
            config_from_form(rest, f"agent {self.name!r}")
        except ConfigError as error:
            raise ValueError(f"{error}{f' ({error.hint})' if error.hint else ''}") from None
        return self


class AgentsConfig(Section):
    """Who does the work, and how it is told to: see docs/agents.md."""

    default: Name | None = None
    """The agent that runs use unless `--agent` names another: `NAME`, its active version, or `NAME@3`. None:
    the provider and the built-in prompts."""
    available: tuple[AgentEntry, ...] = ()
    """Agents that this file declares."""
    optimization_enabled: bool = False
    """Whether the analysis of runs may make recommendations for agents."""
    ab_testing_enabled: bool = False
    """Whether it may propose A/B tests, of agents that allow it with `enableABTesting`."""

"""An agent: who does the work and how it is told to. Its configuration is immutable once it has a version.

The configuration is all that changes what an agent does; its content hash is its identity. Name, author and
dates belong to the agent and its versions, so that equal configurations are seen to be equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, NewType

AgentId = NewType("AgentId", str)
"""A UUIDv7."""

ConfigHash = NewType("ConfigHash", str)
"""`sha256:` and 64 hexadecimal digits over the canonical JSON of an `AgentConfig`."""


class TaskType(StrEnum):
    """What kind of work a task is (the specification's words)."""

    CODE_GENERATION = "code-generation"
    CODE_REVIEW = "code-review"
    TESTING = "testing"
    DOCUMENTATION = "documentation"
    REFACTORING = "refactoring"


class WorkContext(StrEnum):
    """The situations an agent is checked in, each with a way to grade it."""

    DEVELOPMENT = "development"
    """An issue becomes a change: graded by hidden tests."""
    REVIEW = "review"
    """A change is judged: graded by whether it should have been approved."""
    TESTING = "testing"
    """A problem becomes a failing test: graded by whether it fails before the fix and passes after it."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What every model call asks for. None: the provider entry's own, or the service's."""

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning: str | None = None
    """One of the levels that the model knows: `low`, `medium`, `high`, `xhigh`, `max`."""


CacheLayout = Literal["stable-first", "task-first"]
"""What stands first in a conversation: what is the same for every issue of a repository (its map and
instructions), so that the service's prompt cache is shared by runs; or the issue and the plan."""
Compaction = Literal["drop-results", "none"]


@dataclass(frozen=True, slots=True)
class ContextStrategy:
    """How the context window is used. Every field is a parameter that a test can vary."""

    map_files: int = 400
    """Files of the repository that the first prompt lists, at most."""
    compaction: Compaction = "drop-results"
    """What happens to old tool results when the conversation grows; `none` lets it overflow."""
    compact_at: float = 0.7
    """Share of the window at which old results are dropped."""
    keep_messages: int = 8
    """Newest messages that are never shortened."""
    slice_lines: int = 400
    """Lines of a file that one `view` shows, at most."""
    cache_layout: CacheLayout = "stable-first"
    map_tokens: int = 2_000
    """Tokens of the repository's map (what its files define, the heaviest first) in the first prompt, at most
    and by estimate. 0: no map."""


@dataclass(frozen=True, slots=True)
class AgentCapabilities:
    """What the agent is for, and what its model can do as far as is known. None: unknown."""

    supported_tasks: tuple[TaskType, ...] = tuple(TaskType)
    context_window_tokens: int | None = None
    max_output_tokens: int | None = None
    supports_streaming: bool | None = None
    supports_tools: bool | None = None
    average_latency_ms: float | None = None
    """Measured, mean over the agent's model calls."""
    cost_per_token_usd: float | None = None
    """Measured, or the price of an output token."""


@dataclass(frozen=True, slots=True)
class OptimizationSettings:
    """What may be done to make the agent better."""

    enable_ab_testing: bool = False
    """Whether analysis may propose a test by itself. It never applies anything by itself."""
    performance_threshold: float = 0.10
    """The least improvement worth applying, as a share (the specification's 10 %)."""
    statistical_significance: float = 0.05
    context_optimization: bool = True
    cost_optimization: bool = True
    quality_optimization: bool = True


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """Everything that changes what an agent does."""

    provider: str
    """The name of a configured provider entry; never a credential."""
    model: str | None = None
    """None: the provider entry's own."""
    prompts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Prompt templates by name (`system`, `plan`, `implement`, …) that stand in for the built-in ones."""
    tools: tuple[str, ...] | None = None
    """The tools that it may call. None: all."""
    parameters: Parameters = field(default_factory=Parameters)
    context: ContextStrategy = field(default_factory=ContextStrategy)
    capabilities: AgentCapabilities = field(default_factory=AgentCapabilities)
    optimization: OptimizationSettings = field(default_factory=OptimizationSettings)


class VersionState(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    """What new runs use. One at most."""
    RETIRED = "retired"
    """Was active once; a rollback may make it active again."""


@dataclass(frozen=True, slots=True)
class AgentVersion:
    """One immutable configuration of an agent: only `state` ever changes."""

    agent_id: AgentId
    number: int
    """From 1."""
    config: AgentConfig
    hash: ConfigHash
    state: VersionState
    author: str
    reason: str
    parent: int | None
    """The version that it was made from."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent: its name, and which version is active."""

    agent_id: AgentId
    name: str
    active: int | None
    latest: int
    revision: int
    """Goes up by one with every change; who changes it says which revision he saw."""
    created_at: datetime
    updated_at: datetime
    deleted: bool = False
    before: tuple[int, ...] = ()
    """The versions that rollbacks go back to, the next one last: each was active until a later one was
    activated in its place. A rollback takes off those that it undoes."""


@dataclass(frozen=True, slots=True)
class AgentPin:
    """The version that a run works with from its beginning to its end."""

    agent_id: AgentId
    name: str
    version: int
    hash: ConfigHash

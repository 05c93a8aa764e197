"""What a run's agent is, for the activities that work as it: its configuration, read once and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tamma.agents.prompting import NONE, first_message, system_prompt
from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig, ConfigHash, ContextStrategy, Parameters
from tamma.model.conversation import Tool, ToolCall, ToolResult
from tamma.model.task import AgentChoice
from tamma.store.interface import AgentStore
from tamma.workspace.interface import ToolOutcome

KEPT = 64
FINISH = "finish"
"""Without it no stage could end, so that every agent has it."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Who works: an agent's version, or just a provider and a model."""

    choice: AgentChoice
    config: AgentConfig | None = None
    context: ContextStrategy = field(default_factory=ContextStrategy)

    @property
    def parameters(self) -> Parameters:
        if self.config is not None:
            return self.config.parameters
        return Parameters(temperature=self.choice.temperature, max_tokens=self.choice.max_output_tokens)

    @property
    def system_prompt(self) -> str:
        return system_prompt(self._prompts)

    def first_message(self, name: str, words: Mapping[str, str]) -> tuple[str, ...]:
        """The prompt `name`, filled in, in the pieces that `tamma.agents.prompting.first_message` makes."""
        return first_message(name, words, self.context.cache_layout, self._prompts)

    @property
    def _prompts(self) -> Mapping[str, str]:
        return self.config.prompts if self.config is not None else NONE

    def may_use(self, tool: str) -> bool:
        allowed = self.config.tools if self.config is not None else None
        return allowed is None or tool in allowed or tool == FINISH

    def usable(self, tools: Iterable[Tool]) -> tuple[Tool, ...]:
        """Those of `tools` that it may call."""
        return tuple(tool for tool in tools if self.may_use(tool.name))


def refused(call: ToolCall) -> ToolOutcome:
    """The answer to a call of a tool that the agent has not: models call what they were not offered, too."""
    text = f"you have no tool {call.name[:60]!r}: use one of those that you were given"
    return ToolOutcome(ToolResult(call.id, text, is_error=True), changed=False, error_kind="unknown_tool")


class Agents:
    """Configurations by their content, so that what was read once stays true."""

    def __init__(self, store: AgentStore) -> None:
        self._store = store
        self._kept: OrderedDict[ConfigHash, AgentConfig] = OrderedDict()

    async def worker(self, choice: AgentChoice) -> Worker:
        """Raises ConfigError where the store lacks the configuration."""
        if choice.config is None:
            return Worker(choice, context=choice.context or ContextStrategy())
        config = await self._config(choice.config, choice)
        return Worker(choice, config, choice.context or config.context)

    async def _config(self, content: ConfigHash, choice: AgentChoice) -> AgentConfig:
        found = self._kept.get(content)
        if found is None:
            found = await self._store.read_config(content)
            if found is None:
                raise ConfigError(
                    f"the store has no configuration {content!r}, which {choice.label} is",
                    hint="the run was started with another database: restore that one, or start a new run",
                )
            self._kept[content] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

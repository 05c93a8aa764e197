"""Names to adapters, loaded when first asked for.

Built-in adapters are named as `"module:Class"`, so that listing them imports nothing. Third-party ones come
by entry points (`tamma.providers`, `tamma.platforms`), whose files are read and whose code is not run: one
that is broken is listed with its problem and disturbs no other.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import Distribution, distributions
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast, runtime_checkable

from tamma import __version__
from tamma.errors import ConfigError
from tamma.model.references import PLAIN_GIT

if TYPE_CHECKING:
    from tamma.platforms.interface import PlatformPlugin
    from tamma.providers.interface import ProviderPlugin

PROVIDERS: Mapping[str, str] = {
    "anthropic-claude": "tamma.providers.anthropic.provider:AnthropicClaude",
    "gemini": "tamma.providers.gemini.provider:Gemini",
    "github-copilot": "tamma.providers.copilot.provider:GitHubCopilot",
    "local-llm": "tamma.providers.local.provider:LocalLLM",
    "openai": "tamma.providers.openai.provider:OpenAI",
    "opencode": "tamma.providers.opencode.provider:OpenCode",
    "openrouter": "tamma.providers.openrouter.provider:OpenRouter",
    "scripted": "tamma.providers.scripted.provider:Scripted",
    "zai": "tamma.providers.zai.provider:Zai",
    "zen-mcp": "tamma.providers.mcp.provider:ZenMcp",
}
PLATFORMS: Mapping[str, str] = {
    "azure-devops": "tamma.platforms.azure.platform:AzureDevOps",
    "bitbucket": "tamma.platforms.bitbucket_cloud.platform:BitbucketCloud",
    "bitbucket-dc": "tamma.platforms.bitbucket_dc.platform:BitbucketDataCenter",
    "forgejo": "tamma.platforms.gitea.platform:Forgejo",
    "gitea": "tamma.platforms.gitea.platform:Gitea",
    "github": "tamma.platforms.github.platform:GitHub",
    "gitlab": "tamma.platforms.gitlab.platform:GitLab",
    "jira": "tamma.platforms.jira.platform:Jira",
    "memory": "tamma.platforms.memory.platform:MemoryPlatform",
    PLAIN_GIT: "tamma.platforms.plain.platform:PlainGit",
}

T = TypeVar("T")
_TARGET = re.compile(r"[\w.]+(:[\w.]+)?")


@dataclass(frozen=True, slots=True)
class Entry:
    """One declared name, read without importing what it names."""

    name: str
    target: str
    """`"module:Class"`, or what a third party's entry point says."""
    version: str
    """Of the distribution that declares it."""
    distribution: str | None = None
    """The third party's distribution; None for what is Tamma's own."""
    problem: str | None = None
    """Why the name cannot be used, as far as that shows without loading it."""


@runtime_checkable
class Examined(Protocol):
    """What can say more about itself than that it was found: third-party plugins, which load elsewhere."""

    def examine(self) -> str | None:
        """What is wrong, as a sentence; None where nothing is."""
        ...


class Registry(Generic[T]):
    """One kind of adapter: register, get, list.

    `own` and `foreign` are targets that make a `T` of an Entry: of one of ours, whose class is loaded into
    this process, and of a third party's, whose code need not be. Without them the class itself is the `T`.
    """

    def __init__(
        self,
        kind: str,
        builtin: Mapping[str, str],
        group: str,
        *,
        own: str | None = None,
        foreign: str | None = None,
    ) -> None:
        self._kind = kind
        self._own = {name: Entry(name, target, __version__) for name, target in builtin.items()}
        self._group = group
        self._makers = {"own": own, "foreign": foreign}
        self._foreign: tuple[Entry, ...] | None = None
        self._loaded: dict[str, T] = {}

    def register(self, name: str, target: str) -> None:
        """Add or replace `name`, trusted as what is built in; `target` is `"module:Class"`."""
        self._own[name] = Entry(name, target, __version__)
        self._foreign = None
        self._loaded.pop(name, None)

    def list(self) -> tuple[Entry, ...]:
        """Everything declared, also what cannot be used; by name. Imports none of it."""
        if self._foreign is None:
            self._foreign = tuple(_judged(_declared(self._group), self._own, self._kind))
        everything = [*self._own.values(), *self._foreign]
        return tuple(sorted(everything, key=lambda entry: (entry.name, entry.distribution or "")))

    def names(self) -> tuple[str, ...]:
        """The names that `get` takes."""
        return tuple(entry.name for entry in self.list() if entry.problem is None)

    def get(self, name: str) -> T:
        """What is registered as `name`. Raises ConfigError saying what there is, or what is wrong with it."""
        if name not in self._loaded:
            self._loaded[name] = self._load(self._find(name))
        return self._loaded[name]

    def examine(self, entry: Entry) -> str | None:
        """What is wrong with `entry`, as a sentence; unlike `list`, this loads it. None: nothing is."""
        if entry.problem is not None:
            return entry.problem
        try:
            loaded = self.get(entry.name)
        except ConfigError as error:
            return str(error)
        return loaded.examine() if isinstance(loaded, Examined) else None

    def _find(self, name: str) -> Entry:
        if name in self._own:
            return self._own[name]
        found = [entry for entry in self.list() if entry.name == name]
        if not found:
            raise ConfigError(f"there is no {self._kind} called {name!r}", hint=_instead(name, self.names()))
        if found[0].problem is not None:
            raise ConfigError(f"the {self._kind} {name!r} cannot be used: {found[0].problem}")
        return found[0]

    def _load(self, entry: Entry) -> T:
        maker = self._makers["own" if entry.distribution is None else "foreign"]
        if maker is None:
            return cast("T", load_class(entry, self._kind))
        make = cast("Callable[[Entry], T]", imported(maker))
        return make(entry)


def load_class(entry: Entry, kind: str) -> type:
    """The class that `entry` names, imported into this process. Raises ConfigError."""
    # A third party's module may fail in any way; in ours, another error is a bug that must show itself.
    expected = (ImportError, AttributeError) if entry.distribution is None else Exception
    try:
        loaded = imported(entry.target)
    except expected as error:
        raise ConfigError(
            f"the {kind} {entry.name!r} ({entry.target}) cannot be loaded: {error}",
            hint="is its package installed? Optional ones are extras, e.g. pip install 'tamma[all]'",
        ) from error
    if not isinstance(loaded, type):
        raise ConfigError(f"the {kind} {entry.name!r} ({entry.target}) is not a class")
    return loaded


def imported(target: str) -> Any:
    """What `"module:attribute"` (or `"module"`) names. Raises what its import raises, and AttributeError."""
    module_name, _, attributes = target.partition(":")
    found: Any = import_module(module_name)
    for attribute in filter(None, attributes.split(".")):
        found = getattr(found, attribute)
    return found


def _instead(name: str, names: tuple[str, ...]) -> str:
    """What to do about an unknown `name`."""
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"{meant}choose one of: {', '.join(names)}"


# --- what others declare ---


def _declared(group: str) -> Iterator[Entry]:
    """The entry points of `group`, those of an unreadable distribution too.

    Not by `importlib.metadata.entry_points`, where one malformed file in the environment fails the call.
    """
    seen: set[str] = set()
    for distribution in distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
        except (OSError, UnicodeDecodeError):
            continue  # no way to tell that it means us
        if f"[{group}]" not in text.replace(" ", ""):
            continue
        name, version = _identity(distribution)
        if name not in seen:  # found again further down sys.path: the first one is what an import finds
            seen.add(name)
            yield from _in_section(text, group, name, version)


def _identity(distribution: Distribution) -> tuple[str, str]:
    """Name and version, or what stands for them where the metadata are broken."""
    try:
        metadata = cast("Mapping[str, str | None]", distribution.metadata or {})
        name, version = metadata.get("Name"), metadata.get("Version")
    except (OSError, ValueError, ImportError):  # missing or undecodable: it differs between Pythons
        name = version = None
    return name or f"an unnamed package in {distribution.locate_file('')}", version or "unknown"


def _in_section(text: str, group: str, distribution: str, version: str) -> Iterator[Entry]:
    section = ""
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == group and line and not line.startswith(("#", ";")):
            name, _, target = (part.strip() for part in line.partition("="))
            target = target.partition("[")[0].strip()  # an extra, which nothing reads any more
            problem = None if name and _TARGET.fullmatch(target) else f"{line!r} is no entry point"
            yield Entry(name, target, version, distribution, problem)


def _judged(found: Iterable[Entry], own: Mapping[str, Entry], kind: str) -> Iterator[Entry]:
    """`found`, each with what is wrong with it beside the others.

    Of two distributions with one name neither is used: the other's would be handed the first one's key.
    """
    entries = list(found)
    for entry in entries:
        rivals = sorted(
            {str(other.distribution) for other in entries if other.name == entry.name} - {entry.distribution}
        )
        if entry.problem is not None:
            yield entry
        elif entry.name in own:
            yield replace(entry, problem=f"{entry.distribution} declares the name of a built-in {kind}")
        elif rivals:
            names = " and ".join(sorted([str(entry.distribution), *rivals]))
            yield replace(entry, problem=f"{names} declare the same name: uninstall all but one")
        else:
            yield entry


providers: Registry[ProviderPlugin] = Registry(
    "provider",
    PROVIDERS,
    "tamma.providers",
    own="tamma.providers.plugins.built_in:BuiltIn",
    foreign="tamma.providers.plugins.hosted:HostedPlugin",
)
platforms: Registry[PlatformPlugin] = Registry(
    "platform",
    PLATFORMS,
    "tamma.platforms",
    own="tamma.platforms.plugins.built_in:BuiltIn",
    foreign="tamma.platforms.plugins.hosted:HostedPlugin",
)

"""The configuration's shape: what may stand in `config.json`, with every default.

Keys are camelCase, as in the specification. A secret is never a value here but a reference: `env:NAME` or
`file:PATH` (see `secrets`).
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

# The values of the model's own types, without their import (48 ms); a test holds the two together.
Approve = Literal["none", "plan", "merge", "all"]
Merge = Literal["auto", "never"]
MergeMethod = Literal["merge", "squash", "rebase"]
PlatformType = Literal[
    "github", "gitlab", "gitea", "forgejo", "bitbucket", "azure-devops", "plain-git", "memory"
]
Mode = Literal["standalone", "orchestrator", "worker"]
LogLevel = Literal["trace", "debug", "info", "warn", "error"]
Seconds = Annotated[float, Field(gt=0)]
Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, Field(min_length=1, pattern=r"^[^\s\[\]]+$")]
Dollars = Annotated[Decimal, Field(ge=0)]
JsonObject = dict[str, JsonValue]


class Section(BaseModel):
    """Strict about keys: a misspelt one must not be ignored in silence."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=False,
    )


class PriceConfig(Section):
    """US dollars for a million tokens."""

    input_mtok: Dollars
    output_mtok: Dollars
    cache_read_mtok: Dollars | None = None
    cache_write_mtok: Dollars | None = None


class DefaultParams(Section):
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(gt=0)] | None = None


class ProviderConfig(Section):
    """One provider's account. `provider_id` is its name, on the command line too."""

    provider_id: Name
    provider_type: str
    """A name of `registry.PROVIDERS`, or a plugin's."""
    api_key: str | None = None
    base_url: str | None = None
    model: str | None = None
    default_params: DefaultParams = Field(default_factory=DefaultParams)
    price: PriceConfig | None = None
    timeout: Seconds = 600.0
    """Seconds for a whole call."""
    stall_timeout: Seconds = 120.0
    """Seconds without a byte, after which a stream counts as dead."""
    context_window: Annotated[int, Field(gt=0)] | None = None
    headers: dict[str, str] = {}
    """Sent with every request. Values may be references."""
    options: JsonObject = {}


class ProvidersConfig(Section):
    default: str = "anthropic-claude"
    available: tuple[ProviderConfig, ...] = ()


class Credentials(Section):
    access_token: str | None = None
    username: str | None = None


class PlatformConfig(Section):
    """One platform's account. `platform_id` is the host that repositories' addresses name."""

    platform_id: Name
    platform_type: PlatformType
    base_url: str | None = None
    auth_type: Literal["oauth", "pat", "app", "ssh"] = "pat"
    credentials: Credentials = Field(default_factory=Credentials)
    clone_url: str | None = None
    """A template of the address to clone from, `{owner}` and `{name}` filled in."""
    delivery: Literal["push", "api"] = "push"
    timeout: Seconds = 30.0
    options: JsonObject = {}


class PlatformsConfig(Section):
    available: tuple[PlatformConfig, ...] = ()


class DatabaseConfig(Section):
    """Either `url` or `host` and its companions; neither means the embedded PostgreSQL."""

    url: str | None = None
    """An address without a password, or a reference to a whole one (`env:DATABASE_URL`)."""
    host: str | None = None
    port: Port = 5432
    database: str = "tamma"
    user: str = "tamma"
    password: str | None = None


class TlsConfig(Section):
    """Paths of PEM files."""

    server_name: str | None = None
    ca: str | None = None
    client_cert: str | None = None
    client_key: str | None = None


class TemporalConfig(Section):
    address: str | None = None
    """HOST:PORT; none means the embedded server."""
    namespace: Name = "default"
    api_key: str | None = None
    tls: bool | TlsConfig | None = None
    """None: yes exactly where there is an API key."""


class WorkerConfig(Section):
    max_concurrent_tasks: Annotated[int, Field(ge=1, le=64)] = 1
    workspaces_dir: str | None = None
    """None: TAMMA_HOME/workspaces."""
    host: Name | None = None
    """The name of this host's own task queue; None: the host's name."""
    orchestrator_url: str | None = None
    """Accepted because the specification has it; work comes from `temporal.address`."""
    poll_interval: float | None = None
    """Likewise: Temporal's workers poll by themselves."""


class OrchestratorConfig(Section):
    host: str = "127.0.0.1"
    port: Port = 3000
    max_workers: Annotated[int, Field(ge=1)] | None = None
    task_queue_size: Annotated[int, Field(ge=1)] | None = None


class SandboxConfig(Section):
    allow_none: bool = False
    """Run a repository's commands without any sandbox, where no tier works on this machine."""


class RunConfig(Section):
    """How runs go, unless a command says otherwise."""

    approve: Approve = "none"
    merge: Merge = "auto"
    merge_method: MergeMethod = "squash"
    budget_usd: Dollars = Decimal("3.00")
    max_turns: Annotated[int, Field(ge=1, le=10_000)] = 100
    test_command: str | None = None
    review: bool = True
    sandbox: SandboxConfig = Field(default_factory=SandboxConfig)
    protected_paths: tuple[str, ...] = ()
    """Globs: a change that touches them waits for a person."""


class TammaConfig(Section):
    """The whole configuration."""

    version: str = "1.0"
    mode: Mode = "standalone"
    log_level: LogLevel = "info"
    providers: ProvidersConfig = Field(default_factory=ProvidersConfig)
    platforms: PlatformsConfig = Field(default_factory=PlatformsConfig)
    database: DatabaseConfig = Field(default_factory=DatabaseConfig)
    temporal: TemporalConfig = Field(default_factory=TemporalConfig)
    worker: WorkerConfig = Field(default_factory=WorkerConfig)
    orchestrator: OrchestratorConfig = Field(default_factory=OrchestratorConfig)
    run: RunConfig = Field(default_factory=RunConfig)


_DEMO_SCRIPT = str(Path(__file__).parents[1] / "demo" / "turns.json")
"""What `scripted` plays unless an entry names another file: the turns of `tamma demo`."""

BUILT_IN: JsonObject = {
    "providers": {
        "available": [
            {
                "providerId": "anthropic-claude",
                "providerType": "anthropic-claude",
                "apiKey": "env:ANTHROPIC_API_KEY",
            },
            {
                "providerId": "local-llm",
                "providerType": "local-llm",
                "baseUrl": "http://127.0.0.1:11434/v1",
            },
            {"providerId": "scripted", "providerType": "scripted", "options": {"script": _DEMO_SCRIPT}},
        ]
    },
    "platforms": {
        "available": [
            {
                "platformId": "github.com",
                "platformType": "github",
                "credentials": {"accessToken": "env:GITHUB_TOKEN"},
            },
            {"platformId": "plain-git", "platformType": "plain-git", "authType": "ssh"},
        ]
    },
}
"""The accounts that need no configuration; a file's entry of the same id changes or completes them."""

"""The configuration's shape: what may stand in `config.json`, with every default.

Keys are camelCase, as in the specification. A secret is never a value here but a reference: `env:NAME`,
`file:PATH` or `keyring:SERVICE/NAME` (see `secrets`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from tamma.config.built_in import BUILT_IN as BUILT_IN
from tamma.config.schema_agents import AgentsConfig
from tamma.config.schema_platforms import PlatformsConfig
from tamma.config.schema_selection import SelectionConfig
from tamma.config.section import JsonObject, Name, Seconds, Section, listed
from tamma.model.tries import MOST

# The values of the model's own types, without their import (48 ms); a test holds the two together.
Approve = Literal["none", "plan", "merge", "all"]
Merge = Literal["auto", "never"]
MergeMethod = Literal["merge", "squash", "rebase"]
NewDependencies = Literal["allow", "ask", "refuse"]
Coordination = Literal["wait", "tell"]
WorkflowType = Literal["autonomous-dev", "manual-assist"]
Mode = Literal["standalone", "orchestrator", "worker"]
LogLevel = Literal["trace", "debug", "info", "warn", "error"]
Port = Annotated[int, Field(ge=1, le=65535)]
Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000)]
ChainLink = Annotated[str, Field(pattern=r"^[^\s/]+(/\S+)?$")]
Chain = Annotated[tuple[ChainLink, ...], BeforeValidator(listed)]


class PriceConfig(Section):
    """US dollars for a million tokens. It wins over the price data that comes with Tamma."""

    input_mtok: Dollars
    """Input tokens that no cache held."""
    output_mtok: Dollars
    """Output tokens, reasoning included."""
    cache_read_mtok: Dollars | None = None
    """Input tokens read from the service's cache. None: as `inputMtok`."""
    cache_write_mtok: Dollars | None = None
    """Input tokens written to it. None: as `inputMtok`."""


class DefaultParams(Section):
    """What every call of that provider asks for, where the model takes it."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """None: the service's own. Left out, with a line in the log, for models that refuse it."""
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    """The longest answer, in tokens. None: for Claude 32,000 or what the model allows, else the server's."""


class CapabilitiesConfig(Section):
    """What models can do. None: what the catalogue or the service says."""

    tools: bool | None = None
    """False: tools are called by a text protocol, for models that were not trained to call any."""
    forced_tool: bool | None = None
    """Whether it can be told that it must call one."""
    parallel_tools: bool | None = None
    """Whether it may call several at once."""
    vision: bool | None = None
    """Whether it sees pictures."""
    structured_output: bool | None = None
    """Whether it can be held to a JSON schema."""
    reasoning_levels: tuple[Literal["low", "medium", "high", "xhigh", "max"], ...] | None = None
    """How hard it can be asked to think."""
    sampling_params: bool | None = None
    """Whether it takes a temperature."""
    prompt_cache: bool | None = None
    """Whether parts of a prompt are marked for its cache."""
    max_output: Annotated[int, Field(gt=0)] | None = None
    """Tokens."""


class ProviderConfig(Section):
    """One provider's account."""

    provider_id: Name
    """The entry's name, on the command line too. `name` is understood as well."""
    provider_type: str
    """What it speaks: one of `tamma providers list --types`."""
    api_key: str | None = None
    """A reference: `env:NAME`, `file:PATH` or `keyring:SERVICE/NAME`."""
    base_url: str | None = None
    """The service's address. None: the one that the type knows."""
    model: str | None = None
    """None: the type's default; for `local-llm` the first model that the server lists."""
    priority: int | None = None
    """Its place among the `fallbacks`, lowest first. None: it is none."""
    capabilities: CapabilitiesConfig = Field(default_factory=CapabilitiesConfig)
    """What you know better than Tamma's catalogue of this entry's models."""
    max_concurrent: Annotated[int, Field(ge=1)] | None = None
    """Calls at once from one worker."""
    requests_per_minute: Annotated[float, Field(gt=0)] | None = None
    """Calls that one worker begins in a minute."""
    default_params: DefaultParams = Field(default_factory=DefaultParams)
    price: PriceConfig | None = None
    """None: the price data that comes with Tamma; models it does not know cost an unknown sum."""
    timeout: Seconds = 600.0
    """Seconds for a whole call."""
    stall_timeout: Seconds = 120.0
    """Seconds without a byte, after which a stream counts as dead."""
    context_window: Annotated[int, Field(gt=0)] | None = None
    """Tokens. None: what the catalogue knows of the model, else 128,000."""
    headers: dict[str, str] = Field(default_factory=dict[str, str])
    """Sent with every request. Values may be references."""
    options: JsonObject = Field(default_factory=JsonObject)
    """What only this type understands."""


class StepsConfig(Section):
    """Who works on a step of a run: `PROVIDER` or `PROVIDER/MODEL`, or a list of which the first that can
    answers. None: the run's own provider. `--provider` and `--model` of a run go before all of them."""

    plan: Chain | None = None
    """Reading the issue, planning the change."""
    test: Chain | None = None
    """Writing the test that shows the problem."""
    implement: Chain | None = None
    """Making the change."""
    fix: Chain | None = None
    """Mending what tests, checks or the review found."""
    stuck: Chain | None = None
    """Taking over, to the end of a stage, where the agent goes in circles: a stronger model. None: a person
    is asked."""
    review: Chain | None = None
    """Reading the change before it is published."""


class ProvidersConfig(Section):
    """The services that models are asked from."""

    default: str = "anthropic-claude"
    """The `providerId` that runs use unless `--provider` names another."""
    steps: StepsConfig = Field(default_factory=StepsConfig)
    fallbacks: tuple[ChainLink, ...] | None = None
    """Who answers where the chosen one cannot: no credit, a wrong key, down for long. None: the entries that
    have a `priority`, lowest first."""
    available: tuple[ProviderConfig, ...] = ()
    """One entry an account; an entry whose id is built in changes or completes that one."""


class DatabaseConfig(Section):
    """Either `url` or `host` and its companions; neither means the embedded PostgreSQL."""

    url: str | None = None
    """An address without a password, or a reference to a whole one (`env:DATABASE_URL`)."""
    host: str | None = None
    """The server's name, where there is no `url`."""
    port: Port = 5432
    database: str = "tamma"
    user: str = "tamma"
    password: str | None = None
    """A reference: `env:NAME`, `file:PATH` or `keyring:SERVICE/NAME`."""


class TlsConfig(Section):
    """Paths of PEM files."""

    server_name: str | None = None
    """The name that the server's certificate must have. None: the address's."""
    ca: str | None = None
    """Who signed the server's certificate. None: the system's authorities."""
    client_cert: str | None = None
    client_key: str | None = None


class TemporalConfig(Section):
    """The Temporal server."""

    address: str | None = None
    """HOST:PORT; none means the embedded server."""
    namespace: Name = "default"
    """It must exist. The embedded server has `default` alone."""
    api_key: str | None = None
    """A reference: `env:NAME`, `file:PATH` or `keyring:SERVICE/NAME`. For Temporal Cloud."""
    tls: bool | TlsConfig | None = None
    """True, false, or an object of the keys below. None: yes exactly where there is an API key."""


class WorkerConfig(Section):
    """The worker on this host."""

    max_concurrent_tasks: Annotated[int, Field(ge=1, le=64)] = 1
    """Limits the workspace activities (clones, commands, tests) that run at once, to this number and one
    more. It does not limit how many runs are open."""
    max_workspaces: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Workspaces that this worker holds at once: a run has one from its context to its end, also while it
    waits for people. Runs beyond them wait for a free one. None: as many as are asked for."""
    max_model_calls: Annotated[int, Field(ge=1, le=1000)] = 20
    """Model calls of this worker at once."""
    model_calls_per_second: Annotated[float, Field(gt=0)] | None = None
    """Model calls that Temporal hands out in a second, over all workers of the queue; they should agree."""
    workspaces_dir: str | None = None
    """None: TAMMA_HOME/workspaces."""
    host: Name | None = None
    """The name of this host's own task queue; None: the host's name."""
    install_hosts: tuple[str, ...] = ()
    """More hosts that a project's installers may reach, of cargo's or Go's registries for example. Those
    of pip and npm are found out by asking them."""
    orchestrator_url: str | None = None
    """Accepted because the specification has it; work comes from `temporal.address`."""
    poll_interval: float | None = None
    """Likewise: Temporal's workers poll by themselves."""


class OrchestratorConfig(Section):
    """Accepted because the specification has it. There is no HTTP gateway yet: nothing here has an effect."""

    host: str = "127.0.0.1"
    port: Port = 3000
    max_workers: Annotated[int, Field(ge=1)] | None = None
    task_queue_size: Annotated[int, Field(ge=1)] | None = None


class SandboxConfig(Section):
    """How a repository's commands are confined."""

    allow_none: bool = False
    """Run a repository's commands without any sandbox, where no tier works on this machine."""


class ChecksConfig(Section):
    """How a run watches the checks (CI) of what it published."""

    grace: Annotated[float, Field(ge=0, le=86_400)] = 30.0
    """Seconds to wait for a first check to appear; without one by then, there are none."""
    poll: Seconds = 15.0
    """Seconds between two looks at checks, reviews and mergeability."""


class PlanningConfig(Section):
    """When a run asks what its issue means."""

    ambiguity: Annotated[float, Field(ge=0, le=1)] = 0.7
    """A plan rates, from 0 to 1, how far its issue leaves open what is wanted. Above this, a person is asked.
    1: never."""


class RunConfig(Section):
    """How runs go, unless a command says otherwise."""

    workflow_type: WorkflowType = "autonomous-dev"
    """`manual-assist` pushes nothing: it suggests a patch, and waits for a person at every gate."""
    approve: Approve = "none"
    """Which steps wait for a person. A change of protected paths waits in any case."""
    merge: Merge = "auto"
    """`never` leaves the pull request, or the branch, to you."""
    merge_method: MergeMethod = "squash"
    """How pull requests are merged. Plain Git fast-forwards, or merges."""
    budget_usd: Dollars = Decimal("3.00")
    """US dollars of a run, after which it waits for `tamma budget add`."""
    max_turns: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Model calls of the agent in a run, after which it waits likewise."""
    max_hours: Annotated[float, Field(ge=0, le=10_000)] = 24.0
    """Hours of work, after which it waits likewise; waiting does not count. 0: as long as it takes."""
    remind_after: Annotated[float, Field(ge=0)] = 24 * 3600.0
    """Seconds that a run waits for a person before it says so on the pull request or the issue. 0: never."""
    escalate_after: Annotated[float, Field(ge=0)] = 72 * 3600.0
    """Seconds after which it calls `people` by name and puts on the label `needsHuman`. 0: never."""
    best_of: Annotated[int, Field(ge=1, le=MOST)] = 1
    """Tries at the change, side by side, of which the best is taken: judged by the tests, then by the review.
    All of them share the run's budget and turns; where these are too small for so many, there are fewer."""
    test_command: str | None = None
    """A shell command. None: found by looking at the repository's files."""
    review: bool = True
    """Whether a second conversation with the model reads the change before it is published."""
    new_dependencies: NewDependencies = "ask"
    """Whether a change may make a project depend on more packages, or other major versions; `ask`: a person
    says so. What looks like an attack is asked about anyway."""
    coordination: Coordination = "wait"
    """Whether a run waits for issues that its own depends on, and for earlier runs of the repository whose
    plans name the same files; `tell`: it only says so."""
    sandbox: SandboxConfig = Field(default_factory=SandboxConfig)
    protected_paths: tuple[str, ...] = ()
    """Globs: a change that touches them waits for a person."""
    checks: ChecksConfig = Field(default_factory=ChecksConfig)
    planning: PlanningConfig = Field(default_factory=PlanningConfig)


class QualityConfig(Section):
    """How good runs' work was: see docs/agents.md."""

    revert_window_days: Annotated[float, Field(ge=0, le=365)] = 14
    """Days after its merge within which a revert of a change counts against its run. 0: nobody looks."""


class McpServerConfig(Section):
    """A server of the Model Context Protocol, whose tools agents may use beside their own: a `command` or a
    `url`. A command runs outside of the sandbox, with your rights: name only servers that you trust."""

    command: str | None = None
    """The program to start, spoken to over its standard streams. It runs in your home folder."""
    args: tuple[str, ...] = ()
    """Its arguments. Others can see them: secrets belong into `env`."""
    env: dict[str, str] = Field(default_factory=dict[str, str])
    """Environment variables; beside them it sees PATH, HOME and LANG alone. Values may be references."""
    url: str | None = None
    """The address of a streamable HTTP server. Plain http is for this machine alone."""
    headers: dict[str, str] = Field(default_factory=dict[str, str])
    """Sent with every request to `url`. Values may be references."""
    tools: tuple[str, ...] | None = None
    """The tools that agents may use. None: all that the server has."""
    timeout: Seconds = 300.0
    """Seconds for one call of a tool."""


class SharingConfig(Section):
    """What `tamma perf share` may write for others: sums with noise, of groups of repositories. Nothing is
    ever sent by itself. docs/privacy.md says what is promised, and what is not."""

    enabled: bool = False
    """Whether anything may be written."""
    epsilon: Annotated[float, Field(ge=0.01, le=10)] = 1.0
    """How much one month's release may tell of one repository: less is more private, and noisier."""
    min_group: Annotated[int, Field(ge=3, le=1000)] = 10
    """Groups of fewer runs, or of fewer repositories, are left out."""
    total_epsilon: Annotated[float, Field(gt=0, le=100)] = 12.0
    """What all releases together may tell of one repository, for good. Then no more are made."""


ServerName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,32}$")]


class TammaConfig(Section):
    """The whole configuration."""

    version: str = "1.0"
    """The version of the file's form."""
    mode: Mode = "standalone"
    """What a process is: `standalone` starts its own servers and worker. `orchestrator` serves workflows and
    platforms, `worker` models and workspaces, both against given servers."""
    log_level: LogLevel = "info"
    """What a worker logs, from that level on."""
    providers: ProvidersConfig = Field(default_factory=ProvidersConfig)
    platforms: PlatformsConfig = Field(default_factory=PlatformsConfig)
    agents: AgentsConfig = Field(default_factory=AgentsConfig)
    database: DatabaseConfig = Field(default_factory=DatabaseConfig)
    temporal: TemporalConfig = Field(default_factory=TemporalConfig)
    worker: WorkerConfig = Field(default_factory=WorkerConfig)
    orchestrator: OrchestratorConfig = Field(default_factory=OrchestratorConfig)
    run: RunConfig = Field(default_factory=RunConfig)
    selection: SelectionConfig = Field(default_factory=SelectionConfig)
    quality: QualityConfig = Field(default_factory=QualityConfig)
    sharing: SharingConfig = Field(default_factory=SharingConfig)
    mcp_servers: dict[ServerName, McpServerConfig] = Field(default_factory=dict[str, McpServerConfig])
